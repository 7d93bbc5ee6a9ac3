/** What is asked of values that nobody has checked. */
import { inspect } from "node:util";

/** Whether a value has fields: an object or an array. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

/** The message of what this package, Node or a library threw; of what is no error, its text. */
export function messageOf(thrown: unknown): string {
  return isObject(thrown) && typeof thrown.message === "string" ? thrown.message : String(thrown);
}

/** The message of what a cell threw, which may be anything: a getter, a Proxy, text that cannot be had. */
export function guardedMessageOf(thrown: unknown): string {
  try {
    const message = isObject(thrown) ? thrown.message : undefined;
    return message === undefined ? inspect(thrown) : String(message);
  } catch {
    return "(its message cannot be read)";
  }
}

/** The code of an error of Node's, such as ENOENT. */
export function codeOf(thrown: unknown): string | undefined {
  return isObject(thrown) && typeof thrown.code === "string" ? thrown.code : undefined;
}

/** The address that an error of Node's loader is about. */
export function urlOf(thrown: unknown): string | undefined {
  return isObject(thrown) && typeof thrown.url === "string" ? thrown.url : undefined;
}

/** Where what was thrown comes from; of what does not tell, its text. */
export function stackOf(thrown: unknown): string {
  return isObject(thrown) && typeof thrown.stack === "string" ? thrown.stack : String(thrown);
}
