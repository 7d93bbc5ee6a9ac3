/** What reacts to training without being part of the model: PyTorch Lightning's Callback. Override what is needed. */
import type * as tf from "@tensorflow/tfjs-core";
import type { Checkpoint } from "../checkpoint.ts";
import type { Optimizer } from "../optimizers/optimizer.ts";
import type { Stage, Trainer } from "../trainer.ts";
import type { AnyTrainingModule, HookResult, StepOutput } from "../training-module.ts";

/** Base of the callbacks; every hook does nothing by default. */
export abstract class Callback {
  /** Under which name its state is saved; must differ between callbacks of one type that have state. */
  get stateKey(): string {
    return this.constructor.name;
  }
  /** Metrics that must be logged for this callback to work; checked before the first step. */
  get monitors(): readonly string[] {
    return [];
  }
  /**
   * Whether the callback judges or saves the state: at the end of batches, epochs and validations it then runs after all others and after
   * the module's own hook, so that nothing of the moment is missing from what it sees.
   */
  get runsLast(): boolean {
    return false;
  }
  /** Whether the callback logs metrics that others may monitor; the names that exist are then not known before the first epoch. */
  get logsMetrics(): boolean {
    return false;
  }
  /** State as JSON, saved in checkpoints. */
  stateDict(): Readonly<Record<string, unknown>> {
    return {};
  }
  loadStateDict(_state: Readonly<Record<string, unknown>>): void {}

  setup(_trainer: Trainer, _module: AnyTrainingModule, _stage: Stage): HookResult {}
  teardown(_trainer: Trainer, _module: AnyTrainingModule, _stage: Stage): HookResult {}
  onFitStart(_trainer: Trainer, _module: AnyTrainingModule): HookResult {}
  onFitEnd(_trainer: Trainer, _module: AnyTrainingModule): HookResult {}
  onSanityCheckStart(_trainer: Trainer, _module: AnyTrainingModule): HookResult {}
  onSanityCheckEnd(_trainer: Trainer, _module: AnyTrainingModule): HookResult {}
  onTrainStart(_trainer: Trainer, _module: AnyTrainingModule): HookResult {}
  onTrainEnd(_trainer: Trainer, _module: AnyTrainingModule): HookResult {}
  onTrainEpochStart(_trainer: Trainer, _module: AnyTrainingModule): HookResult {}
  onTrainEpochEnd(_trainer: Trainer, _module: AnyTrainingModule): HookResult {}
  onTrainBatchStart(_trainer: Trainer, _module: AnyTrainingModule, _batch: unknown, _batchIndex: number): HookResult {}
  onTrainBatchEnd(
    _trainer: Trainer,
    _module: AnyTrainingModule,
    _outputs: StepOutput,
    _batch: unknown,
    _batchIndex: number,
  ): HookResult {}
  onBeforeZeroGrad(_trainer: Trainer, _module: AnyTrainingModule, _optimizer: Optimizer): HookResult {}
  onBeforeBackward(_trainer: Trainer, _module: AnyTrainingModule, _loss: tf.Tensor): HookResult {}
  onAfterBackward(_trainer: Trainer, _module: AnyTrainingModule): HookResult {}
  onBeforeOptimizerStep(_trainer: Trainer, _module: AnyTrainingModule, _optimizer: Optimizer): HookResult {}
  onValidationStart(_trainer: Trainer, _module: AnyTrainingModule): HookResult {}
  onValidationEnd(_trainer: Trainer, _module: AnyTrainingModule): HookResult {}
  onValidationEpochStart(_trainer: Trainer, _module: AnyTrainingModule): HookResult {}
  onValidationEpochEnd(_trainer: Trainer, _module: AnyTrainingModule): HookResult {}
  onValidationBatchStart(
    _trainer: Trainer,
    _module: AnyTrainingModule,
    _batch: unknown,
    _batchIndex: number,
    _dataloaderIndex: number,
  ): HookResult {}
  onValidationBatchEnd(
    _trainer: Trainer,
    _module: AnyTrainingModule,
    _outputs: unknown,
    _batch: unknown,
    _batchIndex: number,
    _dataloaderIndex: number,
  ): HookResult {}
  onTestStart(_trainer: Trainer, _module: AnyTrainingModule): HookResult {}
  onTestEnd(_trainer: Trainer, _module: AnyTrainingModule): HookResult {}
  onTestEpochStart(_trainer: Trainer, _module: AnyTrainingModule): HookResult {}
  onTestEpochEnd(_trainer: Trainer, _module: AnyTrainingModule): HookResult {}
  onTestBatchStart(
    _trainer: Trainer,
    _module: AnyTrainingModule,
    _batch: unknown,
    _batchIndex: number,
    _dataloaderIndex: number,
  ): HookResult {}
  onTestBatchEnd(
    _trainer: Trainer,
    _module: AnyTrainingModule,
    _outputs: unknown,
    _batch: unknown,
    _batchIndex: number,
    _dataloaderIndex: number,
  ): HookResult {}
  onPredictStart(_trainer: Trainer, _module: AnyTrainingModule): HookResult {}
  onPredictEnd(_trainer: Trainer, _module: AnyTrainingModule): HookResult {}
  onPredictEpochStart(_trainer: Trainer, _module: AnyTrainingModule): HookResult {}
  onPredictEpochEnd(_trainer: Trainer, _module: AnyTrainingModule): HookResult {}
  onPredictBatchStart(
    _trainer: Trainer,
    _module: AnyTrainingModule,
    _batch: unknown,
    _batchIndex: number,
    _dataloaderIndex: number,
  ): HookResult {}
  onPredictBatchEnd(
    _trainer: Trainer,
    _module: AnyTrainingModule,
    _outputs: unknown,
    _batch: unknown,
    _batchIndex: number,
    _dataloaderIndex: number,
  ): HookResult {}
  /** Called when training is interrupted or fails, before the error goes on. */
  onException(_trainer: Trainer, _module: AnyTrainingModule, _error: unknown): HookResult {}
  onSaveCheckpoint(_trainer: Trainer, _module: AnyTrainingModule, _checkpoint: Checkpoint): HookResult {}
  onLoadCheckpoint(_trainer: Trainer, _module: AnyTrainingModule, _checkpoint: Checkpoint): HookResult {}
}

/** The hooks of a callback. */
export type CallbackHook = Exclude<
  keyof Callback,
  "stateKey" | "monitors" | "runsLast" | "logsMetrics" | "stateDict" | "loadStateDict"
>;
