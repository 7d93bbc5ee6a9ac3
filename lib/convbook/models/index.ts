export { Cifar100ResNet, type Cifar100ResNetHparams } from "./cifar100-resnet.ts";
export { DenseNet, type DenseNetHparams } from "./densenet.ts";
export { Fots, FotsBackbone, type FotsHparams, SharedConv } from "./fots.ts";
export { GoogleNet, type GoogleNetHparams } from "./googlenet.ts";
export {
  type ImageNetBlockName,
  type ImageNetPresetHparams,
  type ImageNetPresetName,
  ImageNetResNet,
  type ImageNetResNetHparams,
  imageNetPresets,
  imageNetResNet,
} from "./imagenet-resnet.ts";
export {
  createModel,
  createModelFrom,
  type ModelByName,
  type ModelHparams,
  type ModelName,
  modelInputShape,
  modelNames,
  parseModelHparams,
  parseModelName,
} from "./registry.ts";
export { ResNet, type ResNetBlockName, type ResNetHparams, resNetBlocksByName } from "./resnet.ts";
export { defaultResnetConfig, ModelOutput, ResNet1d, ResnetClassifier, type ResnetConfig } from "./resnet1d.ts";
