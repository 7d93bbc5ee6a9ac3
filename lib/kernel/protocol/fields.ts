/** What a request has in its content, which a client may have got wrong. */
import { isObject } from "../values.ts";
import type { Json } from "./message.ts";

/** A request that is not as the protocol has it. */
export class RequestError extends Error {
  override readonly name = "RequestError";

  constructor(field: string, value: unknown, expected: string) {
    super(`"${field}" in the request is ${shown(value)}; expected ${expected}`);
  }
}

/** A field that is text; empty where it is left out. */
export function textField(content: Json, field: string): string {
  const value = content[field] ?? "";
  if (typeof value !== "string") {
    throw new RequestError(field, value, "text");
  }
  return value;
}

/** A field that is a number; undefined where it is left out. */
export function numberField(content: Json, field: string): number | undefined {
  const value = content[field] ?? undefined;
  if (value !== undefined && typeof value !== "number") {
    throw new RequestError(field, value, "a number");
  }
  return value;
}

/** A field that has texts by name, such as expressions; empty where it is left out. */
export function textsField(content: Json, field: string): Readonly<Record<string, string>> {
  const value = content[field] ?? {};
  if (!isObject(value) || Array.isArray(value)) {
    throw new RequestError(field, value, "texts by name");
  }
  for (const [name, text] of Object.entries(value)) {
    if (typeof text !== "string") {
      throw new RequestError(`${field}.${name}`, text, "text");
    }
  }
  return value as Record<string, string>;
}

function shown(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}
