/**
 * Builds a program of the native engine, which joins normalisations and activations with the convolutions that read them and lets branches write into slices
 * of one buffer, so that nothing is concatenated or split.
 */
import type { Program, ProgramBuffer, ProgramNorm, ProgramOperation, ProgramWindow } from "@convbook/engine";
import { paysToFold } from "./cost.ts";
import { joinSiblings } from "./siblings.ts";

/** A range of a buffer's channels, and what is still to be applied to it: act(norm(x) + residual). */
export interface Place {
  readonly buffer: number;
  readonly offset: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly norm?: number;
  readonly residual?: number;
  readonly activation?: ClippedActivation;
}

/** What programs know of activations: the second one in inference alone. */
export type ClippedActivation = "relu" | "relu6";

/** Which node of the graph a parameter of the program belongs to, and which of its tensors it is. */
export interface Slot {
  readonly node: number;
  readonly key: "weight" | "bias" | "mean" | "variance";
}

/** A program, and where its parameters come from. */
export interface BuiltProgram {
  readonly program: Program;
  readonly parameters: readonly Slot[];
  /** Running statistics that a run brings up to date. */
  readonly running: readonly Slot[];
}

/** What is still being built. */
type Draft<T> = { -readonly [K in keyof T]: T[K] };
type Norm = Draft<ProgramNorm>;
type Operation = Draft<ProgramOperation>;

const noWindow = { filter: [1, 1], strides: [1, 1], pad: [0, 0] } as const;

/** What is known of a buffer so far. */
interface Use {
  /** The operations that write to it. */
  readonly made: Operation[];
  isRead: boolean;
}

/** Collects the operations of a program. */
export class ProgramBuilder {
  readonly input: Place;
  /** Whether a gradient is recorded, so that normalisations take the batch's statistics. */
  readonly #training: boolean;
  readonly #batch: number;
  readonly #buffers: ProgramBuffer[] = [];
  readonly #uses: Use[] = [];
  readonly #norms: Norm[] = [];
  readonly #operations: Operation[] = [];
  readonly #parameters: Slot[] = [];
  readonly #running: Slot[] = [];
  /** Buffers that a sum behind a normalisation was written to, which cannot be normalised again. */
  readonly #normalised = new Set<number>();
  #hasInputStatistics = false;

  /**
   * @param input shape of the input, [N, H, W, C]
   * @param training whether a gradient is recorded
   */
  constructor([batch, height, width, channels]: readonly number[], training: boolean) {
    this.#batch = batch as number;
    this.#training = training;
    this.input = this.allocate(height as number, width as number, channels as number);
  }

  /** A value with everything applied, in a buffer of its own, for what reads it more than once: nothing that one reader does to it is seen by another. */
  settled(value: Place): Place {
    const whole = this.#whole(value);
    this.#use(whole.buffer).isRead = true;
    return whole;
  }

  /** Room for images of this size. */
  allocate(height: number, width: number, channels: number): Place {
    this.#buffers.push({ height, width, channels });
    this.#uses.push({ made: [], isRead: false });
    return { buffer: this.#buffers.length - 1, offset: 0, channels, height, width };
  }

  /** Some channels of a plain value. */
  slice(value: Place, offset: number, channels: number): Place {
    return { ...value, offset: value.offset + offset, channels };
  }

  /**
   * @param node its number in the graph
   * @param shape of the output
   */
  convolution(from: Place, node: number, hasBias: boolean, window: ProgramWindow, shape: readonly number[]): Place {
    const source =
      from.residual !== undefined ||
      from.activation === "relu6" ||
      (from.activation === "relu" && from.norm === undefined)
        ? this.#plain(from)
        : from;
    if (source.norm !== undefined) {
      (this.#norms[source.norm] as Norm).relu = source.activation === "relu";
    }
    const to = this.allocate(...(shape.slice(1) as [number, number, number]));
    this.#add({
      ...this.#operation("conv", source, to),
      ...window,
      weight: this.#parameter({ node, key: "weight" }),
      bias: hasBias ? this.#parameter({ node, key: "bias" }) : -1,
    });
    return to;
  }

  pool(kind: "maxPool" | "avgPool", from: Place, window: ProgramWindow, shape: readonly number[]): Place {
    const source = this.#whole(from);
    const to = this.allocate(...(shape.slice(1) as [number, number, number]));
    this.#add({ ...this.#operation(kind, source, to), ...window });
    return to;
  }

