/**
 * MATLAB's files of version 5, as far as they hold data: numbers, text, cells and structures, deflated or not. Objects, functions and sparse
 * arrays are refused. Everything is bounded by the file's length, what is deflated by a limit.
 *
 * Source: MathWorks, "MAT-File Format" (the description of the Level 5 format).
 */
import { inflateSync } from "node:zlib";
import { messageOf } from "../../files/index.ts";
import { DataError } from "../error.ts";

/** A structure array: its elements in MATLAB's order (column by column), each with its fields. */
export type MatStructs = readonly ReadonlyMap<string, MatValue>[];

/** What a variable or field holds: numbers, text, the elements of a cell array, or structures. */
export type MatValue =
  | { readonly kind: "numbers"; readonly shape: readonly number[]; readonly values: Float64Array }
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "cell"; readonly shape: readonly number[]; readonly elements: readonly MatValue[] }
  | { readonly kind: "structs"; readonly shape: readonly number[]; readonly elements: MatStructs };

const HEADER_BYTES = 128;
/** Structures in structures; ImageNet's lie one deep. */
const MAX_DEPTH = 16;
/** What a deflated variable may become. */
const MAX_INFLATED = 256 << 20;

/** Numbers of elements' types in the file. */
const type = { int8: 1, int32: 5, uint32: 6, matrix: 14, compressed: 15, utf8: 16, utf16: 17, utf32: 18 } as const;

/** How plain numbers are read: bytes of each, and by what. */
const readers: Readonly<
  Record<number, readonly [bytes: number, read: (view: DataView, at: number, little: boolean) => number]>
> = {
  1: [1, (view, at) => view.getInt8(at)],
  2: [1, (view, at) => view.getUint8(at)],
  3: [2, (view, at, little) => view.getInt16(at, little)],
  4: [2, (view, at, little) => view.getUint16(at, little)],
  5: [4, (view, at, little) => view.getInt32(at, little)],
  6: [4, (view, at, little) => view.getUint32(at, little)],
  7: [4, (view, at, little) => view.getFloat32(at, little)],
  9: [8, (view, at, little) => view.getFloat64(at, little)],
  12: [8, (view, at, little) => Number(view.getBigInt64(at, little))],
  13: [8, (view, at, little) => Number(view.getBigUint64(at, little))],
};

/** Numbers of the arrays' classes. */
const arrayClass = { cell: 1, struct: 2, char: 4, double: 6, uint64: 15 } as const;

interface Element {
  readonly type: number;
  readonly bytes: Uint8Array;
}

/**
 * Reads the variables of a file.
 *
 * @param bytes the whole file
 * @param file its name, for messages
 * @throws {DataError} naming the file, for what is none of version 5, is cut off, or holds anything but data
 */
export function readMat(bytes: Uint8Array, file: string): ReadonlyMap<string, MatValue> {
  const mark = Buffer.from(bytes.subarray(126, HEADER_BYTES)).toString("latin1");
  if (bytes.length < HEADER_BYTES || (mark !== "IM" && mark !== "MI")) {
    throw problem(file, "it is not a MATLAB file of version 5");
  }
  const variables = new Map<string, MatValue>();
  const reader = new MatReader(file, mark === "IM");
  for (const element of reader.elements(bytes.subarray(HEADER_BYTES))) {
    const [name, value] = reader.variable(element);
    variables.set(name, value);
  }
  return variables;
}

function problem(file: string, message: string, cause?: unknown): DataError {
  return new DataError("format", `${file}: ${message}.`, { file, cause });
}

class MatReader {
  readonly #file: string;
  readonly #little: boolean;

  constructor(file: string, little: boolean) {
    this.#file = file;
    this.#little = little;
  }

  #fail(message: string, cause?: unknown): never {
    throw problem(this.#file, message, cause);
  }

