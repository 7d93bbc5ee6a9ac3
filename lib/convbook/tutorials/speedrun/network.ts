/**
 * A plain network that learns CIFAR-10 fast: a whitening convolution that is not learned, six 3x3 convolutions in three groups, one linear layer. After
 * K. Jordan 2024, arXiv:2404.00498 (figure 6), and its forerunners by D. Page and T. Coleman. What differs: SiLU for GELU
 * and a pool over the whole picture at the end, so that pictures may have any size.
 */
import * as tf from "@tensorflow/tfjs-core";
import { checkInteger } from "../../arguments/check.ts";
import { OptionError } from "../../arguments/option-error.ts";
import { refuseUnknownOptions } from "../../arguments/options.ts";
import * as nn from "../../nn/index.ts";

export interface SpeedrunNetOptions {
  readonly numClasses?: number;
  /** Channels of the three groups. */
  readonly widths?: readonly [number, number, number];
  /** The activation's name. */
  readonly activation?: string;
}

/** A batch's share in running statistics: large, because a training has few batches. */
const newest = 0.4;

/** Patches of the whitening convolution: 2 by 2 pixels of three colours, and every direction with both signs. */
const patch = 2;
const directions = 2 * 3 * patch * patch;

/** A 3x3 convolution that begins as the identity on as many channels as it has inputs. */
function identityConv(inputs: number, outputs: number): nn.Conv2d {
  const conv = new nn.Conv2d(inputs, outputs, { kernelSize: 3, padding: 1, bias: false });
  nn.init.dirac_(conv.weight, { rest: "keep" });
  return conv;
}

/** Batch normalisation whose shift alone is learned: scales would do what the next filters can do. */
function shiftNorm(channels: number): nn.BatchNorm2d {
  const norm = new nn.BatchNorm2d(channels, { momentum: newest, eps: 1e-12 });
  if (norm.weight !== null) {
    norm.weight.requiresGrad = false;
  }
  return norm;
}

/** Convolution, pool, normalisation, activation; convolution, normalisation, activation: [N, H, W, I] -> [N, H/2, W/2, O]. */
export class SpeedrunGroup extends nn.Module<[x: tf.Tensor4D], tf.Tensor4D> {
  readonly conv1: nn.Conv2d;
  readonly pool: nn.MaxPool2d = new nn.MaxPool2d(2);
  readonly norm1: nn.BatchNorm2d;
  readonly conv2: nn.Conv2d;
  readonly norm2: nn.BatchNorm2d;
  readonly act: nn.Activation;

  constructor(inputs: number, outputs: number, activation: string) {
    super();
    this.conv1 = identityConv(inputs, outputs);
    this.norm1 = shiftNorm(outputs);
    this.conv2 = identityConv(outputs, outputs);
    this.norm2 = shiftNorm(outputs);
    this.act = new nn.Activation(activation);
  }

  forward(x: tf.Tensor4D): tf.Tensor4D {
    const half = this.act.forward(this.norm1.forward(this.pool.forward(this.conv1.forward(x))));
    return this.act.forward(this.norm2.forward(this.conv2.forward(half)));
  }
}

/**
 * The network, [N, H, W, 3] -> [N, classes]. Pictures of 8 k + 1 pixels a side waste none: the whitening convolution takes one off, and each group halves
 * what is left.
 *
 * @example
 * const network = new SpeedrunNet();
 * network.whiten(someThousandImages);
 */
export class SpeedrunNet extends nn.Module<[x: tf.Tensor4D], tf.Tensor2D> {
  readonly whitening: nn.Conv2d;
  readonly act: nn.Activation;
  readonly groups: nn.Sequential<[SpeedrunGroup, SpeedrunGroup, SpeedrunGroup]>;
  readonly head: nn.Linear;

  constructor(options: SpeedrunNetOptions = {}) {
    super();
    refuseUnknownOptions("SpeedrunNet", options, ["numClasses", "widths", "activation"]);
    const { numClasses = 10, widths = [64, 256, 256], activation = "silu" } = options;
    if (
      !Array.isArray(widths) ||
      widths.length !== 3 ||
      !widths.every((width) => Number.isInteger(width) && width > 0)
    ) {
      throw new OptionError("SpeedrunNet", "widths", widths, "three whole numbers of at least 1");
    }
    checkInteger("SpeedrunNet", "numClasses", numClasses, 1);
    const [first, second, third] = widths;
    this.whitening = new nn.Conv2d(3, directions, { kernelSize: patch });
    this.whitening.weight.requiresGrad = false;
    if (this.whitening.bias !== null) {
      nn.init.zeros_(this.whitening.bias);
    }
    this.act = new nn.Activation(activation);
    this.groups = new nn.Sequential(
      new SpeedrunGroup(directions, first, activation),
      new SpeedrunGroup(first, second, activation),
      new SpeedrunGroup(second, third, activation),
    );
    this.head = new nn.Linear(third, numClasses, { bias: false });
    // Weights of variance 1 under a small factor in forward: a fixed scale of the logits, and steps that a large rate may take.
    nn.init.uniform_(this.head.weight, -Math.sqrt(3), Math.sqrt(3));
  }

  /** Whether the whitening convolution's bias is learned: where its outputs begin to count. */
  learnWhiteningBias(learned: boolean): void {
    if (this.whitening.bias !== null) {
      this.whitening.bias.requiresGrad = learned;
    }
  }

  /** Sets the whitening convolution from pictures, [N, H, W, 3], normalised as in training. */
  whiten(images: tf.Tensor4D): void {
    nn.init.whitening_(this.whitening.weight, images);
  }

  forward(x: tf.Tensor4D): tf.Tensor2D {
    return tf.tidy(() => {
      const features = this.groups.forward(this.act.forward(this.whitening.forward(x)));
      const [, , , channels] = features.shape;
      const largest: tf.Tensor2D = tf.max(features, [1, 2]);
      return tf.mul(this.head.forward(largest), 1 / channels);
    });
  }
}
