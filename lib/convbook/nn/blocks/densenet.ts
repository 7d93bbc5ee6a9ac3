/**
 * The parts of a DenseNet: layers that add a few feature maps to all those before them, blocks of such layers, and transitions between blocks.
 *
 * Huang et al., "Densely Connected Convolutional Networks", 2017. Reference: UvA Deep Learning Tutorial 5 (PyTorch), whose state-dict names it
 * has. As there, new feature maps come before the old ones in the concatenation.
 */
import * as tf from "@tensorflow/tfjs-core";
import { Activation } from "../activations.ts";
import { BatchNorm2d } from "../batch-norm.ts";
import { Sequential } from "../containers.ts";
import { Conv2d } from "../conv.ts";
import type { ActivationName } from "../functional/activation.ts";
import { Module } from "../module.ts";
import { AvgPool2d } from "../pooling.ts";

/** Options of a {@link DenseLayer}. */
export interface DenseLayerOptions {
  /** Width of the bottleneck, in growth rates; 2 to 4 are usual. */
  readonly bnSize: number;
  /** Feature maps that the layer adds. */
  readonly growthRate: number;
  /** Activation, "relu" by default. */
  readonly actFn?: ActivationName;
}

/** [N, H, W, C] -> [N, H, W, growthRate + C]. */
export class DenseLayer extends Module<[x: tf.Tensor4D], tf.Tensor4D> {
  readonly net;

  /**
   * @param cIn channels of the input
   * @param options widths and activation
   */
  constructor(cIn: number, options: DenseLayerOptions) {
    super();
    const { bnSize, growthRate, actFn = "relu" } = this.optionsOf(options, ["bnSize", "growthRate", "actFn"]);
    this.checkSizes({ cIn, bnSize, growthRate });
    const width = bnSize * growthRate;
    this.net = this.registerModule(
      "net",
      new Sequential(
        new BatchNorm2d(cIn),
        new Activation(actFn),
        new Conv2d(cIn, width, { kernelSize: 1, bias: false }),
        new BatchNorm2d(width),
        new Activation(actFn),
        new Conv2d(width, growthRate, { kernelSize: 3, padding: 1, bias: false }),
      ),
    );
  }

  forward(x: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => tf.concat([this.net.forward(x), x], 3));
  }
}

/** Options of a {@link DenseBlock}. */
export interface DenseBlockOptions extends DenseLayerOptions {
  /** Number of dense layers. */
  readonly numLayers: number;
}

/** [N, H, W, C] -> [N, H, W, C + numLayers growthRate]. */
export class DenseBlock extends Module<[x: tf.Tensor4D], tf.Tensor4D> {
  readonly block: Sequential<DenseLayer[]>;

  /**
   * @param cIn channels of the input
   * @param options number of layers, widths and activation
   */
  constructor(cIn: number, options: DenseBlockOptions) {
    super();
    const { numLayers, ...layer } = this.optionsOf(options, ["numLayers", "bnSize", "growthRate", "actFn"]);
    this.checkSizes({ cIn, numLayers, growthRate: layer.growthRate });
    const layers = Array.from({ length: numLayers }, (_, i) => new DenseLayer(cIn + i * layer.growthRate, layer));
    this.block = this.registerModule("block", new Sequential(...layers));
  }

  forward(x: tf.Tensor4D): tf.Tensor4D {
    return this.block.forward(x);
  }
}

/** Options of a {@link TransitionLayer}. */
export interface TransitionLayerOptions {
  /** Channels of the output. */
  readonly cOut: number;
  /** Activation, "relu" by default. */
  readonly actFn?: ActivationName;
}

/** Reduces channels by a 1x1 convolution, and height and width by an average pool: [N, H, W, C] -> [N, ⌊H/2⌋, ⌊W/2⌋, cOut]. */
export class TransitionLayer extends Module<[x: tf.Tensor4D], tf.Tensor4D> {
  readonly transition;

  /**
   * @param cIn channels of the input
   * @param options width and activation
   */
  constructor(cIn: number, options: TransitionLayerOptions) {
    super();
    const { cOut, actFn = "relu" } = this.optionsOf(options, ["cOut", "actFn"]);
    this.checkSizes({ cIn, cOut });
    this.transition = this.registerModule(
      "transition",
      new Sequential(
        new BatchNorm2d(cIn),
        new Activation(actFn),
        new Conv2d(cIn, cOut, { kernelSize: 1, bias: false }),
        new AvgPool2d(2, { stride: 2 }),
      ),
    );
  }

  forward(x: tf.Tensor4D): tf.Tensor4D {
    return this.transition.forward(x);
  }
}
