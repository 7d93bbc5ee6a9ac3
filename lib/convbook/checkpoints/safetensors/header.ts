/**
 * The JSON header of a safetensors file, read without `JSON.parse` of the whole: that would let the last of two equal keys
 * win silently, so that two programs could see different tensors in one file.
 */
import { type ByteReader, quote } from "../byte-reader.ts";

/** One entry of the header, as it stands there. */
export interface HeaderEntry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/** The header's content. */
export interface Header {
  readonly entries: ReadonlyMap<string, HeaderEntry>;
  readonly metadata: ReadonlyMap<string, string>;
}

const space = /[ \t\n\r]*/y;
const integer = /(?:0|[1-9]\d{0,15})(?![\d.eE])/y;

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Parses the header.
 *
 * @param reader at the header's first byte
 * @param length its length in bytes
 */
export function parseHeader(reader: ByteReader, length: number): Header {
  const start = reader.offset;
  let text: string;
  try {
    text = utf8.decode(reader.slice(length, "the header"));
  } catch (error) {
    if (error instanceof TypeError) {
      throw reader.error("malformed", "the header is not valid UTF-8", start);
    }
    throw error;
  }
  return new HeaderParser(text, reader, start).parse();
}

class HeaderParser {
  readonly #text: string;
  readonly #reader: ByteReader;
  readonly #start: number;
  #at = 0;

  constructor(text: string, reader: ByteReader, start: number) {
    this.#text = text;
    this.#reader = reader;
    this.#start = start;
  }

  parse(): Header {
    if (this.#text[0] !== "{") {
      throw this.#error("the header does not begin with {");
    }
    const entries = new Map<string, HeaderEntry>();
    let metadata: ReadonlyMap<string, string> | undefined;
    this.#object((key) => {
      if (key === "__metadata__") {
        if (metadata !== undefined) {
          throw this.#error('the key "__metadata__" occurs twice');
        }
        metadata = this.#metadata();
        return;
      }
      if (entries.has(key)) {
        throw this.#error(`tensor ${quote(key)} occurs twice`);
      }
      entries.set(key, this.#entry(key));
    });
    this.#skip();
    if (this.#at !== this.#text.length) {
      throw this.#error("something follows the header's end");
    }
    return { entries, metadata: metadata ?? new Map() };
  }

  #error(message: string) {
    // Characters are not bytes; beyond ASCII the place is a little early.
    return this.#reader.error("malformed", message, this.#start + this.#at);
  }

  #skip(): void {
    space.lastIndex = this.#at;
    space.exec(this.#text);
    this.#at = space.lastIndex;
  }

  #take(pattern: RegExp, what: string): string {
    this.#skip();
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (found === null) {
      throw this.#error(`expected ${what}, got ${quote(this.#text.slice(this.#at, this.#at + 20))}`);
    }
    this.#at = pattern.lastIndex;
    return found[0];
  }

  #is(character: string): boolean {
    this.#skip();
    if (this.#text[this.#at] !== character) {
      return false;
    }
    this.#at++;
    return true;
  }

  #expect(character: string): void {
    if (!this.#is(character)) {
      throw this.#error(`expected ${character}, got ${quote(this.#text.slice(this.#at, this.#at + 20))}`);
    }
  }

  /** Found by its quotation marks, not by a pattern, which would overflow the stack on a long one. */
  #string(): string {
    this.#skip();
    const text = this.#text;
    const start = this.#at;
    let end = text[start] === '"' ? text.indexOf('"', start + 1) : -1;
    while (end !== -1 && this.#isEscaped(end)) {
      end = text.indexOf('"', end + 1);
    }
    try {
      if (end === -1) {
        throw new SyntaxError();
      }
      this.#at = end + 1;
      return JSON.parse(text.slice(start, this.#at));
    } catch {
      this.#at = start;
      throw this.#error(`expected a string, got ${quote(text.slice(start, start + 20))}`);
    }
  }

  /** Whether an odd number of backslashes stands before a place. */
  #isEscaped(at: number): boolean {
    let first = at;
    while (this.#text[first - 1] === "\\") {
      first--;
    }
    return (at - first) % 2 === 1;
  }

  #integer(what: string): number {
    const value = Number(this.#take(integer, what));
    if (!Number.isSafeInteger(value)) {
      throw this.#error(`${what} is larger than any file`);
    }
    return value;
  }

  #object(entry: (key: string) => void): void {
    this.#expect("{");
    if (this.#is("}")) {
      return;
    }
    do {
      const key = this.#string();
      this.#expect(":");
      entry(key);
    } while (this.#is(","));
    this.#expect("}");
  }

  #integers(what: string, most: number): number[] {
    const values: number[] = [];
    this.#expect("[");
    if (this.#is("]")) {
      return values;
    }
    do {
      if (values.length === most) {
        throw this.#error(`${what} has more than ${most} numbers`);
      }
      values.push(this.#integer(what));
    } while (this.#is(","));
    this.#expect("]");
    return values;
  }

  #metadata(): Map<string, string> {
    const metadata = new Map<string, string>();
    this.#object((key) => {
      if (metadata.has(key)) {
        throw this.#error(`the metadata's key ${quote(key)} occurs twice`);
      }
      metadata.set(key, this.#string());
    });
    return metadata;
  }

  #entry(name: string): HeaderEntry {
    let dtype: string | undefined;
    let shape: number[] | undefined;
    let offsets: number[] | undefined;
    this.#object((key) => {
      if (key === "dtype" && dtype === undefined) {
        dtype = this.#string();
      } else if (key === "shape" && shape === undefined) {
        shape = this.#integers("a shape", 64);
      } else if (key === "data_offsets" && offsets === undefined) {
        offsets = this.#integers("data_offsets", 2);
      } else {
        throw this.#error(`tensor ${quote(name)} has an unknown or repeated key ${quote(key)}`);
      }
    });
    const [begin, end] = offsets ?? [];
    if (dtype === undefined || shape === undefined || begin === undefined || end === undefined) {
      throw this.#error(`tensor ${quote(name)} lacks its dtype, shape or data_offsets`);
    }
    return { dtype, shape, begin, end };
  }
}
