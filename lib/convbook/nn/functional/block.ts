/**
 * Whole blocks of a network as one kernel of the native engine: modules describe themselves to a {@link BlockBuilder}, which joins normalisations and
 * activations with the convolutions that read them and lets branches write into slices of one buffer, so that nothing is concatenated or split.
 */
import * as tf from "@tensorflow/tfjs-core";
import { hasKernel, isNested, isRecording } from "./backend.ts";
import { type Buffer, joinSiblings, type Norm, type Operation } from "./block-program.ts";

/** A range of a buffer's channels, and what is still to be applied to it: act(norm(x) + residual). */
export interface BlockValue {
  readonly buffer: number;
  readonly offset: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly norm?: number;
  readonly residual?: number;
  readonly relu?: boolean;
}

/** A window's size, step and padding at the top and left, each [height, width]. */
export interface BlockWindow {
  readonly filter: readonly [number, number];
  readonly strides: readonly [number, number];
  readonly pad: readonly [number, number];
  /** Of the output. */
  readonly height: number;
  readonly width: number;
}

/** What a batch normalisation tells a builder. */
export interface BlockNormalisation {
  readonly weight: tf.Tensor;
  readonly bias: tf.Tensor;
  readonly epsilon: number;
  readonly running: { readonly mean: tf.Variable; readonly variance: tf.Variable } | null;
  /** Share of this batch in the running statistics, and what to do when the block is run. */
  readonly share: number;
  readonly onRun: () => void;
}

const noWindow = { filter: [1, 1], strides: [1, 1], pad: [0, 0] } as const;

/** What is known of a buffer so far. */
interface Use {
  /** The operations that write to it. */
  readonly made: Operation[];
  isRead: boolean;
}

/** Whether blocks can be run as one kernel now: not within the gradient of a gradient, which they do not have. */
export function hasBlocks(): boolean {
  return hasKernel("BlockTraining") && !isNested();
}

/** Collects the operations of a block. */
export class BlockBuilder {
  /** Whether a gradient is recorded, so that normalisations take the batch's statistics. */
  readonly training = isRecording();
  readonly input: BlockValue;
  private readonly x: tf.Tensor4D;
  private readonly buffers: Buffer[] = [];
  private readonly uses: Use[] = [];
  private readonly norms: Norm[] = [];
  private readonly operations: Operation[] = [];
  private readonly parameters: tf.Tensor[] = [];
  private readonly running: tf.Variable[] = [];
  private readonly onRun: (() => void)[] = [];
  /** Buffers that a sum behind a normalisation was written to, which cannot be normalised again. */
  private readonly normalised = new Set<number>();
  private hasInputStatistics = false;

  constructor(x: tf.Tensor4D) {
    this.x = x;
    const [, height, width, channels] = x.shape;
    this.input = this.allocate(height, width, channels);
  }

  /** Shape of the tensor that a value stands for. */
  shapeOf({ height, width, channels }: BlockValue): [number, number, number, number] {
    return [this.x.shape[0], height, width, channels];
  }

  /** Number of its elements. */
  sizeOf(value: BlockValue): number {
    return this.shapeOf(value).reduce((product, n) => product * n, 1);
  }

  /** A value with everything applied, in a buffer of its own, for what reads it more than once: nothing that one reader does to it is seen by another. */
  settled(value: BlockValue): BlockValue {
    const whole = this.whole(value);
    this.use(whole.buffer).isRead = true;
    return whole;
  }

  /** Number of convolutions so far. */
  get convolutions(): number {
    return this.operations.filter(({ kind }) => kind === "conv").length;
  }

  /** Room for images of this size. */
  allocate(height: number, width: number, channels: number): BlockValue {
    this.buffers.push({ height, width, channels });
    this.uses.push({ made: [], isRead: false });
    return { buffer: this.buffers.length - 1, offset: 0, channels, height, width };
  }

