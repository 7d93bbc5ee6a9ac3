/**
 * ResNet, ResNeXt and Wide ResNet for ImageNet, with torchvision's names, so that its .pth files load.
 *
 * He et al., "Deep Residual Learning for Image Recognition", 2016; Xie et al., "Aggregated Residual Transformations for Deep Neural Networks", 2017;
 * Zagoruyko and Komodakis, "Wide Residual Networks", 2016. Reference: torchvision's resnet.py, whose logits it gives for the same weights, and whose
 * weights it draws for the same seed.
 */
import * as tf from "@tensorflow/tfjs-core";
import { BasicBlock, Bottleneck, type NormLayer } from "../nn/blocks/index.ts";
import {
  Activation,
  AdaptiveAvgPool2d,
  BatchNorm2d,
  Conv2d,
  Flatten,
  GroupNorm,
  init,
  Linear,
  MaxPool2d,
  type Module,
  OptionError,
  Sequential,
  UnknownNameError,
} from "../nn/index.ts";
import { makeDivisible } from "./make-divisible.ts";
import { type FeatureInfo, StagedNetwork, type Step } from "./staged-network.ts";

/** Residual blocks by name. */
export const imageNetBlocksByName = { BasicBlock, Bottleneck } as const;

/** Name of a residual block. */
export type ImageNetBlockName = keyof typeof imageNetBlocksByName;

/** Normalisations by name: batch normalisation, or group normalisation with 32 groups. */
export const normLayersByName: Readonly<Record<"BatchNorm2d" | "GroupNorm", NormLayer>> = {
  BatchNorm2d: (channels) => new BatchNorm2d(channels),
  // 32 groups is what the paper of group normalisation uses throughout.
  GroupNorm: (channels) => new GroupNorm(Math.min(32, channels), channels),
};

/** Hyper-parameters of {@link ImageNetResNet}; the defaults are ResNet-50's. */
export interface ImageNetResNetHparams {
  /** "Bottleneck" by default. */
  readonly blockName?: ImageNetBlockName;
  /** Blocks in each of the four stages, [3, 4, 6, 3] by default. */
  readonly layers?: readonly number[];
  /** Channels of the first stage before its blocks expand them, 64 by default; each further stage has twice as many. */
  readonly planes?: number;
  /** Number of classes, 1000 by default. */
  readonly numClasses?: number;
  /** Whether the last normalisation of each block starts at zero, so that the block starts as the identity; false by default. */
  readonly zeroInitResidual?: boolean;
  /** Groups of the 3x3 convolutions, 1 by default. */
  readonly groups?: number;
  /** Width of a group in the first stage, 64 by default. */
  readonly widthPerGroup?: number;
  /** For each of the last three stages, whether its stride becomes a dilation; none by default. */
  readonly replaceStrideWithDilation?: readonly boolean[];
  /** "BatchNorm2d" by default. */
  readonly normLayer?: keyof typeof normLayersByName;
  /** Width of each block's squeeze and excitation, as a share of the block's own; 0, the default, for none. */
  readonly squeezeRatio?: number;
}

const hparamNames = [
  "blockName",
  "layers",
  "planes",
  "numClasses",
  "zeroInitResidual",
  "groups",
  "widthPerGroup",
  "replaceStrideWithDilation",
  "normLayer",
  "squeezeRatio",
] as const;

/** Blocks one after the other: [N, H, W, C] -> [N, H/stride, W/stride, C']. */
type Stage = Sequential<Module<[x: tf.Tensor4D], tf.Tensor4D>[]>;

/** [N, 224, 224, 3] -> logits [N, numClasses]; other image sizes work too. */
export class ImageNetResNet extends StagedNetwork {
  readonly stem: readonly [Conv2d, BatchNorm2d | GroupNorm, Activation, MaxPool2d];
  readonly stages: readonly [Stage, Stage, Stage, Stage];
  readonly avgpool: AdaptiveAvgPool2d;
  readonly fc: Linear;
  readonly featureInfo: readonly FeatureInfo[];
  readonly #flatten = new Flatten();

