/** What all kernel files share: how a kernel is written down, shapes as the native code wants them, falling back. */
import { type DataType, getKernel, type TensorInfo, util } from "@tensorflow/tfjs-core";
import type { NativeBackend } from "../backend.ts";

/** What TensorFlow.js gives a kernel by the names in its registry. */
// biome-ignore lint/suspicious/noExplicitAny: the registry is not typed by kernel
type ByName = any;

export interface KernelCall {
  readonly inputs: ByName;
  readonly backend: NativeBackend;
  readonly attrs: ByName;
}

export type KernelBody = (call: KernelCall) => TensorInfo | TensorInfo[];

/** Kernels by name. */
export type KernelTable = Readonly<Record<string, KernelBody>>;

/** A kernel of a table, for kernels that are made of others. */
export function kernelIn(table: KernelTable, name: string): (call: KernelCall) => TensorInfo {
  const body = table[name];
  return (call) => {
    const result = body?.(call);
    if (result === undefined || Array.isArray(result)) {
      throw new Error(`Expected a kernel "${name}" with one output`);
    }
    return result;
  };
}

/** From this many elements on, a kernel in plain JavaScript is worth a warning. */
const large = 100_000;
const warned = new Set<string>();

/** How often kernels have run in plain JavaScript, by name. */
const runs = new Map<string, number>();

/** How often each kernel has run in plain JavaScript in this process, those apart that only count references or look at shapes. */
export function fallbackRuns(): Record<string, number> {
  return Object.fromEntries([...runs].sort());
}

/** The axes that the native code describes at most. */
export const maxRank = 8;

/** Runs the CPU backend's kernel in place of a native one. */
export function fallBack(name: string, call: KernelCall): TensorInfo | TensorInfo[] {
  const kernel = getKernel(name, "cpu");
  if (kernel === undefined) {
    throw new Error(`The native engine has no kernel "${name}" for these arguments`);
  }
  if (!cheapKernels.has(name)) {
    runs.set(name, (runs.get(name) ?? 0) + 1);
  }
  warnIfLarge(name, call.inputs);
  return kernel.kernelFunc(call);
}

function warnIfLarge(name: string, inputs: Record<string, TensorInfo | undefined> | TensorInfo[]): void {
  if (warned.has(name) || cheapKernels.has(name)) {
    return;
  }
  for (const input of Object.values(inputs)) {
    // Some kernels take lists of tensors; those never hold images.
    if (input?.shape === undefined || util.sizeFromShape(input.shape) < large) {
      continue;
    }
    warned.add(name);
    console.warn(
      `native engine: ${name} on ${input.dtype} [${input.shape.join(", ")}] runs in plain JavaScript, which is slow`,
    );
    return;
  }
}

/** These only count references or look at shapes. */
export const cheapKernels: ReadonlySet<string> = new Set([
  "Identity",
  "Reshape",
  "ExpandDims",
  "Squeeze",
  "Flatten",
  "Complex",
  "Real",
  "Imag",
]);

export function isFloat(...tensors: (TensorInfo | undefined)[]): boolean {
  return tensors.every((tensor) => tensor === undefined || tensor.dtype === "float32");
}

/** Element types that native code can move about, with their size in bytes. */
export function elementBytes(dtype: DataType): 1 | 4 | undefined {
  if (dtype === "float32" || dtype === "int32") {
    return 4;
  }
  return dtype === "bool" ? 1 : undefined;
}

export type Movable = "float32" | "int32" | "bool";

export function isMovable(dtype: DataType): dtype is Movable {
  return elementBytes(dtype) !== undefined;
}

/** Distances between neighbours along each axis of a row-major array. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis] ?? 1;
  }
  return strides;
}

/**
 * A shape with strides of its operands as the native code reads it: [rank, shape, strides of operand 1, ...]. Axes of
 * one element vanish and axes that all operands walk through in one go are joined.
 */
export function describe(shape: readonly number[], ...operands: (readonly number[])[]): Int32Array {
  const sizes: number[] = [];
  const strides: number[][] = operands.map(() => []);
  for (let axis = 0; axis < shape.length; axis++) {
    const size = shape[axis] ?? 1;
    if (size === 1) {
      continue;
    }
    const last = sizes.length - 1;
    const joins = last >= 0 && operands.every((operand, k) => strides[k]?.[last] === (operand[axis] ?? 0) * size);
    if (joins) {
      sizes[last] = (sizes[last] ?? 1) * size;
      strides.forEach((own, k) => {
        own[last] = operands[k]?.[axis] ?? 0;
      });
    } else {
      sizes.push(size);
      strides.forEach((own, k) => {
        own.push(operands[k]?.[axis] ?? 0);
      });
    }
  }
  return Int32Array.from([sizes.length, ...sizes, ...strides.flat()]);
}

/** Strides of an operand that is broadcast to `shape`: 0 along the axes where it is repeated. */
export function broadcastStrides(operand: readonly number[], shape: readonly number[]): number[] {
  const own = stridesOf(operand);
  const missing = shape.length - operand.length;
  return shape.map((_, axis) => (axis < missing || operand[axis - missing] === 1 ? 0 : (own[axis - missing] ?? 0)));
}

export function product(shape: readonly number[], from = 0, to = shape.length): number {
  let result = 1;
  for (let axis = from; axis < to; axis++) {
    result *= shape[axis] ?? 1;
  }
  return result;
}
