/**
 * GoogleNet reduced to CIFAR's 32x32 images: eight Inception blocks of which two max pools halve the size in between.
 *
 * Szegedy et al., "Going Deeper with Convolutions", 2015. Reference: UvA Deep Learning Tutorial 5 (PyTorch), with its widths, initialisation
 * and state-dict names. Unlike the paper's network it has no auxiliary classifiers and 260,650 parameters instead of 7 million.
 */
import * as tf from "@tensorflow/tfjs-core";
import { InceptionBlock } from "../nn/blocks/index.ts";
import {
  Activation,
  type ActivationName,
  AdaptiveAvgPool2d,
  BatchNorm2d,
  Conv2d,
  Flatten,
  init,
  Linear,
  MaxPool2d,
  Module,
  parseActivationName,
  Sequential,
} from "../nn/index.ts";

/** Hyper-parameters of {@link GoogleNet}. */
export interface GoogleNetHparams {
  /** Number of classes, 10 by default. */
  readonly numClasses?: number;
  /** Activation, "relu" by default. */
  readonly actFnName?: ActivationName;
}

const hparamNames = ["numClasses", "actFnName"] as const;

/** [N, 32, 32, 3] -> logits [N, numClasses]; other image sizes work too. */
export class GoogleNet extends Module<[x: tf.Tensor4D], tf.Tensor2D> {
  readonly inputNet;
  readonly inceptionBlocks;
  readonly outputNet;

  constructor(hparams: GoogleNetHparams = {}) {
    super();
    const { numClasses = 10, actFnName = "relu" } = this.optionsOf(hparams, hparamNames, "hparams");
    this.checkSizes({ numClasses });
    const actFn = parseActivationName(actFnName);
    this.inputNet = this.registerModule(
      "input_net",
      new Sequential(new Conv2d(3, 64, { kernelSize: 3, padding: 1 }), new BatchNorm2d(64), new Activation(actFn)),
    );

    // Widths by hand, as in the tutorial: most filters go to the 3x3 branch.
    const narrow = { "3x3": 32, "5x5": 16 };
    const wide = { "3x3": 48, "5x5": 16 };
    const block = (
      cIn: number,
      cRed: typeof narrow,
      [one, three, five, max]: readonly [number, number, number, number],
    ) => new InceptionBlock(cIn, { cRed, cOut: { "1x1": one, "3x3": three, "5x5": five, max }, actFn });
    this.inceptionBlocks = this.registerModule(
      "inception_blocks",
      new Sequential(
        block(64, narrow, [16, 32, 8, 8]),
        block(64, narrow, [24, 48, 12, 12]),
        new MaxPool2d(3, { stride: 2, padding: 1 }), // 32x32 to 16x16
        block(96, narrow, [24, 48, 12, 12]),
        block(96, narrow, [16, 48, 16, 16]),
        block(96, narrow, [16, 48, 16, 16]),
        block(96, narrow, [32, 48, 24, 24]),
        new MaxPool2d(3, { stride: 2, padding: 1 }), // 16x16 to 8x8
        block(128, wide, [32, 64, 16, 16]),
        block(128, wide, [32, 64, 16, 16]),
      ),
    );

    this.outputNet = this.registerModule(
      "output_net",
      new Sequential(new AdaptiveAvgPool2d(1), new Flatten(), new Linear(128, numClasses)),
    );

    for (const module of this.modules()) {
      if (module instanceof Conv2d) {
        init.kaimingNormal_(module.weight, { nonlinearity: actFn });
      }
    }
  }

  forward(x: tf.Tensor4D): tf.Tensor2D {
    return tf.tidy(() => this.outputNet.forward(this.inceptionBlocks.forward(this.inputNet.forward(x))));
  }
}
