/**
 * DenseNet for ImageNet with torchvision's names, so that its .pth files load: a stem that makes pictures a quarter of their size, four dense blocks, and
 * transitions between them that halve size and channels.
 *
 * Huang et al., "Densely Connected Convolutional Networks", 2017. Reference: torchvision's densenet.py, whose logits it gives for the same weights, and
 * whose weights it draws for the same seed.
 */
import * as tf from "@tensorflow/tfjs-core";
import {
  Activation,
  AdaptiveAvgPool2d,
  type AnyModule,
  AvgPool2d,
  BatchNorm2d,
  Conv2d,
  Dropout,
  Flatten,
  init,
  Linear,
  MaxPool2d,
  Module,
  OptionError,
  Sequential,
  UnknownNameError,
} from "../nn/index.ts";
import { type FeatureInfo, StagedNetwork, type Step, stepsOf } from "./staged-network.ts";

/** Hyper-parameters of {@link ImageNetDenseNet}; the defaults are DenseNet-121's. */
export interface ImageNetDenseNetHparams {
  /** Number of classes, 1000 by default. */
  readonly numClasses?: number;
  /** Feature maps that each layer adds, 32 by default. */
  readonly growthRate?: number;
  /** Dense layers in each block, [6, 12, 24, 16] by default. */
  readonly blockConfig?: readonly number[];
  /** Channels of the first convolution, 64 by default. */
  readonly numInitFeatures?: number;
  /** Width of the bottlenecks in growth rates, 4 by default. */
  readonly bnSize?: number;
  /** Probability of the dropout behind each dense layer, 0 by default. */
  readonly dropRate?: number;
}

const hparamNames = ["numClasses", "growthRate", "blockConfig", "numInitFeatures", "bnSize", "dropRate"] as const;

/** [N, H, W, C] -> [N, H, W, C + growthRate]: what it is given, and what it makes of it. */
class DenseLayer extends Module<[x: tf.Tensor4D], tf.Tensor4D> {
  readonly norm1: BatchNorm2d;
  readonly relu1 = new Activation("relu");
  readonly conv1: Conv2d;
  readonly norm2: BatchNorm2d;
  readonly relu2 = new Activation("relu");
  readonly conv2: Conv2d;
  readonly drop: Dropout;

  constructor(inChannels: number, growthRate: number, options: { readonly bnSize: number; readonly dropRate: number }) {
    super();
    const width = options.bnSize * growthRate;
    this.norm1 = this.registerModule("norm1", new BatchNorm2d(inChannels));
    this.conv1 = this.registerModule("conv1", new Conv2d(inChannels, width, { kernelSize: 1, bias: false }));
    this.norm2 = this.registerModule("norm2", new BatchNorm2d(width));
    const conv2 = new Conv2d(width, growthRate, { kernelSize: 3, padding: 1, bias: false });
    this.conv2 = this.registerModule("conv2", conv2);
    this.drop = this.registerModule("drop", new Dropout(options.dropRate));
  }

  forward(x: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => {
      const narrow = this.conv1.forward(this.relu1.forward(this.norm1.forward(x)));
      const added = this.conv2.forward(this.relu2.forward(this.norm2.forward(narrow)));
      return tf.concat([x, this.drop.forward(added)], 3);
    });
  }
}

/** Layers or blocks under their names. */
const named = (layers: readonly (readonly [name: string, layer: AnyModule])[]) => new Sequential(new Map(layers));

/** [N, 224, 224, 3] -> logits [N, numClasses]; other image sizes of at least 29 work too. */
export class ImageNetDenseNet extends StagedNetwork {
  readonly features: Sequential;
  readonly classifier: Linear;
  readonly featureInfo: readonly FeatureInfo[];
  readonly #relu = new Activation("relu");
  readonly #pool = new AdaptiveAvgPool2d(1);
  readonly #flatten = new Flatten();

