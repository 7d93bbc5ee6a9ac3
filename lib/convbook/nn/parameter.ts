import * as tf from "@tensorflow/tfjs-core";
import { checkFunction, checkInteger } from "../arguments/check.ts";
import type { TensorData, TensorDType } from "../tensor-data.ts";
import { aboutToRead } from "./compile/reads.ts";
import { OptionError } from "./errors.ts";
import { noteUse } from "./usage.ts";

/**
 * The order in which PyTorch's dimensions are kept in memory here: dimension `i` of the TensorFlow.js tensor is dimension `layout[i]` of
 * PyTorch's. The identity is the empty list.
 */
export type Layout = readonly number[];

/** PyTorch [out, in] as [in, out]. */
export const linearLayout: Layout = [1, 0];
/** PyTorch [out, in / groups, length] as [length, in / groups, out]. */
export const conv1dLayout: Layout = [2, 1, 0];
/** PyTorch [out, in / groups, height, width] as [height, width, in / groups, out]. */
export const conv2dLayout: Layout = [2, 3, 1, 0];

/** What a module saves: a parameter or a buffer. Shapes here are PyTorch's. */
export interface StateEntry {
  readonly shape: readonly number[];
  readonly dtype: TensorDType;
  /** A copy of the value in PyTorch's layout. */
  toTensorData(): TensorData;
  /** Takes a value in PyTorch's layout; the number of elements must fit, other numeric types are converted. */
  load(value: TensorData): void;
  /** Frees what it holds in the backend's memory. */
  dispose(): void;
}

const sizeOf = (shape: readonly number[]) => shape.reduce((product, n) => product * n, 1);

/** Elements of `source` (row-major, of shape `shape`) with the dimensions in the order `order`. */
export function permute(source: Float32Array, shape: readonly number[], order: readonly number[]): Float32Array {
  if (order.every((dimension, i) => dimension === i)) {
    return source.slice();
  }
  const [first = 1] = shape;
  if (isFirstLast(order)) {
    return firstLast(source, first, shape[1] ?? 1);
  }
  const rank = shape.length;
  const strides = new Array<number>(rank).fill(1);
  for (let i = rank - 2; i >= 0; i--) {
    strides[i] = (strides[i + 1] as number) * (shape[i + 1] as number);
  }
  const size = order.map((dimension) => shape[dimension] as number);
  const step = order.map((dimension) => strides[dimension] as number);
  const result = new Float32Array(source.length);
  const index = new Array<number>(rank).fill(0);
  let from = 0;
  for (let to = 0; to < result.length; to++) {
    result[to] = source[from] as number;
    for (let d = rank - 1; d >= 0; d--) {
      index[d] = (index[d] as number) + 1;
      from += step[d] as number;
      if ((index[d] as number) < (size[d] as number)) {
        break;
      }
      from -= (step[d] as number) * (size[d] as number);
      index[d] = 0;
    }
  }
  return result;
}

/** [first, second, ...places] as [...places, second, first], which is what linear layers and convolutions keep. */
const isFirstLast = (order: readonly number[]): boolean =>
  order.at(-1) === 0 && order.slice(0, -2).every((dimension, i) => dimension === i + 2);

/** How many numbers of the first dimension are moved at once: what is read for one of them is still in the cache for the next. */
const STRIP = 32;

function firstLast(source: Float32Array, first: number, second: number): Float32Array {
  const result = new Float32Array(source.length);
  const row = source.length / first;
  for (let begin = 0; begin < first; begin += STRIP) {
    const end = Math.min(first, begin + STRIP);
    placeLast(source.subarray(begin * row, end * row), begin, end, result, first, second);
  }
  return result;
}

/** Puts the rows of `strip`, which are those from `begin` to `end` of the first dimension, where they belong in `result`. */
function placeLast(
  strip: Float32Array,
  begin: number,
  end: number,
  result: Float32Array,
  first: number,
  second: number,
): void {
  const row = result.length / first;
  const places = row / second;
  for (let c = 0; c < second; c++) {
    for (let place = 0; place < places; place++) {
      const to = (place * second + c) * first;
      let from = c * places + place;
      for (let o = begin; o < end; o++, from += row) {
        result[to + o] = strip[from] as number;
      }
    }
  }
}

function toFloat32(value: TensorData): Float32Array {
  if (value.dtype === "float32") {
    return value.data;
  }
  return Float32Array.from(value.data as ArrayLike<number | bigint>, Number);
}

