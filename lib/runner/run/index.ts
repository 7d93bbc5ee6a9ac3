export type { CellSettings, NotebookSettings, SanitizerSetting } from "./cell-info.ts";
export type { OutputEvent } from "./outputs.ts";
export { runNotebook } from "./run-notebook.ts";
export type {
  AcquireKernel,
  CellEvent,
  CellFailure,
  CellResult,
  CellStatus,
  NotebookResult,
  NotebookStatus,
  RunEvents,
  RunOptions,
} from "./types.ts";
