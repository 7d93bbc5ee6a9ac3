export { ImageNet, type ImageNetOptions } from "./dataset.ts";
export type { ImageNetMeta } from "./devkit.ts";
export { IMAGENETTE_CLASSES, type ImagenetteOptions, imagenette } from "./imagenette.ts";
export { type ImageNetSplit, type PrepareImageNetOptions, prepareImageNet } from "./prepare.ts";