  /**
   * @param node its number in the graph
   * @param share of this batch in the running statistics; null where they are left alone
   */
  normalisation(from: Place, node: number, epsilon: number, share: number | null): Place {
    let source = this.#plain(from);
    if (this.#normalised.has(source.buffer)) {
      source = this.#copy(source);
    }
    const { buffer, offset, channels } = source;
    const entry = { buffer, offset, channels, relu: false, epsilon, share: share ?? 0 };
    const gamma = this.#parameter({ node, key: "weight" });
    const beta = this.#parameter({ node, key: "bias" });
    if (!this.#training) {
      const mean = this.#parameter({ node, key: "mean" });
      this.#norms.push({ ...entry, gamma, beta, mean, variance: this.#parameter({ node, key: "variance" }) });
      const made = this.#maker(source);
      if (made === undefined || !this.#folds(made)) {
        return { ...source, norm: this.#norms.length - 1 };
      }
      made.fold = this.#norms.length - 1;
      return source;
    }
    if (source.buffer === 0 && !this.#hasInputStatistics) {
      this.#hasInputStatistics = true;
      this.#add({ ...this.#operation("stats", this.input, this.input), target: -1 });
    }
    const mean = share === null ? -1 : this.#running.push({ node, key: "mean" }, { node, key: "variance" }) - 2;
    this.#norms.push({ ...entry, gamma, beta, mean, variance: mean < 0 ? -1 : mean + 1 });
    return { ...source, norm: this.#norms.length - 1 };
  }

  activation(from: Place, name: ClippedActivation): Place {
    const made = this.#maker(from);
    if (!this.#training && made !== undefined) {
      // Of both, one behind the other, what is left is the narrower one.
      made.activation = made.activation === "relu6" ? "relu6" : name;
      return from;
    }
    return { ...from, activation: from.activation === "relu6" ? "relu6" : name };
  }

  /** from + residual. */
  sum(from: Place, residual: Place): Place {
    const source = from.activation !== undefined || from.residual !== undefined ? this.#plain(from) : from;
    const { buffer } = this.#whole(residual);
    const made = source.norm === undefined ? this.#maker(source) : undefined;
    // What is added must be there when the convolution runs.
    const isThere = made !== undefined && this.#isWrittenBefore(buffer, made);
    if (made !== undefined && isThere && made.residual < 0 && made.activation === "linear") {
      made.residual = buffer;
      this.#use(buffer).isRead = true;
      return source;
    }
    return { ...source, residual: buffer };
  }

  /** Values side by side in one buffer. */
  concatenation(parts: readonly Place[]): Place {
    const { height, width } = parts[0] as Place;
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
  place(from: Place, to: Place): void {
    const made = this.#isPlain(from) ? this.#maker(from) : undefined;
    // Nothing writes to the buffer that it reads.
    if (made === undefined || made.source === to.buffer || made.residual === to.buffer) {
      this.#merge(from, to);
      return;
    }
    this.#use(made.target).made.splice(0);
    this.#use(to.buffer).made.push(made);
    made.target = to.buffer;
    made.targetOffset = to.offset;
  }

  /** The whole, whose result is `result`; null where it is too little to be one. */
  build(result: Place): BuiltProgram | null {
    let last = this.#plain(result);
    if (last.buffer === 0 || !this.#isWhole(last)) {
      last = this.#copy(last);
    }
    const buffers = this.#buffers;
    const norms = this.#norms;
    const operations = this.#operations;
    const parameters = this.#parameters;
    const running = this.#running;
    if (operations.length < 2 || !operations.some(({ kind }) => kind === "conv")) {
      return null;
    }
    return { program: joinSiblings({ buffers, norms, operations, output: last.buffer }), parameters, running };
  }

  #use(buffer: number): Use {
    return this.#uses[buffer] as Use;
  }

  #add(operation: Operation): void {
    this.#operations.push(operation);
    this.#use(operation.source).isRead = true;
    if (operation.residual >= 0) {
      this.#use(operation.residual).isRead = true;
    }
    if (operation.target >= 0) {
      this.#use(operation.target).made.push(operation);
    }
  }

  #parameter(slot: Slot): number {
    return this.#parameters.push(slot) - 1;
  }

  #operation(kind: Operation["kind"], from: Place, to: Place): Operation {
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

  /** Whether a normalisation behind a convolution is folded into it. */
  #folds({ fold, residual, activation, filter: [height, width], inChannels, outChannels, target }: Operation): boolean {
    const made = this.#buffers[target] as ProgramBuffer;
    const weights = height * width * inChannels * outChannels;
    const isBare = fold < 0 && residual < 0 && activation === "linear";
    return isBare && paysToFold(weights, this.#batch * made.height * made.width * outChannels, false);
  }

  #isWhole({ buffer, offset, channels }: Place): boolean {
    return offset === 0 && channels === this.#buffers[buffer]?.channels;
  }

  #isPlain(value: Place): boolean {
    return value.norm === undefined && value.residual === undefined && value.activation === undefined;
  }

  #isWrittenBefore(buffer: number, operation: Operation): boolean {
    const at = this.#operations.indexOf(operation);
    return buffer === 0 || !this.#operations.slice(at).some(({ target }) => target === buffer);
  }

  /** The convolution that makes a value, while nobody has read it and its buffer is its alone. */
  #maker(value: Place): Operation | undefined {
    if (!this.#isPlain(value)) {
      return undefined;
    }
    if (!this.#isWhole(value)) {
      return undefined;
    }
    const { made, isRead } = this.#use(value.buffer);
    return made.length === 1 && made[0]?.kind === "conv" && !isRead ? made[0] : undefined;
  }

  /** A value with everything applied. */
  #plain(value: Place): Place {
    return this.#isPlain(value) ? value : this.#copy(value);
  }

  /** A plain value that has a buffer of its own. */
  #whole(value: Place): Place {
    const plain = this.#plain(value);
    return this.#isWhole(plain) ? plain : this.#copy(plain);
  }

  #copy(value: Place): Place {
    const to = this.allocate(value.height, value.width, value.channels);
    this.#merge(value, to);
    return to;
  }

  #merge(from: Place, to: Place): void {
    const value = from.buffer === to.buffer || from.residual === to.buffer ? this.#copy(from) : from;
    const operation = this.#operation("merge", value, to);
    this.#add({
      ...operation,
      residual: value.residual ?? -1,
      activation: value.activation ?? "linear",
    });
    if (value.norm !== undefined) {
      this.#normalised.add(to.buffer);
    }
  }
}