  constructor(hparams: ImageNetResNetHparams = {}) {
    super();
    const {
      blockName = "Bottleneck",
      layers = [3, 4, 6, 3],
      numClasses = 1000,
      zeroInitResidual = false,
    } = this.optionsOf(hparams, hparamNames, "hparams");
    this.checkSizes({ numClasses });
    this.checkSizeLists({ layers });
    const { planes: firstPlanes = 64 } = hparams;
    const { groups = 1, widthPerGroup = 64, replaceStrideWithDilation = [false, false, false] } = hparams;
    const { normLayer: normName = "BatchNorm2d", squeezeRatio = 0 } = hparams;
    if (!Object.hasOwn(imageNetBlocksByName, blockName)) {
      throw new UnknownNameError("residual block", String(blockName), Object.keys(imageNetBlocksByName));
    }
    if (!Object.hasOwn(normLayersByName, normName)) {
      throw new UnknownNameError("normalisation", String(normName), Object.keys(normLayersByName));
    }
    if (layers.length !== 4) {
      throw new OptionError("ImageNetResNet", "layers", layers, "the number of blocks of each of four stages");
    }
    if (!Number.isInteger(firstPlanes) || firstPlanes < 1) {
      throw new OptionError("ImageNetResNet", "planes", firstPlanes, "a whole number of at least 1");
    }
    if (replaceStrideWithDilation.length !== 3) {
      throw new OptionError(
        "ImageNetResNet",
        "replaceStrideWithDilation",
        replaceStrideWithDilation,
        "three truth values",
      );
    }
    if (typeof squeezeRatio !== "number" || !(squeezeRatio >= 0 && squeezeRatio <= 1)) {
      throw new OptionError("ImageNetResNet", "squeezeRatio", squeezeRatio, "a number from 0 to 1");
    }
    const Block = imageNetBlocksByName[blockName];
    const normLayer = normLayersByName[normName];

    this.stem = [
      this.registerModule("conv1", new Conv2d(3, firstPlanes, { kernelSize: 7, stride: 2, padding: 3, bias: false })),
      this.registerModule("bn1", normLayer(firstPlanes)),
      this.registerModule("relu", new Activation("relu")),
      this.registerModule("maxpool", new MaxPool2d(3, { stride: 2, padding: 1 })),
    ];

    let inPlanes = firstPlanes;
    let dilation = 1;
    const makeStage = (stage: 0 | 1 | 2 | 3): Stage => {
      const planes = 2 ** stage * firstPlanes;
      const outPlanes = planes * Block.expansion;
      const firstDilation = dilation;
      let stride = stage === 0 ? 1 : 2;
      if (stage > 0 && replaceStrideWithDilation[stage - 1] === true) {
        dilation *= stride;
        stride = 1;
      }
      const downsample =
        stride !== 1 || inPlanes !== outPlanes
          ? new Sequential(
              new Conv2d(inPlanes, outPlanes, { kernelSize: 1, stride, bias: false }),
              normLayer(outPlanes),
            )
          : null;
      // To the nearest multiple of 8, as timm does, and never none.
      const squeezeChannels = squeezeRatio === 0 ? 0 : makeDivisible(outPlanes * squeezeRatio, { roundLimit: 0 });
      const shared = { groups, baseWidth: widthPerGroup, normLayer, squeezeChannels };
      const first = new Block(inPlanes, planes, { ...shared, stride, downsample, dilation: firstDilation });
      const rest = Array.from(
        { length: (layers[stage] ?? 1) - 1 },
        () => new Block(outPlanes, planes, { ...shared, dilation }),
      );
      inPlanes = outPlanes;
      return this.registerModule(`layer${stage + 1}`, new Sequential(first, ...rest));
    };
    this.stages = [makeStage(0), makeStage(1), makeStage(2), makeStage(3)];
    this.avgpool = this.registerModule("avgpool", new AdaptiveAvgPool2d(1));
    this.fc = this.registerModule("fc", new Linear(inPlanes, numClasses));
    this.featureInfo = [
      { module: "relu", numChs: firstPlanes, reduction: 2 },
      ...[1, 2, 3, 4].map((stage) => ({
        module: `layer${stage}`,
        numChs: 2 ** (stage - 1) * firstPlanes * Block.expansion,
        reduction: reductionOf(stage, replaceStrideWithDilation),
      })),
    ];

    for (const module of this.modules()) {
      if (module instanceof Conv2d) {
        init.kaimingNormal_(module.weight, { mode: "fanOut", nonlinearity: "relu" });
      }
    }
    if (!zeroInitResidual) {
      return;
    }
    for (const module of this.modules()) {
      const last = module instanceof Bottleneck ? module.bn3 : module instanceof BasicBlock ? module.bn2 : null;
      if (last !== null && last.weight !== null) {
        init.zeros_(last.weight);
      }
    }
  }