/** Elements that may still be allocated; see {@link withParameterBudget}. */
let budget = Number.POSITIVE_INFINITY;

/** What a parameter counts at least, so that a budget bounds their number too. */
const leastCost = 1024;

/**
 * Builds modules with a bound on their size, for hyper-parameters that come from a file: one that describes a network of a trillion weights must not take
 * the memory for them.
 *
 * @param elements how many values parameters and buffers may have together
 * @param build what builds the modules
 * @returns what it returned
 * @throws {OptionError} where it asks for more
 */
export function withParameterBudget<T>(elements: number, build: () => T): T {
  if (typeof elements !== "number" || !(elements >= 0)) {
    throw new OptionError("withParameterBudget", "elements", elements, "a number of at least 0");
  }
  checkFunction("withParameterBudget", "build", build);
  const before = budget;
  budget = Math.min(budget, elements);
  try {
    return build();
  } finally {
    budget = before;
  }
}

function spend(shape: readonly number[]): void {
  const elements = sizeOf(shape);
  budget -= Math.max(elements, leastCost);
  if (budget < 0) {
    throw new OptionError(
      "A model",
      "the size",
      `a parameter of shape [${shape.join(", ")}] more`,
      "within the bound for files",
    );
  }
}

/**
 * Writes a value in PyTorch's layout, piece by piece in its order: all pieces but the last have a multiple of 16 numbers, and the last at least 16, or all
 * that there are.
 */
export type Drawing = (piece: Float32Array) => void;

/** What a piece has at least. */
const leastPiece = 16;

/** Strips of rows whose first and last dimensions change places; see {@link Drawing}. */
function drawFirstLast(draw: Drawing, result: Float32Array, first: number, second: number): void {
  const row = result.length / first;
  let scratch = new Float32Array(0);
  for (let begin = 0; begin < first; ) {
    const least = (first - begin - STRIP) * row;
    const end = least < leastPiece ? first : begin + STRIP;
    if (scratch.length < (end - begin) * row) {
      scratch = new Float32Array((end - begin) * row);
    }
    const strip = scratch.subarray(0, (end - begin) * row);
    draw(strip);
    placeLast(strip, begin, end, result, first, second);
    begin = end;
  }
}

/**
 * A float32 value that lives on the host until a backend first needs it, so that models can be built and loaded before one is chosen,
 * and that owns the conversion between PyTorch's layout and the one that TensorFlow.js computes in.
 */
class DeviceValue implements StateEntry {
  readonly shape: readonly number[];
  readonly dtype = "float32" as const;
  readonly layout: Layout;
  protected trainable: boolean;
  #host: Float32Array | undefined;
  /** What is still to be written into `#host`. */
  #drawing: Drawing | undefined;
  protected device: tf.Variable | undefined;

  /**
   * @param value initial value in PyTorch's layout; a shape alone stands for zeros
   * @param layout order of the dimensions in memory
   */
  constructor(value: TensorData | readonly number[], layout: Layout, trainable: boolean) {
    const owner = new.target.name;
    if (typeof value !== "object" || value === null || !("data" in value || Array.isArray(value))) {
      throw new OptionError(owner, "value", value, "a shape, or a value { dtype, shape, data }");
    }
    const shape = "data" in value ? value.shape : value;
    for (const size of shape) {
      checkInteger(owner, "value's shape", size, 0);
    }
    this.shape = [...shape];
    if (!Array.isArray(layout) || (layout.length > 0 && !this.shape.every((_, i) => layout.includes(i)))) {
      throw new OptionError(owner, "layout", layout, `an order of the ${this.shape.length} dimensions`);
    }
    this.layout = layout.length === 0 ? this.shape.map((_, i) => i) : layout;
    this.trainable = trainable;
    spend(this.shape);
    this.#host = new Float32Array(sizeOf(this.shape));
    if ("data" in value) {
      this.load(value);
    }
  }

  /** Number of elements. */
  get size(): number {
    return sizeOf(this.shape);
  }

  /**
   * The variable that computations use, in TensorFlow.js's layout. It stays the same object until {@link dispose}. Until it is first asked for, here or by
   * a forward pass, there is none that `tf.variableGrads` and TensorFlow.js's optimizers could find by themselves: give them a list.
   */
  get variable(): tf.Variable {
    if (this.device === undefined || this.device.isDisposed) {
      const host = this.#drawn();
      if (host === undefined) {
        throw new Error("This value was disposed of together with its module.");
      }
      const shape = this.layout.map((dimension) => this.shape[dimension] as number);
      const initial = tf.tensor(host, shape, "float32");
      this.device = tf.variable(initial, this.trainable);
      initial.dispose();
      this.#host = undefined;
    }
    return this.device;
  }

