import * as tf from "@tensorflow/tfjs-core";
import type { Given, Taken } from "./chain.ts";
import { ShapeError } from "./errors.ts";
import { batchNormInference } from "./functional/batch-norm.ts";
import { type Affine, groupNorm } from "./functional/group-norm.ts";
import { affineOf } from "./group-norm.ts";
import { NormBase } from "./norm-base.ts";
import type { Buffer } from "./parameter.ts";
import { type Shape, shapeOf } from "./shapes.ts";

/** Options of instance normalisation; the defaults are PyTorch's. */
export interface InstanceNormOptions {
  /** Added to the variance before its root is taken, 1e-5 by default. */
  readonly eps?: number;
  /** Share of the newest batch in the running statistics, 0.1 by default. */
  readonly momentum?: number;
  /** Whether scale and shift are learned, false by default. */
  readonly affine?: boolean;
  /** Whether running statistics are kept, and used in evaluation; false by default. */
  readonly trackRunningStats?: boolean;
}

/**
 * Normalises each channel of each sample over its places (Ulyanov et al., 2016).
 *
 * Where running statistics are kept, evaluation uses them; otherwise both modes use the sample's own. State as in PyTorch: `weight` and `bias` with
 * `affine`, `running_mean`, `running_var` and `num_batches_tracked` (which PyTorch never counts up here) with `trackRunningStats`.
 */
export abstract class InstanceNorm<R extends tf.Rank = tf.Rank> extends NormBase<R, number> {
  /**
   * @param numFeatures number of channels
   * @param options eps, momentum and the rest
   */
  constructor(numFeatures: number, options: InstanceNormOptions = {}) {
    super(numFeatures, options, { affine: false, trackRunningStats: false, plainMean: false });
  }

  /** The dimensions of the input, as "N, H, W, C". */
  protected abstract readonly letters: string;

  /** The input's own shape; throws a {@link ShapeError} where it does not fit. */
  outputShape(input: Shape): number[] {
    if (input.length !== this.letters.split(",").length || input.at(-1) !== this.numFeatures) {
      throw new ShapeError(`${this}`, input, `[${this.letters}] with C = ${this.numFeatures}`);
    }
    return [...input];
  }

  forward<Own extends tf.Rank>(x: Taken<R, Own>): Given<R, Own> {
    return this.#normalised(x) as Given<R, Own>;
  }

  #normalised(x: tf.Tensor): tf.Tensor {
    const shape = this.outputShape(shapeOf(this, x));
    const { runningMean, runningVar } = this;
    return tf.tidy(() => {
      const affine = affineOf(this, this.numFeatures);
      if (runningMean !== null && runningVar !== null && !this.training) {
        return this.#withRunning(x, [runningMean, runningVar], affine);
      }
      const places = shape.slice(1, -1).reduce((product, n) => product * n, 1);
      if (this.training && places === 1) {
        throw new ShapeError(`${this}`, shape, "more than one place a channel in training (a larger input, or eval())");
      }
      if (runningMean !== null && runningVar !== null) {
        this.#track(x, [runningMean, runningVar], places);
      }
      return groupNorm(x, this.numFeatures, affine, this.eps);
    });
  }

  #withRunning(x: tf.Tensor, [mean, variance]: readonly [Buffer, Buffer], affine: Affine | null): tf.Tensor {
    const size: [number] = [this.numFeatures];
    const { weight, bias } = affine ?? { weight: tf.ones<tf.Rank.R1>(size), bias: tf.zeros<tf.Rank.R1>(size) };
    const vector = (buffer: Buffer): tf.Tensor1D => tf.reshape(buffer.variable, size);
    return batchNormInference(x, vector(mean), vector(variance), weight, bias, this.eps);
  }

  /** Takes the mean over the samples of their means and unbiased variances into the running ones. */
  #track(x: tf.Tensor, [runningMean, runningVar]: readonly [Buffer, Buffer], places: number): void {
    const share = this.momentum;
    const axes = this.letters.split(",").flatMap((_, i, { length }) => (i === 0 || i === length - 1 ? [] : [i]));
    const { mean, variance } = tf.moments(x, axes);
    const mix = (running: Buffer, value: tf.Tensor) =>
      running.variable.assign(tf.add(tf.mul(running.variable, 1 - share), tf.mul(tf.mean(value, 0), share)));
    mix(runningMean, mean);
    mix(runningVar, tf.mul(variance, places / (places - 1)));
  }
}

/** Instance normalisation of image batches, [N, H, W, C] -> [N, H, W, C]. */
export class InstanceNorm2d extends InstanceNorm<tf.Rank.R4> {
  protected readonly letters = "N, H, W, C";
}

/** Instance normalisation of sequences, [N, L, C] -> [N, L, C]. */
export class InstanceNorm1d extends InstanceNorm<tf.Rank.R3> {
  protected readonly letters = "N, L, C";
}
