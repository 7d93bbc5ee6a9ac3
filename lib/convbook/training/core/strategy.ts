/**
 * How the processes of a program train together: what loops, callbacks and checkpoints ask for, whether there is one process or many. What is
 * asked of all ranks is asked by all of them, in the same order.
 */
import type * as tf from "@tensorflow/tfjs-core";
import type { Loader } from "../loaders.ts";
import type { ResultCollection } from "../logging/results.ts";
import type { TrainerContext } from "./trainer-context.ts";
import type { AnyTrainingModule } from "./training-module.ts";

/** What a loader's batches are for. */
export type Purpose = "training" | "evaluation";

export interface Strategy {
  readonly name: "single" | "ddp";
  /** The number of this process among all, from 0. */
  readonly rank: number;
  /** Processes. */
  readonly size: number;
  /** Whether this process prints, logs and saves. */
  readonly isRoot: boolean;
  /** Whether this process is the one of its machine that prepares data on a disk. */
  readonly isFirstOfMachine: boolean;
  /** Begins a run: all processes are there, and the module is on all of them what it is on rank 0. */
  setUp(module: AnyTrainingModule): Promise<void>;
  /** Ends a run: nobody goes on before all have come. */
  tearDown(module: AnyTrainingModule): Promise<void>;
  /** Tells the others that this process cannot go on. */
  fail(error: unknown): void;
  /** This process's part of a loader's batches. */
  share(loader: Loader, purpose: Purpose): Loader;
  /** What rank 0 gives: anything that JSON can hold. */
  fromRoot<T>(value: T): Promise<T>;
  /** What each process gives, by rank. */
  gather<T>(value: T): Promise<T[]>;
  /** The arrays that the processes give, by rank; all of one length. */
  gatherArrays(array: Float32Array): Promise<Float32Array[]>;
  /** Before the first batch of a step: gives all processes those of rank 0's buffers that it reads. */
  prepareStep(module: AnyTrainingModule): Promise<void>;
  /** Before the backward pass whose gradients {@link reduceGradients} is to average: their way to the others may begin as soon as they come. */
  expectGradients(trainer: TrainerContext): void;
  /** After a backward pass that failed: tells the others, and waits until none of its gradients is on its way. */
  dropGradients(error: unknown): Promise<void>;
  /** Averages the gradients that wait for the optimizer over the processes. */
  reduceGradients(trainer: TrainerContext): Promise<void>;
  /** The same in the middle of a step, holding the event loop. */
  reduceGradientsSync(trainer: TrainerContext, gradients: Map<tf.Variable, tf.Tensor>): void;
  /** What is logged by epoch, over all processes. */
  mergeResults(results: ResultCollection): Promise<ResultCollection>;
  /** Makes what is logged by step with `syncDist` the same everywhere. */
  mergeSteps(results: ResultCollection): Promise<void>;
  /** Makes requests to stop known to all processes; between batches. */
  agree(trainer: TrainerContext): Promise<void>;
  /** Gives all processes rank 0's buffers: running statistics, which each keeps of its own batches. */
  shareBuffers(module: AnyTrainingModule): Promise<void>;
  /** Looks, now and then, whether the processes have the same parameters. */
  checkEquality(trainer: TrainerContext): Promise<void>;
}
