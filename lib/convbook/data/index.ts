import * as transforms from "./transforms/index.ts";

export { AlternatingFlip } from "./alternating-flip.ts";
export { ArrayDataset, type ArrayDatasetOptions } from "./array-dataset.ts";
export { CIFAR10_CLASSES, type Cifar10Options, cifar10 } from "./cifar10.ts";
export { type Cifar100Options, cifar100 } from "./cifar100.ts";
export { CIFAR100_COARSE_CLASSES, CIFAR100_FINE_CLASSES } from "./cifar100-classes.ts";
export { ConcatDataset, type Dataset, type Shipment, Subset } from "./dataset.ts";
export type { FetchOptions } from "./decode.ts";
export { DataError, type DataErrorCode } from "./error.ts";
export { decodeImage, loadImageDecoders } from "./formats/image.ts";
export { ImageFolder, type ImageFolderOptions } from "./image-folder.ts";
export {
  IMAGENETTE_CLASSES,
  ImageNet,
  type ImageNetMeta,
  type ImageNetOptions,
  type ImageNetSplit,
  type ImagenetteOptions,
  imagenette,
  type PrepareImageNetOptions,
  prepareImageNet,
} from "./imagenet/index.ts";
export { DataLoader, type DataLoaderOptions, type DataLoaderState, type LabelledBatch } from "./loader/data-loader.ts";
export { DistributedSampler, type DistributedSamplerOptions } from "./loader/distributed-sampler.ts";
export { RandomSampler, type Sampler, SequentialSampler, SubsetRandomSampler } from "./loader/sampler.ts";
export { FASHION_MNIST_CLASSES, fashionMnist, MNIST_CLASSES, type MnistOptions, mnist } from "./mnist.ts";
export {
  type FetchedPetsOptions,
  OxfordIIITPet,
  type OxfordIIITPetOptions,
  oxfordIIITPet,
  type PetSample,
  type PetTarget,
  type PetTargetChoice,
  type PetTargetOf,
  type PetTargets,
} from "./pets/index.ts";
export type { FloatData, ImageData8, LabelledSample } from "./sample.ts";
export { SceneTextDataset, type SceneTextOptions, type SceneTextSample } from "./scene-text/index.ts";
export { randomSplit } from "./split.ts";
export { type ChannelStatistics, channelStatistics } from "./statistics.ts";
export { transforms };