  steps(): readonly Step[] {
    const [conv, norm, relu, pool] = this.stem;
    return [
      ...([
        ["conv1", conv],
        ["bn1", norm],
        ["relu", relu],
        ["maxpool", pool],
      ] as const),
      ...this.stages.map((stage, i): Step => [`layer${i + 1}`, stage]),
    ];
  }

  forwardHead(features: tf.Tensor4D): tf.Tensor2D {
    return tf.tidy(() => this.fc.forward(this.#flatten.forward(this.avgpool.forward(features))));
  }
}

/** How many times smaller than the picture a stage's features are: a stage whose stride became a dilation makes nothing smaller. */
function reductionOf(stage: number, replaceStrideWithDilation: readonly boolean[]): number {
  const strides = replaceStrideWithDilation.slice(0, stage - 1).filter((isReplaced) => !isReplaced);
  return 4 * 2 ** strides.length;
}

/** The layers before the first stage: [N, H, W, 3] -> [N, H/4, W/4, planes]. */
export function stemForward([conv, norm, relu, pool]: ImageNetResNet["stem"], x: tf.Tensor4D): tf.Tensor4D {
  return pool.forward(relu.forward(norm.forward(conv.forward(x))));
}

/** Hyper-parameters that the named presets leave open, as torchvision's functions do. */
export type ImageNetPresetHparams = Omit<ImageNetResNetHparams, "blockName" | "layers" | "groups">;

/** What makes each named network out of {@link ImageNetResNet}. */
export const imageNetPresets = {
  resnet18: { blockName: "BasicBlock", layers: [2, 2, 2, 2] },
  resnet34: { blockName: "BasicBlock", layers: [3, 4, 6, 3] },
  resnet50: { blockName: "Bottleneck", layers: [3, 4, 6, 3] },
  resnet101: { blockName: "Bottleneck", layers: [3, 4, 23, 3] },
  resnet152: { blockName: "Bottleneck", layers: [3, 8, 36, 3] },
  resnext50_32x4d: { blockName: "Bottleneck", layers: [3, 4, 6, 3], groups: 32, widthPerGroup: 4 },
  resnext101_32x8d: { blockName: "Bottleneck", layers: [3, 4, 23, 3], groups: 32, widthPerGroup: 8 },
  resnext101_64x4d: { blockName: "Bottleneck", layers: [3, 4, 23, 3], groups: 64, widthPerGroup: 4 },
  wide_resnet50_2: { blockName: "Bottleneck", layers: [3, 4, 6, 3], widthPerGroup: 128 },
  wide_resnet101_2: { blockName: "Bottleneck", layers: [3, 4, 23, 3], widthPerGroup: 128 },
} as const satisfies Readonly<Record<string, ImageNetResNetHparams>>;

/** Name of a preset, as torchvision has it. */
export type ImageNetPresetName = keyof typeof imageNetPresets;

/**
 * One of torchvision's networks, with weights drawn from the default generator.
 *
 * @param name as torchvision has it, for example "resnet50"
 * @param hparams what is to differ from it
 */
export function imageNetResNet(name: ImageNetPresetName, hparams: ImageNetPresetHparams = {}): ImageNetResNet {
  if (!Object.hasOwn(imageNetPresets, name)) {
    throw new UnknownNameError("model", name, Object.keys(imageNetPresets));
  }
  return new ImageNetResNet({ ...imageNetPresets[name], ...hparams });
}
