/** Dividing a data set at random. */
import { checkList } from "../arguments/check.ts";
import { type RandomOptions, randperm } from "../random/index.ts";
import { checkDataset, type Dataset, Subset } from "./dataset.ts";

/**
 * Divides a data set into random parts that do not overlap: `torch.utils.data.random_split`, with the same indices for the
 * same seed. `randomSplit(train, [45000, 5000], { generator: new Generator(42) })` is the split of UvA's Tutorial 5.
 *
 * @param dataset what to divide
 * @param lengths sizes of the parts, which add up to the data set's length; or fractions, which add up to 1
 * @returns one {@link Subset} for each length
 * @throws {RangeError} when the lengths do not add up, or are negative or not finite
 */
export function randomSplit<Sample>(
  dataset: Dataset<Sample>,
  lengths: readonly number[],
  options: RandomOptions = {},
): Subset<Sample>[] {
  checkDataset("randomSplit", dataset);
  checkList("randomSplit", "lengths", lengths, "a list of numbers of samples, or of fractions");
  const sizes = partSizes(dataset.length, lengths);
  const order = randperm(dataset.length, options);
  let start = 0;
  return sizes.map((size) => {
    const part = new Subset(dataset, order.subarray(start, start + size));
    start += size;
    return part;
  });
}

function partSizes(total: number, lengths: readonly number[]): number[] {
  const shown = `[${lengths.join(", ")}]`;
  if (lengths.length === 0 || lengths.some((length) => !Number.isFinite(length) || length < 0)) {
    throw new RangeError(`randomSplit's lengths are numbers of samples, or fractions of all; got ${shown}.`);
  }
  const sum = lengths.reduce((a, b) => a + b, 0);
  const fractions = lengths.some((length) => !Number.isInteger(length)) || (sum === 1 && total !== 1);
  if (fractions) {
    if (Math.abs(sum - 1) > 1e-9) {
      throw new RangeError(`randomSplit's fractions must add up to 1; ${shown} add up to ${sum}.`);
    }
    const sizes = lengths.map((fraction) => Math.floor(total * fraction));
    // As PyTorch does, the samples left over by rounding go one by one to the first parts.
    const left = total - sizes.reduce((a, b) => a + b, 0);
    for (let i = 0; i < left; i++) {
      const which = i % sizes.length;
      sizes[which] = (sizes[which] ?? 0) + 1;
    }
    return sizes;
  }
  if (sum !== total) {
    throw new RangeError(
      `randomSplit's lengths must add up to the ${total} samples of the data set; ${shown} add up to ${sum}.`,
    );
  }
  return [...lengths];
}
