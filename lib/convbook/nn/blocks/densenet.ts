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
import type { BlockBuilder, BlockValue } from "../functional/block.ts";
import { lower, runAsBlock } from "../lowering.ts";
import { type AnyModule, Module } from "../module.ts";
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
  readonly net: Sequential;
  /** Feature maps that the layer adds. */
  readonly growthRate: number;

  /**
   * @param cIn channels of the input
   * @param options widths and activation
   */
  constructor(cIn: number, { bnSize, growthRate, actFn = "relu" }: DenseLayerOptions) {
    super();
    this.growthRate = growthRate;
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
    const block = runAsBlock([this], x);
    if (block !== null) return block.y as tf.Tensor4D;
    return tf.tidy(() => tf.concat([this.net.forward(x) as tf.Tensor4D, x], 3));
  }

  lower(builder: BlockBuilder, from: BlockValue): BlockValue | null {
    const x = builder.settled(from);
    const y = lower(this.net, builder, x);
    return y === null ? null : builder.concatenation([y, x]);
  }
}

/** Whether a layer's forward pass is what {@link DenseLayer} says. */
function isPlainLayer(layer: AnyModule): layer is DenseLayer {
  return layer instanceof DenseLayer && layer.forward === DenseLayer.prototype.forward;
}

/** Options of a {@link DenseBlock}. */
export interface DenseBlockOptions extends DenseLayerOptions {
  /** Number of dense layers. */
  readonly numLayers: number;
}

/** [N, H, W, C] -> [N, H, W, C + numLayers growthRate]. */
export class DenseBlock extends Module<[x: tf.Tensor4D], tf.Tensor4D> {
  readonly block: Sequential;

  /**
   * @param cIn channels of the input
   * @param options number of layers, widths and activation
   */
  constructor(cIn: number, { numLayers, ...layer }: DenseBlockOptions) {
    super();
    const layers = Array.from({ length: numLayers }, (_, i) => new DenseLayer(cIn + i * layer.growthRate, layer));
    this.block = this.registerModule("block", new Sequential(...layers));
  }

  forward(x: tf.Tensor4D): tf.Tensor4D {
    return (runAsBlock([this], x)?.y ?? this.block.forward(x)) as tf.Tensor4D;
  }

  /** All layers write into one buffer, each before what it read. */
  lower(builder: BlockBuilder, from: BlockValue): BlockValue | null {
    const layers = this.block.children();
    if (this.block.hasForwardHooks) return null;
    const grown = layers.map((layer) => (isPlainLayer(layer) ? layer.growthRate : 0));
    if (grown.includes(0)) return null;
    let offset = grown.reduce((sum, channels) => sum + channels, 0);
    const whole = builder.allocate(from.height, from.width, offset + from.channels);
    builder.place(from, builder.slice(whole, offset, from.channels));
    for (const [i, layer] of (layers as DenseLayer[]).entries()) {
      const y = lower(layer.net, builder, builder.slice(whole, offset, whole.channels - offset));
      if (y === null) return null;
      offset -= grown[i] as number;
      builder.place(y, builder.slice(whole, offset, y.channels));
    }
    return whole;
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
  readonly transition: Sequential;

  /**
   * @param cIn channels of the input
   * @param options width and activation
   */
  constructor(cIn: number, { cOut, actFn = "relu" }: TransitionLayerOptions) {
    super();
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
    return this.transition.forward(x) as tf.Tensor4D;
  }

  lower(builder: BlockBuilder, x: BlockValue): BlockValue | null {
    return lower(this.transition, builder, x);
  }
}
