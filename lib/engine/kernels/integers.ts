/**
 * Kernels for integers and booleans, by the names of those for floats; each answers undefined for operands that are not its own, which
 * leaves the call to the kernel for floats and, behind that, to the CPU backend.
 */
import { broadcast_util, type TensorInfo, util } from "@tensorflow/tfjs-core";
import { byteBinaryOps, castOps, compareOps, floatClasses, intBinaryOps, intUnaryOps } from "../native-numbers.ts";
import { broadcastStrides, describe, type KernelCall, type KernelTable, product } from "./kernel.ts";

/** A kernel that takes some operands and leaves others. */
export type Attempt = (call: KernelCall) => TensorInfo | TensorInfo[] | undefined;

/** The common shape of two operands with their strides in it. */
function broadcast(a: TensorInfo, b: TensorInfo): { shape: number[]; description: Int32Array } {
  const shape = broadcast_util.assertAndGetBroadcastShape(a.shape, b.shape);
  return { shape, description: describe(shape, broadcastStrides(a.shape, shape), broadcastStrides(b.shape, shape)) };
}

const areAll = (dtype: string, ...tensors: TensorInfo[]): boolean => tensors.every((tensor) => tensor.dtype === dtype);

function intBinary(op: number): Attempt {
  return ({ backend, inputs: { a, b } }) => {
    if (!areAll("int32", a, b)) {
      return undefined;
    }
    const { shape, description } = broadcast(a, b);
    const y = backend.output(shape, "int32");
    backend.addon.intBinary(op, backend.ints(a), backend.ints(b), y.values, description);
    return y;
  };
}

function intUnary(op: number): Attempt {
  return ({ backend, inputs: { x } }) => {
    if (!areAll("int32", x)) {
      return undefined;
    }
    const y = backend.output(x.shape, "int32");
    backend.addon.intUnary(op, backend.ints(x), y.values, y.values.length);
    return y;
  };
}

function compare(op: number, byteOp: number): Attempt {
  return ({ backend, inputs: { a, b } }) => {
    const isInt = areAll("int32", a, b);
    if (!isInt && (byteOp < 0 || !areAll("bool", a, b))) {
      return undefined;
    }
    const { shape, description } = broadcast(a, b);
    const y = backend.output(shape, "bool");
    if (isInt) {
      backend.addon.intCompare(op, backend.ints(a), backend.ints(b), y.values, description);
    } else {
      backend.addon.byteBinary(byteOp, backend.bytes(a), backend.bytes(b), y.values, description);
    }
    return y;
  };
}

function byteBinary(op: number): Attempt {
  return ({ backend, inputs: { a, b } }) => {
    if (!areAll("bool", a, b)) {
      return undefined;
    }
    const { shape, description } = broadcast(a, b);
    const y = backend.output(shape, "bool");
    backend.addon.byteBinary(op, backend.bytes(a), backend.bytes(b), y.values, description);
    return y;
  };
}

const logicalNot: Attempt = ({ backend, inputs: { x } }) => {
  if (!areAll("bool", x)) {
    return undefined;
  }
  const y = backend.output(x.shape, "bool");
  backend.addon.byteNot(backend.bytes(x), y.values, y.values.length);
  return y;
};

function classify(kind: number): Attempt {
  return ({ backend, inputs: { x } }) => {
    if (!areAll("float32", x)) {
      return undefined;
    }
    const y = backend.output(x.shape, "bool");
    backend.addon.classify(kind, backend.values(x), y.values, y.values.length);
    return y;
  };
}

/** Integers are moved about as four bytes each, whatever these mean. */
const select: Attempt = ({ backend, inputs: { condition, t, e } }) => {
  if (!areAll("int32", t, e) || !areAll("bool", condition) || !util.arraysEqual(t.shape, e.shape)) {
    return undefined;
  }
  const rows = condition.shape.length === 1 && t.shape.length > 1;
  if (!rows && !util.arraysEqual(condition.shape, t.shape)) {
    return undefined;
  }
  const y = backend.output(t.shape, "int32");
  const inner = rows ? product(t.shape, 1) : 1;
  const outer = rows ? (t.shape[0] ?? 0) : y.values.length;
  const whole = [inner, 1];
  const description = describe([outer, inner], [1, 0], whole, whole);
  const bits = ({ buffer, byteOffset, length }: Int32Array) => new Float32Array(buffer, byteOffset, length);
  const { addon } = backend;
  addon.select(backend.bytes(condition), bits(backend.ints(t)), bits(backend.ints(e)), bits(y.values), description);
  return y;
};

const addN: Attempt = (call) => {
  const tensors: TensorInfo[] = call.inputs;
  const [first, ...rest] = tensors;
  if (first === undefined || rest.length === 0 || !areAll("int32", ...tensors)) {
    return undefined;
  }
  let sum = first;
  for (const next of rest) {
    const more = intBinary(0)({ ...call, inputs: { a: sum, b: next } }) as TensorInfo;
    if (sum !== first) {
      call.backend.disposeData(sum.dataId);
    }
    sum = more;
  }
  return sum;
};

const entries = (names: readonly string[], make: (op: number, name: string) => Attempt): [string, Attempt][] =>
  names.map((name, op) => [name, make(op, name)]);

/** By the names in tfjs's registry. */
export const integerKernels: Readonly<Record<string, Attempt>> = {
  ...Object.fromEntries(entries(intBinaryOps, intBinary)),
  ...Object.fromEntries(entries(intUnaryOps, intUnary)),
  ...Object.fromEntries(entries(compareOps, (op, name) => compare(op, byteBinaryOps.indexOf(name)))),
  ...Object.fromEntries(entries(floatClasses, classify)),
  LogicalAnd: byteBinary(byteBinaryOps.indexOf("LogicalAnd")),
  LogicalOr: byteBinary(byteBinaryOps.indexOf("LogicalOr")),
  LogicalNot: logicalNot,
  Select: select,
  AddN: addN,
};

/** Puts attempts before the kernels of a table; where there is no such kernel, `otherwise` comes behind the attempt. */
export function withAttempts(
  kernels: KernelTable,
  attempts: Readonly<Record<string, Attempt>>,
  otherwise: (name: string) => KernelTable[string],
): KernelTable {
  const joined: Record<string, KernelTable[string]> = { ...kernels };
  for (const [name, attempt] of Object.entries(attempts)) {
    const next = kernels[name] ?? otherwise(name);
    joined[name] = (call) => attempt(call) ?? next(call);
  }
  return joined;
}

/** A copy of a boolean tensor as integers. */
export function asIntegers({ backend }: KernelCall, x: TensorInfo): TensorInfo {
  const y = backend.output(x.shape, "int32");
  backend.addon.cast(castOps.byteToInt, backend.bytes(x), y.values, y.values.length);
  return y;
}
