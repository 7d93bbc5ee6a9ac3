/** What is asked of values that nobody has checked. */

/** Whether a value has fields: an object or an array. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

/** The message of what was thrown; of what is no error, its text. */
export function messageOf(thrown: unknown): string {
  return isObject(thrown) && typeof thrown.message === "string" ? thrown.message : String(thrown);
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
