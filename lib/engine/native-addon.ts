/** The functions of the engine's code, native or in WebAssembly, as JavaScript calls them. */
import type { NativeArrayFunctions } from "./native-arrays.ts";
import type { NativeOperationFunctions } from "./native-operations.ts";
import type { NativeTables } from "./native-tables.ts";

type F = Float32Array;
type I = Int32Array;
type B = Uint8Array;
type Maybe<T> = T | undefined;
/** Arrays of any element type that the native code moves about without looking at. */
export type Elements = Float32Array | Int32Array | Uint8Array;

/** A normalization by running statistics. */
export type RunningNorm = [mean: F, variance: F, gamma: Maybe<F>, beta: Maybe<F>, epsilon: number];

/** A convolution of an inverted residual block, with the normalization behind it. */
export type InvertedPart = [w: F, bias: Maybe<F>, activation: number, ...norm: RunningNorm];

/** The native functions. They check types and lengths of all arrays and throw a TypeError for what does not fit. */
export interface NativeAddon extends NativeArrayFunctions, NativeOperationFunctions, NativeTables {
  /**
   * Sets the threads (0: all processors), the instruction set ("" or undefined: the best), and whether results are to be the same
   * with any of both; returns the instruction set.
   */
  configure(threads: number, isa?: string, reproducible?: boolean): string;
  threads(): number;
  /** The last number of weights that a backend gave, of all that call this module. */
  lastVersion?: number;
  /** Pretends to have so many threads until {@link configure} is called: their tasks run one by one and are timed. Not in WebAssembly. */
  simulateThreads?(threads: number): void;
  /** What such threads have run: seconds of all tasks, and seconds until the last thread of each run would have been done. */
  simulatedWork?(): [runs: number, tasks: number, total: number, span: number];
  /** Whether the instruction set multiplies bfloat16 faster than float32. */
  hasBf16(): boolean;
  /** What AMX tiles have computed in this process: forward passes and input gradients in bf16 and in float32, gradients of filters. */
  tilePasses(): [rounded: number, split: number, filterGradients: number];
  /** When Winograd's algorithm is used, where there are no AMX tiles: never, where its model says that it is faster, or wherever it can: in tiles of 4 x 4 inputs, or of 6 x 6. */
  useWinograd(how: 0 | 1 | 2 | 3): void;
  /** What was computed by it in this process: forward convolutions, gradients of inputs, gradients of filters. */
  winogradPasses(): [forward: number, inputGradients: number, filterGradients: number];
  /**
   * Loads a module with oneDNN for convolutions, to be taken where it is faster (choices are kept at another
   * path) or wherever it can; nothing to take none. Returns its name and version, or why it cannot be.
   */
  useOneDnn(module?: string, always?: boolean, choices?: string): [name: string, version: string] | string | undefined;
  /** What was chosen for each shape: milliseconds of the engine's own, and of oneDNN, below zero where it has none. */
  oneDnnChoices(): [what: string, native: number, onednn: number, takesOneDnn: boolean][];
  /** How many convolutions the other implementation has run since it was loaded. */
  oneDnnRuns(): number;
  /** Convolutions by weights that were kept packed from an earlier call so far, and the bytes that these take. */
  keptConvolutions(): [uses: number, bytes: number];
  scratchBytes(): number;
  releaseScratch(): void;
  /**
   * `rounds`, here and below: factors may be rounded to bfloat16, where the processor can. `version`: weights of the same number, which is not 0, are the
   * same. `norm`: a normalization by running statistics, behind the bias.
   */
  conv2d(
    shape: I,
    x: F,
    w: F,
    bias: Maybe<F>,
    residual: Maybe<F>,
    activation: number,
    y: F,
    rounds: boolean,
    version?: number,
    ...norm: [] | RunningNorm
  ): void;
  conv2dInputGrad(shape: I, dy: F, w: F, dx: F): void;
  conv2dFilterGrad(shape: I, x: F, dy: F, dw: F, dbias: Maybe<F>): void;
  depthwise(shape: I, x: F, w: F, bias: Maybe<F>, activation: number, y: F, ...norm: [] | RunningNorm): void;
  /** The three convolutions of a block in one call, where the loops convolve; `shape` is the second one's. Says whether it was done. */
  invertedResidual(
    shape: I,
    inChannels: number,
    outChannels: number,
    x: F,
    residual: Maybe<F>,
    y: F,
    ...parts: [...InvertedPart, ...InvertedPart, ...InvertedPart]
  ): boolean;
  depthwiseInputGrad(shape: I, dy: F, w: F, dx: F): void;
  depthwiseFilterGrad(shape: I, x: F, dy: F, dw: F): void;
  gemm(
    a: F,
    b: F,
    bias: Maybe<F>,
    c: F,
    batch: number,
    m: number,
    n: number,
    k: number,
    transposeA: boolean,
    transposeB: boolean,
    sharedA: boolean,
    sharedB: boolean,
    activation: number,
    rounds: boolean,
  ): void;
  unary(op: number, x: F, y: F, n: number, a: number, b: number): void;
  fill(y: F, value: number, n: number): void;
  binary(op: number, a: F, b: F, y: F, description: I): void;
  compare(op: number, a: F, b: F, y: B, description: I): void;
  select(condition: B, a: F, b: F, y: F, description: I): void;
  reduce(op: number, x: F, y: F, outer: number, middle: number, inner: number, scale: number): void;
  argExtreme(largest: boolean, x: F, y: I, outer: number, middle: number, inner: number): void;
  copyStrided(
    x: Elements,
    xOffset: number,
    y: Elements,
    yOffset: number,
    bytes: number,
    description: I,
    scatter: boolean,
  ): void;
  copyRows(
    from: Elements,
    fromOffset: number,
    fromStride: number,
    to: Elements,
    toOffset: number,
    toStride: number,
    rows: number,
    bytes: number,
  ): void;
  gather(x: Elements, indices: I, y: Elements, outer: number, count: number, picked: number, bytes: number): void;
  oneHot(indices: I, y: F, n: number, depth: number, on: number, off: number): void;
  cast(kind: number, x: Elements, y: Elements, n: number): void;
  random(normal: boolean, y: F, n: number, seed: number, a: number, b: number): void;
  batchNorm(
    x: F,
    gamma: Maybe<F>,
    beta: Maybe<F>,
    residual: Maybe<F>,
    y: F,
    mean: F,
    variance: F,
    inverse: F,
    rows: number,
    channels: number,
    epsilon: number,
    activation: number,
  ): void;
  batchNormGrad(
    dy: F,
    x: F,
    y: Maybe<F>,
    gamma: Maybe<F>,
    beta: Maybe<F>,
    mean: F,
    inverse: F,
    dx: F,
    dgamma: F,
    dbeta: F,
    dresidual: Maybe<F>,
    rows: number,
    channels: number,
    epsilon: number,
    activation: number,
  ): void;
  affine(x: F, scale: F, shift: F, residual: Maybe<F>, y: F, rows: number, channels: number, activation: number): void;
  groupNorm(
    x: F,
    gamma: Maybe<F>,
    beta: Maybe<F>,
    y: F,
    mean: F,
    inverse: F,
    images: number,
    pixels: number,
    channels: number,
    groups: number,
    epsilon: number,
  ): void;
  groupNormGrad(
    dy: F,
    x: F,
    gamma: Maybe<F>,
    mean: F,
    inverse: F,
    dx: F,
    dgamma: F,
    dbeta: F,
    images: number,
    pixels: number,
    channels: number,
    groups: number,
    epsilon: number,
  ): void;
  maxPool(shape: I, x: F, y: F, index: Maybe<B>): void;
  maxPoolGrad(shape: I, dy: F, index: B, dx: F): void;
  avgPool(shape: I, x: F, y: F): void;
  avgPoolGrad(shape: I, dy: F, dx: F): void;
  softmax(x: F, y: F, rows: number, classes: number, logarithm: boolean): void;
  crossEntropy(
    logits: F,
    labels: Maybe<I>,
    targets: Maybe<F>,
    loss: F,
    gradient: F,
    rows: number,
    classes: number,
    smoothing: number,
  ): void;
  resize(bilinear: boolean, shape: I, x: F, y: F): void;
  resizeGrad(bilinear: boolean, shape: I, dy: F, dx: F): void;
  /** [phases, floats of state, floats of workspace, operations] of a program, which is then the one in hand, or why it cannot be run. */
  programPlan(
    mode: number,
    batch: number,
    program: I,
    numbers: F,
  ): [phases: number, stateFloats: number, workspaceFloats: number, operations: number] | string;
  /** Gives the program in hand its arrays, which it keeps until {@link programEnd}. */
  programBegin(
    parameters: F[],
    x: F,
    y: F,
    state: Maybe<F>,
    workspace: F,
    dy: Maybe<F>,
    dx: Maybe<F>,
    gradients: F[],
    rounds: boolean,
  ): void;
  /** Runs one of its phases; they are to be run in their order. */
  programPhase(phase: number): void;
  programEnd(): void;
  sgd(
    parameters: F[],
    gradients: F[],
    velocities: Maybe<F[]>,
    learningRate: number,
    momentum: number,
    dampening: number,
    weightDecay: number,
    nesterov: boolean,
    first: boolean,
    maximize: boolean,
  ): void;
  adam(
    parameters: F[],
    gradients: F[],
    m: F[],
    v: F[],
    vMax: Maybe<F[]>,
    learningRate: number,
    beta1: number,
    beta2: number,
    epsilon: number,
    weightDecay: number,
    decoupled: boolean,
    step: number,
    maximize: boolean,
  ): void;
  rmsprop(
    parameters: F[],
    gradients: F[],
    squares: F[],
    means: Maybe<F[]>,
    buffers: Maybe<F[]>,
    learningRate: number,
    alpha: number,
    epsilon: number,
    weightDecay: number,
    momentum: number,
  ): void;
}
