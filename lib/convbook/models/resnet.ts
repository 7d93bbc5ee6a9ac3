/**
 * ResNet for CIFAR: groups of residual blocks, of which the first of each group but the first halves the size.
 *
 * He et al., "Deep Residual Learning for Image Recognition", 2016, and "Identity Mappings in Deep Residual Networks", 2016. Reference: UvA Deep
 * Learning Tutorial 5 (PyTorch), with its initialisation (fan out) and state-dict names. As there, the pre-activation variant has no final
 * normalisation before the pool, and shortcuts that change the width are 1x1 convolutions instead of the paper's padding with zeros.
 */
import * as tf from "@tensorflow/tfjs-core";
import {
  Activation,
  type ActivationName,
  AdaptiveAvgPool2d,
  BatchNorm2d,
  Conv2d,
  Flatten,
  init,
  Linear,
  Module,
  OptionError,
  parseActivationName,
  Sequential,
} from "../nn/index.ts";
import { type ResNetBlockName, residualBlock } from "./registered-blocks.ts";

/** Hyper-parameters of {@link ResNet}. */
export interface ResNetHparams {
  /** Number of classes, 10 by default. */
  readonly numClasses?: number;
  /** Blocks in each group, [3, 3, 3] by default. */
  readonly numBlocks?: readonly number[];
  /** Channels of each group, [16, 32, 64] by default. */
  readonly cHidden?: readonly number[];
  /** Activation, "relu" by default. */
  readonly actFnName?: ActivationName;
  /** Which block, "ResNetBlock" by default; others are added by `registerBlock`. */
  readonly blockName?: ResNetBlockName;
}

const hparamNames = ["numClasses", "numBlocks", "cHidden", "actFnName", "blockName"] as const;

/** [N, 32, 32, 3] -> logits [N, numClasses]; other image sizes work too. */
export class ResNet extends Module<[x: tf.Tensor4D], tf.Tensor2D> {
  readonly inputNet: Sequential<(Conv2d | BatchNorm2d | Activation)[]>;
  readonly blocks: Sequential;
  readonly outputNet;

  constructor(hparams: ResNetHparams = {}) {
    super();
    const {
      numClasses = 10,
      numBlocks = [3, 3, 3],
      cHidden = [16, 32, 64],
    } = this.optionsOf(hparams, hparamNames, "hparams");
    const { blockName = "ResNetBlock", actFnName = "relu" } = hparams;
    this.checkSizes({ numClasses });
    this.checkSizeLists({ numBlocks, cHidden });
    const block = residualBlock(blockName);
    const [firstWidth] = cHidden;
    if (firstWidth === undefined || cHidden.length !== numBlocks.length) {
      throw new OptionError(
        "ResNet",
        "cHidden",
        cHidden,
        `one width for each of the ${numBlocks.length} groups of numBlocks`,
      );
    }
    const actFn = parseActivationName(actFnName);

    // Pre-activation blocks begin with their own normalisation, so nothing follows the first convolution there.
    const first = new Conv2d(3, firstWidth, { kernelSize: 3, padding: 1, bias: false });
    const input = block.preActivation ? [first] : [first, new BatchNorm2d(firstWidth), new Activation(actFn)];
    this.inputNet = this.registerModule("input_net", new Sequential(...input));

    let cIn = firstWidth;
    const blocks = cHidden.flatMap((cOut, group) =>
      Array.from({ length: numBlocks[group] ?? 0 }, (_, i) => {
        const made = block.create(cIn, { actFn, subsample: i === 0 && group > 0, cOut });
        cIn = cOut;
        return made;
      }),
    );
    this.blocks = this.registerModule("blocks", new Sequential(...blocks));

    this.outputNet = this.registerModule(
      "output_net",
      new Sequential(new AdaptiveAvgPool2d(1), new Flatten(), new Linear(cIn, numClasses)),
    );

    // Fan out keeps the variance of the gradients, as is usual for ResNets.
    for (const module of this.modules()) {
      if (module instanceof Conv2d) {
        init.kaimingNormal_(module.weight, { mode: "fanOut", nonlinearity: actFn });
      }
    }
  }

  forward(x: tf.Tensor4D): tf.Tensor2D {
    return tf.tidy(() => this.outputNet.forward(this.blocks.forward(this.inputNet.forward(x))));
  }
}
