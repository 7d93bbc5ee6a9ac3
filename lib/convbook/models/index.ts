export { Cifar100ResNet, type Cifar100ResNetHparams } from "./cifar100-resnet.ts";
export { ConvNeXt, type ConvNeXtHparams } from "./convnext.ts";
export { DenseNet, type DenseNetHparams } from "./densenet.ts";
export { EfficientNet, type EfficientNetHparams } from "./efficientnet.ts";
export { Fots, FotsBackbone, type FotsHparams, SharedConv } from "./fots.ts";
export { GoogleNet, type GoogleNetHparams } from "./googlenet.ts";
export * as hparam from "./hparam.ts";
export { ImageNetDenseNet, type ImageNetDenseNetHparams } from "./imagenet-densenet.ts";
export { type GoogLeNetOutputs, ImageNetGoogLeNet, type ImageNetGoogLeNetHparams } from "./imagenet-googlenet.ts";
export {
  type ImageNetBlockName,
  type ImageNetPresetHparams,
  type ImageNetPresetName,
  ImageNetResNet,
  type ImageNetResNetHparams,
  imageNetPresets,
  imageNetResNet,
} from "./imagenet-resnet.ts";
export { type ListModelsOptions, listModels } from "./list-models.ts";
export { MobileNetV2, type MobileNetV2Hparams } from "./mobilenet-v2.ts";
export { MobileNetV3, type MobileNetV3Hparams } from "./mobilenet-v3.ts";
export {
  type MakeBlock,
  type RegisterBlockOptions,
  type RegisteredBlocks,
  type ResNetBlockName,
  registerBlock,
  residualBlockNames,
} from "./registered-blocks.ts";
export {
  type Given,
  type ModelFactory,
  type ParseHparams,
  type RegisteredModels,
  type RegisterModelOptions,
  registerModel,
} from "./registered-models.ts";
export { registrationCount } from "./registration.ts";
export {
  createModel,
  createModelFrom,
  type ModelByName,
  type ModelHparams,
  type ModelName,
  type ModelNamed,
  modelInputShape,
  modelNames,
  parseModelHparams,
  parseModelName,
  type SomeModel,
} from "./registry.ts";
export { ResNet, type ResNetHparams } from "./resnet.ts";
export { defaultResnetConfig, ModelOutput, ResNet1d, ResnetClassifier, type ResnetConfig } from "./resnet1d.ts";
export { type FeatureInfo, FeatureList, type FeatureListOptions, StagedNetwork } from "./staged-network.ts";
export { Vgg, type VggHparams } from "./vgg.ts";
