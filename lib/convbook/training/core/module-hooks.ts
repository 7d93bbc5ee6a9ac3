/** The loaders and hooks that a module may have of its own: what the Trainer calls, and what happens where a module says nothing. */
import type * as tf from "@tensorflow/tfjs-core";
import { Module } from "../../nn/module.ts";
import type { Loaders } from "../loaders.ts";
import type { Optimizer } from "../optimizers/optimizer.ts";
import type { Scheduler } from "../schedulers/scheduler.ts";
import type { Callback } from "./callback.ts";
import type { Checkpoint } from "./checkpoint.ts";
import type { HookResult, StepOutput } from "./module-results.ts";
import type { Stage } from "./trainer-context.ts";

/** Base of `TrainingModule`. */
export abstract class ModuleHooks<Batch, In extends unknown[], Out> extends Module<In, Out> {
  // Data, where it is not given to the trainer.

  trainDataloader(): Loaders<Batch> | undefined {
    return undefined;
  }
  valDataloader(): Loaders<Batch> | undefined {
    return undefined;
  }
  testDataloader(): Loaders<Batch> | undefined {
    return undefined;
  }
  predictDataloader(): Loaders<Batch> | undefined {
    return undefined;
  }

  // Hooks, in the order in which fit calls them; those that speak to the trainer are in `TrainingModule`.

  /** Callbacks that belong to the module; one of a type replaces the trainer's of that type. */
  configureCallbacks(): readonly Callback[] {
    return [];
  }
  prepareData(): HookResult {}
  setup(_stage: Stage): HookResult {}
  /** Builds what is too large to build twice, before a checkpoint is loaded. */
  configureModel(): HookResult {}
  onLoadCheckpoint(_checkpoint: Checkpoint): HookResult {}
  onSaveCheckpoint(_checkpoint: Checkpoint): HookResult {}
  onFitStart(): HookResult {}
  onFitEnd(): HookResult {}
  onTrainStart(): HookResult {}
  onTrainEnd(): HookResult {}
  onTrainEpochStart(): HookResult {}
  onTrainEpochEnd(): HookResult {}
  onBeforeBatchTransfer(batch: Batch, _dataloaderIndex: number): Batch {
    return batch;
  }
  transferBatchToDevice(batch: Batch, _dataloaderIndex: number): Batch {
    return batch;
  }
  onAfterBatchTransfer(batch: Batch, _dataloaderIndex: number): Batch {
    return batch;
  }
  /** Return -1 to skip the rest of the epoch. */
  onTrainBatchStart(_batch: Batch, _batchIndex: number): HookResult | -1 {}
  onTrainBatchEnd(_outputs: StepOutput, _batch: Batch, _batchIndex: number): HookResult {}
  onBeforeZeroGrad(_optimizer: Optimizer): HookResult {}
  onBeforeBackward(_loss: tf.Tensor): HookResult {}
  onAfterBackward(): HookResult {}
  onBeforeOptimizerStep(_optimizer: Optimizer): HookResult {}
  lrSchedulerStep(scheduler: Scheduler, metric: number | undefined): void {
    scheduler.step(metric);
  }
  onValidationModelEval(): HookResult {
    this.eval();
  }
  /** Called after validation, when overridden; otherwise every module gets back the mode that it had. */
  onValidationModelTrain?(): HookResult;
  onValidationStart(): HookResult {}
  onValidationEnd(): HookResult {}
  onValidationEpochStart(): HookResult {}
  onValidationEpochEnd(): HookResult {}
  onValidationBatchStart(_batch: Batch, _batchIndex: number, _dataloaderIndex: number): HookResult {}
  onValidationBatchEnd(_outputs: unknown, _batch: Batch, _batchIndex: number, _dataloaderIndex: number): HookResult {}
  onTestModelEval(): HookResult {
    this.eval();
  }
  onTestModelTrain?(): HookResult;
  onTestStart(): HookResult {}
  onTestEnd(): HookResult {}
  onTestEpochStart(): HookResult {}
  onTestEpochEnd(): HookResult {}
  onTestBatchStart(_batch: Batch, _batchIndex: number, _dataloaderIndex: number): HookResult {}
  onTestBatchEnd(_outputs: unknown, _batch: Batch, _batchIndex: number, _dataloaderIndex: number): HookResult {}
  onPredictModelEval(): HookResult {
    this.eval();
  }
  onPredictStart(): HookResult {}
  onPredictEnd(): HookResult {}
  onPredictEpochStart(): HookResult {}
  onPredictEpochEnd(): HookResult {}
  onPredictBatchStart(_batch: Batch, _batchIndex: number, _dataloaderIndex: number): HookResult {}
  onPredictBatchEnd(_outputs: unknown, _batch: Batch, _batchIndex: number, _dataloaderIndex: number): HookResult {}
  teardown(_stage: Stage): HookResult {}
}
