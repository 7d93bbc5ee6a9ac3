/** Values that files can hold: hyper-parameters are such. */
import { ConfigurationError } from "../errors.ts";

/** Values that JSON can hold. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json | undefined };

/** Hyper-parameters, as saved in checkpoints. */
export type HyperParameters = { readonly [key: string]: Json | undefined };

/** @throws ConfigurationError naming a value that JSON cannot hold, with its place */
export function checkJson(value: unknown, path: string): void {
  if (value === undefined || value === null || typeof value === "string" || typeof value === "boolean") {
    return;
  }
  if (typeof value === "number") {
    if (Number.isFinite(value)) {
      return;
    }
  } else if (Array.isArray(value)) {
    for (const [i, entry] of value.entries()) {
      checkJson(entry, `${path}[${i}]`);
    }
    return;
  } else if (typeof value === "object" && [Object.prototype, null].includes(Object.getPrototypeOf(value))) {
    for (const [key, entry] of Object.entries(value)) {
      checkJson(entry, `${path}.${key}`);
    }
    return;
  }
  throw new ConfigurationError(path, value, "a value that JSON can hold");
}
