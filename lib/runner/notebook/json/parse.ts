/**
 * Reads JSON as Python writes it: with `NaN`, `Infinity` and `-Infinity`. Its objects and lists remember how they were
 * written: how numbers are spelled, the order of keys, escapes and layout.
 */
import { type JsonDocument, setSource } from "./source.ts";

/** A text that is not JSON. */
export class JsonError extends Error {
  override readonly name = "JsonError";
  /** From 1. */
  readonly line: number;
  readonly column: number;

  constructor(problem: string, text: string, offset: number) {
    const before = text.slice(0, offset).split("\n");
    const line = before.length;
    const column = (before.at(-1) ?? "").length + 1;
    super(`${problem} (line ${line}, column ${column})`);
    this.line = line;
    this.column = column;
  }
}

/** Deeper than any notebook, as deep as Python reads, and far less deep than the stack, whoever has already used some of it. */
const deepest = 1000;

const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

const words: readonly (readonly [string, unknown])[] = [
  ["true", true],
  ["false", false],
  ["null", null],
  ["NaN", Number.NaN],
  ["Infinity", Number.POSITIVE_INFINITY],
  ["-Infinity", Number.NEGATIVE_INFINITY],
];

/**
 * Parses a text.
 *
 * @throws JsonError for a text that is not JSON, or nested too deeply.
 */
export function parseJsonText(text: string): unknown {
  return new Parser(text).whole();
}

class Parser {
  readonly #text: string;
  readonly #document: JsonDocument;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
    this.#document = { text };
  }

  whole(): unknown {
    // A byte order mark.
    this.#at = this.#text.startsWith("\uFEFF") ? 1 : 0;
    const value = this.#value(0);
    this.#space();
    if (this.#at < this.#text.length) {
      throw this.#error("expected the end");
    }
    return value;
  }

  #value(depth: number): unknown {
    this.#space();
    switch (this.#text.charCodeAt(this.#at)) {
      case 0x22:
        return this.#string();
      case 0x7b:
        return this.#object(depth);
      case 0x5b:
        return this.#list(depth);
    }
    const word = words.find(([name]) => this.#text.startsWith(name, this.#at));
    if (word !== undefined) {
      this.#at += word[0].length;
      return word[1];
    }
    number.lastIndex = this.#at;
    const match = number.exec(this.#text);
    if (match === null) {
      throw this.#error("expected a value");
    }
    this.#at = number.lastIndex;
    return Number(match[0]);
  }

  #object(depth: number): object {
    const start = this.#at;
    const object: Record<string, unknown> = {};
    const keys: string[] = [];
    const keyStarts: number[] = [];
    const starts: number[] = [];
    const ends: number[] = [];
    const values: unknown[] = [];
    this.#members(depth, "}", () => {
      if (this.#text.charCodeAt(this.#at) !== 0x22) {
        throw this.#error("expected a key in quotes");
      }
      keyStarts.push(this.#at);
      const key = this.#string();
      this.#space();
      if (this.#text[this.#at] !== ":") {
        throw this.#error('expected ":"');
      }
      this.#at++;
      this.#space();
      starts.push(this.#at);
      const value = this.#value(depth + 1);
      ends.push(this.#at);
      keys.push(key);
      values.push(value);
      if (key === "__proto__") {
        Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
      } else {
        object[key] = value;
      }
    });
    setSource(object, { document: this.#document, depth, start, end: this.#at, keys, keyStarts, starts, ends, values });
    return object;
  }

  #list(depth: number): unknown[] {
    const start = this.#at;
    const list: unknown[] = [];
    const starts: number[] = [];
    const ends: number[] = [];
    this.#members(depth, "]", () => {
      starts.push(this.#at);
      list.push(this.#value(depth + 1));
      ends.push(this.#at);
    });
    const values = [...list];
    setSource(list, {
      document: this.#document,
      depth,
      start,
      end: this.#at,
      keys: undefined,
      keyStarts: starts,
      starts,
      ends,
      values,
    });
    return list;
  }

  /** From the opening bracket to behind the closing one. */
  #members(depth: number, close: "}" | "]", member: () => void): void {
    if (depth >= deepest) {
      throw this.#error("it is nested too deeply");
    }
    this.#at++;
    this.#space();
    if (this.#text[this.#at] === close) {
      this.#at++;
      return;
    }
    for (;;) {
      this.#space();
      member();
      this.#space();
      const next = this.#text[this.#at];
      if (next !== "," && next !== close) {
        throw this.#error(`expected "," or "${close}"`);
      }
      this.#at++;
      if (next === close) {
        return;
      }
    }
  }

  #string(): string {
    const text = this.#text;
    const start = this.#at;
    let escaped = false;
    for (let at = start + 1; ; at++) {
      const code = text.charCodeAt(at);
      if (code === 0x22) {
        this.#at = at + 1;
        break;
      }
      if (code === 0x5c) {
        escaped = true;
        at++;
      } else if (!(code >= 0x20)) {
        this.#at = Math.min(at, text.length);
        throw this.#error(at >= text.length ? "the text ends in a string" : "a control character in a string");
      }
    }
    if (!escaped) {
      return text.slice(start + 1, this.#at - 1);
    }
    try {
      return JSON.parse(text.slice(start, this.#at)) as string;
    } catch {
      this.#at = start;
      throw this.#error("a string with an escape that JSON does not have");
    }
  }

  #space(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) {
        return;
      }
      this.#at++;
    }
  }

  #error(problem: string): JsonError {
    return new JsonError(
      this.#at >= this.#text.length ? `${problem}, but the text ends` : problem,
      this.#text,
      this.#at,
    );
  }
}
