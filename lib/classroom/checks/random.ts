/** Random inputs that are the same on every machine. */
import * as tf from "@tensorflow/tfjs-core";

/** A source of random numbers with a seed: the same seed gives the same numbers, wherever and whenever. */
export class Random {
  #state: number;

  /** @param seed A whole number. */
  constructor(seed: number) {
    if (!Number.isInteger(seed)) {
      throw new RangeError(`Random: seed must be a whole number, got ${seed}`);
    }
    this.#state = seed >>> 0;
  }

  /** A number from 0 to below 1. Marsaglia's xorshift on a counter that Weyl's step moves on. */
  next(): number {
    this.#state = (this.#state + 0x9e3779b9) >>> 0;
    let x = this.#state;
    x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
    x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
    return ((x ^ (x >>> 15)) >>> 0) / 2 ** 32;
  }

  /** A whole number from `least` to `most`, both included. */
  integer(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  /** A tensor of numbers from `least` to below `most`. */
  uniform(shape: readonly number[], least = 0, most = 1): tf.Tensor {
    return this.#fill(shape, () => least + (most - least) * this.next());
  }

  /** A tensor of normally distributed numbers. */
  normal(shape: readonly number[], mean = 0, deviation = 1): tf.Tensor {
    return this.#fill(
      shape,
      () => mean + deviation * Math.sqrt(-2 * Math.log(1 - this.next())) * Math.cos(2 * Math.PI * this.next()),
    );
  }

  #fill(shape: readonly number[], value: () => number): tf.Tensor {
    const size = shape.reduce((product, n) => product * n, 1);
    return tf.tensor(Float32Array.from({ length: size }, value), [...shape], "float32");
  }
}
