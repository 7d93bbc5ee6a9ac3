/** What a checkpoint holds: everything that training needs to go on as if it had not stopped. */
import type { StateDict } from "../../tensor-data.ts";
import type { Metrics, ResultState } from "../logging/results.ts";
import type { OptimizerState } from "../optimizers/optimizer.ts";
import type { SchedulerState } from "../schedulers/scheduler.ts";
import type { HyperParameters } from "./json.ts";

/** What comes next: another batch, the check for validation after a batch, what follows validation, or the end of the epoch. */
export type Phase = "batch" | "afterBatch" | "afterValidation" | "epochEnd";

/** How far fitting has come. */
export interface FitProgress {
  /** The epoch under way, from 0. */
  epoch: number;
  /** Batches of it that are done. */
  batch: number;
  /** Batches of all epochs. */
  totalBatch: number;
  /** Steps that the optimizer has taken. */
  globalStep: number;
  phase: Phase;
  /** Whether the batch before was the last of its epoch. */
  isLast: boolean;
}

/** A checkpoint in memory. */
export interface Checkpoint {
  /** The epoch under way, from 0. */
  readonly epoch: number;
  readonly globalStep: number;
  /** The module's parameters and buffers. */
  readonly stateDict: StateDict;
  /** The module's type, for messages. */
  readonly moduleName: string;
  readonly hyperParameters: HyperParameters;
  /** What the callbacks want kept, by their state keys. */
  readonly callbacks: Record<string, Readonly<Record<string, unknown>>>;
  /** JSON that `onSaveCheckpoint` adds, for `onLoadCheckpoint`. */
  readonly extra: Record<string, unknown>;
  /** The state of training; left out when only weights are saved. */
  readonly training?: TrainingState;
}

/** What each process of a run has of its own. */
export interface RankState {
  readonly random: { readonly now: string; readonly epochStart: string };
  readonly loader: unknown;
}

/** The part of a checkpoint that only going on needs. */
export interface TrainingState {
  readonly progress: FitProgress;
  readonly optimizers: readonly OptimizerState[];
  readonly schedulers: readonly SchedulerState[];
  /** Gradients that wait for their optimizer step, by parameter name; with several processes rank 0's, and `rank-N/NAME` those of others. */
  readonly gradients: StateDict;
  /** States of the default generator, base64: now, and when the epoch began. */
  readonly random: { readonly now: string; readonly epochStart: string };
  /** The training loader's state, where it has one. */
  readonly loader: unknown;
  /** What differs between the processes of a run on several, by rank. */
  readonly ranks?: readonly RankState[];
  /** The sums behind this epoch's means. */
  readonly results: ResultState;
  /** The metrics that callbacks see. */
  readonly metrics: Metrics;
}
