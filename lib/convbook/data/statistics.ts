/** Means and standard deviations of a data set's channels. */
import { checkFunction } from "../arguments/check.ts";
import type { TensorData } from "../tensor-data.ts";
import { checkDataset, type Dataset } from "./dataset.ts";
import type { LabelledSample } from "./sample.ts";
import { imageShape } from "./transforms/transform.ts";

/** Mean and (population) standard deviation of each channel, from 0 to 1. */
export interface ChannelStatistics {
  readonly mean: number[];
  readonly std: number[];
}

/** A data set that gives its images before any transform. */
interface RawDataset extends Dataset<LabelledSample> {
  raw(index: number): TensorData;
}

/**
 * Mean and standard deviation of every channel over all images before any transform, as fractions of 255: what Normalize takes.
 * The sums are of integers, so they are exact.
 *
 * @param dataset images as bytes [height, width, channels], which may differ in size
 * @throws {RangeError} when it is empty or a sample is not an image of bytes
 */
export function channelStatistics(dataset: RawDataset): ChannelStatistics {
  checkDataset("channelStatistics", dataset);
  checkFunction("channelStatistics", "dataset.raw", dataset.raw);
  if (dataset.length === 0) {
    throw new RangeError("channelStatistics needs at least one image; the data set is empty.");
  }
  const histograms: Float64Array[] = [];
  for (let index = 0; index < dataset.length; index++) {
    const image = dataset.raw(index);
    const channels = imageShape(image)[2];
    if (image.dtype !== "uint8" || image.shape.length !== 3 || (index > 0 && channels !== histograms.length)) {
      const expected = index === 0 ? "[height, width, channels]" : `[height, width, ${histograms.length}]`;
      throw new RangeError(
        `channelStatistics takes images, uint8 ${expected}; sample ${index} is ${image.dtype} [${image.shape.join(", ")}].`,
      );
    }
    while (histograms.length < channels) {
      histograms.push(new Float64Array(256));
    }
    const { data } = image;
    for (const [c, histogram] of histograms.entries()) {
      for (let i = c; i < data.length; i += channels) {
        const value = data[i] ?? 0;
        histogram[value] = (histogram[value] ?? 0) + 1;
      }
    }
  }
  const mean: number[] = [];
  const std: number[] = [];
  for (const histogram of histograms) {
    const count = histogram.reduce((a, b) => a + b, 0);
    const average = histogram.reduce((sum, times, value) => sum + times * value, 0) / count;
    const variance = histogram.reduce((sum, times, value) => sum + times * (value - average) ** 2, 0) / count;
    mean.push(average / 255);
    std.push(Math.sqrt(variance) / 255);
  }
  return { mean, std };
}
