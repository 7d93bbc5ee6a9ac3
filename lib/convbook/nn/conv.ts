import * as tf from "@tensorflow/tfjs-core";
import type { Generator } from "../random/index.ts";
import type { Convolution } from "./compile/graph.ts";
import { OptionError, refuseUnknownOptions } from "./errors.ts";
import { type Conv2dGeometry, conv2d } from "./functional/conv.ts";
import { calculateFanInAndFanOut, kaimingUniform_, uniform_ } from "./init.ts";
import { Module } from "./module.ts";
import { conv1dLayout, conv2dLayout, Parameter } from "./parameter.ts";
import { ofRank } from "./ranks.ts";
import {
  checkChannelsLast,
  checkInteger,
  type Padding,
  pair,
  type Shape,
  type Size2d,
  shapeOf,
  type Window,
  windowedShape,
} from "./shapes.ts";

const convOptions = ["kernelSize", "stride", "padding", "dilation", "groups", "bias", "generator"];

/** Options that one- and two-dimensional convolutions share. */
export interface ConvOptions<Size> {
  /** Extent of the kernel. */
  readonly kernelSize: Size;
  /** Step of the kernel, 1 by default. */
  readonly stride?: Size;
  /** Zeros on each side, 0 by default; "same" (stride 1 only) keeps the size, "valid" is 0. */
  readonly padding?: Size | "same" | "valid";
  /** Distance between the kernel's taps, 1 by default. */
  readonly dilation?: Size;
  /** Parts that input and output channels are divided into, each output part seeing one input part; 1 by default. */
  readonly groups?: number;
  /** Whether a learned bias is added, true by default. */
  readonly bias?: boolean;
  /** What the initial weights are drawn from; the default generator when left out. */
  readonly generator?: Generator;
}

/** PyTorch's default for convolutions and linear layers: both uniform within ±1/√fan in. */
export function resetParameters(weight: Parameter, bias: Parameter | null, generator?: Generator): void {
  const options = generator === undefined ? {} : { generator };
  kaimingUniform_(weight, { a: Math.sqrt(5), ...options });
  const { fanIn } = calculateFanInAndFanOut(weight);
  if (bias !== null && fanIn > 0) {
    uniform_(bias, -1 / Math.sqrt(fanIn), 1 / Math.sqrt(fanIn), options);
  }
}

/** Groups that divide both numbers of channels, or an error that names them. */
export function checkGroups(owner: string, groups: number, inChannels: number, outChannels: number): number {
  checkInteger(owner, "groups", groups, 1);
  if (inChannels % groups !== 0 || outChannels % groups !== 0) {
    throw new OptionError(
      owner,
      "groups",
      groups,
      `a divisor of the ${inChannels} input and ${outChannels} output channels`,
    );
  }
  return groups;
}

/** Padding of both dimensions; that of a sequence is in the second, and its first is one place high. */
function paddings(
  owner: string,
  padding: Size2d | "same" | "valid",
  kernel: readonly [number, number],
  stride: readonly [number, number],
  dilation: readonly [number, number],
): [Padding, Padding] {
  if (padding === "valid") {
    return [
      [0, 0],
      [0, 0],
    ];
  }
  if (padding === "same") {
    if (stride.some((n) => n !== 1)) {
      throw new OptionError(owner, "padding", padding, `a number where stride is ${stride}`);
    }
    const along = (i: 0 | 1): Padding => {
      const total = dilation[i] * (kernel[i] - 1);
      return [Math.floor(total / 2), total - Math.floor(total / 2)];
    };
    return [along(0), along(1)];
  }
  if (typeof padding === "string") {
    throw new OptionError(owner, "padding", padding, 'a number, a pair, "same" or "valid"');
  }
  const [y, x] = pair(owner, "padding", padding, 0);
  return [
    [y, y],
    [x, x],
  ];
}

/** A bias that may not be there. */
function vectorOf(bias: Parameter | null): tf.Tensor1D | null {
  return bias === null ? null : ofRank(bias.variable, 1);
}

/** What {@link printedConvolution} prints. */
interface PrintedGeometry {
  readonly stride: readonly number[];
  readonly padding: readonly Padding[];
  readonly outputPadding?: readonly number[];
  readonly dilation: readonly number[];
  readonly groups: number;
}

