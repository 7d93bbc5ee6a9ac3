/** What an object or a list that was parsed from a text remembers of that text, so that it can be written as it was. */

/** A text that was parsed. */
export interface JsonDocument {
  readonly text: string;
}

/** Where a container and its members are in the text, and what they were then. Offsets are of the text. */
export interface JsonSource {
  readonly document: JsonDocument;
  /** How many containers it is in. */
  readonly depth: number;
  readonly start: number;
  /** Behind its last character. */
  readonly end: number;
  /** Of an object: the keys in the order of the text, which is not always that of the object; undefined for a list. */
  readonly keys: readonly string[] | undefined;
  /** Where the keys begin; the same as `starts` for a list. */
  readonly keyStarts: readonly number[];
  /** Where the values begin and end. */
  readonly starts: readonly number[];
  readonly ends: readonly number[];
  /** The values as they were parsed. */
  readonly values: readonly unknown[];
}

const sources = new WeakMap<object, JsonSource>();
const defaults = new WeakMap<object, Map<string, unknown>>();

/** Where a parsed object or list comes from; undefined for one that was made otherwise. */
export function sourceOf(value: unknown): JsonSource | undefined {
  return typeof value === "object" && value !== null ? sources.get(value) : undefined;
}

/** Says where an object or list comes from. */
export function setSource(value: object, source: JsonSource): void {
  sources.set(value, source);
}

/**
 * Makes a changed copy known as what it is a copy of, so that what is the same in both is written as it was.
 *
 * @returns The copy.
 */
export function asCopyOf<T extends object>(copy: T, original: object): T {
  const source = sources.get(original);
  if (source !== undefined) {
    sources.set(copy, source);
  }
  const own = defaults.get(original);
  if (own !== undefined) {
    defaults.set(copy, own);
  }
  return copy;
}

/** Gives an object a field that its text does not have; as long as it stays what it is, it is not written. */
export function setDefault(object: Record<string, unknown>, key: string, value: unknown): void {
  object[key] = value;
  const own = defaults.get(object) ?? new Map<string, unknown>();
  own.set(key, value);
  defaults.set(object, own);
}

/** True for a field that {@link setDefault} added and that is still empty. */
export function isDefault(object: object, key: string, value: unknown): boolean {
  const own = defaults.get(object);
  return (
    own?.has(key) === true &&
    Object.is(own.get(key), value) &&
    (typeof value !== "object" || value === null || Object.keys(value).length === 0)
  );
}

/** The text of a member as it was written, where it still has the value that it had then. */
export function writtenAs(source: JsonSource, index: number, value: unknown): string | undefined {
  return Object.is(source.values[index], value)
    ? source.document.text.slice(source.starts[index], source.ends[index])
    : undefined;
}
