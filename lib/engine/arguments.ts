/** Arguments of operations, refused by name before anything is computed with them. */

/** What an operation throws for an argument that it cannot work with. */
export class ArgumentError extends RangeError {
  override readonly name = "ArgumentError";
  /** The operation, as callers know it. */
  readonly operation: string;
  readonly argument: string;
  readonly got: unknown;
  /** What it may be, in words. */
  readonly expected: string;

  constructor(operation: string, argument: string, got: unknown, expected: string) {
    super(`${operation}: ${argument} must be ${expected}, got ${written(got)}.`);
    this.operation = operation;
    this.argument = argument;
    this.got = got;
    this.expected = expected;
  }
}

function written(value: unknown): string {
  if (Array.isArray(value)) {
    return `[${value.slice(0, 8).map(written).join(", ")}${value.length > 8 ? ", ..." : ""}]`;
  }
  if (typeof value === "string") {
    return JSON.stringify(value.slice(0, 60));
  }
  if (typeof value !== "object" || value === null) {
    return String(value);
  }
  const { shape, dtype } = value as { shape?: unknown; dtype?: unknown };
  return Array.isArray(shape) && typeof dtype === "string" ? `a tensor [${shape.join(", ")}] ${dtype}` : "an object";
}

function isInteger(value: unknown, least: number): boolean {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= least;
}

/** @throws ArgumentError unless `value` is a whole number of at least `least` */
export function checkInteger(operation: string, argument: string, value: unknown, least: number): void {
  if (isInteger(value, least)) {
    return;
  }
  throw new ArgumentError(operation, argument, value, `an integer of at least ${least}`);
}

/** @throws ArgumentError unless `value` is a list of whole numbers of at least `least`, `count` of them if that is given */
export function checkIntegers(
  operation: string,
  argument: string,
  value: unknown,
  least: number,
  count?: number,
): void {
  const fits = (each: unknown) => isInteger(each, least);
  if (Array.isArray(value) && value.every(fits) && (count === undefined || value.length === count)) {
    return;
  }
  const many = count === undefined ? "integers" : `${count} integers`;
  throw new ArgumentError(operation, argument, value, `${many} of at least ${least}`);
}

/** @throws ArgumentError unless `value` is a number that is not infinite and at least `least` */
export function checkNumber(
  operation: string,
  argument: string,
  value: unknown,
  least = Number.NEGATIVE_INFINITY,
): void {
  if (typeof value === "number" && Number.isFinite(value) && value >= least) {
    return;
  }
  const expected = least === Number.NEGATIVE_INFINITY ? "a finite number" : `a finite number of at least ${least}`;
  throw new ArgumentError(operation, argument, value, expected);
}

/**
 * An axis of `rank`, counted from the front.
 *
 * @throws ArgumentError unless it is one, from the front or, where negative, from the end
 */
export function axisFromFront(operation: string, axis: unknown, rank: number): number {
  if (!isInteger(axis, -rank) || Number(axis) >= rank) {
    throw new ArgumentError(operation, "axis", axis, `an integer from ${-rank} to ${rank - 1}`);
  }
  return Number(axis) < 0 ? Number(axis) + rank : Number(axis);
}

/** @throws ArgumentError unless each of `tensors` that is there is a tensor of float32 */
export function checkFloats(
  operation: string,
  tensors: Readonly<Record<string, { readonly shape: readonly number[]; readonly dtype: string } | undefined>>,
): void {
  for (const [argument, tensor] of Object.entries(tensors)) {
    if (tensor !== undefined && tensor?.dtype !== "float32") {
      throw new ArgumentError(operation, argument, tensor, "a tensor of float32");
    }
  }
}

/** Attributes of tfjs's kernels that are whole numbers, or lists of them, with the least they may be. */
type Bounds = Readonly<Record<string, number>>;

const convolution: Bounds = { strides: 1, dilations: 1, groups: 1 };
const pool: Bounds = { filterSize: 1, strides: 1, dilations: 1 };

/** By kernel: what callers know it as, and the bounds of its attributes. */
const checkedKernels: Readonly<Record<string, readonly [operation: string, bounds: Bounds]>> = {
  Conv2D: ["conv2d", convolution],
  FusedConv2D: ["fused.conv2d", convolution],
  Conv2DBackpropInput: ["conv2dTranspose", convolution],
  DepthwiseConv2dNative: ["depthwiseConv2d", convolution],
  FusedDepthwiseConv2D: ["fused.depthwiseConv2d", convolution],
  Conv3D: ["conv3d", convolution],
  Conv3DBackpropInputV2: ["conv3dTranspose", convolution],
  Dilation2D: ["dilation2d", convolution],
  MaxPool: ["maxPool", pool],
  AvgPool: ["avgPool", pool],
  MaxPool3D: ["maxPool3d", pool],
  AvgPool3D: ["avgPool3d", pool],
  MaxPoolWithArgmax: ["maxPoolWithArgmax", pool],
  ResizeBilinear: ["resizeBilinear", { size: 0 }],
  ResizeNearestNeighbor: ["resizeNearestNeighbor", { size: 0 }],
  // TensorFlow.js itself refuses negative begins.
  Slice: ["slice", { begin: Number.MIN_SAFE_INTEGER, size: -1 }],
  SplitV: ["split", { numOrSizeSplits: -1 }],
  StridedSlice: ["stridedSlice", { strides: Number.MIN_SAFE_INTEGER }],
  TopK: ["topk", { k: 0 }],
  OneHot: ["oneHot", { depth: 0 }],
  Reshape: ["reshape", { shape: -1 }],
  Tile: ["tile", { reps: 0 }],
  PadV2: ["pad", { paddings: 0 }],
};

/**
 * What looks at a kernel's attributes before it runs: tfjs lets steps of 0, fractions and NaN through to some of them, which make sizes that
 * are no sizes, or values that are none.
 *
 * @returns undefined for kernels whose attributes need no look
 */
export function attributeCheck(kernel: string): ((attrs: Readonly<Record<string, unknown>>) => void) | undefined {
  const checked = checkedKernels[kernel];
  if (checked === undefined) {
    return undefined;
  }
  const [operation, bounds] = checked;
  return (attrs) => {
    for (const [argument, least] of Object.entries(bounds)) {
      const value = attrs[argument];
      if (value === undefined || value === null) {
        continue;
      }
      if (Array.isArray(value)) {
        // Paddings are pairs.
        checkIntegers(operation, argument, Array.isArray(value[0]) ? value.flat() : value, least);
      } else {
        checkInteger(operation, argument, value, least);
      }
    }
  };
}
