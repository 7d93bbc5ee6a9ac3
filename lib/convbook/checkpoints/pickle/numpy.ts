/**
 * NumPy's scalars and arrays of plain numbers, as data: a scalar becomes a number, a bigint, a boolean, text or bytes; an
 * array a tensor. What a tensor has no element type for is widened: float16 to float32, uint16 to int32, uint32 to int64,
 * uint64 to int64 where its numbers fit.
 *
 * Source: `__reduce__` and `__setstate__` in NumPy's numpy/core/src/multiarray/{methods,descriptor}.c.
 */
import type { TensorArrays, TensorData, TensorDType } from "../../tensor-data.ts";
import { quote } from "../byte-reader.ts";
import { float16ToFloat32 } from "../float16.ts";
import { rowMajor } from "../strides.ts";
import { decodeElements, elementsOf } from "../tensor-bytes.ts";
import type { Builtin, BuiltinTools } from "./builtins.ts";
import { PickleRefusal, type PickleValue, PythonName } from "./values.ts";

/** The numbers that are read. */
interface NumberType {
  readonly name: string;
  readonly bytes: number;
  /** The element type of an array of them. */
  readonly dtype: TensorDType;
  /** Elements from aligned little-endian bytes; without it they are those of `dtype` already. */
  readonly widen?: (bytes: Uint8Array) => TensorArrays[TensorDType];
}

const plain = (name: TensorDType, bytes: number): NumberType => ({ name, bytes, dtype: name });
const numberTypes: Readonly<Record<string, NumberType>> = {
  f8: plain("float64", 8),
  f4: plain("float32", 4),
  f2: {
    ...{ name: "float16", bytes: 2, dtype: "float32" },
    widen: (bytes) => float16ToFloat32(new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2)),
  },
  i8: plain("int64", 8),
  i4: plain("int32", 4),
  i2: plain("int16", 2),
  i1: plain("int8", 1),
  u1: plain("uint8", 1),
  b1: { name: "bool_", bytes: 1, dtype: "bool" },
  u2: {
    ...{ name: "uint16", bytes: 2, dtype: "int32" },
    widen: (bytes) => Int32Array.from(new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2)),
  },
  u4: {
    ...{ name: "uint32", bytes: 4, dtype: "int64" },
    widen: (bytes) => BigInt64Array.from(new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4), BigInt),
  },
  u8: {
    ...{ name: "uint64", bytes: 8, dtype: "int64" },
    widen: (bytes) => {
      const values = new BigInt64Array(bytes.buffer, bytes.byteOffset, bytes.length / 8);
      if (values.some((value) => value < 0n)) {
        throw new PickleRefusal("unsupported", "a NumPy array of uint64 holds a number that int64 cannot");
      }
      return values;
    },
  },
};

/** What a dtype object says. */
interface Described {
  /** NumPy's code of kind and size, such as f8. */
  readonly code: string;
  swapped: boolean;
}

/** dtype objects are names for whoever reads the checkpoint. */
const described = new WeakMap<PythonName, Described>();

const unread = (what: string, code: string) =>
  new PickleRefusal(
    "unsupported",
    `a NumPy ${what} of type ${quote(code)} is not read here, only booleans, whole numbers and floats to 64 bits; in Python, keep its tolist()`,
  );

const dtype: Builtin = (args, { buildable }) => {
  const [code] = args;
  if (args.length < 1 || args.length > 3 || typeof code !== "string" || code.length > 32) {
    return undefined;
  }
  const name = new PythonName("numpy", numberTypes[code]?.name ?? code);
  const facts: Described = { code, swapped: false };
  described.set(name, facts);
  buildable.set(name, (state) => {
    if (!Array.isArray(state) || state.length < 8 || state.length > 9) {
      throw new PickleRefusal("malformed", "a NumPy dtype's state is not a tuple of eight or nine");
    }
    const [, order, ...parts]: readonly PickleValue[] = state;
    if (parts.slice(0, 3).some((part) => part !== null)) {
      throw unread("array", code);
    }
    if (order !== "<" && order !== ">" && order !== "|" && order !== "=") {
      throw new PickleRefusal("malformed", "a NumPy dtype's byte order is none of < > | =");
    }
    facts.swapped = order === ">";
  });
  return name;
};

function factsOf(type: PickleValue): Described {
  const facts = type instanceof PythonName ? described.get(type) : undefined;
  if (facts === undefined) {
    throw new PickleRefusal("malformed", "NumPy's data has no dtype");
  }
  return facts;
}

/** The bytes in this machine's order; a copy where they must be turned round or do not lie aligned. */
function ordered(bytes: Uint8Array, size: number, swapped: boolean, { spend }: BuiltinTools): Uint8Array {
  if (!swapped && bytes.byteOffset % size === 0) {
    return bytes;
  }
  spend(bytes.length);
  const copy = new Uint8Array(bytes);
  if (swapped) {
    for (let at = 0; at < copy.length; at += size) {
      copy.subarray(at, at + size).reverse();
    }
  }
  return copy;
}

/** The elements of bytes, which are a whole number of them. */
function decode(type: NumberType, facts: Described, bytes: Uint8Array, tools: BuiltinTools) {
  const own = ordered(bytes, type.bytes, facts.swapped, tools);
  if (type.dtype === "bool" || type.widen !== undefined) {
    tools.spend(2 * bytes.length);
  }
  return type.widen === undefined ? decodeElements(type.dtype, own, "share") : type.widen(own);
}

