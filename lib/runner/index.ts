export { type CellDifference, type CompareOptions, compareNotebooks, sanitizerPresets } from "./check/index.ts";
export {
  type HtmlOptions,
  type MarkdownOptions,
  type MarkdownResult,
  type ScriptResult,
  toHtml,
  toMarkdown,
  toScript,
  toSlides,
} from "./convert/index.ts";
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
  type NotebookFile,
  type Output,
  parseNotebook,
  readNotebook,
  serializeNotebook,
  stripNotebook,
  upgradeNotebook,
  type ValidationProblem,
  validateNotebook,
  writeAtomically,
} from "./notebook/index.ts";
export { githubAnnotations, jsonReport, junitReport, LiveReport, markdownSummary } from "./report/index.ts";
export {
  type AcquireKernel,
  type CellEvent,
  type CellFailure,
  type CellResult,
  type CellSettings,
  type CellStatus,
  exitCodeOf,
  KernelPool,
  type NotebookOutcome,
  type NotebookResult,
  type NotebookSettings,
  type NotebookStatus,
  type OutputEvent,
  type RunEvents,
  type RunManyOptions,
  type RunOptions,
  runNotebook,
  runNotebooks,
} from "./run/index.ts";
