/** Runs a notebook from its first cell to its last, saving it after every one. */
import { accessSync, constants, existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { missedExpectations } from "../check/expect.ts";
import { KernelDiedError, NotebookError } from "../errors.ts";
import { findKernelspec, findKernelspecForLanguage, type Kernelspec } from "../kernels/kernelspec.ts";
import { KernelManager } from "../kernels/manager.ts";
import { readNotebook } from "../notebook/read.ts";
import type { CodeCell, Notebook } from "../notebook/types.ts";
import { detectStyle, NotebookWriter } from "../notebook/write.ts";
import { cellName, cellSettings, isRunnable, notebookSettings } from "./cell-info.ts";
import type { GuardLimits } from "./guard.ts";
import type { DisplayRegistry } from "./outputs.ts";
import { applyParameters } from "./parameters.ts";
import { type CellOutcome, runCell } from "./run-cell.ts";
import type { AcquireKernel, CellResult, CellStatus, NotebookResult, NotebookStatus, RunOptions } from "./types.ts";

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
  const start = performance.now();
  const file = readNotebook(path);
  const { notebook } = file;
  const outputPath = options.output === null ? undefined : resolve(options.output ?? path);
  if (outputPath !== undefined) {
    checkWritable(outputPath);
  }
  const notebookFolder = dirname(resolve(path));
  const spec = kernelspecOf(path, notebook, options, notebookFolder);
  applyParameters(notebook, spec.language, options, path);
  const codeCells = notebook.cells.filter((cell) => cell.cell_type === "code").length;
  options.onNotebookStart?.({ path, notebook, codeCells });

  const writer = outputPath === undefined ? undefined : new NotebookWriter(outputPath, detectStyle(file.text));
  const settings = notebookSettings(notebook);
  const notebookSeconds = options.notebookTimeout ?? settings.notebookTimeout;
  const notebookDeadline = notebookSeconds === undefined ? undefined : start + notebookSeconds * 1000;
  const cwd = resolve(options.cwd ?? notebookFolder);
  const { kernel, release = () => kernel.shutdown() } = await startKernel(spec, options, cwd, notebookFolder);
  const startupSeconds = (performance.now() - start) / 1000;
  options.onKernelStart?.({ path, kernelName: spec.name, seconds: startupSeconds });

  const results: CellResult[] = [];
  const warnings: string[] = [];
  const displays: DisplayRegistry = new Map();
  const onChange = (cell: CodeCell) => writer?.changed(cell);
  let stopped: CellStatus | undefined;
  try {
    describeLanguage(notebook, spec, kernel);
    let number = 0;
    for (const [index, cell] of notebook.cells.entries()) {
      if (cell.cell_type !== "code") {
        continue;
      }
      number++;
      const name = cellName(cell);
      const base = { index, number, id: cell.id, name };
      const event = { path, index, number, codeCells, name, cell };
      let result: CellResult;
      if (stopped !== undefined || !isRunnable(cell)) {
        result = { ...base, status: stopped !== undefined && isRunnable(cell) ? "not-run" : "skipped", seconds: 0 };
      } else {
        options.onCellStart?.(event);
        const cellTimeout = cellSettings(cell).timeout ?? options.timeout ?? settings.timeout;
        const limits: GuardLimits = {
          cellSeconds: cellTimeout === undefined || cellTimeout <= 0 ? undefined : cellTimeout,
          notebookDeadline,
          notebookSeconds,
          memory: options.memory,
          interruptGrace: options.interruptGrace ?? 5,
          signal: options.signal,
        };
        const outcome = await runCell({
          kernel,
          cell,
          displays,
          limits,
          maxOutput: options.maxOutput ?? defaultMaxOutput,
          allowErrors: options.allowErrors ?? false,
          record: options.record ?? true,
          onChange,
          onOutput: (change) => options.onOutput?.({ ...event, change }),
        });
        if (outcome.warning !== undefined) {
          warnings.push(`cell ${number}: ${outcome.warning}`);
        }
        if (!outcome.goOn) {
          stopped = outcome.status;
        }
        result = { ...base, ...pickResult(checkExpectations(cell, outcome)) };
        writer?.save(notebook, false);
      }
      results.push(result);
      options.onCellEnd?.({ ...event, result });
    }
  } finally {
    try {
      writer?.save(notebook);
    } finally {
      await release();
    }
  }
  const result: NotebookResult = {
    path,
    outputPath,
    kernelName: spec.name,
    status: statusOf(results),
    seconds: (performance.now() - start) / 1000,
    startupSeconds,
    cells: results,
    notebook,
    warnings,
  };
  options.onNotebookEnd?.(result);
  return result;
}

/** A cell that passed fails after all when its numbers are not in the bands that it expects. */
function checkExpectations(cell: CodeCell, outcome: CellOutcome): CellOutcome {
  const { expect } = cellSettings(cell);
  const missed =
    outcome.status === "passed" && typeof expect === "object" ? missedExpectations(expect, cell.outputs) : [];
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

/** The kernelspec that the options or the notebook ask for. */
function kernelspecOf(path: string, notebook: Notebook, options: RunOptions, notebookFolder: string): Kernelspec {
  const search = { kernelDir: options.kernelDir, from: notebookFolder };
  const name = options.kernel ?? notebook.metadata.kernelspec?.name;
  if (name !== undefined) {
    return findKernelspec(name, search);
  }
  const language = notebook.metadata.language_info?.name ?? notebook.metadata.kernelspec?.language;
  const spec = language === undefined ? undefined : findKernelspecForLanguage(language, search);
  if (spec === undefined) {
    throw new NotebookError(path, 'names no kernel in its metadata ("kernelspec"); choose one with --kernel NAME');
  }
  return spec;
}

async function startKernel(
  spec: Kernelspec,
  options: RunOptions,
  cwd: string,
  notebookFolder: string,
): ReturnType<AcquireKernel> {
  if (!existsSync(cwd)) {
    throw new KernelDiedError(`the kernel cannot be started: its working folder ${cwd} does not exist`, undefined, "");
  }
  if (options.acquireKernel !== undefined) {
    return options.acquireKernel({ name: spec.name, cwd, notebookFolder });
  }
  const kernel = await KernelManager.start(spec, {
    cwd,
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
    notebook.metadata.language_info = info as Record<string, unknown>;
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
