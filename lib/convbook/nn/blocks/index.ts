export { BasicBlock, Bottleneck, type ImageNetBlockOptions, type NormLayer } from "./bottleneck.ts";
export {
  DenseBlock,
  type DenseBlockOptions,
  DenseLayer,
  type DenseLayerOptions,
  TransitionLayer,
  type TransitionLayerOptions,
} from "./densenet.ts";
export { InceptionBlock, type InceptionBlockOptions } from "./inception.ts";
export { PreActResNetBlock } from "./preact-resnet.ts";
export { ResNetBlock, type ResNetBlockOptions } from "./resnet.ts";
