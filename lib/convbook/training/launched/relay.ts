/** Tells the notebook where rank 0 is. */
import { Callback } from "../core/callback.ts";
import type { TrainerContext } from "../core/trainer-context.ts";
import { mark, type RankStep } from "./job.ts";

/** Time between two lines, ms. */
const interval = 100;

/** Prints a line now and then, as {@link RankStep}. */
export class Relay extends Callback {
  #last = Number.NEGATIVE_INFINITY;

  #tell(trainer: TrainerContext, ends: boolean): void {
    const now = performance.now();
    if (!ends && now - this.#last < interval) {
      return;
    }
    this.#last = now;
    const step: RankStep = {
      epoch: trainer.currentEpoch,
      total: Number.isFinite(trainer.numTrainingBatches) ? trainer.numTrainingBatches : null,
      batch: trainer.progress.batch,
      metrics: trainer.progressBarMetrics,
      ends,
    };
    process.stdout.write(`${mark}${JSON.stringify(step)}\n`);
  }

  override onTrainBatchEnd(trainer: TrainerContext): void {
    this.#tell(trainer, false);
  }

  override onTrainEpochEnd(trainer: TrainerContext): void {
    this.#tell(trainer, true);
  }
}
