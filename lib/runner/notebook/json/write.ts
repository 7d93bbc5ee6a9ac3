/** Writes JSON so that of a text that was parsed only what has changed since is written anew. */
import { isDefault, type JsonDocument, type JsonSource, sourceOf, writtenAs } from "./source.ts";

/** How JSON is laid out. */
export interface JsonStyle {
  /** Of one level; empty for everything on one line. */
  readonly indent: string;
  readonly newline: "\n" | "\r\n";
  /** Between a key and its value. */
  readonly colon: string;
  /** Behind the comma of lists and objects on one line. */
  readonly space: string;
  /** Whether all but ASCII is escaped. */
  readonly ascii: boolean;
  /** Whether keys are sorted, as nbformat has them. */
  readonly sorted: boolean;
}

/** nbformat's own, but for the order of keys, which is what the writer of an object chose. */
export const nbformatStyle: JsonStyle = {
  indent: " ",
  newline: "\n",
  colon: ": ",
  space: " ",
  ascii: false,
  sorted: false,
};

/** The style of a JSON text; whether its keys are sorted is seen from what was parsed of it, see {@link isSorted}. */
export function detectJsonStyle(text: string): Omit<JsonStyle, "sorted"> {
  const [, newline, indent] = /^\s*[{[](\r?\n)([ \t]+)["{[]/.exec(text) ?? [];
  const oneLine = newline === undefined && !/\n/.test(text.trim());
  const colon = /^\s*\{\s*"(?:[^"\\]|\\.)*"([^\S\r\n]*:[^\S\r\n]*)/.exec(text)?.[1] ?? nbformatStyle.colon;
  return {
    indent: indent ?? (oneLine ? "" : nbformatStyle.indent),
    newline: newline === "\r\n" ? "\r\n" : "\n",
    colon,
    space: oneLine && !colon.endsWith(" ") ? "" : " ",
    // biome-ignore lint/suspicious/noControlCharactersInRegex: it is all of ASCII.
    ascii: /\\u(?!00[0-7])[0-9a-fA-F]{4}/.test(text) && !/[^\x00-\x7f]/.test(text),
  };
}

/** Whether all objects of a parsed text have their keys in order. */
export function isSorted(value: unknown): boolean {
  const source = sourceOf(value);
  if (source === undefined) {
    return true;
  }
  const { keys, values } = source;
  return (
    (keys === undefined ||
      keys.every((key, index) => index === 0 || inOrderOfCharacters(keys[index - 1] as string, key) <= 0)) &&
    values.every(isSorted)
  );
}

/** By code points, as Python sorts; UTF-16 sorts what is beyond 16 bits before the last of them. */
function inOrderOfCharacters(a: string, b: string): number {
  const left = [...a];
  const right = [...b];
  for (let index = 0; index < Math.min(left.length, right.length); index++) {
    const difference = (left[index]?.codePointAt(0) ?? 0) - (right[index]?.codePointAt(0) ?? 0);
    if (difference !== 0) {
      return difference;
    }
  }
  return left.length - right.length;
}

/** Whether a parsed object or list is what it was in its text, with all that is in it. */
export function isUnchanged(value: object, source: JsonSource): boolean {
  const { values, keys } = source;
  if (Array.isArray(value)) {
    if (value.length !== values.length) {
      return false;
    }
  } else if (keys !== undefined) {
    const own = Object.entries(value).filter(([key, entry]) => entry !== undefined && !isDefault(value, key, entry));
    if (own.length !== new Set(keys).size) {
      return false;
    }
  }
  return values.every((before, index) => {
    const key = keys?.[index];
    // Of a key that is written twice the last one counts.
    if (key !== undefined && keys !== undefined && keys.lastIndexOf(key) !== index) {
      return true;
    }
    const now = key === undefined ? (value as unknown[])[index] : (value as Record<string, unknown>)[key];
    if (!Object.is(before, now)) {
      return false;
    }
    const inner = sourceOf(now);
    return inner === undefined || isUnchanged(now as object, inner);
  });
}

/** Writes values in a style; what comes from `document` and has not changed is copied from its text. */
export class JsonWriter {
  readonly #style: JsonStyle;
  readonly #document: JsonDocument | undefined;
  readonly #known: WeakMap<object, string>;

  /** @param known Texts of objects that were written before and are still the same. */
  constructor(style: JsonStyle, document?: JsonDocument, known = new WeakMap<object, string>()) {
    this.#style = style;
    this.#document = document;
    this.#known = known;
  }

  /**
   * @param value What to write.
   * @param depth In how many containers it is.
   */
  text(value: unknown, depth = 0): string {
    if (typeof value === "string") {
      return this.#string(value);
    }
    if (typeof value === "number") {
      return Object.is(value, -0) ? "-0" : String(value);
    }
    if (typeof value !== "object" || value === null) {
      return JSON.stringify(value) ?? "null";
    }
    const known = this.#known.get(value);
    if (known !== undefined) {
      return known;
    }
    const source = sourceOf(value);
    if (source === undefined || source.document !== this.#document || source.depth !== depth) {
      return this.#anew(value, source, depth);
    }
    return isUnchanged(value, source)
      ? source.document.text.slice(source.start, source.end)
      : this.#changed(value, source, depth);
  }

  /** A container laid out in the style; numbers that were parsed keep their spelling, and keys their order. */
  #anew(value: object, source: JsonSource | undefined, depth: number): string {
    const spelled = (entry: unknown, index: number | undefined) =>
      (typeof entry === "number" && source !== undefined && index !== undefined
        ? writtenAs(source, index, entry)
        : undefined) ?? this.text(entry, depth + 1);
    if (Array.isArray(value)) {
      return this.#laidOut(
        "[",
        value.map((entry, index) => spelled(entry, index)),
        "]",
        depth,
      );
    }
    const places = placesOf(value, source);
    const keys = orderedKeys(value, source?.keys, this.#style.sorted);
    const members = keys.map(
      (key) =>
        `${this.#string(key)}${this.#style.colon}${spelled((value as Record<string, unknown>)[key], places.get(key))}`,
    );
    return this.#laidOut("{", members, "}", depth);
  }

  #laidOut(open: string, members: readonly string[], close: string, depth: number): string {
    const { indent, newline, space } = this.#style;
    if (members.length === 0) {
      return open + close;
    }
    if (indent === "") {
      return `${open}${members.join(`,${space}`)}${close}`;
    }
    const line = newline + indent.repeat(depth + 1);
    return `${open}${line}${members.join(`,${line}`)}${newline}${indent.repeat(depth)}${close}`;
  }

  /** A container of the document with the text of what is the same, and what stood between. */
  #changed(value: object, source: JsonSource, depth: number): string {
    const { text } = source.document;
    const { keyStarts, starts, ends, values } = source;
    const places = placesOf(value, source);
    const list = Array.isArray(value);
    const keys: (string | number)[] = list
      ? value.map((_, index) => index)
      : orderedKeys(value, source.keys, this.#style.sorted);
    if (keys.length === 0 || values.length === 0 || (list && !value.some((_, index) => places.has(index)))) {
      return this.#anew(value, source, depth);
    }
    const between = this.#separator(source, depth);
    let written = text.slice(source.start, keyStarts[0]);
    let before: number | undefined;
    for (const [index, key] of keys.entries()) {
      const entry = (value as Record<string | number, unknown>)[key];
      const place = places.get(key);
      if (index > 0) {
        const adjacent = before !== undefined && place === before + 1;
        written += adjacent ? text.slice(ends[before as number], keyStarts[place as number]) : between;
      }
      if (place === undefined) {
        written += `${list ? "" : `${this.#string(String(key))}${this.#style.colon}`}${this.text(entry, depth + 1)}`;
      } else {
        const primitive = typeof entry !== "object" || entry === null;
        written += text.slice(keyStarts[place], starts[place]);
        written += (primitive ? writtenAs(source, place, entry) : undefined) ?? this.text(entry, depth + 1);
      }
      before = place;
    }
    return written + text.slice(ends.at(-1), source.end);
  }

  /** What stands between two members. */
  #separator({ document: { text }, keyStarts, ends, start }: JsonSource, depth: number): string {
    if (keyStarts.length > 1) {
      return text.slice(ends[0], keyStarts[1]);
    }
    const opening = text.slice(start + 1, keyStarts[0]);
    const { indent, newline, space } = this.#style;
    return `,${opening.includes("\n") ? opening : indent === "" ? space : opening === "" ? " " : newline + indent.repeat(depth + 1)}`;
  }

  #string(value: string): string {
    const text = JSON.stringify(value);
    return this.#style.ascii
      ? text.replace(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
      : text;
  }
}

