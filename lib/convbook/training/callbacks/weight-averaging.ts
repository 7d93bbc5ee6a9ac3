/** Averages of the weights over the steps of a training, by which it is judged: PyTorch Lightning's WeightAveraging and EMAWeightAveraging. */
import { isNumber } from "../../arguments/check.ts";
import { classNameOf } from "../../arguments/class-name.ts";
import type { StateDict } from "../../tensor-data.ts";
import { Callback } from "../core/callback.ts";
import type { Checkpoint } from "../core/checkpoint.ts";
import { rankZeroWarn } from "../core/rank-zero.ts";
import type { Stage, TrainerContext } from "../core/trainer-context.ts";
import type { AnyTrainingModule } from "../core/training-module.ts";
import { refuseUnknownOptions, requireOption, requireSwitches } from "../errors.ts";
import { AveragedWeights, type AveragingFunction, equalAverage, exponentialAverage } from "./averaged-weights.ts";
import { savedTensors } from "./saved-tensors.ts";

export interface WeightAveragingOptions {
  /** Also average the buffers, running statistics among them; default true. With false the average has the latest. */
  useBuffers?: boolean;
  /** What an average becomes; default: the mean of all, each with the same weight. */
  avgFn?: AveragingFunction;
}

/**
 * Keeps an average of the weights beside those that are trained. Validation sees the average, checkpoints hold it as the module's weights (and the
 * trained ones beside it, to go on from), and when training ends the module has it. As long as no weights were taken into it, there is no average: the
 * module's own weights are validated, saved and kept. (PyTorch Lightning 2.6 takes the weights from before training then.)
 *
 * @example
 * class LastHalf extends WeightAveraging {
 *   override shouldUpdate(step: number | undefined): boolean {
 *     return step !== undefined && step >= 1000;
 *   }
 * }
 */
export class WeightAveraging extends Callback {
  readonly #useBuffers: boolean;
  readonly #avgFn: AveragingFunction;
  #average: AveragedWeights | undefined;
  /** The optimizer's steps when the average was last updated after one, and the epoch when after one. */
  #latestStep = 0;
  #latestEpoch = -1;
  /** Whether the module has the average for good. */
  #isFinal = false;

  constructor(options: WeightAveragingOptions = {}) {
    super();
    refuseUnknownOptions("WeightAveraging", options, ["useBuffers", "avgFn"]);
    requireSwitches("WeightAveraging", options, ["useBuffers"]);
    const { useBuffers = true, avgFn = equalAverage } = options;
    requireOption(typeof avgFn === "function", "WeightAveraging.avgFn", avgFn, "a function");
    this.#useBuffers = useBuffers;
    this.#avgFn = avgFn;
  }

  /** Sets of weights in the average. */
  get numAveraged(): number {
    return this.#average?.numAveraged ?? 0;
  }

  /**
   * Whether the average takes the weights now; default: after each step of the optimizer.
   *
   * @param stepIndex number of the step that was taken, from 0; undefined at the end of an epoch
   * @param epochIndex number of the epoch that has ended, from 0; undefined after a step
   */
  shouldUpdate(stepIndex: number | undefined, _epochIndex: number | undefined): boolean {
    return stepIndex !== undefined;
  }

  override setup(_trainer: TrainerContext, _module: AnyTrainingModule, stage: Stage): void {
    if (stage === "fit") {
      this.#forget();
      this.#latestStep = 0;
      this.#latestEpoch = -1;
      this.#isFinal = false;
    }
  }

  override onFitStart(_trainer: TrainerContext, module: AnyTrainingModule): void {
    this.#average ??= new AveragedWeights(module);
  }

  override onTrainBatchEnd(trainer: TrainerContext): void {
    const { globalStep } = trainer;
    if (globalStep > this.#latestStep && this.shouldUpdate(globalStep - 1, undefined)) {
      this.#update();
      this.#latestStep = globalStep;
    }
  }

  override onTrainEpochEnd(trainer: TrainerContext): void {
    const { currentEpoch } = trainer;
    if (currentEpoch > this.#latestEpoch && this.shouldUpdate(undefined, currentEpoch)) {
      this.#update();
      this.#latestEpoch = currentEpoch;
    }
  }

