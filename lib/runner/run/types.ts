/** What a run takes, tells and gives. */
import type { KernelManager } from "../kernels/manager.ts";
import type { CodeCell, ErrorOutput, Notebook, Output } from "../notebook/types.ts";
import type { OutputEvent } from "./outputs.ts";

/** How a cell ended. */
export type CellStatus =
  | "passed"
  | "failed"
  /** A number of its output is not in the band that its metadata expects. */
  | "different"
  | "skipped"
  /** A cell before it failed, so it was not tried. */
  | "not-run"
  | "timed-out"
  | "interrupted"
  | "kernel-died";

export type NotebookStatus = "passed" | "failed" | "different" | "timed-out" | "interrupted" | "kernel-died";

/** Where and why a cell failed. */
export interface CellFailure {
  /** The error's class, such as TypeError. */
  readonly name: string;
  readonly message: string;
  /** Line in the cell, from 1, where it is known. */
  readonly line?: number | undefined;
  readonly column?: number | undefined;
  /** The kernel's traceback, with its terminal colours. */
  readonly traceback: readonly string[];
}

export interface CellResult {
  /** Index among all cells, from 0. */
  readonly index: number;
  /** Number among the code cells, from 1, as people count them. */
  readonly number: number;
  readonly id: string | undefined;
  /** A name for reports: the cell's `name` in its metadata, or its first telling line. */
  readonly name: string;
  readonly status: CellStatus;
  readonly seconds: number;
  /** Most memory of the kernel and its children while the cell ran, bytes; undefined where it is not known. */
  readonly peakMemory?: number | undefined;
  /** Live tensors of TensorFlow.js after the cell, where the kernel has it. */
  readonly tensors?: number | undefined;
  readonly failure?: CellFailure | undefined;
}

export interface NotebookResult {
  readonly path: string;
  /** Where it was saved; undefined where it was not. */
  readonly outputPath: string | undefined;
  readonly kernelName: string;
  readonly status: NotebookStatus;
  readonly seconds: number;
  readonly startupSeconds: number;
  readonly cells: readonly CellResult[];
  readonly notebook: Notebook;
  /** Things worth knowing that did not make the run fail. */
  readonly warnings: readonly string[];
}

/** Called while a notebook runs. */
export interface RunEvents {
  readonly onNotebookStart?: ((event: { path: string; notebook: Notebook; codeCells: number }) => void) | undefined;
  readonly onKernelStart?: ((event: { path: string; kernelName: string; seconds: number }) => void) | undefined;
  readonly onCellStart?: ((event: CellEvent) => void) | undefined;
  readonly onOutput?: ((event: CellEvent & { change: OutputEvent }) => void) | undefined;
  readonly onCellEnd?: ((event: CellEvent & { result: CellResult }) => void) | undefined;
  readonly onNotebookEnd?: ((result: NotebookResult) => void) | undefined;
}

export interface CellEvent {
  readonly path: string;
  readonly index: number;
  /** From 1, among the code cells. */
  readonly number: number;
  readonly codeCells: number;
  readonly name: string;
  readonly cell: CodeCell;
}

export interface RunOptions extends RunEvents {
  /** Where the executed notebook is saved, after every cell; default: in place. `null` saves nothing. */
  readonly output?: string | null | undefined;
  /** Name of the kernelspec; default: the one that the notebook names. */
  readonly kernel?: string | undefined;
  /** Folder of a kernelspec, or of several, searched before Jupyter's. */
  readonly kernelDir?: string | undefined;
  /** The kernel's working folder; default: the notebook's. */
  readonly cwd?: string | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Seconds that a cell may take; default, and 0: no limit. A cell's own metadata `runner.timeout` goes before. */
  readonly timeout?: number | undefined;
  /** Seconds that the whole notebook may take; default, and 0: no limit. */
  readonly notebookTimeout?: number | undefined;
  /** Seconds that the kernel may take to start; default 60. */
  readonly startupTimeout?: number | undefined;
  /** Seconds between an interrupt and the kill of a kernel that ignores it; default 5. */
  readonly interruptGrace?: number | undefined;
  /** Bytes of memory that the kernel and its children may take together. */
  readonly memory?: number | undefined;
  /** Characters of output that a cell may have; default 32 Mi. */
  readonly maxOutput?: number | undefined;
  /** Values for the cell tagged `parameters`, as papermill has it. */
  readonly parameters?: Readonly<Record<string, unknown>> | undefined;
  /** Use the notebook's own fast parameters (metadata `runner.fast`). */
  readonly fast?: boolean | undefined;
  /** Go on after a cell that failed. */
  readonly allowErrors?: boolean | undefined;
  /** Keep times, memory and tensor counts in the cells' metadata; default true. */
  readonly record?: boolean | undefined;
  /** Ends the run: the cell is interrupted, the notebook saved. */
  readonly signal?: AbortSignal | undefined;
  /** Where kernels come from; default: a new one for each notebook. */
  readonly acquireKernel?: AcquireKernel | undefined;
  /** How kernels are reached; default "auto": Unix sockets where the kernel can. */
  readonly transport?: "auto" | "tcp" | "ipc" | undefined;
}

/** The kernel that a notebook needs. */
export interface KernelRequest {
  /** Of the kernelspec. */
  readonly name: string;
  readonly cwd: string;
  readonly notebookFolder: string;
  /** By what name the kernel is to be told that it was started: of the kernelspec that the notebook names, whichever runs it. */
  readonly kernelName: string;
}

/** Gives a fresh kernel of a kernelspec in a folder. */
export type AcquireKernel = (request: KernelRequest) => Promise<{
  readonly kernel: KernelManager;
  /** Called when the notebook is done; default: the kernel is shut down and waited for. */
  readonly release?: (() => void | Promise<void>) | undefined;
}>;

export type { CodeCell, ErrorOutput, Output, OutputEvent };
