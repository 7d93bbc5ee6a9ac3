export { ImageNet, type ImageNetOptions } from "./dataset.ts";
export type { ImageNetMeta } from "./devkit.ts";
export { type ImageNetSplit, type PrepareImageNetOptions, prepareImageNet } from "./prepare.ts";
