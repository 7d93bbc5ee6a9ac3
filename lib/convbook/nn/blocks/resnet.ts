/**
 * Residual block of the original ResNet: y = act(F(x) + x) with F = conv, norm, act, conv, norm.
 *
 * He et al., "Deep Residual Learning for Image Recognition", 2016. Reference: UvA Deep Learning Tutorial 5 (PyTorch), whose state-dict names it
 * has. Where it subsamples, a 1x1 convolution of stride 2 (with bias and without normalisation, as there) brings x to F's shape.
 */
import * as tf from "@tensorflow/tfjs-core";
import { Activation } from "../activations.ts";
import { BatchNorm2d } from "../batch-norm.ts";
import { Sequential } from "../containers.ts";
import { Conv2d } from "../conv.ts";
import type { ActivationName } from "../functional/activation.ts";
import { Module } from "../module.ts";

/** Options of the residual blocks. */
export interface ResNetBlockOptions {
  /** Activation, "relu" by default. */
  readonly actFn?: ActivationName;
  /** Whether height and width are halved, false by default. */
  readonly subsample?: boolean;
  /** Channels of the output where it subsamples; otherwise they are those of the input. */
  readonly cOut?: number;
}

/** [N, H, W, C] -> [N, H, W, C], or [N, ⌈H/2⌉, ⌈W/2⌉, cOut] where it subsamples. */
export class ResNetBlock extends Module<[x: tf.Tensor4D], tf.Tensor4D> {
  readonly net;
  readonly downsample: Conv2d | null;
  readonly actFn: Activation;

  /**
   * @param cIn channels of the input
   * @param options activation, subsampling and width
   */
  constructor(cIn: number, options: ResNetBlockOptions = {}) {
    super();
    const { actFn = "relu", subsample = false, cOut = cIn } = this.optionsOf(options, ["actFn", "subsample", "cOut"]);
    this.checkSizes({ cIn, cOut });
    const width = subsample ? cOut : cIn;
    this.net = this.registerModule(
      "net",
      new Sequential(
        new Conv2d(cIn, width, { kernelSize: 3, padding: 1, stride: subsample ? 2 : 1, bias: false }),
        new BatchNorm2d(width),
        new Activation(actFn),
        new Conv2d(width, width, { kernelSize: 3, padding: 1, bias: false }),
        new BatchNorm2d(width),
      ),
    );
    this.downsample = subsample
      ? this.registerModule("downsample", new Conv2d(cIn, width, { kernelSize: 1, stride: 2 }))
      : null;
    this.actFn = this.registerModule("act_fn", new Activation(actFn));
  }

  forward(x: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => {
      const residual = this.downsample === null ? x : this.downsample.forward(x);
      return this.actFn.forward(tf.add(this.net.forward(x), residual));
    });
  }
}
