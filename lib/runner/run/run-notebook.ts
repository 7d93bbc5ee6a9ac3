/** Runs a notebook from its first cell to its last, saving it after every one. */
import { accessSync, constants, existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { missedExpectations } from "../check/expect.ts";
import { KernelDiedError, NotebookError } from "../errors.ts";
import type { Kernelspec } from "../kernels/kernelspec.ts";
import { KernelManager } from "../kernels/manager.ts";
import { stringifyJson } from "../notebook/json/index.ts";
import { readNotebook } from "../notebook/read.ts";
import type { CodeCell, Notebook } from "../notebook/types.ts";
import { detectStyle, removeLeftovers } from "../notebook/write.ts";
import { afterCell, checkAfterCells } from "./after-cell.ts";
import { cellName, cellSettings, isRunnable } from "./cell-info.ts";
import { checkSettings } from "./check-settings.ts";
import { kernelspecOf } from "./kernelspec-of.ts";
import { notebookExecution, timeLimits } from "./limits.ts";
import type { DisplayRegistry } from "./outputs.ts";
import { applyParameters } from "./parameters.ts";
import { type CellOutcome, runCell } from "./run-cell.ts";
import { NotebookSaver } from "./saver.ts";
import type {
  AcquireKernel,
  CellEvent,
  CellResult,
  KernelRequest,
  NotebookResult,
  NotebookStatus,
  RunOptions,
} from "./types.ts";

const defaultMaxOutput = 32 * 2 ** 20;

/**
 * Runs a notebook.
 *
 * It is saved after every cell, so also when a cell fails, runs out of time, kills the kernel, or the run is interrupted.
 * A failing cell does not throw: the result's `status` and `cells` say what happened.
 *
 * @param path The notebook.
 * @param options Where to save, which kernel, limits, parameters, and functions to call meanwhile.
 * @returns How each cell ended, and the notebook with its outputs.
 * @throws NotebookError when it is not a notebook, or cannot be read or written.
 * @throws KernelspecError when its kernel is not installed.
 * @throws KernelDiedError when the kernel cannot be started.
 */
export async function runNotebook(path: string, options: RunOptions = {}): Promise<NotebookResult> {
  const run = new NotebookRun(path, options);
  await run.start();
  try {
    for (const index of run.notebook.cells.keys()) {
      await run.runCell(index);
    }
  } finally {
    await run.end();
  }
  const result = run.result();
  options.onNotebookEnd?.(result);
  return result;
}

/** A notebook that is run cell by cell: `start`, `runCell` in the cells' order, `end`. */
export class NotebookRun {
  readonly path: string;
  /** With parameters already in it. */
  readonly notebook: Notebook;
  readonly #options: RunOptions;
  readonly #spec: Kernelspec;
  /** Of the kernelspec that the notebook names. */
  readonly #kernelName: string;
  readonly #outputPath: string | undefined;
  readonly #saver: NotebookSaver | undefined;
  readonly #codeCells: readonly CodeCell[];
  readonly #results: CellResult[] = [];
  readonly #warnings: string[] = [];
  readonly #displays: DisplayRegistry = new Map();
  readonly #begin = performance.now();
  #kernel: KernelManager | undefined;
  #release: () => void | Promise<void> = () => {};
  #startupSeconds = 0;
  #seconds = 0;
  #stopped = false;

  /** Reads the notebook and finds its kernel; throws as `runNotebook` does. */
  constructor(path: string, options: RunOptions = {}) {
    this.path = path;
    this.#options = options;
    const file = readNotebook(path);
    this.notebook = file.notebook;
    this.#outputPath = options.output === null ? undefined : resolve(options.output ?? path);
    if (this.#outputPath !== undefined) {
      checkWritable(this.#outputPath);
      removeLeftovers(this.#outputPath);
      this.#saver = new NotebookSaver(this.notebook, this.#outputPath, detectStyle(file.text));
    }
    this.#warnings.push(...checkSettings(this.notebook, path));
    const { spec, named, warnings } = kernelspecOf(path, this.notebook, options, this.#folder);
    this.#spec = spec;
    this.#kernelName = named ?? spec.name;
    this.#warnings.push(...warnings);
    checkAfterCells(this.notebook, spec.language, path);
    applyParameters(this.notebook, this.#spec.language, options, path);
    this.#codeCells = this.notebook.cells.filter((cell) => cell.cell_type === "code");
  }

  get #folder(): string {
    return dirname(resolve(this.path));
  }

  /** Starts the kernel. */
  async start(): Promise<void> {
    const { path, notebook } = this;
    const options = this.#options;
    options.onNotebookStart?.({ path, notebook, codeCells: this.#codeCells.length });
    const { kernel, release } = await startKernel(this.#spec, options, {
      name: this.#spec.name,
      cwd: resolve(options.cwd ?? this.#folder),
      notebookFolder: this.#folder,
      kernelName: this.#kernelName,
    });
    this.#kernel = kernel;
    this.#release = release ?? (() => kernel.shutdown());
    this.#startupSeconds = (performance.now() - this.#begin) / 1000;
    describeLanguage(notebook, this.#spec, kernel);
    options.onKernelStart?.({ path, kernelName: this.#spec.name, seconds: this.#startupSeconds });
  }

  /**
   * Runs a cell and saves the notebook.
   *
   * @param index Among all cells, from 0.
   * @returns How it ended; undefined for a cell that is not code.
   */
  async runCell(index: number): Promise<CellResult | undefined> {
    const cell = this.notebook.cells[index];
    if (cell?.cell_type !== "code") {
      return undefined;
    }
    const name = cellName(cell);
    const number = this.#codeCells.indexOf(cell) + 1;
    const event = { path: this.path, index, number, codeCells: this.#codeCells.length, name, cell };
    const base = { index, number, id: cell.id, name };
    let result: CellResult;
    if (this.#stopped || !isRunnable(cell)) {
      result = { ...base, status: this.#stopped && isRunnable(cell) ? "not-run" : "skipped", seconds: 0 };
    } else {
      this.#options.onCellStart?.(event);
      const outcome = await this.#execute(cell, event);
      if (outcome.warning !== undefined) {
        this.#warnings.push(`cell ${number}: ${outcome.warning}`);
      }
      this.#stopped = !outcome.goOn;
      result = { ...base, ...pickResult(checkExpectations(cell, outcome)) };
      this.#saver?.saveSoon();
    }
    this.#results.push(result);
    this.#options.onCellEnd?.({ ...event, result });
    return result;
  }

  #execute(cell: CodeCell, event: CellEvent): Promise<CellOutcome> {
    const { memory, signal, interruptGrace = 5, maxOutput = defaultMaxOutput } = this.#options;
    const { cellSeconds, notebookSeconds, notebookLimitNote } = timeLimits(cell, this.notebook, this.#options);
    return runCell({
      kernel: this.#kernel as KernelManager,
      cell,
      after: afterCell(cell, this.#spec.language, this.path),
      displays: this.#displays,
      limits: {
        cellSeconds,
        notebookDeadline: notebookSeconds === undefined ? undefined : this.#begin + notebookSeconds * 1000,
        notebookSeconds,
        notebookLimitNote,
        memory,
        interruptGrace,
        signal,
      },
      maxOutput,
      allowErrors: this.#options.allowErrors ?? notebookExecution(this.notebook).allowErrors,
      record: this.#options.record ?? true,
      onChange: (changed) => this.#saver?.changed(changed),
      onOutput: (change) => this.#options.onOutput?.({ ...event, change }),
    });
  }

  /** Saves the notebook and ends its kernel. */
  async end(): Promise<void> {
    this.#seconds = (performance.now() - this.#begin) / 1000;
    try {
      this.#saver?.saveNow();
    } finally {
      await this.#release();
    }
  }

  /** What became of the cells so far. */
  result(): NotebookResult {
    return {
      path: this.path,
      outputPath: this.#outputPath,
      kernelName: this.#spec.name,
      status: statusOf(this.#results),
      seconds: this.#seconds,
      startupSeconds: this.#startupSeconds,
      cells: this.#results,
      notebook: this.notebook,
      warnings: this.#warnings,
    };
  }
}

/** A cell that passed fails after all when its numbers are not in the bands that it expects. */
function checkExpectations(cell: CodeCell, outcome: CellOutcome): CellOutcome {
  const { expect } = cellSettings(cell);
  const missed = outcome.status === "passed" && expect !== undefined ? missedExpectations(expect, cell.outputs) : [];
  if (missed.length === 0) {
    return outcome;
  }
  return {
    ...outcome,
    status: "different",
    failure: { name: "ExpectationMissed", message: missed.join("\n"), traceback: [] },
  };
}

function pickResult(outcome: CellOutcome) {
  const { status, seconds, peakMemory, tensors, failure } = outcome;
  return { status, seconds, peakMemory, tensors, failure };
}

function statusOf(cells: readonly CellResult[]): NotebookStatus {
  const order: NotebookStatus[] = ["interrupted", "kernel-died", "timed-out", "failed", "different"];
  return order.find((status) => cells.some((cell) => cell.status === status)) ?? "passed";
}

async function startKernel(spec: Kernelspec, options: RunOptions, request: KernelRequest): ReturnType<AcquireKernel> {
  const { cwd, kernelName } = request;
  if (!existsSync(cwd)) {
    throw new KernelDiedError(`the kernel cannot be started: its working folder ${cwd} does not exist`, undefined, "");
  }
  if (options.acquireKernel !== undefined) {
    return options.acquireKernel(request);
  }
  const kernel = await KernelManager.start(spec, {
    cwd,
    kernelName,
    env: options.env,
    startupTimeout: (options.startupTimeout ?? 60) * 1000,
    transport: options.transport,
  });
  return { kernel };
}

/** The kernel knows best what language it speaks; nbclient stores it, too. */
function describeLanguage(notebook: Notebook, spec: Kernelspec, kernel: KernelManager): void {
  const info = kernel.info.language_info;
  if (typeof info === "object" && info !== null) {
    const before = notebook.metadata.language_info;
    // What it says has its own order of keys: the same is left as it stands in the file.
    if (stringifyJson(before, "", true) !== stringifyJson(info, "", true)) {
      notebook.metadata.language_info = info as Record<string, unknown>;
    }
  }
  notebook.metadata.kernelspec ??= { display_name: spec.displayName, language: spec.language, name: spec.name };
}

/** Finds out before anything runs that the result could not be saved. */
function checkWritable(path: string): void {
  let folder = dirname(path);
  while (!existsSync(folder) && dirname(folder) !== folder) {
    folder = dirname(folder);
  }
  try {
    accessSync(folder, constants.W_OK);
    if (existsSync(path)) {
      accessSync(path, constants.W_OK);
    }
  } catch (error) {
    throw new NotebookError(
      path,
      `cannot be written: ${(error as NodeJS.ErrnoException).code === "EROFS" ? "read-only file system" : "permission denied"}`,
      { cause: error },
    );
  }
}
