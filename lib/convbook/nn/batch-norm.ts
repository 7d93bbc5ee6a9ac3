import * as tf from "@tensorflow/tfjs-core";
import type { Given, Taken } from "./chain.ts";
import { normalise, synchronised } from "./compile/fold.ts";
import type { Normalisation } from "./compile/graph.ts";
import { OptionError, ShapeError } from "./errors.ts";
import type { ProcessGroup } from "./functional/sync-batch-norm.ts";
import { type AnyModule, Module } from "./module.ts";
import { NormBase } from "./norm-base.ts";
import { type Shape, shapeOf } from "./shapes.ts";

/** Options of batch normalisation; the defaults are PyTorch's. */
export interface BatchNormOptions {
  /** Added to the variance before its root is taken, 1e-5 by default. */
  readonly eps?: number;
  /** Share of the newest batch in the running statistics, 0.1 by default; null keeps the plain mean of all batches. */
  readonly momentum?: number | null;
  /** Whether scale and shift are learned, true by default. */
  readonly affine?: boolean;
  /** Whether running statistics are kept, true by default; without them the batch's are used in evaluation too. */
  readonly trackRunningStats?: boolean;
}

/**
 * Batch normalisation over all dimensions but the last, the channels (Ioffe and Szegedy, 2015).
 *
 * In training it normalises with the batch's biased variance and keeps the unbiased one in the running statistic; in evaluation it uses
 * the running statistics. State as in PyTorch: `weight`, `bias`, `running_mean`, `running_var`, `num_batches_tracked`.
 */
export abstract class BatchNorm<R extends tf.Rank = tf.Rank> extends NormBase<R, number | null> {
  /** Processes whose batches are normalised together in training; null for this one alone. {@link convertSyncBatchnorm} sets it. */
  processGroup: ProcessGroup | null = null;
  /** Whether training changes the running statistics, where there are any; as PyTorch's attribute of this name. May be changed at any time. */
  trackRunningStats = true;

  /**
   * @param numFeatures number of channels
   * @param options eps, momentum and the rest
   */
  constructor(numFeatures: number, options: BatchNormOptions = {}) {
    super(numFeatures, options, { affine: true, trackRunningStats: true, plainMean: true });
  }

  /** Ranks that the input may have, and how the error names them. */
  protected abstract readonly ranks: { readonly allowed: readonly number[]; readonly letters: string };

  /** The input's own shape; throws a {@link ShapeError} where it does not fit. */
  outputShape(input: Shape): number[] {
    if (!this.ranks.allowed.includes(input.length) || input.at(-1) !== this.numFeatures) {
      throw new ShapeError(this.toString(), input, `${this.ranks.letters} with C = ${this.numFeatures}`);
    }
    return [...input];
  }

  /** Whether the batch's own statistics are used now. */
  get usesBatchStatistics(): boolean {
    return this.training || this.runningMean === null;
  }

  forward<Own extends tf.Rank>(x: Taken<R, Own>): Given<R, Own> {
    return this.#normalised(x) as Given<R, Own>;
  }

  #normalised(x: tf.Tensor): tf.Tensor {
    const shape = this.outputShape(shapeOf(this, x));
    if (this.usesBatchStatistics && x.size === 0) {
      return tf.clone(x);
    }
    const group = this.#group;
    if (group !== null) {
      return synchronised(this.#called(shape), x, group);
    }
    if (this.training && x.size === this.numFeatures) {
      throw new ShapeError(
        this.toString(),
        shape,
        "more than one value a channel in training (a larger batch, or eval())",
      );
    }
    return normalise(this.#called(shape), x);
  }

  /** What the compiler knows of it: null where there is too little to normalise. */
  operation(x: tf.Tensor): Normalisation | null {
    const shape = this.outputShape(x.shape);
    const isOwn = this.#group === null;
    return isOwn && !(this.training && x.size === this.numFeatures) ? this.#called(shape) : null;
  }

  /** The processes that take part in this call. */
  get #group(): ProcessGroup | null {
    const { processGroup } = this;
    return this.training && processGroup !== null && processGroup.size > 1 ? processGroup : null;
  }

  /** A call: it counts the batch, and decides what becomes of the running statistics. */
  #called(shape: readonly number[]): Normalisation {
    const { weight, bias, runningMean, runningVar, numBatchesTracked, usesBatchStatistics } = this;
    const hasStatistics = runningMean !== null && runningVar !== null && numBatchesTracked !== null;
    const isTracked = this.training && this.trackRunningStats && hasStatistics;
    if (isTracked) {
      numBatchesTracked.value += 1;
    }
    return {
      kind: "normalisation",
      shape,
      weight: weight?.variable ?? null,
      bias: bias?.variable ?? null,
      mean: runningMean,
      variance: runningVar,
      epsilon: this.eps,
      usesBatch: usesBatchStatistics,
      share: isTracked ? (this.momentum ?? 1 / numBatchesTracked.value) : null,
    };
  }
}

/** Batch normalisation of image batches, [N, H, W, C] -> [N, H, W, C]. */
export class BatchNorm2d extends BatchNorm<tf.Rank.R4> {
  protected readonly ranks = { allowed: [4], letters: "[N, H, W, C]" };
}

/** Batch normalisation of vectors or sequences, [N, C] -> [N, C] or [N, L, C] -> [N, L, C]. */
export class BatchNorm1d extends BatchNorm<tf.Rank.R2 | tf.Rank.R3> {
  protected readonly ranks = { allowed: [2, 3], letters: "[N, C] or [N, L, C]" };
}

/**
 * Batch normalisation over the batches of all processes that train together: PyTorch's SyncBatchNorm. The Trainer's `ddp` gives it the processes;
 * without them, and in evaluation, it is a BatchNorm. Of images, sequences and vectors.
 */
export class SyncBatchNorm extends BatchNorm<tf.Rank.R2 | tf.Rank.R3 | tf.Rank.R4> {
  protected readonly ranks = { allowed: [2, 3, 4], letters: "[N, C], [N, L, C] or [N, H, W, C]" };
}

/**
 * Makes every BatchNorm of a module, and the module itself where it is one, normalise over the batches of all processes of a group in training.
 * The layers stay the same objects, with the same parameters.
 *
 * @param group the processes; null takes it back
 * @returns the module
 */
export function convertSyncBatchnorm<M extends AnyModule>(module: M, group: ProcessGroup | null): M {
  if (!(module instanceof Module)) {
    throw new OptionError("convertSyncBatchnorm", "module", module, "a module");
  }
  if (group !== null && typeof group?.size !== "number") {
    throw new OptionError("convertSyncBatchnorm", "group", group, "a group of processes, or null");
  }
  for (const layer of module.modules()) {
    if (layer instanceof BatchNorm) {
      layer.processGroup = group;
    }
  }
  return module;
}