  /** Some channels of a plain value. */
  slice(value: BlockValue, offset: number, channels: number): BlockValue {
    return { ...value, offset: value.offset + offset, channels };
  }

  convolution(from: BlockValue, weight: tf.Tensor4D, bias: tf.Tensor1D | null, window: BlockWindow): BlockValue {
    const source =
      from.residual !== undefined || (from.relu === true && from.norm === undefined) ? this.plain(from) : from;
    if (source.norm !== undefined) (this.norms[source.norm] as Norm).relu = source.relu === true;
    const to = this.allocate(window.height, window.width, weight.shape[3]);
    this.add({
      ...this.operation("conv", source, to),
      filter: window.filter,
      strides: window.strides,
      pad: window.pad,
      weight: this.parameter(weight),
      bias: bias === null ? -1 : this.parameter(bias),
    });
    return to;
  }

  pool(kind: "maxPool" | "avgPool", from: BlockValue, window: BlockWindow): BlockValue {
    const source = this.whole(from);
    const to = this.allocate(window.height, window.width, source.channels);
    const { filter, strides, pad } = window;
    this.add({ ...this.operation(kind, source, to), filter, strides, pad });
    return to;
  }

  normalisation(from: BlockValue, norm: BlockNormalisation): BlockValue {
    let source = this.plain(from);
    if (this.normalised.has(source.buffer)) source = this.copy(source);
    const { weight, bias, epsilon, running, share, onRun } = norm;
    const entry = {
      buffer: source.buffer,
      offset: source.offset,
      channels: source.channels,
      relu: false,
      epsilon,
      share,
    };
    const gamma = this.parameter(weight);
    const beta = this.parameter(bias);
    if (!this.training) {
      if (running === null) throw new Error("A normalisation without running statistics has none to use.");
      const mean = this.parameter(running.mean);
      this.norms.push({ ...entry, gamma, beta, mean, variance: this.parameter(running.variance) });
      const made = this.maker(source);
      if (made === undefined || made.fold >= 0 || made.residual >= 0 || made.activation !== "linear") {
        return { ...source, norm: this.norms.length - 1 };
      }
      made.fold = this.norms.length - 1;
      return source;
    }
    if (source.buffer === 0 && !this.hasInputStatistics) {
      this.hasInputStatistics = true;
      this.add({ ...this.operation("stats", this.input, this.input), target: -1 });
    }
    this.onRun.push(onRun);
    const mean = running === null ? -1 : this.running.push(running.mean, running.variance) - 2;
    this.norms.push({ ...entry, gamma, beta, mean, variance: mean < 0 ? -1 : mean + 1 });
    return { ...source, norm: this.norms.length - 1 };
  }

  relu(from: BlockValue): BlockValue {
    const made = this.maker(from);
    if (!this.training && made !== undefined) {
      made.activation = "relu";
      return from;
    }
    return { ...from, relu: true };
  }

  /** from + residual. */
  sum(from: BlockValue, residual: BlockValue): BlockValue {
    const source = from.relu === true || from.residual !== undefined ? this.plain(from) : from;
    const { buffer } = this.whole(residual);
    const made = source.norm === undefined ? this.maker(source) : undefined;
    // What is added must be there when the convolution runs.
    const isThere = made !== undefined && this.isWrittenBefore(buffer, made);
    if (made !== undefined && isThere && made.residual < 0 && made.activation === "linear") {
      made.residual = buffer;
      this.use(buffer).isRead = true;
      return source;
    }
    return { ...source, residual: buffer };
  }

  /** Values side by side in one buffer. */
  concatenation(parts: readonly BlockValue[]): BlockValue {
    const { height, width } = parts[0] as BlockValue;
    const whole = this.allocate(
      height,
      width,
      parts.reduce((sum, { channels }) => sum + channels, 0),
    );
    let offset = 0;
    for (const part of parts) {
      this.place(part, this.slice(whole, offset, part.channels));
      offset += part.channels;
    }
    return whole;
  }