  /** The elements that stand one after the other in some bytes. */
  elements(bytes: Uint8Array): Element[] {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const found: Element[] = [];
    for (let at = 0; at < bytes.length; ) {
      if (bytes.length - at < 8) {
        this.#fail("it is cut off");
      }
      const first = view.getUint32(at, this.#little);
      // Up to four bytes lie within the element's head.
      const isSmall = first >>> 16 !== 0;
      const kind = isSmall ? first & 0xffff : first;
      const size = isSmall ? first >>> 16 : view.getUint32(at + 4, this.#little);
      const start = at + (isSmall ? 4 : 8);
      if (size > bytes.length - start || (isSmall && size > 4)) {
        this.#fail("it is cut off");
      }
      found.push({ type: kind, bytes: bytes.subarray(start, start + size) });
      at = isSmall ? at + 8 : start + (kind === type.compressed ? size : Math.ceil(size / 8) * 8);
    }
    return found;
  }

  /** A variable at the top, deflated or not. */
  variable(element: Element): [name: string, value: MatValue] {
    if (element.type !== type.compressed) {
      return this.#matrix(element, 0);
    }
    let inflated: Uint8Array;
    try {
      inflated = inflateSync(element.bytes, { maxOutputLength: MAX_INFLATED });
    } catch (error) {
      this.#fail(`a variable cannot be inflated: ${messageOf(error)}`, error);
    }
    const [inner] = this.elements(inflated);
    return inner === undefined ? this.#fail("a variable is empty") : this.#matrix(inner, 0);
  }

  #matrix(element: Element, depth: number): [name: string, value: MatValue] {
    if (element.type !== type.matrix) {
      this.#fail(`an array was expected, and an element of type ${element.type} is there`);
    }
    if (depth > MAX_DEPTH) {
      this.#fail(`structures lie more than ${MAX_DEPTH} deep in each other`);
    }
    // MATLAB writes an empty array where a field was never set.
    if (element.bytes.length === 0) {
      return ["", { kind: "numbers", shape: [0, 0], values: new Float64Array(0) }];
    }
    const [flags, dimensions, name, ...content] = this.elements(element.bytes);
    if (flags?.type !== type.uint32 || dimensions?.type !== type.int32 || name?.type !== type.int8) {
      this.#fail("an array does not begin with its flags, dimensions and name");
    }
    const [flag = 0] = this.#numbers(flags);
    const shape = [...this.#numbers(dimensions)];
    if (shape.some((side) => side < 0)) {
      this.#fail(`an array has the dimensions [${shape.join(", ")}]`);
    }
    const count = shape.reduce((product, side) => product * side, 1);
    return [this.#text(name), this.#content(flag & 0xff, (flag & 0x800) !== 0, shape, count, content, depth)];
  }

  #content(
    kind: number,
    isComplex: boolean,
    shape: readonly number[],
    count: number,
    content: readonly Element[],
    depth: number,
  ): MatValue {
    const [first] = content;
    if (kind === arrayClass.char) {
      return { kind: "text", text: first === undefined ? "" : this.#text(first) };
    }
    if (kind === arrayClass.cell) {
      return { kind: "cell", shape, elements: this.#arrays(content, count, depth) };
    }
    if (kind === arrayClass.struct) {
      return { kind: "structs", shape, elements: this.#structs(content, count, depth) };
    }
    if (kind < arrayClass.double || kind > arrayClass.uint64 || isComplex) {
      this.#fail(`an array of class ${kind}${isComplex ? " with complex numbers" : ""} is not read here`);
    }
    const values = first === undefined ? new Float64Array(0) : this.#numbers(first);
    if (values.length !== count) {
      this.#fail(`an array of [${shape.join(", ")}] has ${values.length} numbers`);
    }
    return { kind: "numbers", shape, values };
  }

  #arrays(content: readonly Element[], count: number, depth: number): MatValue[] {
    if (content.length !== count) {
      this.#fail(`an array of ${count} elements has ${content.length}`);
    }
    return content.map((element) => this.#matrix(element, depth + 1)[1]);
  }

  #structs([width, names, ...content]: readonly Element[], count: number, depth: number): MatStructs {
    const [length = 0] = width === undefined ? [] : this.#numbers(width);
    if (names?.type !== type.int8 || length < 1 || names.bytes.length % length !== 0) {
      this.#fail("a structure does not name its fields");
    }
    const fields = Array.from({ length: names.bytes.length / length }, (_, i) =>
      this.#text({ type: type.int8, bytes: names.bytes.subarray(i * length, (i + 1) * length) }),
    );
    const values = this.#arrays(content, count * fields.length, depth);
    return Array.from(
      { length: fields.length === 0 ? 0 : count },
      (_, i) =>
        new Map(values.slice(i * fields.length, (i + 1) * fields.length).map((value, j) => [fields[j] ?? "", value])),
    );
  }

  #numbers({ type: kind, bytes }: Element): Float64Array {
    const [size, read] = readers[kind] ?? this.#fail(`numbers of type ${kind} are not read here`);
    if (bytes.length % size !== 0) {
      this.#fail(`${bytes.length} bytes are no whole count of numbers of ${size}`);
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return Float64Array.from({ length: bytes.length / size }, (_, i) => read(view, i * size, this.#little));
  }

  /** Text up to a zero, in whichever of the encodings it is. */
  #text(element: Element): string {
    if (element.type === type.int8 || element.type === type.utf8) {
      return new TextDecoder().decode(element.bytes).replace(/\0.*$/s, "");
    }
    if (element.type === type.utf32) {
      const codes = this.#numbers({ type: type.uint32, bytes: element.bytes });
      return Array.from(codes, (code) => (code <= 0x10ffff ? String.fromCodePoint(code) : "\ufffd")).join("");
    }
    const units = this.#numbers({ type: element.type === type.utf16 ? 4 : element.type, bytes: element.bytes });
    return Array.from(units, (unit) => String.fromCharCode(unit)).join("");
  }
}
