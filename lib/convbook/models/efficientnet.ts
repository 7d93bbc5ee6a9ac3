/**
 * EfficientNet: MobileNet's inverted residuals with squeeze and excitation, and a family of sizes whose depth and width grow together.
 *
 * Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", 2019. Reference: torchvision's efficientnet.py, whose
 * state-dict names it has, whose logits it gives for the same weights, and whose weights it draws for the same seed; blocks are left out at random in
 * training (stochastic depth), later ones more often.
 */
import * as tf from "@tensorflow/tfjs-core";
import { Conv2dNormActivation, SqueezeExcitation } from "../nn/blocks/index.ts";
import {
  AdaptiveAvgPool2d,
  type AnyModule,
  Dropout,
  Flatten,
  init,
  Linear,
  Module,
  Sequential,
  StochasticDepth,
  UnknownNameError,
} from "../nn/index.ts";
import { drawInitialWeights } from "./initial-weights.ts";
import { checkMults, makeDivisible } from "./make-divisible.ts";
import { type FeatureInfo, StagedNetwork, type Step, stepsOf } from "./staged-network.ts";

/** Each stage of EfficientNet-B0: how much its blocks widen, kernel, stride of the first, channels in and out, number of blocks; the paper's table 1. */
const stages = [
  [1, 3, 1, 32, 16, 1],
  [6, 3, 2, 16, 24, 2],
  [6, 5, 2, 24, 40, 2],
  [6, 3, 2, 40, 80, 3],
  [6, 5, 1, 80, 112, 3],
  [6, 5, 2, 112, 192, 4],
  [6, 3, 1, 192, 320, 1],
] as const;

/** Hyper-parameters of {@link EfficientNet}; the defaults are EfficientNet-B0's. */
export interface EfficientNetHparams {
  /** Number of classes, 1000 by default. */
  readonly numClasses?: number;
  /** What all widths are multiplied with, 1 by default; the results are rounded to multiples of 8. */
  readonly widthMult?: number;
  /** What the numbers of blocks are multiplied with, 1 by default; the results are rounded up. */
  readonly depthMult?: number;
  /** Probability of the dropout before the last layer, 0.2 by default. */
  readonly dropout?: number;
  /** Towards which the probability grows that a block is left out for a sample, 0.2 by default. */
  readonly stochasticDepthProb?: number;
}

const hparamNames = ["numClasses", "widthMult", "depthMult", "dropout", "stochasticDepthProb"] as const;

interface MBConvOptions {
  readonly kernelSize: number;
  readonly stride: number;
  readonly expand: number;
  readonly stochasticDepth: number;
}

/** [N, H, W, C] -> [N, H/stride, W/stride, C']; the input is added where the shapes agree. */
class MBConv extends Module<[x: tf.Tensor4D], tf.Tensor4D> {
  readonly block: Sequential;
  readonly stochasticDepth: StochasticDepth;
  readonly isResidual: boolean;

  constructor(inChannels: number, outChannels: number, options: MBConvOptions) {
    super();
    const { kernelSize, stride, expand } = options;
    const expanded = makeDivisible(inChannels * expand);
    const layers: AnyModule[] = [];
    if (expanded !== inChannels) {
      layers.push(new Conv2dNormActivation(inChannels, expanded, { kernelSize: 1, activation: "silu" }));
    }
    layers.push(
      new Conv2dNormActivation(expanded, expanded, { kernelSize, stride, groups: expanded, activation: "silu" }),
      new SqueezeExcitation(expanded, Math.max(1, Math.floor(inChannels / 4)), { activation: "silu" }),
      new Conv2dNormActivation(expanded, outChannels, { kernelSize: 1, activation: null }),
    );
    this.block = this.registerModule("block", new Sequential(...layers));
    this.stochasticDepth = this.registerModule("stochastic_depth", new StochasticDepth(options.stochasticDepth, "row"));
    this.isResidual = stride === 1 && inChannels === outChannels;
  }

  forward(x: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => {
      const out = this.block.forward(x) as tf.Tensor4D;
      return this.isResidual ? tf.add(this.stochasticDepth.forward(out), x) : out;
    });
  }
}

