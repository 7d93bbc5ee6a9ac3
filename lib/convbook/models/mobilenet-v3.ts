/**
 * MobileNetV3: MobileNetV2's blocks, found by search, some with squeeze and excitation and with a piecewise swish for activation.
 *
 * Howard et al., "Searching for MobileNetV3", 2019. Reference: torchvision's mobilenetv3.py, whose state-dict names it has, whose logits it gives for the
 * same weights, and whose weights it draws for the same seed.
 */
import * as tf from "@tensorflow/tfjs-core";
import { Conv2dNormActivation, SqueezeExcitation } from "../nn/blocks/index.ts";
import {
  Activation,
  type ActivationName,
  AdaptiveAvgPool2d,
  type AnyModule,
  BatchNorm2d,
  Dropout,
  Flatten,
  Linear,
  Module,
  Sequential,
  UnknownNameError,
} from "../nn/index.ts";
import { drawInitialWeights } from "./initial-weights.ts";
import { checkMults, makeDivisible } from "./make-divisible.ts";
import { type FeatureInfo, StagedNetwork, type Step, stepsOf } from "./staged-network.ts";

/** A block: kernel, width within, width behind, whether it squeezes, activation, stride. */
type BlockRow = readonly [
  kernel: number,
  expanded: number,
  out: number,
  squeezes: boolean,
  act: ActivationName,
  stride: number,
];

/** The blocks of each network, and the width in front of the last layer; the paper's tables 1 and 2. */
const sizes: Readonly<Record<"large" | "small", { readonly blocks: readonly BlockRow[]; readonly last: number }>> = {
  large: {
    blocks: [
      [3, 16, 16, false, "relu", 1],
      [3, 64, 24, false, "relu", 2],
      [3, 72, 24, false, "relu", 1],
      [5, 72, 40, true, "relu", 2],
      [5, 120, 40, true, "relu", 1],
      [5, 120, 40, true, "relu", 1],
      [3, 240, 80, false, "hardswish", 2],
      [3, 200, 80, false, "hardswish", 1],
      [3, 184, 80, false, "hardswish", 1],
      [3, 184, 80, false, "hardswish", 1],
      [3, 480, 112, true, "hardswish", 1],
      [3, 672, 112, true, "hardswish", 1],
      [5, 672, 160, true, "hardswish", 2],
      [5, 960, 160, true, "hardswish", 1],
      [5, 960, 160, true, "hardswish", 1],
    ],
    last: 1280,
  },
  small: {
    blocks: [
      [3, 16, 16, true, "relu", 2],
      [3, 72, 24, false, "relu", 2],
      [3, 88, 24, false, "relu", 1],
      [5, 96, 40, true, "hardswish", 2],
      [5, 240, 40, true, "hardswish", 1],
      [5, 240, 40, true, "hardswish", 1],
      [5, 120, 48, true, "hardswish", 1],
      [5, 144, 48, true, "hardswish", 1],
      [5, 288, 96, true, "hardswish", 2],
      [5, 576, 96, true, "hardswish", 1],
      [5, 576, 96, true, "hardswish", 1],
    ],
    last: 1024,
  },
};

/** Hyper-parameters of {@link MobileNetV3}. */
export interface MobileNetV3Hparams {
  /** "large" by default. */
  readonly size?: "large" | "small";
  /** Number of classes, 1000 by default. */
  readonly numClasses?: number;
  /** What all widths are multiplied with, 1 by default; the results are rounded to multiples of 8. */
  readonly widthMult?: number;
  /** Probability of the dropout before the last layer, 0.2 by default. */
  readonly dropout?: number;
}

const hparamNames = ["size", "numClasses", "widthMult", "dropout"] as const;

/** The normalisation of all layers; the slow statistics are the reference's. */
const normLayer = (channels: number) => new BatchNorm2d(channels, { eps: 1e-3, momentum: 0.01 });

/** [N, H, W, C] -> [N, H/stride, W/stride, C']; the input is added where the shapes agree. */
class InvertedResidual extends Module<[x: tf.Tensor4D], tf.Tensor4D> {
  readonly block: Sequential;
  readonly isResidual: boolean;

