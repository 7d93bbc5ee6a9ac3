/** Averages the weights of the last epochs (Izmailov et al. 2018, arXiv:1803.05407). As PyTorch Lightning's StochasticWeightAveraging. */

import type * as tf from "@tensorflow/tfjs-core";
import { isNumber } from "../../arguments/check.ts";
import { found } from "../../arguments/found.ts";
import { BatchNorm } from "../../nn/batch-norm.ts";
import { updateBn } from "../../nn/index.ts";
import { CounterBuffer } from "../../nn/parameter.ts";
import { Callback } from "../core/callback.ts";
import type { TrainerContext } from "../core/trainer-context.ts";
import type { AnyTrainingModule } from "../core/training-module.ts";
import { refuseUnknownOptions, requireOption } from "../errors.ts";
import { iterate } from "../loaders.ts";
import { savedTensors } from "./saved-tensors.ts";

export interface StochasticWeightAveragingOptions {
  /** The learning rate while averaging, one for all groups or one a group. */
  swaLrs: number | readonly number[];
  /** The epoch from which to average, or a share below 1 of `maxEpochs`; default 0.8. */
  swaEpochStart?: number;
  /** Epochs over which the rate goes over to `swaLrs`; default 10. */
  annealingEpochs?: number;
  /** How; default `cos`. */
  annealingStrategy?: "cos" | "linear";
}

/**
 * From an epoch on keeps the mean of the weights at the ends of epochs, with a constant learning rate. When training ends the module has the
 * mean weights, and its batch norms' statistics are measured anew over the training data.
 */
export class StochasticWeightAveraging extends Callback {
  readonly #options: StochasticWeightAveragingOptions;
  readonly #averages = new Map<string, Float32Array>();
  /** Sets of weights in the mean so far. */
  averaged = 0;
  /** The learning rates when averaging began. */
  #ratesBefore: number[] | undefined;

  constructor(options: StochasticWeightAveragingOptions) {
    super();
    refuseUnknownOptions("StochasticWeightAveraging", options, [
      "swaLrs",
      "swaEpochStart",
      "annealingEpochs",
      "annealingStrategy",
    ]);
    const { swaLrs, swaEpochStart = 0.8, annealingEpochs = 10 } = options;
    const rates = typeof swaLrs === "number" ? [swaLrs] : swaLrs;
    requireOption(
      Array.isArray(rates) && rates.every((rate) => isNumber(rate) && rate > 0),
      "StochasticWeightAveraging.swaLrs",
      swaLrs,
      "rates above 0",
    );
    requireOption(
      isNumber(swaEpochStart, 0),
      "StochasticWeightAveraging.swaEpochStart",
      swaEpochStart,
      "an epoch, or a share below 1",
    );
    requireOption(
      isNumber(annealingEpochs, 0),
      "StochasticWeightAveraging.annealingEpochs",
      annealingEpochs,
      "a number of at least 0",
    );
    const { annealingStrategy = "cos" } = options;
    requireOption(
      ["cos", "linear"].includes(annealingStrategy),
      "StochasticWeightAveraging.annealingStrategy",
      annealingStrategy,
      '"cos" or "linear"',
    );
    this.#options = options;
  }

