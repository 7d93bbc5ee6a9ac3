/**
 * VGG: 3x3 convolutions and pools one after the other, and three linear layers that have most of the weights.
 *
 * Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", 2015. Reference: torchvision's vgg.py, whose state-dict
 * names it has, whose logits it gives for the same weights, and whose weights it draws for the same seed. As there, a variant normalises behind each
 * convolution (`vgg16_bn`), and pictures of any size are pooled to 7x7 in front of the linear layers.
 */
import * as tf from "@tensorflow/tfjs-core";
import {
  Activation,
  AdaptiveAvgPool2d,
  type AnyModule,
  BatchNorm2d,
  Conv2d,
  Dropout,
  Flatten,
  Linear,
  MaxPool2d,
  OptionError,
  Sequential,
  UnknownNameError,
} from "../nn/index.ts";
import { drawInitialWeights } from "./initial-weights.ts";
import { type FeatureInfo, StagedNetwork, type Step, stepsOf } from "./staged-network.ts";

/** Hyper-parameters of {@link Vgg}; the defaults are VGG-16's. */
export interface VggHparams {
  /** Number of classes, 1000 by default. */
  readonly numClasses?: number;
  /** Channels of each stage's convolutions, [64, 128, 256, 512, 512] by default; a pool follows each stage. */
  readonly widths?: readonly number[];
  /** Convolutions in each stage, [2, 2, 3, 3, 3] by default. */
  readonly depths?: readonly number[];
  /** Whether each convolution is normalised, false by default. */
  readonly batchNorm?: boolean;
  /** Width of the linear layers, 4096 by default. */
  readonly hidden?: number;
  /** Probability of the dropouts between the linear layers, 0.5 by default. */
  readonly dropout?: number;
}

const hparamNames = ["numClasses", "widths", "depths", "batchNorm", "hidden", "dropout"] as const;

/** Cells along each side that the features are pooled to. */
const cells = 7;

/** [N, 224, 224, 3] -> logits [N, numClasses]; other image sizes of at least 32 work too. */
export class Vgg extends StagedNetwork {
  readonly features: Sequential;
  readonly avgpool: AdaptiveAvgPool2d;
  readonly classifier: Sequential<[Linear, Activation, Dropout, Linear, Activation, Dropout, Linear]>;
  readonly featureInfo: readonly FeatureInfo[];
  readonly #flatten = new Flatten();

  constructor(hparams: VggHparams = {}) {
    super();
    const {
      numClasses = 1000,
      hidden = 4096,
      dropout = 0.5,
      batchNorm = false,
    } = this.optionsOf(hparams, hparamNames, "hparams");
    const { widths = [64, 128, 256, 512, 512], depths = [2, 2, 3, 3, 3] } = hparams;
    this.checkSizes({ numClasses, hidden });
    this.checkSizeLists({ widths, depths });
    if (widths.length !== depths.length) {
      throw new OptionError("Vgg", "widths", widths, `one width for each of the ${depths.length} stages of depths`);
    }
    const layers: AnyModule[] = [];
    const featureInfo: FeatureInfo[] = [];
    let channels = 3;
    for (const [stage, width] of widths.entries()) {
      for (let i = 0; i < (depths[stage] ?? 0); i++) {
        layers.push(new Conv2d(channels, width, { kernelSize: 3, padding: 1 }));
        layers.push(...(batchNorm ? [new BatchNorm2d(width)] : []), new Activation("relu"));
        channels = width;
      }
      // As in timm: the features of a size are those before it is halved, and those behind the last pool.
      featureInfo.push({ module: `features.${layers.length - 1}`, numChs: width, reduction: 2 ** stage });
      layers.push(new MaxPool2d(2, { stride: 2 }));
    }
    featureInfo.push({
      module: `features.${layers.length - 1}`,
      numChs: channels,
      reduction: 2 ** widths.length,
    });
    this.featureInfo = featureInfo;
    this.features = this.registerModule("features", new Sequential(...layers));
    this.avgpool = this.registerModule("avgpool", new AdaptiveAvgPool2d(cells));
    this.classifier = this.registerModule(
      "classifier",
      new Sequential(
        new Linear(channels * cells * cells, hidden),
        new Activation("relu"),
        new Dropout(dropout),
        new Linear(hidden, hidden),
        new Activation("relu"),
        new Dropout(dropout),
        new Linear(hidden, numClasses),
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

/** Convolutions in each stage of the networks of so many layers. */
const depthsByLayers = {
  "11": [1, 1, 2, 2, 2],
  "13": [2, 2, 2, 2, 2],
  "16": [2, 2, 3, 3, 3],
  "19": [2, 2, 4, 4, 4],
} as const;

/** Name of a preset, as torchvision has it. */
export type VggName = `vgg${keyof typeof depthsByLayers}${"" | "_bn"}`;

/** Hyper-parameters that the named presets leave open. */
export type VggPresetHparams = Omit<VggHparams, "depths" | "batchNorm">;

/**
 * One of torchvision's networks, with weights drawn from the default generator.
 *
 * @param name as torchvision has it, for example "vgg16_bn"
 * @param hparams what is to differ from it
 */
export function vgg(name: VggName, hparams: VggPresetHparams = {}): Vgg {
  const [, layers, norm] = /^vgg(11|13|16|19)(_bn)?$/.exec(name) ?? [];
  if (layers === undefined) {
    const known = Object.keys(depthsByLayers).flatMap((number) => [`vgg${number}`, `vgg${number}_bn`]);
    throw new UnknownNameError("model", name, known);
  }
  const depths = depthsByLayers[layers as keyof typeof depthsByLayers];
  return new Vgg({ ...hparams, depths, batchNorm: norm !== undefined });
}
