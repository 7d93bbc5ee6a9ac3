/** Changes how many batches' gradients make one optimizer step, by epoch. As PyTorch Lightning's GradientAccumulationScheduler. */

import { Callback } from "../core/callback.ts";
import type { TrainerContext } from "../core/trainer-context.ts";
import type { AnyTrainingModule } from "../core/training-module.ts";
import { refuseUnknownOptions, requireOption } from "../errors.ts";

/**
 * @example
 * // One batch a step at first, four from epoch 5 on.
 * new GradientAccumulationScheduler({ scheduling: { 0: 1, 5: 4 } })
 */
export class GradientAccumulationScheduler extends Callback {
  readonly #scheduling: readonly (readonly [epoch: number, batches: number])[];

  constructor(options: { scheduling: Readonly<Record<number, number>> }) {
    super();
    refuseUnknownOptions("GradientAccumulationScheduler", options, ["scheduling"]);
    const { scheduling } = options;
    const isObject = typeof scheduling === "object" && scheduling !== null;
    const entries = Object.entries(isObject ? scheduling : {}).map(
      ([epoch, batches]) => [Number(epoch), batches] as const,
    );
    const fits = entries.every(
      ([epoch, batches]) => Number.isInteger(epoch) && epoch >= 0 && Number.isInteger(batches) && batches >= 1,
    );
    requireOption(
      fits && entries.length > 0,
      "GradientAccumulationScheduler.scheduling",
      scheduling,
      "an object from epochs (from 0) to numbers of batches (from 1)",
    );
    this.#scheduling = entries.sort(([a], [b]) => a - b);
  }

  override onTrainStart(trainer: TrainerContext, module: AnyTrainingModule): void {
    requireOption(
      module.automaticOptimization,
      `${module.typeName}.automaticOptimization`,
      false,
      "true with a GradientAccumulationScheduler",
    );
    this.#apply(trainer);
  }

  override onTrainEpochStart(trainer: TrainerContext): void {
    this.#apply(trainer);
  }

  #apply(trainer: TrainerContext): void {
    const due = this.#scheduling.findLast(([epoch]) => epoch <= trainer.currentEpoch);
    trainer.accumulateGradBatches = due?.[1] ?? 1;
  }
}
