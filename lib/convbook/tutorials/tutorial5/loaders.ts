/**
 * The tutorial's validation and test images as loaders.
 */
import { checkInteger } from "../../arguments/check.ts";
import { checkObject, refuseUnknownOptions } from "../../arguments/options.ts";
import {
  cifar10,
  DataLoader,
  type Dataset,
  type FetchOptions,
  type LabelledSample,
  randomSplit,
  Subset,
} from "../../data/index.ts";
import { Compose, Normalize, ToTensor } from "../../data/transforms/index.ts";
import { Generator } from "../../random/index.ts";
import { mean, std } from "./published.ts";

/** How many images of each set to take. */
export interface ImageCounts {
  readonly validation: number;
  readonly test: number;
}

/** Loaders of the first images of each set, unshuffled, in batches of 128. */
export interface EvaluationLoaders {
  readonly validation: DataLoader;
  readonly test: DataLoader;
}

/** Divides `images` (at most 15,000) between the 5,000 validation and the 10,000 test images in this proportion. */
export function splitImageCount(images: number): ImageCounts {
  checkInteger("splitImageCount", "images", images, 0);
  const validation = Math.min(Math.round(images / 3), 5_000);
  return { validation, test: Math.min(images - validation, 10_000) };
}

/**
 * CIFAR-10 as the tutorial evaluates it: normalised, and validated on the 5,000 images that seed 42 keeps aside.
 *
 * @throws {DownloadError} when CIFAR-10 can be had from nowhere; {OptionError} for a count that is none
 */
export async function createLoaders(counts: ImageCounts, options: FetchOptions = {}): Promise<EvaluationLoaders> {
  checkObject("createLoaders", "counts", counts, "an object with validation and test");
  refuseUnknownOptions("createLoaders", counts, ["validation", "test"]);
  checkInteger("createLoaders", "validation", counts.validation, 0);
  checkInteger("createLoaders", "test", counts.test, 0);
  refuseUnknownOptions("createLoaders", options, ["onProgress", "signal", "cache", "offline"]);
  const transform = new Compose([new ToTensor(), new Normalize(mean, std)]);
  const train = await cifar10({ ...options, train: true, transform });
  const test = await cifar10({ ...options, train: false, transform });
  const [, validation] = randomSplit(train, [45_000, 5_000], { generator: new Generator(42) });
  const first = (dataset: Dataset<LabelledSample>, count: number) =>
    new DataLoader(new Subset(dataset, [...Array(count).keys()]), { batchSize: 128 });
  return {
    validation: first(validation as Dataset<LabelledSample>, counts.validation),
    test: first(test, counts.test),
  };
}
