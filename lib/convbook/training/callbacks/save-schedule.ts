/** When it is time to save: every so many epochs, steps or seconds, after training or after validation. */
import type { TrainerContext } from "../core/trainer-context.ts";
import { toSeconds } from "../core/trainer-options.ts";
import type { ModelCheckpointOptions } from "./model-checkpoint-options.ts";

export class SaveSchedule {
  readonly everyNEpochs: number;
  readonly everyNTrainSteps: number;
  /** Milliseconds; undefined where time does not matter. */
  readonly interval: number | undefined;
  readonly #onTrainEpochEnd: boolean | undefined;
  #lastTime = 0;

  /** @throws ConfigurationError for a time that is none */
  constructor(options: ModelCheckpointOptions) {
    const { everyNEpochs, everyNTrainSteps, trainTimeInterval, saveOnTrainEpochEnd } = options;
    this.everyNEpochs = everyNEpochs ?? (everyNTrainSteps === undefined && trainTimeInterval === undefined ? 1 : 0);
    this.everyNTrainSteps = everyNTrainSteps ?? 0;
    this.interval =
      trainTimeInterval === undefined
        ? undefined
        : toSeconds("ModelCheckpoint.trainTimeInterval", trainTimeInterval) * 1000;
    this.#onTrainEpochEnd = saveOnTrainEpochEnd;
  }

  /** Time counts from now on. */
  start(): void {
    this.#lastTime = performance.now();
  }

  /** Whether to save after this batch; all processes hear the same. */
  async isBatchDue(trainer: TrainerContext): Promise<boolean> {
    const { everyNTrainSteps, interval } = this;
    const now = performance.now();
    // Before the first step of accumulated gradients there is nothing to save.
    const isStep = everyNTrainSteps > 0 && trainer.globalStep > 0 && trainer.globalStep % everyNTrainSteps === 0;
    // Clocks differ: rank 0's counts.
    const isTime = interval !== undefined && (await trainer.strategy.fromRoot(now - this.#lastTime >= interval));
    if (isTime) {
      this.#lastTime = now;
    }
    return isStep || isTime;
  }

  /** Whether to save in this epoch. */
  isEpochDue(trainer: TrainerContext): boolean {
    return this.everyNEpochs >= 1 && (trainer.currentEpoch + 1) % this.everyNEpochs === 0;
  }

  /** Whether what is due in an epoch is saved at the end of training rather than after validation. */
  savesOnTrainEpochEnd(trainer: TrainerContext): boolean {
    if (this.#onTrainEpochEnd !== undefined) {
      return this.#onTrainEpochEnd;
    }
    if (trainer.valLoaders.length === 0) {
      return true;
    }
    // Validation at the end of each epoch comes before the epoch's own end; other times of validation are times to save.
    return trainer.options.checkValEveryNEpoch === 1 && trainer.options.valCheckInterval === undefined;
  }
}
