/**
 * The parts of a one-dimensional ResNet for patterns such as powder diffraction: convolution, batch normalisation, GELU and dropout, and the
 * residual block made of them.
 *
 * He et al., "Deep Residual Learning for Image Recognition", 2016, in one dimension. Paddings are half the kernel, so that only strides shorten a
 * pattern.
 */
import * as tf from "@tensorflow/tfjs-core";
import { GELU } from "../activations.ts";
import { BatchNorm1d } from "../batch-norm.ts";
import { Conv1d } from "../conv.ts";
import { Dropout } from "../dropout.ts";
import { OptionError } from "../errors.ts";
import { Module } from "../module.ts";

/** Options of the one-dimensional convolution layers. */
export interface CNN1dLayerOptions {
  /** Extent of the kernel. */
  readonly kernelSize: number;
  /** Step of the kernel, 1 by default. */
  readonly stride?: number;
  /** Probability of dropout, 0 by default. */
  readonly dropout?: number;
}

/** Convolution, batch normalisation, dropout, without activation: [N, L, C] -> [N, ⌈L / stride⌉, O] for odd kernels. */
export class CNN1dLayerNoAct extends Module<[x: tf.Tensor3D], tf.Tensor3D> {
  readonly conv: Conv1d;
  readonly norm: BatchNorm1d;
  readonly dropout: Dropout;

  /**
   * @param inDim channels of the input
   * @param outDim channels of the output
   * @param options kernel, stride and dropout
   */
  constructor(inDim: number, outDim: number, options: CNN1dLayerOptions) {
    super();
    const { kernelSize, stride = 1, dropout = 0 } = this.optionsOf(options, ["kernelSize", "stride", "dropout"]);
    this.checkSizes({ inDim, outDim, kernelSize, stride });
    const padding = Math.floor(kernelSize / 2);
    this.conv = this.registerModule("conv", new Conv1d(inDim, outDim, { kernelSize, stride, padding }));
    this.norm = this.registerModule("norm", new BatchNorm1d(outDim));
    this.dropout = this.registerModule("dropout", new Dropout(dropout));
  }

  forward(x: tf.Tensor3D): tf.Tensor3D {
    return tf.tidy(() => this.dropout.forward(this.norm.forward(this.conv.forward(x))));
  }
}

/** Convolution, batch normalisation, GELU, dropout: [N, L, C] -> [N, ⌈L / stride⌉, O] for odd kernels. */
export class CNN1dLayer extends Module<[x: tf.Tensor3D], tf.Tensor3D> {
  readonly conv: Conv1d;
  readonly norm: BatchNorm1d;
  readonly act: GELU;
  readonly dropout: Dropout;

  /**
   * @param inDim channels of the input
   * @param outDim channels of the output
   * @param options kernel, stride and dropout
   */
  constructor(inDim: number, outDim: number, options: CNN1dLayerOptions) {
    super();
    const { kernelSize, stride = 1, dropout = 0 } = this.optionsOf(options, ["kernelSize", "stride", "dropout"]);
    this.checkSizes({ inDim, outDim, kernelSize, stride });
    const padding = Math.floor(kernelSize / 2);
    this.conv = this.registerModule("conv", new Conv1d(inDim, outDim, { kernelSize, stride, padding }));
    this.norm = this.registerModule("norm", new BatchNorm1d(outDim));
    this.act = this.registerModule("act", new GELU());
    this.dropout = this.registerModule("dropout", new Dropout(dropout));
  }

  forward(x: tf.Tensor3D): tf.Tensor3D {
    return tf.tidy(() => {
      const normal = this.norm.forward(this.conv.forward(x));
      return this.dropout.forward(this.act.forward(normal));
    });
  }
}

/** y = GELU(F(x) + x) with F = {@link CNN1dLayer}, {@link CNN1dLayerNoAct}; a 1x1 convolution brings x to F's shape where they differ. */
export class Resnet1DBlock extends Module<[x: tf.Tensor3D], tf.Tensor3D> {
  readonly layer1: CNN1dLayer;
  readonly layer2: CNN1dLayerNoAct;
  readonly downsample: CNN1dLayerNoAct | null;
  readonly act: GELU;

  /**
   * @param inDim channels of the input
   * @param outDim channels of the output
   * @param options kernel, stride of the first convolution, dropout
   */
  constructor(inDim: number, outDim: number, options: CNN1dLayerOptions) {
    super();
    const { kernelSize, stride = 1, dropout = 0 } = this.optionsOf(options, ["kernelSize", "stride", "dropout"]);
    this.checkSizes({ inDim, outDim, kernelSize, stride });
    if (kernelSize % 2 !== 1) {
      throw new OptionError(this.typeName, "kernelSize", kernelSize, "odd, so that F(x) is as long as x");
    }
    this.layer1 = this.registerModule("layer1", new CNN1dLayer(inDim, outDim, { kernelSize, stride, dropout }));
    this.layer2 = this.registerModule("layer2", new CNN1dLayerNoAct(outDim, outDim, { kernelSize, dropout }));
    this.downsample =
      inDim !== outDim || stride !== 1
        ? this.registerModule("downsample", new CNN1dLayerNoAct(inDim, outDim, { kernelSize: 1, stride, dropout }))
        : null;
    this.act = this.registerModule("act", new GELU());
  }

  forward(x: tf.Tensor3D): tf.Tensor3D {
    return tf.tidy(() => {
      const hidden = this.layer2.forward(this.layer1.forward(x));
      const residual = this.downsample === null ? x : this.downsample.forward(x);
      return this.act.forward(tf.add(hidden, residual));
    });
  }
}
