/**
 * The blocks that networks are made of: of Inception, the ResNets, DenseNet, MobileNet and FOTS.
 *
 * @module
 */
export { BasicBlock, Bottleneck, type ImageNetBlockOptions, type NormLayer } from "./bottleneck.ts";
export { Conv2dNormActivation, type ConvNormActivationOptions } from "./conv-norm-activation.ts";
export {
  DenseBlock,
  type DenseBlockOptions,
  DenseLayer,
  type DenseLayerOptions,
  TransitionLayer,
  type TransitionLayerOptions,
} from "./densenet.ts";
export { type Detection, Detector, fotsMomentum, HiddenLayer } from "./fots.ts";
export { InceptionBlock, type InceptionBlockOptions } from "./inception.ts";
export { PreActResNetBlock } from "./preact-resnet.ts";
export { ResNetBlock, type ResNetBlockOptions } from "./resnet.ts";
export { CNN1dLayer, CNN1dLayerNoAct, type CNN1dLayerOptions, Resnet1DBlock } from "./resnet1d.ts";
export { SqueezeExcitation, type SqueezeExcitationOptions } from "./squeeze-excitation.ts";