/** Geometry as printed, leaving out what is PyTorch's default. */
export function printedConvolution(
  channels: readonly number[],
  kernel: readonly number[],
  geometry: PrintedGeometry,
  bias: boolean,
): string {
  const all = (values: readonly number[], value: number) => values.every((n) => n === value);
  const show = (values: readonly number[]) =>
    values.every((n) => n === values[0]) ? `${values[0]}` : `[${values.join(", ")}]`;
  const parts = [`${channels[0]}, ${channels[1]}`, `kernelSize=${show(kernel)}`];
  if (!all(geometry.stride, 1)) {
    parts.push(`stride=${show(geometry.stride)}`);
  }
  if (!all(geometry.padding.flat(), 0)) {
    parts.push(`padding=${show(geometry.padding.map(([before]) => before))}`);
  }
  const { outputPadding = [] } = geometry;
  if (!all(outputPadding, 0)) {
    parts.push(`outputPadding=${show(outputPadding)}`);
  }
  if (!all(geometry.dilation, 1)) {
    parts.push(`dilation=${show(geometry.dilation)}`);
  }
  if (geometry.groups !== 1) {
    parts.push(`groups=${geometry.groups}`);
  }
  if (!bias) {
    parts.push("bias=false");
  }
  return parts.join(", ");
}

/**
 * Two-dimensional convolution (cross-correlation), [N, H, W, C] -> [N, H', W', O] with
 * H' = ⌊(H + 2 padding − dilation (kernel − 1) − 1) / stride⌋ + 1.
 *
 * State: `weight` [O, C / groups, kernel height, kernel width] and `bias` [O], as torch.nn.Conv2d.
 *
 * @example
 * const conv = new Conv2d(3, 64, { kernelSize: 3, padding: 1 });
 */
export class Conv2d extends Module<[x: tf.Tensor4D], tf.Tensor4D> {
  readonly inChannels: number;
  readonly outChannels: number;
  readonly kernelSize: readonly [number, number];
  readonly geometry: Conv2dGeometry;
  readonly #windows: readonly Window[];
  readonly weight: Parameter;
  readonly bias: Parameter | null;

  /**
   * @param inChannels channels of the input
   * @param outChannels channels of the output
   * @param options kernelSize and the rest
   * @throws {OptionError} naming the option that is out of range
   */
  constructor(inChannels: number, outChannels: number, options: ConvOptions<Size2d>) {
    super();
    refuseUnknownOptions(this.typeName, options, convOptions);
    const { kernelSize, stride = 1, padding = 0, dilation = 1, groups = 1, bias = true, generator } = options;
    this.inChannels = checkInteger(this.typeName, "inChannels", inChannels, 1);
    this.outChannels = checkInteger(this.typeName, "outChannels", outChannels, 1);
    this.kernelSize = pair(this.typeName, "kernelSize", kernelSize, 1);
    const strides = pair(this.typeName, "stride", stride, 1);
    const dilations = pair(this.typeName, "dilation", dilation, 1);
    const [padY, padX] = paddings(this.typeName, padding, this.kernelSize, strides, dilations);
    this.geometry = {
      stride: strides,
      padding: [padY, padX],
      dilation: dilations,
      groups: checkGroups(this.typeName, groups, inChannels, outChannels),
    };
    this.#windows = ([0, 1] as const).map((i) => ({
      kernel: this.kernelSize[i],
      stride: strides[i],
      padding: i === 0 ? padY : padX,
      dilation: dilations[i],
    }));
    const shape = [outChannels, inChannels / groups, ...this.kernelSize];
    this.weight = this.registerParameter("weight", new Parameter(shape, conv2dLayout));
    this.bias = bias ? this.registerParameter("bias", new Parameter([outChannels])) : null;
    resetParameters(this.weight, this.bias, generator);
  }

  /** Shape of the output for an input [N, H, W, C]; throws a {@link ShapeError} where it does not fit. */
  outputShape(input: Shape): number[] {
    checkChannelsLast(this, input, "N, H, W, C", this.inChannels);
    return windowedShape(this, input, this.#windows, this.outChannels);
  }

  /** Multiplications with addition that an output of this shape takes. */
  multiplyAdds(_input: Shape, output: Shape): number {
    return (this.weight.size / this.outChannels) * output.reduce((product, n) => product * n, 1);
  }

  forward(x: tf.Tensor4D): tf.Tensor4D {
    this.outputShape(shapeOf(this, x));
    return conv2d(x, ofRank(this.weight.variable, 4), vectorOf(this.bias), this.geometry);
  }

  /** What the compiler knows of it; programs of the engine know neither groups nor dilation. */
  operation(x: tf.Tensor): Convolution {
    const { geometry } = this;
    const [weight, bias] = [this.weight.variable, this.bias?.variable ?? null];
    const { stride, padding, dilation, groups } = geometry;
    const isKnown = groups === 1 && dilation.every((n) => n === 1);
    const window = { filter: this.kernelSize, strides: stride, pad: [padding[0][0], padding[1][0]] as const };
    const shape = this.outputShape(x.shape);
    return { kind: "convolution", shape, weight, bias, geometry, window: isKnown ? window : null };
  }

  protected override extraRepr(): string {
    return printedConvolution([this.inChannels, this.outChannels], this.kernelSize, this.geometry, this.bias !== null);
  }
}