/** [N, 224, 224, 3] -> logits [N, numClasses]; other image sizes work too. */
export class EfficientNet extends StagedNetwork {
  readonly features: Sequential;
  readonly avgpool: AdaptiveAvgPool2d;
  readonly classifier: Sequential<[Dropout, Linear]>;
  readonly featureInfo: readonly FeatureInfo[];
  readonly #flatten = new Flatten();

  constructor(hparams: EfficientNetHparams = {}) {
    super();
    const {
      numClasses = 1000,
      widthMult = 1,
      depthMult = 1,
      dropout = 0.2,
    } = this.optionsOf(hparams, hparamNames, "hparams");
    const { stochasticDepthProb = 0.2 } = hparams;
    this.checkSizes({ numClasses });
    checkMults("EfficientNet", { widthMult, depthMult });
    const rows = stages.map(([expand, kernelSize, stride, from, to, count]) => ({
      ...{ expand, kernelSize, stride },
      from: makeDivisible(from * widthMult),
      to: makeDivisible(to * widthMult),
      count: Math.ceil(count * depthMult),
    }));
    const total = rows.reduce((sum, { count }) => sum + count, 0);
    let channels = makeDivisible(32 * widthMult);
    const layers: AnyModule[] = [new Conv2dNormActivation(3, channels, { stride: 2, activation: "silu" })];
    const found = new Map<number, FeatureInfo>();
    let reduction = 2;
    let block = 0;
    for (const { expand, kernelSize, stride, to, count } of rows) {
      const blocks: MBConv[] = [];
      for (let i = 0; i < count; i++) {
        const stochasticDepth = (stochasticDepthProb * block) / total;
        blocks.push(new MBConv(channels, to, { kernelSize, stride: i === 0 ? stride : 1, expand, stochasticDepth }));
        channels = to;
        block += 1;
      }
      layers.push(new Sequential(...blocks));
      reduction *= stride;
      found.set(reduction, { module: `features.${layers.length - 1}`, numChs: to, reduction });
    }
    this.featureInfo = [...found.values()];
    layers.push(new Conv2dNormActivation(channels, 4 * channels, { kernelSize: 1, activation: "silu" }));
    this.features = this.registerModule("features", new Sequential(...layers));
    this.avgpool = this.registerModule("avgpool", new AdaptiveAvgPool2d(1));
    this.classifier = this.registerModule(
      "classifier",
      new Sequential(new Dropout(dropout), new Linear(4 * channels, numClasses)),
    );
    const most = 1 / Math.sqrt(numClasses);
    drawInitialWeights(this.modules(), (weight) => init.uniform_(weight, -most, most));
  }

  steps(): readonly Step[] {
    return stepsOf("features", this.features);
  }

  forwardHead(features: tf.Tensor4D): tf.Tensor2D {
    return tf.tidy(() => this.classifier.forward(this.#flatten.forward(this.avgpool.forward(features))));
  }
}

/** How much wider and deeper than B0 each of the family is, and its dropout. */
const scales = {
  efficientnet_b0: { widthMult: 1, depthMult: 1, dropout: 0.2 },
  efficientnet_b1: { widthMult: 1, depthMult: 1.1, dropout: 0.2 },
  efficientnet_b2: { widthMult: 1.1, depthMult: 1.2, dropout: 0.3 },
  efficientnet_b3: { widthMult: 1.2, depthMult: 1.4, dropout: 0.3 },
  efficientnet_b4: { widthMult: 1.4, depthMult: 1.8, dropout: 0.4 },
} as const;

/** Name of a preset, as torchvision has it. */
export type EfficientNetName = keyof typeof scales;

/**
 * One of torchvision's networks, with weights drawn from the default generator.
 *
 * @param name as torchvision has it, for example "efficientnet_b0"
 * @param hparams what is to differ from it
 */
export function efficientNet(name: EfficientNetName, hparams: EfficientNetHparams = {}): EfficientNet {
  if (!Object.hasOwn(scales, name)) {
    throw new UnknownNameError("model", name, Object.keys(scales));
  }
  return new EfficientNet({ ...scales[name], ...hparams });
}