  #start(trainer: TrainerContext): number {
    const { swaEpochStart = 0.8 } = this.#options;
    if (swaEpochStart >= 1 || swaEpochStart === 0) {
      return swaEpochStart;
    }
    return Math.floor(Math.max(0, trainer.options.maxEpochs) * swaEpochStart);
  }

  override onTrainEpochStart(trainer: TrainerContext): void {
    this.#setRates(trainer);
  }

  /** A schedule that steps with the optimizer would take the rate back. */
  override onTrainBatchStart(trainer: TrainerContext): void {
    this.#setRates(trainer);
  }

  /** From its first epoch on the rates are this callback's, going over from where they stood; what schedules set is written over. */
  #setRates(trainer: TrainerContext): void {
    const start = this.#start(trainer);
    if (trainer.currentEpoch < start) {
      return;
    }
    const { swaLrs, annealingEpochs = 10, annealingStrategy = "cos" } = this.#options;
    const groups = trainer.optimizers[0]?.paramGroups ?? [];
    this.#ratesBefore ??= groups.map(({ lr }) => lr);
    const share = annealingEpochs === 0 ? 1 : Math.min(1, (trainer.currentEpoch - start + 1) / annealingEpochs);
    const progress = annealingStrategy === "cos" ? (1 - Math.cos(Math.PI * share)) / 2 : share;
    for (const [i, group] of groups.entries()) {
      const target = typeof swaLrs === "number" ? swaLrs : (swaLrs[i] ?? swaLrs.at(-1) ?? group.lr);
      const from = this.#ratesBefore[i] ?? group.lr;
      group.lr = progress === 1 ? target : from + (target - from) * progress;
    }
  }

  override onTrainEpochEnd(trainer: TrainerContext, module: AnyTrainingModule): void {
    if (trainer.currentEpoch < this.#start(trainer)) {
      return;
    }
    this.averaged++;
    for (const [name, parameter] of module.namedParameters()) {
      const value = parameter.toTensorData().data as Float32Array;
      const average = this.#averages.get(name);
      if (average === undefined) {
        this.#averages.set(name, value);
      } else {
        for (const [i, before] of average.entries()) {
          average[i] = before + ((value[i] ?? 0) - before) / this.averaged;
        }
      }
    }
  }

  override async onTrainEnd(trainer: TrainerContext, module: AnyTrainingModule): Promise<void> {
    if (this.averaged === 0) {
      return;
    }
    for (const [name, parameter] of module.namedParameters()) {
      const average = this.#averages.get(name);
      if (average !== undefined) {
        parameter.load({ dtype: "float32", shape: parameter.shape, data: average });
      }
    }
    await updateBn(module, trainingBatches(trainer));
    await shareStatistics(trainer, module);
  }

  override stateDict(): Readonly<Record<string, unknown>> {
    return {
      averaged: this.averaged,
      ratesBefore: this.#ratesBefore ?? null,
      averages: new Map([...this.#averages].map(([name, data]) => [name, tensorOf(data)])),
    };
  }

  override loadStateDict(state: Readonly<Record<string, unknown>>): void {
    this.averaged = Number(state.averaged ?? 0);
    this.#ratesBefore = Array.isArray(state.ratesBefore) ? state.ratesBefore.map(Number) : undefined;
    this.#averages.clear();
    for (const [name, { data }] of savedTensors(state.averages)) {
      this.#averages.set(name, Float32Array.from<number | bigint>(data, Number));
    }
  }
}

const tensorOf = (data: Float32Array) => ({ dtype: "float32" as const, shape: [data.length], data });

/** Each process has seen its part of the data: the mean of all, of as many batches each, is what one process with all batches has. */
async function shareStatistics({ strategy }: TrainerContext, module: AnyTrainingModule): Promise<void> {
  if (strategy.size === 1) {
    return;
  }
  for (const layer of module.modules()) {
    for (const buffer of layer instanceof BatchNorm ? layer.buffers() : []) {
      if (buffer instanceof CounterBuffer) {
        continue;
      }
      const all = await strategy.gatherArrays(buffer.toTensorData().data as Float32Array);
      const mean = Float32Array.from({ length: buffer.size }, (_, i) =>
        all.reduce((sum, values) => sum + (values[i] ?? 0) / all.length, 0),
      );
      buffer.load({ dtype: "float32", shape: [...buffer.shape], data: mean });
    }
  }
}

/** One pass over the training data, as far as an epoch goes. */
async function* trainingBatches(trainer: TrainerContext): AsyncGenerator<tf.Tensor | readonly tf.Tensor[]> {
  const iterator = iterate(found(trainer.trainLoader, "The training loader"));
  try {
    for (let i = 0; i < trainer.numTrainingBatches; i++) {
      const { done, value } = await iterator.next();
      if (done) {
        return;
      }
      yield value as tf.Tensor | readonly tf.Tensor[];
    }
  } finally {
    await iterator.return?.();
  }
}