/**
 * One-dimensional convolution (cross-correlation), [N, L, C] -> [N, L', O].
 *
 * State: `weight` [O, C / groups, kernel] and `bias` [O], as torch.nn.Conv1d.
 *
 * @example
 * const conv = new Conv1d(1, 32, { kernelSize: 13, padding: "same" });
 */
export class Conv1d extends Module<[x: tf.Tensor3D], tf.Tensor3D> {
  readonly inChannels: number;
  readonly outChannels: number;
  readonly kernelSize: number;
  /** The geometry as a two-dimensional convolution of height 1. */
  readonly geometry: Conv2dGeometry;
  readonly weight: Parameter;
  readonly bias: Parameter | null;

  /**
   * @param inChannels channels of the input
   * @param outChannels channels of the output
   * @param options kernelSize and the rest
   * @throws {OptionError} naming the option that is out of range
   */
  constructor(inChannels: number, outChannels: number, options: ConvOptions<number>) {
    super();
    refuseUnknownOptions(this.typeName, options, convOptions);
    const { kernelSize, stride = 1, padding = 0, dilation = 1, groups = 1, bias = true, generator } = options;
    this.inChannels = checkInteger(this.typeName, "inChannels", inChannels, 1);
    this.outChannels = checkInteger(this.typeName, "outChannels", outChannels, 1);
    this.kernelSize = checkInteger(this.typeName, "kernelSize", kernelSize, 1);
    checkInteger(this.typeName, "stride", stride, 1);
    checkInteger(this.typeName, "dilation", dilation, 1);
    const [, pad] = paddings(this.typeName, padding, [1, kernelSize], [1, stride], [1, dilation]);
    this.geometry = {
      stride: [1, stride],
      padding: [[0, 0], pad],
      dilation: [1, dilation],
      groups: checkGroups(this.typeName, groups, inChannels, outChannels),
    };
    this.weight = this.registerParameter(
      "weight",
      new Parameter([outChannels, inChannels / groups, kernelSize], conv1dLayout),
    );
    this.bias = bias ? this.registerParameter("bias", new Parameter([outChannels])) : null;
    resetParameters(this.weight, this.bias, generator);
  }

  /** Shape of the output for an input [N, L, C]; throws a {@link ShapeError} where it does not fit. */
  outputShape(input: Shape): number[] {
    checkChannelsLast(this, input, "N, L, C", this.inChannels);
    const { stride, padding, dilation } = this.geometry;
    const window = { kernel: this.kernelSize, stride: stride[1], padding: padding[1], dilation: dilation[1] };
    return windowedShape(this, input, [window], this.outChannels);
  }

  /** Multiplications with addition that an output of this shape takes. */
  multiplyAdds(_input: Shape, output: Shape): number {
    return (this.weight.size / this.outChannels) * output.reduce((product, n) => product * n, 1);
  }

  forward(x: tf.Tensor3D): tf.Tensor3D {
    this.outputShape(shapeOf(this, x));
    return tf.tidy(() => {
      const [kernel, inputs, outputs] = ofRank(this.weight.variable, 3).shape;
      const weight: tf.Tensor4D = tf.reshape(this.weight.variable, [1, kernel, inputs, outputs]);
      const [batch, length, channels] = x.shape;
      const row: tf.Tensor4D = tf.reshape(x, [batch, 1, length, channels]);
      const y = conv2d(row, weight, vectorOf(this.bias), this.geometry);
      return tf.reshape(y, [batch, y.shape[2], this.outChannels]);
    });
  }

  protected override extraRepr(): string {
    const { stride, padding, dilation, groups } = this.geometry;
    const geometry = { stride: [stride[1]], padding: [padding[1]], dilation: [dilation[1]], groups };
    return printedConvolution([this.inChannels, this.outChannels], [this.kernelSize], geometry, this.bias !== null);
  }
}
