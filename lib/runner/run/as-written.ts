/** Values of JSON with what JavaScript would lose of them. */
import { sourceOf } from "../notebook/json/index.ts";
import { numberAsWritten } from "./spelled-number.ts";

/**
 * A value that was parsed from JSON, with its numbers as they were spelled and its objects as maps with their keys in the order of the text:
 * JavaScript has 1 for 1.0, and 2 before 10 as keys.
 *
 * @param value What `parseJsonText` gave and nobody has changed since, or plain data with such things in it.
 */
export function asWritten(value: unknown): unknown {
  const source = sourceOf(value);
  if (source === undefined) {
    return unparsed(value);
  }
  const { document, starts, ends, values, keys } = source;
  const exact = values.map((member, index) =>
    typeof member === "number" && Number.isFinite(member)
      ? numberAsWritten(document.text.slice(starts[index], ends[index]))
      : asWritten(member),
  );
  // Of a key that is written twice the last value counts, in the place of the first: a map has it so.
  return keys === undefined ? exact : new Map(keys.map((key, index) => [key, exact[index]]));
}

function unparsed(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(asWritten);
  }
  const isPlain = typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
  return isPlain ? new Map(Object.entries(value).map(([key, member]) => [key, asWritten(member)])) : value;
}