  constructor(inChannels: number, [kernelSize, expanded, out, squeezes, activation, stride]: BlockRow) {
    super();
    const layers: AnyModule[] = [];
    if (expanded !== inChannels) {
      layers.push(new Conv2dNormActivation(inChannels, expanded, { kernelSize: 1, normLayer, activation }));
    }
    layers.push(
      new Conv2dNormActivation(expanded, expanded, { kernelSize, stride, groups: expanded, normLayer, activation }),
    );
    if (squeezes) {
      const squeezed = makeDivisible(Math.floor(expanded / 4));
      layers.push(new SqueezeExcitation(expanded, squeezed, { scaleActivation: "hardsigmoid" }));
    }
    layers.push(new Conv2dNormActivation(expanded, out, { kernelSize: 1, normLayer, activation: null }));
    this.block = this.registerModule("block", new Sequential(...layers));
    this.isResidual = stride === 1 && inChannels === out;
  }

  forward(x: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => {
      const out = this.block.forward(x) as tf.Tensor4D;
      return this.isResidual ? tf.add(out, x) : out;
    });
  }
}

/** [N, 224, 224, 3] -> logits [N, numClasses]; other image sizes work too. */
export class MobileNetV3 extends StagedNetwork {
  readonly features: Sequential;
  readonly avgpool: AdaptiveAvgPool2d;
  readonly classifier: Sequential<[Linear, Activation, Dropout, Linear]>;
  readonly featureInfo: readonly FeatureInfo[];
  readonly #flatten = new Flatten();

  constructor(hparams: MobileNetV3Hparams = {}) {
    super();
    const {
      size = "large",
      numClasses = 1000,
      widthMult = 1,
      dropout = 0.2,
    } = this.optionsOf(hparams, hparamNames, "hparams");
    this.checkSizes({ numClasses });
    if (!Object.hasOwn(sizes, size)) {
      throw new UnknownNameError("size of MobileNetV3", String(size), Object.keys(sizes));
    }
    checkMults("MobileNetV3", { widthMult });
    const { blocks, last } = sizes[size];
    const widthOf = (width: number) => makeDivisible(width * widthMult);
    let channels = widthOf(16);
    let reduction = 2;
    const layers: AnyModule[] = [
      new Conv2dNormActivation(3, channels, { stride: 2, normLayer, activation: "hardswish" }),
    ];
    const found = new Map<number, FeatureInfo>([[2, { module: "features.0", numChs: channels, reduction: 2 }]]);
    for (const [kernel, expanded, out, squeezes, act, stride] of blocks) {
      layers.push(new InvertedResidual(channels, [kernel, widthOf(expanded), widthOf(out), squeezes, act, stride]));
      channels = widthOf(out);
      reduction *= stride;
      found.set(reduction, { module: `features.${layers.length - 1}`, numChs: channels, reduction });
    }
    layers.push(
      new Conv2dNormActivation(channels, 6 * channels, { kernelSize: 1, normLayer, activation: "hardswish" }),
    );
    // As in timm: the last stage ends with the convolution that widens it.
    found.set(reduction, { module: `features.${layers.length - 1}`, numChs: 6 * channels, reduction });
    this.featureInfo = [...found.values()];
    this.features = this.registerModule("features", new Sequential(...layers));
    this.avgpool = this.registerModule("avgpool", new AdaptiveAvgPool2d(1));
    this.classifier = this.registerModule(
      "classifier",
      new Sequential(
        new Linear(6 * channels, widthOf(last)),
        new Activation("hardswish"),
        new Dropout(dropout),
        new Linear(widthOf(last), numClasses),
      ),
    );
    drawInitialWeights(this.modules());
  }

  steps(): readonly Step[] {
    return stepsOf("features", this.features);
  }

  forwardHead(features: tf.Tensor4D): tf.Tensor2D {
    return tf.tidy(() => this.classifier.forward(this.#flatten.forward(this.avgpool.forward(features))));
  }
}
