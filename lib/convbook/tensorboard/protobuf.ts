/** Just enough of the protobuf wire format (https://protobuf.dev/programming-guides/encoding/) for event files. */

/** Bytes that are no protobuf message; `at` is the position within the message. */
export class WireError extends Error {
  readonly at: number;
  constructor(message: string, at: number) {
    super(message);
    this.at = at;
  }
}

/** One field of a message: its number and its value in the form of its wire type. */
export type Field =
  | { readonly number: number; readonly type: "varint"; readonly value: bigint }
  | { readonly number: number; readonly type: "fixed64"; readonly value: Uint8Array }
  | { readonly number: number; readonly type: "fixed32"; readonly value: Uint8Array }
  | { readonly number: number; readonly type: "bytes"; readonly value: Uint8Array };

/**
 * The fields of a message in order. Nothing is copied and no length is believed before it was checked against what is there.
 *
 * @throws WireError where a field runs over the end, a varint over ten bytes, or the wire type is a group (obsolete) or unknown
 */
export function* fields(message: Uint8Array): Generator<Field> {
  const cursor = new Cursor(message);
  while (!cursor.done) {
    const start = cursor.at;
    const key = cursor.varint();
    const number = Number(key >> 3n);
    if (number < 1 || number > 536_870_911) {
      throw new WireError(`field number ${number} is out of range`, start);
    }
    switch (Number(key & 7n)) {
      case 0:
        yield { number, type: "varint", value: cursor.varint() };
        break;
      case 1:
        yield { number, type: "fixed64", value: cursor.take(8) };
        break;
      case 2:
        yield { number, type: "bytes", value: cursor.take(cursor.length()) };
        break;
      case 5:
        yield { number, type: "fixed32", value: cursor.take(4) };
        break;
      default:
        throw new WireError(`field ${number} has wire type ${key & 7n}; expected 0, 1, 2 or 5`, start);
    }
  }
}

class Cursor {
  readonly #bytes: Uint8Array;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.at >= this.#bytes.length;
  }

  varint(): bigint {
    const start = this.at;
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#bytes[this.at++];
      if (byte === undefined) {
        throw new WireError("a varint runs over the end", start);
      }
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) {
        return BigInt.asUintN(64, value);
      }
    }
    throw new WireError("a varint is longer than ten bytes", start);
  }

  length(): number {
    const start = this.at;
    const length = this.varint();
    if (length > BigInt(this.#bytes.length - this.at)) {
      throw new WireError(
        `a field of ${length} bytes runs over the end (${this.#bytes.length - this.at} bytes left)`,
        start,
      );
    }
    return Number(length);
  }

  take(length: number): Uint8Array {
    if (this.at + length > this.#bytes.length) {
      throw new WireError(`a field of ${length} bytes runs over the end`, this.at);
    }
    this.at += length;
    return this.#bytes.subarray(this.at - length, this.at);
  }
}

const wrongType = (field: Field, expected: string): WireError =>
  new WireError(`field ${field.number} has wire type ${field.type}; expected ${expected}`, 0);

export const asBytes = (field: Field): Uint8Array => {
  if (field.type !== "bytes") {
    throw wrongType(field, "bytes");
  }
  return field.value;
};

const utf8 = new TextDecoder("utf-8");
export const asString = (field: Field): string => utf8.decode(asBytes(field));

/** A signed integer of at most 2^53. */
export const asInteger = (field: Field): number => {
  if (field.type !== "varint") {
    throw wrongType(field, "varint");
  }
  const value = Number(BigInt.asIntN(64, field.value));
  if (!Number.isSafeInteger(value)) {
    throw new WireError(`field ${field.number} is ${value}; too large to be exact`, 0);
  }
  return value;
};

export const asBoolean = (field: Field): boolean => asInteger(field) !== 0;

export const asDouble = (field: Field): number => {
  if (field.type !== "fixed64") {
    throw wrongType(field, "fixed64");
  }
  return view(field.value).getFloat64(0, true);
};

export const asFloat = (field: Field): number => {
  if (field.type !== "fixed32") {
    throw wrongType(field, "fixed32");
  }
  return view(field.value).getFloat32(0, true);
};

/** A repeated number, packed into one field or one field each; appended to `out`. */
export function pushNumbers(field: Field, kind: "double" | "float" | "integer", out: number[]): void {
  if (field.type !== "bytes") {
    out.push(kind === "double" ? asDouble(field) : kind === "float" ? asFloat(field) : asInteger(field));
    return;
  }
  const bytes = field.value;
  if (kind === "integer") {
    const cursor = new Cursor(bytes);
    while (!cursor.done) {
      out.push(asInteger({ number: field.number, type: "varint", value: cursor.varint() }));
    }
    return;
  }
  const size = kind === "double" ? 8 : 4;
  if (bytes.length % size !== 0) {
    throw new WireError(`field ${field.number} packs ${bytes.length} bytes; expected a multiple of ${size}`, 0);
  }
  const numbers = view(bytes);
  for (let i = 0; i < bytes.length; i += size) {
    out.push(size === 8 ? numbers.getFloat64(i, true) : numbers.getFloat32(i, true));
  }
}

export function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Builds a message field by field. Zero and empty values are written too where the caller calls for them. */
export class MessageWriter {
  readonly #parts: Uint8Array[] = [];
  #length = 0;

  varint(number: number, value: number | bigint): this {
    return this.#add(varintBytes(BigInt(number) << 3n)).#add(varintBytes(BigInt.asUintN(64, BigInt(value))));
  }

  double(number: number, value: number): this {
    const bytes = new Uint8Array(8);
    view(bytes).setFloat64(0, value, true);
    return this.#add(varintBytes((BigInt(number) << 3n) | 1n)).#add(bytes);
  }

  float(number: number, value: number): this {
    const bytes = new Uint8Array(4);
    view(bytes).setFloat32(0, value, true);
    return this.#add(varintBytes((BigInt(number) << 3n) | 5n)).#add(bytes);
  }

  bytes(number: number, value: Uint8Array): this {
    return this.#add(varintBytes((BigInt(number) << 3n) | 2n))
      .#add(varintBytes(BigInt(value.length)))
      .#add(value);
  }

  string(number: number, value: string): this {
    return this.bytes(number, Buffer.from(value, "utf8"));
  }

  message(number: number, build: (inner: MessageWriter) => void): this {
    const inner = new MessageWriter();
    build(inner);
    return this.bytes(number, inner.finish());
  }

  packedDoubles(number: number, values: ArrayLike<number>): this {
    const bytes = new Uint8Array(values.length * 8);
    const numbers = view(bytes);
    for (let i = 0; i < values.length; i++) {
      numbers.setFloat64(8 * i, values[i] ?? 0, true);
    }
    return this.bytes(number, bytes);
  }

  finish(): Uint8Array {
    const out = new Uint8Array(this.#length);
    let at = 0;
    for (const part of this.#parts) {
      out.set(part, at);
      at += part.length;
    }
    return out;
  }

  #add(part: Uint8Array): this {
    this.#parts.push(part);
    this.#length += part.length;
    return this;
  }
}

function varintBytes(value: bigint): Uint8Array {
  const out: number[] = [];
  let rest = value;
  while (rest > 127n) {
    out.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  out.push(Number(rest));
  return Uint8Array.from(out);
}