/** Which member of the text a key, or an entry of a list, is. */
function placesOf(value: object, source: JsonSource | undefined): Map<string | number, number> {
  const places = new Map<string | number, number>();
  if (source === undefined) {
    return places;
  }
  if (!Array.isArray(value)) {
    for (const [index, key] of (source.keys ?? []).entries()) {
      places.set(key, index);
    }
    return places;
  }
  // Objects are known wherever they are now, other values in the place where they were.
  const objects = new Map<unknown, number>();
  for (const [index, entry] of source.values.entries()) {
    if (typeof entry === "object" && entry !== null) {
      objects.set(entry, index);
    }
  }
  for (const [index, entry] of value.entries()) {
    const own = sourceOf(entry);
    const place =
      objects.get(entry) ??
      (own !== undefined ? source.starts.indexOf(own.start) : Object.is(source.values[index], entry) ? index : -1);
    if (place >= 0 && (own === undefined || own.document === source.document)) {
      places.set(index, place);
    }
  }
  return places;
}

/** The keys that are written: those of the text in its order, new ones behind them, or where they belong in order. */
function orderedKeys(value: object, before: readonly string[] | undefined, sorted: boolean): string[] {
  const own = new Set(
    Object.entries(value)
      .filter(([key, entry]) => entry !== undefined && !isDefault(value, key, entry))
      .map(([key]) => key),
  );
  if (sorted) {
    return [...own].sort(inOrderOfCharacters);
  }
  const kept = [...new Set(before ?? [])].filter((key) => own.has(key));
  const known = new Set(kept);
  return [...kept, ...[...own].filter((key) => !known.has(key))];
}

/** JSON with every number as it was spelled where it was parsed, indented by `indent` or on one line. */
export function stringifyJson(value: unknown, indent = "", sorted = false): string {
  return new JsonWriter({ ...nbformatStyle, indent, sorted, ...(indent === "" && { space: " " }) }).text(value);
}
