/**
 * Writes data as a pickle of protocol 2, the one that `torch.save` uses, with the instructions that torch's own safe mode
 * (`weights_only=True`) reads.
 */
import type { TensorData } from "../../tensor-data.ts";
import { encodePythonText } from "./scalars.ts";
import { PythonName } from "./values.ts";

/** Deeper data is taken for a mistake (or a cycle). */
const maxDepth = 256;

/**
 * Under this symbol a value may have a function that gives what PyTorch has in its place: an optimizer's state, whose groups
 * PyTorch names otherwise.
 */
export const torchForm = Symbol("convbook.torchForm");

/** Writes what only the caller knows how to write, with the machine's own words. */
export interface PickleWriter {
  /** Any value that can be pickled. */
  value(value: unknown): void;
  /** A Python name. */
  global(module: string, name: string): void;
  /** A tuple of what `items` hold. */
  tuple(items: readonly unknown[]): void;
  /** Bytes of an instruction. */
  op(...bytes: number[]): void;
}

/** Bytes that grow at their end. */
class Output {
  buffer = Buffer.allocUnsafe(1 << 14);
  #length = 0;

  /** Makes room for so many bytes and returns where they go; `buffer` is another one afterwards, perhaps. */
  reserve(bytes: number): number {
    const at = this.#length;
    this.#length += bytes;
    if (this.#length > this.buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.#length, 2 * this.buffer.length));
      this.buffer.copy(larger, 0, 0, at);
      this.buffer = larger;
    }
    return at;
  }

  bytes(): Uint8Array {
    return this.buffer.subarray(0, this.#length);
  }
}

/** What to do with a tensor. */
export type WriteTensor = (tensor: TensorData, writer: PickleWriter) => void;

export function isTensorData(value: object): value is TensorData {
  return "dtype" in value && "shape" in value && "data" in value && ArrayBuffer.isView(value.data);
}

/**
 * Pickles plain data: null, booleans, numbers (whole ones become int, others float), bigints, strings, `Uint8Array` (bytes),
 * arrays (lists; frozen ones tuples, as the reader gives them), Maps and plain objects (dicts; undefined entries are left
 * out), and tensors.
 *
 * @throws TypeError naming the place of a value that cannot be written
 */
export function pickle(root: unknown, writeTensor: WriteTensor): Uint8Array {
  const output = new Output();
  const op = (...bytes: number[]) => {
    const at = output.reserve(bytes.length);
    for (const [i, byte] of bytes.entries()) {
      output.buffer[at + i] = byte;
    }
  };
  const path: string[] = [];
  const fail = (message: string): never => {
    throw new TypeError(`Cannot write ${path.length === 0 ? "the value" : path.join(".")}: ${message}.`);
  };

  const integer = (value: number | bigint) => {
    if (value >= 0 && value < 256) {
      return op(0x4b, Number(value));
    }
    if (value >= -0x80000000 && value < 0x80000000) {
      op(0x4a);
      const at = output.reserve(4);
      output.buffer.writeInt32LE(Number(value), at);
      return;
    }
    const bytes: number[] = [];
    let rest = BigInt(value);
    while (rest !== 0n && rest !== -1n) {
      bytes.push(Number(rest & 0xffn));
      rest >>= 8n;
    }
    // Two's complement: the last byte's highest bit is the sign.
    const negative = rest === -1n;
    if (((bytes.at(-1) ?? 0) & 0x80) === (negative ? 0 : 0x80)) {
      bytes.push(negative ? 0xff : 0);
    }
    if (bytes.length > 255) {
      fail("the integer is too large");
    }
    return op(0x8a, bytes.length, ...bytes);
  };
  const text = (value: string) => {
    const bytes = encodePythonText(value);
    op(0x58);
    const at = output.reserve(4 + bytes.length);
    output.buffer.writeUInt32LE(bytes.length, at);
    output.buffer.set(bytes, at + 4);
  };
  const number = (value: number) => {
    if (Number.isSafeInteger(value) && !Object.is(value, -0)) {
      return integer(value);
    }
    op(0x47);
    const at = output.reserve(8);
    output.buffer.writeDoubleBE(value, at);
  };
  const dict = (entries: Iterable<readonly [unknown, unknown]>) => {
    op(0x7d, 0x28);
    for (const [key, value] of entries) {
      if (value === undefined) {
        continue;
      }
      if (!["string", "number", "bigint", "boolean"].includes(typeof key)) {
        fail("a key is neither text nor a number");
      }
      path.push(String(key));
      writer.value(key);
      writer.value(value);
      path.pop();
    }
    op(0x75);
  };
  const list = (items: readonly unknown[]) => {
    for (const [i, item] of items.entries()) {
      path.push(String(i));
      writer.value(item);
      path.pop();
    }
  };
  const writer: PickleWriter = {
    op,
    global: (module, name) => {
      const line = `c${module}\n${name}\n`;
      const at = output.reserve(line.length);
      output.buffer.write(line, at, "latin1");
    },
    tuple: (items) => {
      if (items.length === 0) {
        return op(0x29);
      }
      if (items.length > 3) {
        op(0x28);
      }
      list(items);
      return op([0, 0x85, 0x86, 0x87][items.length] ?? 0x74);
    },
    value: (value) => {
      if (path.length > maxDepth) {
        fail(`it is nested more than ${maxDepth} deep, or contains itself`);
      }
      if (value === null) {
        return op(0x4e);
      }
      switch (typeof value) {
        case "boolean":
          return op(value ? 0x88 : 0x89);
        case "number":
          return number(value);
        case "bigint":
          return integer(value);
        case "string":
          return text(value);
        case "object":
          break;
        default:
          return fail(`a ${typeof value} has no counterpart in Python's data`);
      }
      if (Array.isArray(value)) {
        if (Object.isFrozen(value)) {
          return writer.tuple(value);
        }
        op(0x5d, 0x28);
        list(value);
        return op(0x65);
      }
      if (value instanceof Map) {
        return dict(value);
      }
      if (value instanceof Uint8Array) {
        writer.global("_codecs", "encode");
        writer.tuple([Buffer.from(value.buffer, value.byteOffset, value.length).toString("latin1"), "latin1"]);
        return op(0x52);
      }
      if (value instanceof PythonName) {
        return writer.global(value.module, value.name);
      }
      if (isTensorData(value)) {
        return writeTensor(value, writer);
      }
      const other = (value as { readonly [torchForm]?: unknown })[torchForm];
      if (typeof other === "function") {
        return writer.value(other());
      }
      const prototype: unknown = Object.getPrototypeOf(value);
      if (prototype !== null && prototype !== Object.prototype) {
        return fail(`an instance of ${value.constructor.name} is not plain data`);
      }
      return dict(Object.entries(value));
    },
  };
  op(0x80, 2);
  writer.value(root);
  op(0x2e);
  return output.bytes();
}
