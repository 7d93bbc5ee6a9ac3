/** In which order samples come: the samplers of `torch.utils.data`. */
import { defaultGenerator, Generator, type RandomOptions, randperm } from "../../random/index.ts";

/** Gives an order of indices anew for every epoch. */
export interface Sampler {
  /** How many indices an epoch has. */
  readonly length: number;
  /** The indices of the next epoch. */
  sample(): ArrayLike<number>;
  /** Told the number of the epoch that begins, for orders that depend on it. */
  setEpoch?(epoch: number): void;
}

/** 0, 1, 2, … */
export class SequentialSampler implements Sampler {
  readonly length: number;

  constructor(length: number) {
    this.length = length;
  }

  sample(): Int32Array {
    return Int32Array.from({ length: this.length }, (_, i) => i);
  }
}

/**
 * Every index once, in random order. Without a generator of its own it draws a seed from the default one for each epoch, as
 * PyTorch does.
 */
export class RandomSampler implements Sampler {
  readonly length: number;
  readonly generator: Generator | undefined;

  constructor(length: number, { generator }: RandomOptions = {}) {
    this.length = length;
    this.generator = generator;
  }

  sample(): Int32Array {
    return this.sampleFrom(this.epochGenerator());
  }

  /** The generator from which the next epoch's order is drawn. */
  epochGenerator(): Generator {
    return this.generator ?? new Generator(randomSeed(defaultGenerator));
  }

  /** The order that a generator gives. */
  sampleFrom(generator: Generator): Int32Array {
    return randperm(this.length, { generator });
  }

  /**
   * What PyTorch draws when an epoch's order is used up: one more order, of which it takes nothing. Only a generator of the
   * sampler's own is left elsewhere by it.
   */
  finish(): void {
    if (this.generator !== undefined) {
      randperm(this.length, { generator: this.generator });
    }
  }
}

/** Some indices, each once, in random order: `SubsetRandomSampler`. */
export class SubsetRandomSampler implements Sampler {
  readonly indices: Int32Array;
  readonly generator: Generator;

  constructor(indices: ArrayLike<number>, { generator = defaultGenerator }: RandomOptions = {}) {
    this.indices = Int32Array.from(indices);
    this.generator = generator;
  }

  get length(): number {
    return this.indices.length;
  }

  sample(): Int32Array {
    return randperm(this.length, { generator: this.generator }).map((i) => this.indices[i] ?? 0);
  }
}

/** `torch.empty((), dtype=torch.int64).random_()`: 63 random bits. */
export function randomSeed(generator: Generator): bigint {
  return generator.random64() & 0x7fffffffffffffffn;
}
