/** Options and outcomes of running many notebooks. */
import type { CellDifference, CompareOptions } from "../check/compare.ts";
import type { Notebook } from "../notebook/types.ts";
import type { NotebookResult, NotebookStatus, RunOptions } from "./types.ts";

export interface RunManyOptions extends Omit<RunOptions, "output" | "acquireKernel"> {
  /** Folder for the executed notebooks, which keep their names; default: in place. */
  readonly outputDir?: string | undefined;
  /** False saves nothing. */
  readonly save?: boolean | undefined;
  /** How many notebooks run at once; default 1. */
  readonly jobs?: number | undefined;
  /** Compare fresh outputs with the stored ones; nothing is saved then but with `update` or an output folder. */
  readonly check?: boolean | undefined;
  /** With `check`: save notebooks whose outputs differ. */
  readonly update?: boolean | undefined;
  readonly compare?: CompareOptions | undefined;
  /** Folder of the cache; a notebook whose inputs are unchanged since it passed is not run again. */
  readonly cache?: string | undefined;
  /** Files and folders that the caller writes, such as reports: they are no inputs for the cache. */
  readonly written?: readonly string[] | undefined;
  /** Start no further notebook after one that did not pass. */
  readonly failFast?: boolean | undefined;
  /** Called when a notebook is done, whatever became of it. */
  readonly onOutcome?: ((outcome: NotebookOutcome) => void) | undefined;
  /** Called when a notebook that the cache knows has to run again, with the reason. */
  readonly onCacheMiss?: ((path: string, reason: string) => void) | undefined;
}

/** What became of one notebook. */
export interface NotebookOutcome {
  readonly path: string;
  /** "error": it could not be run at all; "cached": it passed before and nothing has changed. */
  readonly status: NotebookStatus | "error" | "cached" | "not-run";
  readonly seconds: number;
  readonly result?: NotebookResult | undefined;
  /** The notebook with its outputs, those that the cache has included; undefined where it could not be run. */
  readonly notebook?: Notebook | undefined;
  readonly error?: Error | undefined;
  /** With `check`: the cells whose outputs differ. */
  readonly differences: readonly CellDifference[];
  /** True where differing outputs were saved. */
  readonly updated: boolean;
}
