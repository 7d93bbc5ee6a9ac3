/**
 * MobileNetV2 with torchvision's names, so that its .pth files load: blocks that widen by a 1x1 convolution, filter each channel by itself and narrow
 * again without an activation, with a residual between the narrow ends.
 *
 * Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", 2018. Reference: torchvision's mobilenetv2.py, whose logits it gives for the
 * same weights, and whose weights it draws for the same seed.
 */
import * as tf from "@tensorflow/tfjs-core";
import { Conv2dNormActivation } from "../nn/blocks/index.ts";
import {
  AdaptiveAvgPool2d,
  type AnyModule,
  BatchNorm2d,
  Conv2d,
  Dropout,
  Flatten,
  Linear,
  Module,
  Sequential,
} from "../nn/index.ts";
import { drawInitialWeights } from "./initial-weights.ts";
import { checkMults, makeDivisible } from "./make-divisible.ts";
import { type FeatureInfo, StagedNetwork, type Step, stepsOf } from "./staged-network.ts";

/** Hyper-parameters of {@link MobileNetV2}. */
export interface MobileNetV2Hparams {
  /** Number of classes, 1000 by default. */
  readonly numClasses?: number;
  /** What all widths are multiplied with, 1 by default; the results are rounded to multiples of 8. */
  readonly widthMult?: number;
  /** Probability of the dropout before the last layer, 0.2 by default. */
  readonly dropout?: number;
}

const hparamNames = ["numClasses", "widthMult", "dropout"] as const;

/** Each stage: how much its blocks widen, channels, number of blocks, stride of the first. */
const stages = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
] as const;

/** Convolution, normalisation and ReLU6. */
function convNormAct(
  inChannels: number,
  outChannels: number,
  options: { kernelSize: number; stride?: number; groups?: number },
) {
  return new Conv2dNormActivation(inChannels, outChannels, { ...options, activation: "relu6" });
}

/** [N, H, W, C] -> [N, H/stride, W/stride, C']; the input is added where the shapes agree. */
class InvertedResidual extends Module<[x: tf.Tensor4D], tf.Tensor4D> {
  readonly conv: Sequential;
  readonly isResidual: boolean;

  constructor(inChannels: number, outChannels: number, { stride, expand }: { stride: number; expand: number }) {
    super();
    const hidden = inChannels * expand;
    const layers: AnyModule[] = expand === 1 ? [] : [convNormAct(inChannels, hidden, { kernelSize: 1 })];
    layers.push(
      convNormAct(hidden, hidden, { kernelSize: 3, stride, groups: hidden }),
      new Conv2d(hidden, outChannels, { kernelSize: 1, bias: false }),
      new BatchNorm2d(outChannels),
    );
    this.conv = this.registerModule("conv", new Sequential(...layers));
    this.isResidual = stride === 1 && inChannels === outChannels;
  }

  forward(x: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => {
      const out = this.conv.forward(x) as tf.Tensor4D;
      return this.isResidual ? tf.add(x, out) : out;
    });
  }
}

/** [N, 224, 224, 3] -> logits [N, numClasses]; other image sizes work too. */
export class MobileNetV2 extends StagedNetwork {
  readonly features: Sequential;
  readonly classifier: Sequential<[Dropout, Linear]>;
  readonly featureInfo: readonly FeatureInfo[];
  readonly #pool = new AdaptiveAvgPool2d(1);
  readonly #flatten = new Flatten();

  constructor(hparams: MobileNetV2Hparams = {}) {
    super();
    const { numClasses = 1000, widthMult = 1, dropout = 0.2 } = this.optionsOf(hparams, hparamNames, "hparams");
    this.checkSizes({ numClasses });
    checkMults("MobileNetV2", { widthMult });
    const last = makeDivisible(1280 * Math.max(1, widthMult));
    let channels = makeDivisible(32 * widthMult);
    const layers: AnyModule[] = [convNormAct(3, channels, { kernelSize: 3, stride: 2 })];
    const found = new Map<number, FeatureInfo>();
    let reduction = 2;
    for (const [expand, planes, count, firstStride] of stages) {
      const width = makeDivisible(planes * widthMult);
      for (let i = 0; i < count; i++) {
        layers.push(new InvertedResidual(channels, width, { stride: i === 0 ? firstStride : 1, expand }));
        channels = width;
      }
      reduction *= firstStride;
      found.set(reduction, { module: `features.${layers.length - 1}`, numChs: width, reduction });
    }
    this.featureInfo = [...found.values()];
    layers.push(convNormAct(channels, last, { kernelSize: 1 }));
    this.features = this.registerModule("features", new Sequential(...layers));
    this.classifier = this.registerModule(
      "classifier",
      new Sequential(new Dropout(dropout), new Linear(last, numClasses)),
    );
    drawInitialWeights(this.modules());
  }

  steps(): readonly Step[] {
    return stepsOf("features", this.features);
  }

  forwardHead(features: tf.Tensor4D): tf.Tensor2D {
    return tf.tidy(() => this.classifier.forward(this.#flatten.forward(this.#pool.forward(features))));
  }
}
