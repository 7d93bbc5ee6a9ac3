import * as tf from "@tensorflow/tfjs-core";
import type { Generator } from "../random/index.ts";
import { checkGroups, printedConvolution, resetParameters } from "./conv.ts";
import { OptionError, refuseUnknownOptions, ShapeError } from "./errors.ts";
import { convTranspose2d, type TransposedGeometry } from "./functional/conv-transpose.ts";
import { Module } from "./module.ts";
import { conv2dLayout, Parameter } from "./parameter.ts";
import { checkChannelsLast, checkInteger, pair, type Shape, type Size2d, shapeOf } from "./shapes.ts";

/** Options of {@link ConvTranspose2d}; the defaults are PyTorch's. */
export interface ConvTransposeOptions {
  /** Extent of the kernel. */
  readonly kernelSize: Size2d;
  /** Distance of the kernel's places in the output, 1 by default. */
  readonly stride?: Size2d;
  /** How much is cut off each side of the output, 0 by default: the padding of the convolution that this one turns around. */
  readonly padding?: Size2d;
  /** How much the output is longer at its end, below the stride or the dilation; 0 by default. */
  readonly outputPadding?: Size2d;
  /** Parts that input and output channels are divided into, 1 by default. */
  readonly groups?: number;
  /** Whether a learned bias is added, true by default. */
  readonly bias?: boolean;
  /** Distance between the kernel's taps, 1 by default. */
  readonly dilation?: Size2d;
  /** What the initial weights are drawn from; the default generator when left out. */
  readonly generator?: Generator;
}

const options = ["kernelSize", "stride", "padding", "outputPadding", "groups", "bias", "dilation", "generator"];

/**
 * Transposed two-dimensional convolution, the gradient of {@link Conv2d} for its input as a layer: [N, H, W, C] -> [N, H', W', O] with
 * H' = (H − 1) stride − 2 padding + dilation (kernel − 1) + outputPadding + 1.
 *
 * State: `weight` [C, O / groups, kernel height, kernel width] (inputs first, unlike Conv2d's) and `bias` [O], as torch.nn.ConvTranspose2d.
 * `forward` takes no output_size: say it with outputPadding.
 *
 * @example
 * const up = new ConvTranspose2d(64, 32, { kernelSize: 2, stride: 2 }); // twice as high and wide
 */
export class ConvTranspose2d extends Module<[x: tf.Tensor4D], tf.Tensor4D> {
  readonly inChannels: number;
  readonly outChannels: number;
  readonly kernelSize: readonly [number, number];
  readonly geometry: TransposedGeometry;
  readonly weight: Parameter;
  readonly bias: Parameter | null;

  /**
   * @param inChannels channels of the input
   * @param outChannels channels of the output
   * @param given kernelSize and the rest
   * @throws {OptionError} naming the option that is out of range
   */
  constructor(inChannels: number, outChannels: number, given: ConvTransposeOptions) {
    super();
    const owner = this.typeName;
    refuseUnknownOptions(owner, given, options);
    const { kernelSize, stride = 1, padding = 0, outputPadding = 0, groups = 1, bias = true, dilation = 1 } = given;
    this.inChannels = checkInteger(owner, "inChannels", inChannels, 1);
    this.outChannels = checkInteger(owner, "outChannels", outChannels, 1);
    this.kernelSize = pair(owner, "kernelSize", kernelSize, 1);
    this.geometry = {
      stride: pair(owner, "stride", stride, 1),
      padding: pair(owner, "padding", padding, 0),
      outputPadding: pair(owner, "outputPadding", outputPadding, 0),
      dilation: pair(owner, "dilation", dilation, 1),
      groups: checkGroups(owner, groups, inChannels, outChannels),
    };
    for (const i of [0, 1] as const) {
      const limit = Math.max(this.geometry.stride[i], this.geometry.dilation[i]);
      if (this.geometry.outputPadding[i] >= limit) {
        throw new OptionError(
          owner,
          "outputPadding",
          outputPadding,
          `below ${limit}, the larger of stride and dilation`,
        );
      }
    }
    const shape = [inChannels, outChannels / groups, ...this.kernelSize];
    this.weight = this.registerParameter("weight", new Parameter(shape, conv2dLayout));
    this.bias = bias ? this.registerParameter("bias", new Parameter([outChannels])) : null;
    resetParameters(this.weight, this.bias, given.generator);
  }

  /** Shape of the output for an input [N, H, W, C]; throws a {@link ShapeError} where it does not fit. */
  outputShape(input: Shape): [number, number, number, number] {
    checkChannelsLast(this, input, "N, H, W, C", this.inChannels);
    const { stride, padding, outputPadding, dilation } = this.geometry;
    const length = (i: 0 | 1) => {
      const reach = dilation[i] * (this.kernelSize[i] - 1) + 1;
      return ((input[i + 1] ?? 0) - 1) * stride[i] - 2 * padding[i] + reach + outputPadding[i];
    };
    const [height, width] = [length(0), length(1)];
    if (height < 1 || width < 1) {
      throw new ShapeError(
        `${this}`,
        input,
        `an input whose output, here ${height} high and ${width} wide, is not empty`,
      );
    }
    return [input[0] ?? 0, height, width, this.outChannels];
  }

  /** Multiplications with addition that an input of this shape takes. */
  multiplyAdds(input: Shape): number {
    return (this.weight.size / this.inChannels) * input.reduce((product, n) => product * n, 1);
  }

  forward(x: tf.Tensor4D): tf.Tensor4D {
    const shape = this.outputShape(shapeOf(this, x));
    return tf.tidy(() => {
      const weight: tf.Tensor4D = tf.reshape(this.weight.variable, [
        ...this.kernelSize,
        this.outChannels / this.geometry.groups,
        this.inChannels,
      ]);
      const y = convTranspose2d(x, weight, shape, this.geometry);
      return this.bias === null ? y : tf.add(y, this.bias.variable);
    });
  }

  protected override extraRepr(): string {
    const { outputPadding, padding, ...rest } = this.geometry;
    const geometry = { ...rest, padding: padding.map((n) => [n, n] as const), outputPadding };
    return printedConvolution([this.inChannels, this.outChannels], this.kernelSize, geometry, this.bias !== null);
  }
}