  constructor(hparams: ImageNetDenseNetHparams = {}) {
    super();
    const {
      numClasses = 1000,
      growthRate = 32,
      blockConfig = [6, 12, 24, 16],
    } = this.optionsOf(hparams, hparamNames, "hparams");
    const { numInitFeatures = 64, bnSize = 4, dropRate = 0 } = hparams;
    this.checkSizes({ numClasses, growthRate, numInitFeatures, bnSize });
    this.checkSizeLists({ blockConfig });
    if (typeof dropRate !== "number" || !(dropRate >= 0 && dropRate <= 1)) {
      throw new OptionError("ImageNetDenseNet", "dropRate", dropRate, "a number from 0 to 1");
    }
    const layers: (readonly [name: string, layer: AnyModule])[] = [
      ["conv0", new Conv2d(3, numInitFeatures, { kernelSize: 7, stride: 2, padding: 3, bias: false })],
      ["norm0", new BatchNorm2d(numInitFeatures)],
      ["relu0", new Activation("relu")],
      ["pool0", new MaxPool2d(3, { stride: 2, padding: 1 })],
    ];
    const featureInfo: FeatureInfo[] = [{ module: "features.relu0", numChs: numInitFeatures, reduction: 2 }];
    let channels = numInitFeatures;
    for (const [i, count] of blockConfig.entries()) {
      const dense = Array.from({ length: count }, (_, k) => {
        const layer = new DenseLayer(channels + k * growthRate, growthRate, { bnSize, dropRate });
        return [`denselayer${k + 1}`, layer] as const;
      });
      layers.push([`denseblock${i + 1}`, named(dense)]);
      channels += count * growthRate;
      const isLast = i === blockConfig.length - 1;
      const module = isLast ? "features.norm5" : `features.denseblock${i + 1}`;
      featureInfo.push({ module, numChs: channels, reduction: 4 * 2 ** i });
      if (isLast) {
        break;
      }
      const halved = Math.floor(channels / 2);
      const transition = named([
        ["norm", new BatchNorm2d(channels)],
        ["relu", new Activation("relu")],
        ["conv", new Conv2d(channels, halved, { kernelSize: 1, bias: false })],
        ["pool", new AvgPool2d(2, { stride: 2 })],
      ]);
      layers.push([`transition${i + 1}`, transition]);
      channels = halved;
    }
    layers.push(["norm5", new BatchNorm2d(channels)]);
    this.featureInfo = featureInfo;
    this.features = this.registerModule("features", named(layers));
    this.classifier = this.registerModule("classifier", new Linear(channels, numClasses));
    for (const module of this.modules()) {
      if (module instanceof Conv2d) {
        init.kaimingNormal_(module.weight);
      } else if (module instanceof Linear && module.bias !== null) {
        init.zeros_(module.bias);
      }
    }
  }

  /** The names of torchvision's own files, in which those of dense layers have one dot more: `norm.1` is `norm1`. */
  override stateName(name: string): string {
    return name.replace(/(denselayer\d+\.(?:norm|relu|conv))\.([12]\.)/, "$1$2");
  }

  steps(): readonly Step[] {
    return stepsOf("features", this.features);
  }

  forwardHead(features: tf.Tensor4D): tf.Tensor2D {
    return tf.tidy(() => {
      const pooled = this.#pool.forward(this.#relu.forward(features));
      return this.classifier.forward(this.#flatten.forward(pooled));
    });
  }
}

/** What makes each named network. */
const presets = {
  densenet121: { growthRate: 32, blockConfig: [6, 12, 24, 16], numInitFeatures: 64 },
  densenet161: { growthRate: 48, blockConfig: [6, 12, 36, 24], numInitFeatures: 96 },
  densenet169: { growthRate: 32, blockConfig: [6, 12, 32, 32], numInitFeatures: 64 },
  densenet201: { growthRate: 32, blockConfig: [6, 12, 48, 32], numInitFeatures: 64 },
} as const;

/** Name of a preset, as torchvision has it. */
export type ImageNetDenseNetName = keyof typeof presets;

/**
 * One of torchvision's networks, with weights drawn from the default generator.
 *
 * @param name as torchvision has it, for example "densenet121"
 * @param hparams what is to differ from it
 */
export function imageNetDenseNet(name: ImageNetDenseNetName, hparams: ImageNetDenseNetHparams = {}): ImageNetDenseNet {
  if (!Object.hasOwn(presets, name)) {
    throw new UnknownNameError("model", name, Object.keys(presets));
  }
  return new ImageNetDenseNet({ ...presets[name], ...hparams });
}
