/** What a notebook and the ranks that it started tell each other, in files of a folder and in lines. */

import type { EarlyStoppingOptions } from "../callbacks/early-stopping.ts";
import type { ModelCheckpointOptions } from "../callbacks/model-checkpoint-options.ts";
import type { FitProgress } from "../core/checkpoint.ts";
import type { HyperParameters } from "../core/json.ts";
import type { TrainerOptions } from "../core/trainer-options.ts";
import type { Metrics } from "../logging/results.ts";
import type { FitResult } from "../trainer-results.ts";
import type { ShippedLoader } from "./shipping.ts";

/** Names of the files. */
export const files = {
  job: "job.v8",
  weights: "weights.safetensors",
  trained: "trained.safetensors",
  outcome: "outcome.v8",
  failure: (rank: number) => `failure-${rank}.json`,
} as const;

/** A callback of the library that each rank makes for itself. */
export type ShippedCallback =
  | { readonly kind: "ModelCheckpoint"; readonly options: ModelCheckpointOptions }
  | { readonly kind: "EarlyStopping"; readonly options: EarlyStoppingOptions };

/** What the ranks are to do. */
export interface RankJob {
  /** The module's class: a name that the file exports; without a file one of the library's. */
  readonly className: string;
  readonly file: string | undefined;
  readonly hparams: HyperParameters;
  /** Options of the Trainer that are data. */
  readonly trainer: TrainerOptions;
  readonly callbacks: readonly ShippedCallback[];
  readonly train: ShippedLoader | undefined;
  readonly val: readonly ShippedLoader[] | undefined;
  readonly ckptPath: string | undefined;
  readonly seed: bigint;
  /** Where ranks write what they print. */
  readonly logFolder: string;
}

/** What rank 0 leaves when a fit has ended. */
export interface RankOutcome {
  readonly result: FitResult;
  readonly metrics: Metrics;
  readonly progress: FitProgress;
  /** States of the callbacks, in the order of the job's. */
  readonly callbacks: readonly Readonly<Record<string, unknown>>[];
}

/** How a rank failed. */
export interface RankFailure {
  readonly rank: number;
  readonly name: string;
  readonly message: string;
  /** Whether it only heard of another's failure. */
  readonly isSecond: boolean;
}

/** Where rank 0 is. */
export interface RankStep {
  readonly epoch: number;
  readonly total: number | null;
  readonly batch: number;
  readonly metrics: Metrics;
  readonly ends: boolean;
}

/** What lines of rank 0 begin with that are for the notebook, and none that a program prints. */
export const mark = "\u0002convbook ";
/** The line by which the ranks are asked to stop. */
export const stopLine = "stop\n";
