/** What reacts to training without being part of the model: PyTorch Lightning's Callback. Override what is needed. */

import type * as tf from "@tensorflow/tfjs-core";
import { classNameOf } from "../../arguments/class-name.ts";
import type { Optimizer } from "../optimizers/optimizer.ts";
import type { Checkpoint } from "./checkpoint.ts";
import type { HookResult, StepOutput } from "./module-results.ts";
import type { Stage, TrainerContext } from "./trainer-context.ts";
import type { AnyTrainingModule } from "./training-module.ts";

/** Base of the callbacks; every hook does nothing by default. */
export abstract class Callback {
  /** Under which name its state is saved; must differ between callbacks of one type that have state. */
  get stateKey(): string {
    return classNameOf(this);
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

  setup(_trainer: TrainerContext, _module: AnyTrainingModule, _stage: Stage): HookResult {}
  teardown(_trainer: TrainerContext, _module: AnyTrainingModule, _stage: Stage): HookResult {}
  onFitStart(_trainer: TrainerContext, _module: AnyTrainingModule): HookResult {}
  onFitEnd(_trainer: TrainerContext, _module: AnyTrainingModule): HookResult {}
  onSanityCheckStart(_trainer: TrainerContext, _module: AnyTrainingModule): HookResult {}
  onSanityCheckEnd(_trainer: TrainerContext, _module: AnyTrainingModule): HookResult {}
  onTrainStart(_trainer: TrainerContext, _module: AnyTrainingModule): HookResult {}
  onTrainEnd(_trainer: TrainerContext, _module: AnyTrainingModule): HookResult {}
  onTrainEpochStart(_trainer: TrainerContext, _module: AnyTrainingModule): HookResult {}
  onTrainEpochEnd(_trainer: TrainerContext, _module: AnyTrainingModule): HookResult {}
  onTrainBatchStart(
    _trainer: TrainerContext,
    _module: AnyTrainingModule,
    _batch: unknown,
    _batchIndex: number,
  ): HookResult {}
  onTrainBatchEnd(
    _trainer: TrainerContext,
    _module: AnyTrainingModule,
    _outputs: StepOutput,
    _batch: unknown,
    _batchIndex: number,
  ): HookResult {}
  onBeforeZeroGrad(_trainer: TrainerContext, _module: AnyTrainingModule, _optimizer: Optimizer): HookResult {}
  onBeforeBackward(_trainer: TrainerContext, _module: AnyTrainingModule, _loss: tf.Tensor): HookResult {}
  onAfterBackward(_trainer: TrainerContext, _module: AnyTrainingModule): HookResult {}
  onBeforeOptimizerStep(_trainer: TrainerContext, _module: AnyTrainingModule, _optimizer: Optimizer): HookResult {}
  onValidationStart(_trainer: TrainerContext, _module: AnyTrainingModule): HookResult {}
  onValidationEnd(_trainer: TrainerContext, _module: AnyTrainingModule): HookResult {}
  onValidationEpochStart(_trainer: TrainerContext, _module: AnyTrainingModule): HookResult {}
  onValidationEpochEnd(_trainer: TrainerContext, _module: AnyTrainingModule): HookResult {}
  onValidationBatchStart(
    _trainer: TrainerContext,
    _module: AnyTrainingModule,
    _batch: unknown,
    _batchIndex: number,
    _dataloaderIndex: number,
  ): HookResult {}
  onValidationBatchEnd(
    _trainer: TrainerContext,
    _module: AnyTrainingModule,
    _outputs: unknown,
    _batch: unknown,
    _batchIndex: number,
    _dataloaderIndex: number,
  ): HookResult {}
  onTestStart(_trainer: TrainerContext, _module: AnyTrainingModule): HookResult {}
  onTestEnd(_trainer: TrainerContext, _module: AnyTrainingModule): HookResult {}
  onTestEpochStart(_trainer: TrainerContext, _module: AnyTrainingModule): HookResult {}
  onTestEpochEnd(_trainer: TrainerContext, _module: AnyTrainingModule): HookResult {}
  onTestBatchStart(
    _trainer: TrainerContext,
    _module: AnyTrainingModule,
    _batch: unknown,
    _batchIndex: number,
    _dataloaderIndex: number,
  ): HookResult {}
  onTestBatchEnd(
    _trainer: TrainerContext,
    _module: AnyTrainingModule,
    _outputs: unknown,
    _batch: unknown,
    _batchIndex: number,
    _dataloaderIndex: number,
  ): HookResult {}
  onPredictStart(_trainer: TrainerContext, _module: AnyTrainingModule): HookResult {}
  onPredictEnd(_trainer: TrainerContext, _module: AnyTrainingModule): HookResult {}
  onPredictEpochStart(_trainer: TrainerContext, _module: AnyTrainingModule): HookResult {}
  onPredictEpochEnd(_trainer: TrainerContext, _module: AnyTrainingModule): HookResult {}
  onPredictBatchStart(
    _trainer: TrainerContext,
    _module: AnyTrainingModule,
    _batch: unknown,
    _batchIndex: number,
    _dataloaderIndex: number,
  ): HookResult {}
  onPredictBatchEnd(
    _trainer: TrainerContext,
    _module: AnyTrainingModule,
    _outputs: unknown,
    _batch: unknown,
    _batchIndex: number,
    _dataloaderIndex: number,
  ): HookResult {}
  /** Called when training is interrupted or fails, before the error goes on. */
  onException(_trainer: TrainerContext, _module: AnyTrainingModule, _error: unknown): HookResult {}
  onSaveCheckpoint(_trainer: TrainerContext, _module: AnyTrainingModule, _checkpoint: Checkpoint): HookResult {}
  onLoadCheckpoint(_trainer: TrainerContext, _module: AnyTrainingModule, _checkpoint: Checkpoint): HookResult {}
}

/** What a hook is called with, besides the trainer and the module. */
export type HookArguments<H extends CallbackHook> =
  Parameters<Callback[H]> extends [trainer: TrainerContext, module: AnyTrainingModule, ...rest: infer Rest]
    ? Rest
    : never;

/** The hooks of a callback. */
export type CallbackHook = Exclude<
  keyof Callback,
  "stateKey" | "monitors" | "runsLast" | "logsMetrics" | "stateDict" | "loadStateDict"
>;