  /** The average, once weights were taken into it. */
  get #begun(): AveragedWeights | undefined {
    return this.numAveraged > 0 ? this.#average : undefined;
  }

  #update(): void {
    this.#average?.update(classNameOf(this), this.#avgFn, this.#useBuffers);
  }

  override async onValidationEpochStart(trainer: TrainerContext, module: AnyTrainingModule): Promise<void> {
    if (this.#begun !== undefined && !this.#isFinal) {
      this.#begun.swap();
      // Of several processes each has averaged running statistics of its own batches.
      await trainer.strategy.shareBuffers(module);
    }
  }

  override onValidationEpochEnd(): void {
    this.#takeBack();
  }

  override onTrainEnd(trainer: TrainerContext): void {
    if (this.#begun?.isSwapped === false) {
      this.#begun.swap();
    }
    if (this.#begun === undefined && trainer.isGlobalZero && trainer.options.fastDevRun === 0) {
      console.warn(
        `${classNameOf(this)} never took weights into its average in ${trainer.globalStep} steps: the module keeps those that were trained.`,
      );
    }
    this.#isFinal = true;
  }

  override onException(): void {
    this.#takeBack();
  }

  override teardown(): void {
    this.#takeBack();
    this.#forget();
  }

  /** Gives the module back what is trained. */
  #takeBack(): void {
    if (this.#average?.isSwapped && !this.#isFinal) {
      this.#average.swap();
    }
  }

  #forget(): void {
    this.#average?.dispose();
    this.#average = undefined;
  }

  /** The average takes the place of the module's weights in `onSaveCheckpoint`; what the module does not have at the moment is kept in here. */
  override stateDict(): Readonly<Record<string, unknown>> {
    const begun = this.#begun;
    return {
      latestStep: this.#latestStep,
      latestEpoch: this.#latestEpoch,
      numAveraged: this.numAveraged,
      ...(begun && { current: begun.keptState(), isSwapped: begun.isSwapped }),
    };
  }

  override onSaveCheckpoint(_trainer: TrainerContext, _module: AnyTrainingModule, checkpoint: Checkpoint): void {
    const state = checkpoint.callbacks[this.stateKey] as { current?: StateDict; isSwapped?: boolean } | undefined;
    if (state === undefined) {
      // Weights alone.
      if (this.#begun?.isSwapped === false) {
        replace(checkpoint.stateDict, this.#begun.keptState());
      }
    } else if (state.current !== undefined && state.isSwapped === false) {
      const trained = new Map(checkpoint.stateDict);
      replace(checkpoint.stateDict, state.current);
      replace(state.current, trained);
      state.isSwapped = true;
    }
  }

  override onLoadCheckpoint(_trainer: TrainerContext, module: AnyTrainingModule, checkpoint: Checkpoint): void {
    this.#forget();
    this.#average = new AveragedWeights(module);
    const state = checkpoint.callbacks[this.stateKey];
    if (state?.current === undefined) {
      // Before its first update an average has nothing to keep.
      if (state?.numAveraged === 0) {
        return;
      }
      rankZeroWarn(
        `The checkpoint was saved without ${this.stateKey}: the average and what is trained both begin with its weights.`,
      );
      return;
    }
    this.#average.numAveraged = Number(state.numAveraged);
    module.loadStateDict(savedTensors(state.current));
  }

  override loadStateDict(state: Readonly<Record<string, unknown>>): void {
    this.#latestStep = Number(state.latestStep ?? 0);
    this.#latestEpoch = Number(state.latestEpoch ?? -1);
  }
}

function replace(state: StateDict, by: StateDict): void {
  for (const [name, value] of [...by]) {
    state.set(name, value);
  }
}

export interface EMAWeightAveragingOptions {
  /** How much of the average stays at an update, from 0 to 1; default 0.999. */
  decay?: number;
  /** Update after every so many steps of the optimizer; default 1, 0 for none by step. */
  updateEveryNSteps?: number;
  /** The first step, from 0, after which to update; default the first. */
  updateStartingAtStep?: number;
  /** Also update at the end of each epoch from this one on, from 0; default: at none. */
  updateStartingAtEpoch?: number;
  /** As of {@link WeightAveragingOptions}. */
  useBuffers?: boolean;
}

/**
 * Keeps an exponential moving average of the weights, as {@link WeightAveraging} keeps its mean.
 *
 * @example
 * const trainer = new Trainer({ callbacks: [new EMAWeightAveraging({ decay: 0.99 }), new ModelCheckpoint()] });
 */
export class EMAWeightAveraging extends WeightAveraging {
  readonly #options: EMAWeightAveragingOptions;

  constructor(options: EMAWeightAveragingOptions = {}) {
    const owner = "EMAWeightAveraging";
    const counts = ["updateEveryNSteps", "updateStartingAtStep", "updateStartingAtEpoch"] as const;
    refuseUnknownOptions(owner, options, ["decay", ...counts, "useBuffers"]);
    requireSwitches(owner, options, ["useBuffers"]);
    const { decay = 0.999, useBuffers = true } = options;
    requireOption(isNumber(decay, 0, 1), `${owner}.decay`, decay, "a number from 0 to 1");
    for (const name of counts) {
      const value = options[name];
      const fits = value === undefined || (Number.isInteger(value) && value >= 0);
      requireOption(fits, `${owner}.${name}`, value, "a whole number of at least 0");
    }
    super({ useBuffers, avgFn: exponentialAverage(decay) });
    this.#options = { ...options };
  }

  override shouldUpdate(stepIndex: number | undefined, epochIndex: number | undefined): boolean {
    const { updateEveryNSteps = 1, updateStartingAtStep = 0, updateStartingAtEpoch } = this.#options;
    if (stepIndex !== undefined) {
      return updateEveryNSteps > 0 && stepIndex >= updateStartingAtStep && stepIndex % updateEveryNSteps === 0;
    }
    return updateStartingAtEpoch !== undefined && epochIndex !== undefined && epochIndex >= updateStartingAtEpoch;
  }
}
