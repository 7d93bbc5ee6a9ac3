/** Parting an order of samples among ranks: `torch.utils.data.DistributedSampler`. */
import { OptionError } from "../../arguments/option-error.ts";
import { refuseUnknownOptions } from "../../arguments/options.ts";
import { Generator, randperm } from "../../random/index.ts";
import { RandomSampler, type Sampler, SequentialSampler } from "./sampler.ts";

export interface DistributedSamplerOptions {
  /** Ranks that share the samples. */
  readonly numReplicas: number;
  /** Which of them this is, from 0. */
  readonly rank: number;
  /** Another random order each epoch, the same on all ranks; default true. */
  readonly shuffle?: boolean;
  /** What the order is drawn from, together with the epoch; the same on all ranks. Default 0. */
  readonly seed?: number;
  /** Leave samples out that cannot be shared evenly, rather than give some twice; default false. */
  readonly dropLast?: boolean;
  /** Give each sample to one rank and no sample twice, so that ranks may have one more than others: for evaluation. Default false. */
  readonly uneven?: boolean;
}

const optionNames: readonly (keyof DistributedSamplerOptions)[] = [
  "numReplicas",
  "rank",
  "shuffle",
  "seed",
  "dropLast",
  "uneven",
];

/**
 * Every `numReplicas`-th sample, beginning with the rank's. Without `uneven` all ranks have equally many: the first samples of the order come
 * again at its end, or with `dropLast` its last ones are left out. The order is PyTorch's, index for index.
 *
 * @example
 * const sampler = new DistributedSampler(dataset.length, { numReplicas: world.size, rank: world.rank });
 * const loader = new DataLoader(dataset, { batchSize: 32, sampler });
 * for (let epoch = 0; epoch < 10; epoch++) {
 *   sampler.setEpoch(epoch);
 *   for await (const batch of loader) { ... }
 * }
 */
export class DistributedSampler implements Sampler {
  readonly length: number;
  readonly numReplicas: number;
  readonly rank: number;
  readonly shuffle: boolean;
  readonly seed: number;
  readonly dropLast: boolean;
  readonly uneven: boolean;
  readonly #of: Sampler;
  readonly #total: number;
  #epoch = 0;

  /**
   * @param of the number of samples; or a sampler, whose order on all ranks must be the same, in place of `shuffle`
   * @throws OptionError when a number is not as described
   */
  constructor(of: number | Sampler, options: DistributedSamplerOptions) {
    refuseUnknownOptions("DistributedSampler", options, optionNames);
    const { numReplicas, rank, shuffle = true, seed = 0, dropLast = false, uneven = false } = options;
    checkWhole("numReplicas", numReplicas, 1, Number.POSITIVE_INFINITY);
    checkWhole("rank", rank, 0, numReplicas - 1);
    checkWhole("seed", seed, 0, Number.MAX_SAFE_INTEGER);
    if (typeof of === "number") {
      checkWhole("length", of, 0, Number.POSITIVE_INFINITY);
    } else if (typeof of !== "object" || of === null || typeof of.length !== "number" || Array.isArray(of)) {
      throw new OptionError("DistributedSampler", "of", of, "the number of samples, or a sampler");
    }
    this.#of = typeof of === "number" ? new SequentialSampler(of) : of;
    this.numReplicas = numReplicas;
    this.rank = rank;
    this.shuffle = shuffle;
    this.seed = seed;
    this.dropLast = dropLast;
    this.uneven = uneven;
    const all = this.#of.length;
    if (uneven) {
      this.length = Math.max(0, Math.ceil((all - rank) / numReplicas));
      this.#total = all;
    } else {
      this.length = dropLast ? Math.floor(all / numReplicas) : Math.ceil(all / numReplicas);
      this.#total = this.length * numReplicas;
    }
  }

  /** Makes the next order that of this epoch. Without it every epoch has the same. */
  setEpoch(epoch: number): void {
    checkWhole("epoch", epoch, 0, Number.MAX_SAFE_INTEGER);
    this.#epoch = epoch;
    this.#of.setEpoch?.(epoch);
  }

  sample(): Int32Array {
    const all = this.#order();
    const own = new Int32Array(this.length);
    for (let i = 0; i < own.length; i++) {
      const position = this.rank + i * this.numReplicas;
      own[i] = all[position % all.length] ?? 0;
    }
    return own;
  }

  /** Samples of all ranks in an epoch, those that come twice among them. */
  get totalSize(): number {
    return this.#total;
  }

  #order(): ArrayLike<number> {
    const of = this.#of;
    const isShuffled = this.shuffle && (of instanceof SequentialSampler || of instanceof RandomSampler);
    return isShuffled ? randperm(of.length, { generator: new Generator(this.seed + this.#epoch) }) : of.sample();
  }
}

function checkWhole(name: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) {
    return;
  }
  const range =
    Number.isFinite(most) && most < Number.MAX_SAFE_INTEGER ? `from ${least} to ${most}` : `of at least ${least}`;
  throw new OptionError("DistributedSampler", name, value, `a whole number ${range}`);
}
