/**
 * Squeeze and excitation: each channel is scaled by a number between 0 and 1 that a small network finds from the means of all channels.
 *
 * Hu et al., "Squeeze-and-Excitation Networks", 2018. Reference: torchvision's SqueezeExcitation; timm's SEModule has the same names, `fc1` and `fc2`.
 */
import * as tf from "@tensorflow/tfjs-core";
import { Activation } from "../activations.ts";
import { Conv2d } from "../conv.ts";
import type { ActivationName } from "../functional/activation.ts";
import { Module } from "../module.ts";
import { AdaptiveAvgPool2d } from "../pooling.ts";

/** Options of {@link SqueezeExcitation}. */
export interface SqueezeExcitationOptions {
  /** Between the two layers, "relu" by default. */
  readonly activation?: ActivationName;
  /** What makes the scale, "sigmoid" by default. */
  readonly scaleActivation?: ActivationName;
}

/** [N, H, W, C] -> [N, H, W, C]. */
export class SqueezeExcitation extends Module<[x: tf.Tensor4D], tf.Tensor4D> {
  readonly avgpool: AdaptiveAvgPool2d;
  readonly fc1: Conv2d;
  readonly fc2: Conv2d;
  readonly activation: Activation;
  readonly scaleActivation: Activation;

  /**
   * @param inputChannels channels of the pictures
   * @param squeezeChannels width of the small network
   * @param options its activations
   */
  constructor(inputChannels: number, squeezeChannels: number, options: SqueezeExcitationOptions = {}) {
    super();
    const { activation = "relu", scaleActivation = "sigmoid" } = this.optionsOf(options, [
      "activation",
      "scaleActivation",
    ]);
    this.checkSizes({ inputChannels, squeezeChannels });
    this.avgpool = this.registerModule("avgpool", new AdaptiveAvgPool2d(1));
    this.fc1 = this.registerModule("fc1", new Conv2d(inputChannels, squeezeChannels, { kernelSize: 1 }));
    this.fc2 = this.registerModule("fc2", new Conv2d(squeezeChannels, inputChannels, { kernelSize: 1 }));
    this.activation = this.registerModule("activation", new Activation(activation));
    this.scaleActivation = this.registerModule("scale_activation", new Activation(scaleActivation));
  }

  forward(x: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => {
      const hidden = this.activation.forward(this.fc1.forward(this.avgpool.forward(x)));
      return tf.mul(x, this.scaleActivation.forward(this.fc2.forward(hidden)));
    });
  }
}