  /** Writes a value into channels of a buffer: straight away where the operation that makes it can. */
  place(from: BlockValue, to: BlockValue): void {
    const made = this.isPlain(from) ? this.maker(from) : undefined;
    if (made === undefined) {
      this.merge(from, to);
      return;
    }
    this.use(made.target).made.splice(0);
    this.use(to.buffer).made.push(made);
    made.target = to.buffer;
    made.targetOffset = to.offset;
  }

  /** Runs the block; null when it is too small to be worth it. */
  run(result: BlockValue): tf.Tensor4D | null {
    let last = this.plain(result);
    if (last.buffer === 0 || !this.isWhole(last)) last = this.copy(last);
    if (this.operations.length < 2) return null;
    const { buffers, norms, operations } = this;
    const program = joinSiblings({ buffers, norms, operations, output: last.buffer });
    const inputs = [this.x, ...this.parameters] as unknown as tf.NamedTensorMap;
    const attributes = { program, running: this.running } as unknown as tf.NamedAttrMap;
    for (const call of this.onRun) call();
    const y = tf.engine().runKernel(this.training ? "BlockTraining" : "Block", inputs, attributes);
    return (Array.isArray(y) ? y[0] : y) as tf.Tensor4D;
  }

  private use(buffer: number): Use {
    return this.uses[buffer] as Use;
  }

  private add(operation: Operation): void {
    this.operations.push(operation);
    this.use(operation.source).isRead = true;
    if (operation.residual >= 0) this.use(operation.residual).isRead = true;
    if (operation.target >= 0) this.use(operation.target).made.push(operation);
  }

  private parameter(tensor: tf.Tensor): number {
    return this.parameters.push(tensor) - 1;
  }

  private operation(kind: Operation["kind"], from: BlockValue, to: BlockValue): Operation {
    return {
      kind,
      source: from.buffer,
      sourceOffset: from.offset,
      inChannels: from.channels,
      norm: from.norm ?? -1,
      target: to.buffer,
      targetOffset: to.offset,
      outChannels: to.channels,
      residual: -1,
      ...noWindow,
      weight: -1,
      bias: -1,
      activation: "linear",
      fold: -1,
    };
  }

  private isWhole({ buffer, offset, channels }: BlockValue): boolean {
    return offset === 0 && channels === this.buffers[buffer]?.channels;
  }

  private isPlain(value: BlockValue): boolean {
    return value.norm === undefined && value.residual === undefined && value.relu !== true;
  }

  private isWrittenBefore(buffer: number, operation: Operation): boolean {
    const at = this.operations.indexOf(operation);
    return buffer === 0 || !this.operations.slice(at).some(({ target }) => target === buffer);
  }

  /** The convolution that makes a value, while nobody has read it and its buffer is its alone. */
  private maker(value: BlockValue): Operation | undefined {
    if (value.norm !== undefined || value.residual !== undefined || value.relu === true) return undefined;
    if (!this.isWhole(value)) return undefined;
    const { made, isRead } = this.use(value.buffer);
    return made.length === 1 && made[0]?.kind === "conv" && !isRead ? made[0] : undefined;
  }

  /** A value with everything applied. */
  private plain(value: BlockValue): BlockValue {
    return this.isPlain(value) ? value : this.copy(value);
  }

  /** A plain value that has a buffer of its own. */
  private whole(value: BlockValue): BlockValue {
    const plain = this.plain(value);
    return this.isWhole(plain) ? plain : this.copy(plain);
  }

  private copy(value: BlockValue): BlockValue {
    const to = this.allocate(value.height, value.width, value.channels);
    this.merge(value, to);
    return to;
  }

  private merge(value: BlockValue, to: BlockValue): void {
    const operation = this.operation("merge", value, to);
    this.add({
      ...operation,
      residual: value.residual ?? -1,
      activation: value.relu === true ? "relu" : "linear",
    });
    if (value.norm !== undefined) this.normalised.add(to.buffer);
  }
}
