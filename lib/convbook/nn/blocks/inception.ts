/**
 * Inception block: convolutions of several sizes and a max pool side by side, their outputs concatenated.
 *
 * Szegedy et al., "Going Deeper with Convolutions", 2015. Reference: UvA Deep Learning Tutorial 5 (PyTorch), whose state-dict names it has:
 * the paper's block plus a batch normalisation behind each convolution. 1x1 convolutions before the 3x3 and 5x5 ones reduce the channels.
 */
import * as tf from "@tensorflow/tfjs-core";
import { Activation } from "../activations.ts";
import { BatchNorm2d } from "../batch-norm.ts";
import { Sequential } from "../containers.ts";
import { Conv2d } from "../conv.ts";
import type { ActivationName } from "../functional/activation.ts";
import { Module } from "../module.ts";
import { MaxPool2d } from "../pooling.ts";

/** Widths and activation of an {@link InceptionBlock}. */
export interface InceptionBlockOptions {
  /** Channels that the 1x1 convolutions leave for the larger ones. */
  readonly cRed: { readonly "3x3": number; readonly "5x5": number };
  /** Channels of the four outputs. */
  readonly cOut: { readonly "1x1": number; readonly "3x3": number; readonly "5x5": number; readonly max: number };
  /** Activation, "relu" by default. */
  readonly actFn?: ActivationName;
}

/** [N, H, W, C] -> [N, H, W, C₁ + C₃ + C₅ + Cₘ]. */
export class InceptionBlock extends Module<[x: tf.Tensor4D], tf.Tensor4D> {
  readonly conv1x1;
  readonly conv3x3;
  readonly conv5x5;
  readonly maxPool;

  /**
   * @param cIn channels of the input
   * @param options widths and activation
   */
  constructor(cIn: number, options: InceptionBlockOptions) {
    super();
    const { cRed, cOut, actFn = "relu" } = this.optionsOf(options, ["cRed", "cOut", "actFn"]);
    this.optionsOf(cRed, ["3x3", "5x5"], "cRed");
    this.optionsOf(cOut, ["1x1", "3x3", "5x5", "max"], "cOut");
    this.checkSizes({ cIn, "cRed 3x3": cRed["3x3"], "cRed 5x5": cRed["5x5"], "cOut 1x1": cOut["1x1"] });
    this.checkSizes({ "cOut 3x3": cOut["3x3"], "cOut 5x5": cOut["5x5"], "cOut max": cOut.max });
    const convNormAct = (from: number, to: number, kernelSize: number) => [
      new Conv2d(from, to, { kernelSize, padding: (kernelSize - 1) / 2 }),
      new BatchNorm2d(to),
      new Activation(actFn),
    ];
    this.conv1x1 = this.registerModule("conv_1x1", new Sequential(...convNormAct(cIn, cOut["1x1"], 1)));
    this.conv3x3 = this.registerModule(
      "conv_3x3",
      new Sequential(...convNormAct(cIn, cRed["3x3"], 1), ...convNormAct(cRed["3x3"], cOut["3x3"], 3)),
    );
    this.conv5x5 = this.registerModule(
      "conv_5x5",
      new Sequential(...convNormAct(cIn, cRed["5x5"], 1), ...convNormAct(cRed["5x5"], cOut["5x5"], 5)),
    );
    this.maxPool = this.registerModule(
      "max_pool",
      new Sequential(new MaxPool2d(3, { padding: 1, stride: 1 }), ...convNormAct(cIn, cOut.max, 1)),
    );
  }

  forward(x: tf.Tensor4D): tf.Tensor4D {
    const branches = [this.conv1x1, this.conv3x3, this.conv5x5, this.maxPool];
    return tf.tidy(() =>
      tf.concat(
        branches.map((branch) => branch.forward(x)),
        3,
      ),
    );
  }
}
