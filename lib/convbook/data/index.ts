import * as transforms from "./transforms/index.ts";

export { ArrayDataset, type ArrayDatasetOptions } from "./array-dataset.ts";
export { CIFAR10_CLASSES, type Cifar10Options, cifar10 } from "./cifar10.ts";
export {
  ConcatDataset,
  type Dataset,
  type FloatData,
  type ImageData8,
  type LabelledSample,
  type Shipment,
  Subset,
} from "./dataset.ts";
export type { FetchOptions } from "./decode.ts";
export { DataError, type DataErrorCode } from "./error.ts";
export { DataLoader, type DataLoaderOptions, type DataLoaderState, type LabelledBatch } from "./loader/data-loader.ts";
export { RandomSampler, type Sampler, SequentialSampler, SubsetRandomSampler } from "./loader/sampler.ts";
export { randomSplit } from "./split.ts";
export { type ChannelStatistics, channelStatistics } from "./statistics.ts";
export { transforms };
