export type { CellSettings, NotebookSettings, SanitizerSetting } from "./cell-info.ts";
export { CellGuard, type GuardLimits, type StopReason } from "./guard.ts";
export { KernelPool, type KernelPoolOptions } from "./kernel-pool.ts";
export { CellOutputs, type DisplayRegistry, type OutputEvent } from "./outputs.ts";
export { exitCodeOf, type NotebookOutcome, type RunManyOptions, runNotebooks } from "./run-many.ts";
export { runNotebook } from "./run-notebook.ts";
export type {
  AcquireKernel,
  CellEvent,
  CellFailure,
  CellResult,
  CellStatus,
  KernelRequest,
  NotebookResult,
  NotebookStatus,
  RunEvents,
  RunOptions,
} from "./types.ts";
