/**
 * Convolution, normalisation, activation: what most networks for pictures are made of. Reference: torchvision's Conv2dNormActivation, whose state-dict
 * names it has ("0" the convolution, "1" the normalisation).
 */
import * as tf from "@tensorflow/tfjs-core";
import { Activation } from "../activations.ts";
import { BatchNorm2d } from "../batch-norm.ts";
import { Conv2d } from "../conv.ts";
import type { ActivationName } from "../functional/activation.ts";
import { type AnyModule, Module } from "../module.ts";

/** Options of {@link Conv2dNormActivation}. */
export interface ConvNormActivationOptions {
  /** Extent of the kernel, 3 by default. */
  readonly kernelSize?: number;
  /** Step of the kernel, 1 by default. */
  readonly stride?: number;
  /** Zeros on each side; by default as many as keep the size at stride 1. */
  readonly padding?: number;
  /** Parts of the channels, 1 by default. */
  readonly groups?: number;
  /** Distance between the kernel's taps, 1 by default. */
  readonly dilation?: number;
  /** Whether the convolution has a bias, false by default. */
  readonly bias?: boolean;
  /** Makes the normalisation for so many channels; a {@link BatchNorm2d} by default. */
  readonly normLayer?: (channels: number) => AnyModule;
  /** Name of the activation, "relu" by default; null for none. */
  readonly activation?: ActivationName | null;
}

const optionNames = [
  "kernelSize",
  "stride",
  "padding",
  "groups",
  "dilation",
  "bias",
  "normLayer",
  "activation",
] as const;

/** [N, H, W, C] -> [N, H/stride, W/stride, C']. */
export class Conv2dNormActivation extends Module<[x: tf.Tensor4D], tf.Tensor4D> {
  readonly #layers: readonly AnyModule[];

  /**
   * @param inChannels channels of the input
   * @param outChannels channels of the output
   * @param options kernelSize and the rest
   */
  constructor(inChannels: number, outChannels: number, options: ConvNormActivationOptions = {}) {
    super();
    const { kernelSize = 3, stride = 1, groups = 1, dilation = 1, bias = false } = this.optionsOf(options, optionNames);
    const { normLayer = (channels) => new BatchNorm2d(channels), activation = "relu" } = options;
    this.checkSizes({ inChannels, outChannels, kernelSize, stride, groups, dilation });
    const { padding = Math.floor((kernelSize - 1) / 2) * dilation } = options;
    const layers = [
      new Conv2d(inChannels, outChannels, { kernelSize, stride, padding, groups, dilation, bias }),
      normLayer(outChannels),
      ...(activation === null ? [] : [new Activation(activation)]),
    ];
    this.#layers = layers.map((layer, i) => this.registerModule(`${i}`, layer));
  }

  forward(x: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => {
      let y = x;
      for (const layer of this.#layers) {
        y = layer.forward(y);
      }
      return y;
    });
  }
}
