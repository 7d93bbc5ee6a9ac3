/** Which loaders a fit uses, and how many of their batches. */
import { ConfigurationError, requireOption } from "../errors.ts";
import { countBatches, KeptBatches, type Loader, type Loaders, longestLengths, toLoaders } from "../loaders.ts";
import type { TrainerContext } from "./trainer-context.ts";
import { TrainingModule } from "./training-module.ts";

/** The loaders of one fit, as given to it or as the module has them. */
export class FitData {
  /** The training loader. */
  train: Loader | undefined;
  validation: readonly Loader[] = [];
  /** Batches of each validation loader on the process that has most of them; infinite where unknown. */
  validationLengths: readonly number[] = [];
  /** Batches of a training epoch; infinite where unknown. */
  trainingBatches = 0;
  readonly #trainer: TrainerContext;
  readonly #given: { readonly train: Loader | undefined; readonly validation: Loaders | undefined };

  constructor(trainer: TrainerContext, train?: Loader, validation?: Loaders) {
    this.#trainer = trainer;
    this.#given = { train, validation };
    if (train !== undefined) {
      this.#count(train);
    }
  }

  /** Whether there is anything to validate on, found out without asking the module for its loaders. */
  get mayValidate(): boolean {
    const { module } = this.#trainer;
    return this.#given.validation !== undefined || module.valDataloader !== TrainingModule.prototype.valDataloader;
  }

  /** Asks for the validation loaders. */
  async requestValidation(): Promise<readonly Loader[]> {
    const { module, options } = this.#trainer;
    this.validation = [];
    this.validationLengths = [];
    if (options.limitValBatches === 0) {
      return [];
    }
    const own = this.#given.validation ?? module.valDataloader();
    if (own !== undefined) {
      const { strategy } = this.#trainer;
      this.validation = toLoaders("The validation loader", own).map((loader) => strategy.share(loader, "evaluation"));
      this.validationLengths = await longestLengths(strategy, this.validation);
    }
    return this.validation;
  }

  /**
   * Asks for the training loader.
   *
   * @throws ConfigurationError when processes have different numbers of batches, which would leave some waiting
   */
  async requestTraining(): Promise<void> {
    const list = this.#trainingLoaders();
    const [loader, ...others] = list;
    const isOne = loader !== undefined && others.length === 0;
    requireOption(isOne, "The training loader", `${list.length} loaders`, "one loader");
    const own = this.#trainer.strategy.share(loader, "training");
    this.#count(own);
    await this.#requireSameCount();
    const keeps = this.#trainer.options.overfitBatches !== 0;
    this.train = keeps ? new KeptBatches(own, this.trainingBatches) : own;
  }

  async #requireSameCount(): Promise<void> {
    const counts = await this.#trainer.strategy.gather(this.trainingBatches);
    const rank = counts.findIndex((count) => count !== counts[0]);
    if (rank !== -1) {
      const got = `${counts[0]} batches on rank 0 and ${counts[rank]} on rank ${rank}`;
      throw new ConfigurationError("The training loader", got, "something that gives as many batches on every rank");
    }
  }

  /** Frees what was kept. */
  async dispose(): Promise<void> {
    if (this.train instanceof KeptBatches) {
      await this.train.dispose();
    }
  }

  #trainingLoaders(): Loader[] {
    return toLoaders("The training loader", this.#given.train ?? this.#trainer.module.trainDataloader());
  }

  #count(loader: Loader): void {
    const { overfitBatches, limitTrainBatches } = this.#trainer.options;
    const option = overfitBatches === 0 ? "Trainer.limitTrainBatches" : "Trainer.overfitBatches";
    this.trainingBatches = countBatches(option, limitTrainBatches, loader.length ?? Number.POSITIVE_INFINITY);
  }
}
