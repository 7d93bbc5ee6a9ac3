/** The models whose names are torchvision's or timm's. */

import { type ConvNeXtHparams, type ConvNeXtName, convNeXt } from "./convnext.ts";
import { type EfficientNetHparams, type EfficientNetName, efficientNet } from "./efficientnet.ts";
import { classes, count, entry, maxWidth, width } from "./entry.ts";
import { boolean, booleans, choice, integer, integers, number, type Parsers } from "./hparam.ts";
import { type ImageNetDenseNetHparams, type ImageNetDenseNetName, imageNetDenseNet } from "./imagenet-densenet.ts";
import { ImageNetGoogLeNet, type ImageNetGoogLeNetHparams } from "./imagenet-googlenet.ts";
import {
  type ImageNetBlockName,
  type ImageNetPresetHparams,
  type ImageNetPresetName,
  ImageNetResNet,
  type ImageNetResNetHparams,
  imageNetBlocksByName,
  imageNetResNet,
  normLayersByName,
} from "./imagenet-resnet.ts";
import { MobileNetV2, type MobileNetV2Hparams } from "./mobilenet-v2.ts";
import { MobileNetV3, type MobileNetV3Hparams } from "./mobilenet-v3.ts";
import { type SEResNetName, seResNet } from "./se-resnet.ts";
import { type VggName, type VggPresetHparams, vgg } from "./vgg.ts";

const inputShape = [224, 224, 3] as const;
const share = number(0, 1);

const presetParsers: Parsers<ImageNetPresetHparams> = {
  planes: integer(1, 1024),
  numClasses: classes,
  zeroInitResidual: boolean,
  widthPerGroup: integer(1, 1024),
  replaceStrideWithDilation: booleans,
  normLayer: choice("normalisation", Object.keys(normLayersByName) as (keyof typeof normLayersByName)[]),
  squeezeRatio: share,
};

const resNetParsers: Parsers<ImageNetResNetHparams> = {
  ...presetParsers,
  blockName: choice("residual block", Object.keys(imageNetBlocksByName) as ImageNetBlockName[]),
  layers: integers(1, 1024),
  groups: integer(1, 1024),
};

const mobileParsers: Parsers<MobileNetV2Hparams> = {
  numClasses: classes,
  widthMult: number(0.01, 64),
  dropout: share,
};

const vggParsers: Parsers<VggPresetHparams> = {
  numClasses: classes,
  widths: integers(1, maxWidth),
  hidden: width,
  dropout: share,
};

const efficientParsers: Parsers<EfficientNetHparams> = {
  ...mobileParsers,
  depthMult: number(0.01, 64),
  stochasticDepthProb: share,
};

const convNeXtParsers: Parsers<ConvNeXtHparams> = {
  numClasses: classes,
  depths: integers(1, 1024),
  dims: integers(1, maxWidth),
  stochasticDepthProb: share,
  layerScale: number(0, 1),
};

const denseNetParsers: Parsers<ImageNetDenseNetHparams> = {
  numClasses: classes,
  growthRate: width,
  blockConfig: integers(1, 1024),
  numInitFeatures: width,
  bnSize: count,
  dropRate: share,
};

const googLeNetParsers: Parsers<ImageNetGoogLeNetHparams> = {
  numClasses: classes,
  auxLogits: boolean,
  transformInput: boolean,
  dropout: share,
  dropoutAux: share,
};

const mobileNetV3 = (size: "large" | "small") =>
  entry({
    parsers: mobileParsers,
    create: (hparams: Omit<MobileNetV3Hparams, "size">) => new MobileNetV3({ ...hparams, size }),
    inputShape,
  });
const resNet = (name: ImageNetPresetName) =>
  entry({ parsers: presetParsers, create: (hparams) => imageNetResNet(name, hparams), inputShape });
const squeezing = (name: SEResNetName) =>
  entry({ parsers: presetParsers, create: (hparams) => seResNet(name, hparams), inputShape });
const vggOf = (name: VggName) => entry({ parsers: vggParsers, create: (hparams) => vgg(name, hparams), inputShape });
const efficient = (name: EfficientNetName) =>
  entry({ parsers: efficientParsers, create: (hparams) => efficientNet(name, hparams), inputShape });
const convNeXtOf = (name: ConvNeXtName) =>
  entry({ parsers: convNeXtParsers, create: (hparams) => convNeXt(name, hparams), inputShape });
const denseNet = (name: ImageNetDenseNetName) =>
  entry({ parsers: denseNetParsers, create: (hparams) => imageNetDenseNet(name, hparams), inputShape });

/** By their names. */
export const imageNetEntries = {
  ImageNetResNet: entry({
    parsers: resNetParsers,
    create: (hparams) => new ImageNetResNet(hparams),
    inputShape,
  }),
  convnext_base: convNeXtOf("convnext_base"),
  convnext_small: convNeXtOf("convnext_small"),
  convnext_tiny: convNeXtOf("convnext_tiny"),
  densenet121: denseNet("densenet121"),
  densenet161: denseNet("densenet161"),
  densenet169: denseNet("densenet169"),
  densenet201: denseNet("densenet201"),
  efficientnet_b0: efficient("efficientnet_b0"),
  efficientnet_b1: efficient("efficientnet_b1"),
  efficientnet_b2: efficient("efficientnet_b2"),
  efficientnet_b3: efficient("efficientnet_b3"),
  efficientnet_b4: efficient("efficientnet_b4"),
  googlenet: entry({
    parsers: googLeNetParsers,
    create: (hparams) => new ImageNetGoogLeNet(hparams),
    inputShape,
  }),
  mobilenet_v2: entry({
    parsers: mobileParsers,
    create: (hparams) => new MobileNetV2(hparams),
    inputShape,
  }),
  mobilenet_v3_large: mobileNetV3("large"),
  mobilenet_v3_small: mobileNetV3("small"),
  resnet18: resNet("resnet18"),
  resnet34: resNet("resnet34"),
  resnet50: resNet("resnet50"),
  resnet101: resNet("resnet101"),
  resnet152: resNet("resnet152"),
  resnext50_32x4d: resNet("resnext50_32x4d"),
  resnext101_32x8d: resNet("resnext101_32x8d"),
  resnext101_64x4d: resNet("resnext101_64x4d"),
  seresnet18: squeezing("seresnet18"),
  seresnet34: squeezing("seresnet34"),
  seresnet50: squeezing("seresnet50"),
  seresnet101: squeezing("seresnet101"),
  seresnet152: squeezing("seresnet152"),
  seresnext50_32x4d: squeezing("seresnext50_32x4d"),
  seresnext101_32x8d: squeezing("seresnext101_32x8d"),
  vgg11: vggOf("vgg11"),
  vgg11_bn: vggOf("vgg11_bn"),
  vgg13: vggOf("vgg13"),
  vgg13_bn: vggOf("vgg13_bn"),
  vgg16: vggOf("vgg16"),
  vgg16_bn: vggOf("vgg16_bn"),
  vgg19: vggOf("vgg19"),
  vgg19_bn: vggOf("vgg19_bn"),
  wide_resnet50_2: resNet("wide_resnet50_2"),
  wide_resnet101_2: resNet("wide_resnet101_2"),
} as const;
