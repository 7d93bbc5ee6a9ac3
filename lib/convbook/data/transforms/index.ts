export { Compose } from "./compose.ts";
export type { Padding, PaddingMode } from "./geometry.ts";
export { RandomCrop, type RandomCropOptions, RandomResizedCrop, type RandomResizedCropOptions } from "./random-crop.ts";
export { RandomHorizontalFlip, RandomVerticalFlip } from "./random-flip.ts";
export type { Interpolation } from "./resample.ts";
export { CenterCrop, Resize } from "./resize.ts";
export { Normalize, ToTensor } from "./tensor.ts";
export type { Size, Transform, TransformSpec } from "./transform.ts";