const scalar: Builtin = (args, tools) => {
  const [type, bytes] = args;
  const facts = factsOf(type);
  if (args.length !== 2 || !(bytes instanceof Uint8Array)) {
    if (facts.code.startsWith("O")) {
      throw unread("value", facts.code);
    }
    return undefined;
  }
  const { code } = facts;
  const size = Number(/^[SU](\d{1,6})$/.exec(code)?.[1] ?? Number.NaN);
  if (code.startsWith("S") && bytes.length === size) {
    return bytes;
  }
  if (code.startsWith("U") && bytes.length === 4 * size) {
    const letters = new Uint32Array(ordered(bytes, 4, facts.swapped, tools).slice().buffer);
    tools.spend(bytes.length);
    if (letters.some((letter) => letter > 0x10ffff)) {
      throw new PickleRefusal("malformed", "a NumPy text has no valid letters");
    }
    return Array.from(letters, (letter) => String.fromCodePoint(letter)).join("");
  }
  const number = numberTypes[code];
  if (number === undefined) {
    throw unread("value", code);
  }
  if (bytes.length !== number.bytes) {
    throw new PickleRefusal("malformed", `a NumPy ${number.name} has ${bytes.length} bytes`);
  }
  if (code === "u8") {
    const value = new BigUint64Array(ordered(bytes, 8, facts.swapped, tools).slice().buffer)[0] ?? 0n;
    return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
  }
  const [value = 0] = decode(number, facts, bytes, tools);
  if (number.dtype === "bool") {
    return value !== 0;
  }
  return typeof value === "bigint" && BigInt(Number(value)) === value && Number.isSafeInteger(Number(value))
    ? Number(value)
    : value;
};

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Makes an array of raw bytes; Fortran's order is turned into C's. */
function fill(
  target: Mutable<TensorData>,
  bytes: PickleValue,
  type: PickleValue,
  size: PickleValue,
  isFortran: boolean,
  tools: BuiltinTools,
): void {
  const facts = factsOf(type);
  const number = numberTypes[facts.code];
  if (number === undefined) {
    throw unread("array", facts.code);
  }
  const raw = typeof bytes === "string" ? bytesOfOldString(bytes, tools) : bytes;
  const isShape = Array.isArray(size) && size.length <= 64 && size.every((n) => Number.isSafeInteger(n) && n >= 0);
  if (!isShape || !(raw instanceof Uint8Array)) {
    throw new PickleRefusal("malformed", "a NumPy array is not made from its shape, dtype and bytes");
  }
  const shape: readonly number[] = Object.freeze([...size]);
  if (elementsOf(shape) * number.bytes !== raw.length) {
    throw new PickleRefusal(
      "malformed",
      `a NumPy array of ${number.name} with shape [${shape.join(", ")}] has ${raw.length} bytes`,
    );
  }
  const elements = decode(number, facts, raw, tools);
  if (isFortran && shape.length > 1) {
    tools.spend(2 * raw.length);
  }
  target.dtype = number.dtype;
  target.shape = shape;
  target.data = isFortran ? rowMajor(elements, 0, shape, fortranStrides(shape)) : elements;
  Object.freeze(target);
}

/** What Python 2 pickled as a string, where it was read with a character a byte; undefined where it was not. */
function bytesOfOldString(text: string, { spend }: BuiltinTools): Uint8Array | undefined {
  spend(text.length);
  return /^[\0-\xff]*$/.test(text) ? Buffer.from(text, "latin1") : undefined;
}

function fortranStrides(shape: readonly number[]): number[] {
  let stride = 1;
  return shape.map((n) => {
    const own = stride;
    stride *= n;
    return own;
  });
}

const empty = (): Mutable<TensorData> => ({ dtype: "int8", shape: [0], data: new Int8Array(0) });

/** An array that BUILD fills. */
const reconstruct: Builtin = (args, tools) => {
  const [type, size] = args;
  const isNdarray = type instanceof PythonName && type.toString() === "numpy.ndarray";
  if (args.length !== 3 || !isNdarray || !Array.isArray(size)) {
    return undefined;
  }
  const target = empty();
  let isBuilt = false;
  tools.buildable.set(target, (state) => {
    if (isBuilt || !Array.isArray(state) || state.length !== 5 || typeof state[3] !== "boolean") {
      throw new PickleRefusal(
        "malformed",
        "a NumPy array is not made once, from its version, shape, dtype, order and bytes",
      );
    }
    isBuilt = true;
    const [, shape, elementType, isFortran, bytes] = state;
    fill(target, bytes, elementType, shape, isFortran === true, tools);
  });
  return target;
};

/** What protocol 5 has in its place. */
const fromBuffer: Builtin = (args, tools) => {
  const [bytes, type, size, order] = args;
  if (args.length !== 4 || (order !== "C" && order !== "F")) {
    return undefined;
  }
  const target = empty();
  fill(target, bytes, type, size, order === "F", tools);
  return target;
};

const inert: Builtin = () => undefined;

/** Types that occur as data. */
const typeNames = [
  "ndarray",
  "bool",
  "bool_",
  "number",
  "float16",
  "float32",
  "float64",
  "float128",
  "longdouble",
].concat([
  "int8",
  "int16",
  "int32",
  "int64",
  "uint8",
  "uint16",
  "uint32",
  "uint64",
  "complex64",
  "complex128",
  "str_",
  "bytes_",
]);

/** The names and what they make. */
export const numpyBuiltins: readonly (readonly [string, Builtin])[] = [
  ["numpy.dtype", dtype],
  ...typeNames.map((name): [string, Builtin] => [`numpy.${name}`, inert]),
  // NumPy 2 has renamed the module.
  ...["numpy.core", "numpy._core"].flatMap((module): [string, Builtin][] => [
    [`${module}.multiarray.scalar`, scalar],
    [`${module}.multiarray._reconstruct`, reconstruct],
    [`${module}.numeric._frombuffer`, fromBuffer],
  ]),
];
