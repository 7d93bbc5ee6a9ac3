/**
 * Residual block with pre-activation: y = F(x) + x with F = norm, act, conv, norm, act, conv, so that the identity path stays free of any
 * non-linearity.
 *
 * He et al., "Identity Mappings in Deep Residual Networks", 2016. Reference: UvA Deep Learning Tutorial 5 (PyTorch), whose state-dict names it
 * has. Where it subsamples, x has passed no non-linearity yet, so norm and act come before the 1x1 convolution of stride 2.
 */
import * as tf from "@tensorflow/tfjs-core";
import { Activation } from "../activations.ts";
import { BatchNorm2d } from "../batch-norm.ts";
import { Sequential } from "../containers.ts";
import { Conv2d } from "../conv.ts";
import { Module } from "../module.ts";
import type { ResNetBlockOptions } from "./resnet.ts";

/** [N, H, W, C] -> [N, H, W, C], or [N, ⌈H/2⌉, ⌈W/2⌉, cOut] where it subsamples. */
export class PreActResNetBlock extends Module<[x: tf.Tensor4D], tf.Tensor4D> {
  readonly net;
  readonly downsample;

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
        new BatchNorm2d(cIn),
        new Activation(actFn),
        new Conv2d(cIn, width, { kernelSize: 3, padding: 1, stride: subsample ? 2 : 1, bias: false }),
        new BatchNorm2d(width),
        new Activation(actFn),
        new Conv2d(width, width, { kernelSize: 3, padding: 1, bias: false }),
      ),
    );
    this.downsample = subsample
      ? this.registerModule(
          "downsample",
          new Sequential(
            new BatchNorm2d(cIn),
            new Activation(actFn),
            new Conv2d(cIn, width, { kernelSize: 1, stride: 2, bias: false }),
          ),
        )
      : null;
  }

  forward(x: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => {
      const residual = this.downsample === null ? x : this.downsample.forward(x);
      return tf.add(this.net.forward(x), residual);
    });
  }
}
