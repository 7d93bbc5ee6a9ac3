export { type HtmlOptions, toHtml } from "./convert/index.ts";
export { exitCodes, KernelDiedError, KernelspecError, NotebookError, RunnerError, UsageError } from "./errors.ts";
export {
  findKernelspec,
  KernelClient,
  KernelManager,
  type KernelManagerOptions,
  type Kernelspec,
  type KernelspecSearch,
  listKernelspecs,
} from "./kernels/index.ts";
export {
  type Cell,
  type CodeCell,
  type MimeBundle,
  type Notebook,
  type Output,
  parseNotebook,
  readNotebook,
  serializeNotebook,
  writeAtomically,
} from "./notebook/index.ts";
export {
  type AcquireKernel,
  type CellEvent,
  type CellFailure,
  type CellResult,
  type CellStatus,
  type NotebookResult,
  type NotebookStatus,
  type OutputEvent,
  type RunEvents,
  type RunOptions,
  runNotebook,
} from "./run/index.ts";
