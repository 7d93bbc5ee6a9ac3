/**
 * Transforms of images with torchvision's names and results, and mixtures of whole batches.
 *
 * @module
 */
export { AugMix, type AugMixOptions } from "./aug-mix.ts";
export { AutoAugment, type AutoAugmentOptions } from "./auto-augment.ts";
export type { BatchTransform, BatchTransformSpec } from "./batch-transform.ts";
export { ColorJitter, type ColorJitterOptions, type JitterRange } from "./color-jitter.ts";
export { Compose } from "./compose.ts";
export { Cutout, RandomErasing, type RandomErasingOptions } from "./erase.ts";
export type { Padding, PaddingMode } from "./geometry.ts";
export { CutMix, type MixOptions, MixUp, RandomMix } from "./mix.ts";
export { RandAugment, type RandAugmentOptions } from "./rand-augment.ts";
export { RandomAffine, type RandomAffineOptions, RandomRotation, type RandomRotationOptions } from "./random-affine.ts";
export { RandomCrop, type RandomCropOptions, RandomResizedCrop, type RandomResizedCropOptions } from "./random-crop.ts";
export { RandomHorizontalFlip, RandomVerticalFlip } from "./random-flip.ts";
export type { Interpolation } from "./resample.ts";
export { CenterCrop, Resize } from "./resize.ts";
export { Normalize, ToTensor } from "./tensor.ts";
export type { Size, Transform, TransformSpec } from "./transform.ts";
export { TrivialAugmentWide, type TrivialAugmentWideOptions } from "./trivial-augment.ts";