  toTensorData(): TensorData {
    const memory = this.#drawn() ?? (this.variable.dataSync() as Float32Array);
    const memoryShape = this.layout.map((dimension) => this.shape[dimension] as number);
    const inverse = this.layout.map((_, i) => this.layout.indexOf(i));
    return { dtype: "float32", shape: [...this.shape], data: permute(memory, memoryShape, inverse) };
  }

  load(value: TensorData): void {
    if (value.data.length !== this.size) {
      throw new RangeError(
        `A value of shape [${this.shape.join(", ")}] holds ${this.size} elements, got ${value.data.length}.`,
      );
    }
    const memory = permute(toFloat32(value), this.shape, this.layout);
    this.#drawing = undefined;
    if (this.device === undefined) {
      this.#host = memory;
      return;
    }
    const tensor = tf.tensor(memory, this.device.shape, "float32");
    this.device.assign(tensor);
    tensor.dispose();
  }

  /**
   * Takes the value that `draw` writes, but has it written only when something asks for it: initial weights that others replace are never drawn.
   *
   * @param draw writes it in PyTorch's layout, the same whenever it is called
   */
  loadLater(draw: Drawing): void {
    if (this.device !== undefined || this.#host === undefined) {
      const data = new Float32Array(this.size);
      draw(data);
      this.load({ dtype: "float32", shape: this.shape, data });
      return;
    }
    this.#drawing = draw;
  }

  /** The value on the host, where it is there. */
  #drawn(): Float32Array | undefined {
    const [draw, host] = [this.#drawing, this.#host];
    if (draw === undefined || host === undefined) {
      return host;
    }
    this.#drawing = undefined;
    if (this.layout.every((dimension, i) => dimension === i)) {
      draw(host);
    } else if (isFirstLast(this.layout)) {
      drawFirstLast(draw, host, this.shape[0] ?? 1, this.shape[1] ?? 1);
    } else {
      const value = new Float32Array(host.length);
      draw(value);
      this.#host = permute(value, this.shape, this.layout);
    }
    return this.#host;
  }

  dispose(): void {
    if (this.device !== undefined && !this.device.isDisposed) {
      this.device.dispose();
    }
    this.#host = undefined;
    this.#drawing = undefined;
  }
}

/** A learnable tensor of a module. */
export class Parameter extends DeviceValue {
  /**
   * @param value initial value in PyTorch's layout, or a shape alone for zeros
   * @param layout how memory differs from PyTorch's order of dimensions (none by default)
   */
  constructor(value: TensorData | readonly number[], layout: Layout = []) {
    super(value, layout, true);
  }

  /** Whether training changes it; as PyTorch's attribute of this name. */
  get requiresGrad(): boolean {
    return this.trainable;
  }

  override get variable(): tf.Variable {
    noteUse(this);
    return super.variable;
  }

  set requiresGrad(value: boolean) {
    this.trainable = value;
    if (this.device !== undefined) {
      this.device.trainable = value;
    }
  }
}

/** A tensor that belongs to a module's state without being learned, such as a running mean. */
export class Buffer extends DeviceValue {
  /** Whether it is saved in the state dict. */
  readonly persistent: boolean;

  constructor(value: TensorData | readonly number[], options: { layout?: Layout; persistent?: boolean } = {}) {
    super(value, options.layout ?? [], false);
    this.persistent = options.persistent ?? true;
  }

  override get variable(): tf.Variable {
    aboutToRead();
    return super.variable;
  }
}

/** A whole number that belongs to a module's state and never enters a computation on tensors (PyTorch's int64 scalar buffers). */
export class CounterBuffer implements StateEntry {
  readonly shape: readonly number[] = [];
  readonly dtype = "int64" as const;
  readonly persistent = true;
  value = 0;

  toTensorData(): TensorData {
    return { dtype: "int64", shape: [], data: BigInt64Array.of(BigInt(this.value)) };
  }

  load(value: TensorData): void {
    if (value.data.length !== 1) {
      throw new RangeError(`A counter holds one element, got ${value.data.length}.`);
    }
    this.value = Number(value.data[0]);
  }

  dispose(): void {}
}
