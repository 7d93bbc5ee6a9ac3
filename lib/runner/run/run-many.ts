/** Runs many notebooks, some at a time, compares them with what was stored, and keeps the results of unchanged ones. */
import { basename, dirname, join, relative, resolve } from "node:path";
import { compareNotebooks, wasExecuted } from "../check/compare.ts";
import { exitCodes, RunnerError } from "../errors.ts";
import { type NotebookFile, parseNotebook, readNotebook } from "../notebook/read.ts";
import type { Notebook } from "../notebook/types.ts";
import { detectStyle, NotebookWriter } from "../notebook/write.ts";
import { type CacheLook, NotebookCache } from "./cache/cache.ts";
import { isRunnable } from "./cell-info.ts";
import { KernelPool } from "./kernel-pool.ts";
import { kernelspecOf } from "./kernelspec-of.ts";
import { checkOutputNames } from "./output-names.ts";
import type { NotebookOutcome, RunManyOptions } from "./run-many-options.ts";
import { runNotebook } from "./run-notebook.ts";

export type { NotebookOutcome, RunManyOptions };

/** Runs notebooks; never throws for what is wrong with one of them. */
export async function runNotebooks(paths: readonly string[], options: RunManyOptions = {}): Promise<NotebookOutcome[]> {
  const { jobs = 1 } = options;
  const { outputDir } = options;
  if (outputDir !== undefined) {
    checkOutputNames(paths, (path) => join(outputDir, basename(path)));
  }
  const pool = new KernelPool({
    kernelDir: options.kernelDir,
    env: options.env,
    startupTimeout: (options.startupTimeout ?? 60) * 1000,
    transport: options.transport,
  });
  const written = [...paths.flatMap((path) => outputPathOf(path, options) ?? []), ...(options.written ?? [])];
  const cache =
    options.cache === undefined
      ? undefined
      : new NotebookCache(options.cache, options, [...written, ...(options.outputDir ? [options.outputDir] : [])]);
  const outcomes: NotebookOutcome[] = new Array(paths.length);
  let next = 0;
  let stop = false;
  const work = async () => {
    for (;;) {
      const index = next++;
      const path = paths[index];
      if (path === undefined) {
        return;
      }
      if (stop || options.signal?.aborted) {
        outcomes[index] = { path, status: "not-run", seconds: 0, differences: [], updated: false };
      } else {
        warmNext(pool, paths[index + jobs], options);
        outcomes[index] = await runOne(path, options, pool, cache);
        stop ||= options.failFast === true && !isGood(outcomes[index].status);
      }
      options.onOutcome?.(outcomes[index] as NotebookOutcome);
    }
  };
  try {
    await Promise.all(Array.from({ length: Math.max(1, Math.min(jobs, paths.length)) }, work));
  } finally {
    await pool.close();
  }
  return outcomes;
}

/** True for a notebook that gives no reason to fail. */
export function isGood(status: NotebookOutcome["status"]): boolean {
  return status === "passed" || status === "cached";
}

/** Starts the kernel of the notebook that comes after those running now. */
function warmNext(pool: KernelPool, path: string | undefined, options: RunManyOptions): void {
  if (path === undefined || options.cache !== undefined) {
    return;
  }
  try {
    const folder = dirname(resolve(path));
    const { spec, named = spec.name } = kernelspecOf(path, readNotebook(path).notebook, options, folder);
    pool.warm({ name: spec.name, cwd: resolve(options.cwd ?? folder), notebookFolder: folder, kernelName: named });
  } catch {
    // It is told when its turn comes.
  }
}

async function runOne(
  path: string,
  options: RunManyOptions,
  pool: KernelPool,
  cache: NotebookCache | undefined,
): Promise<NotebookOutcome> {
  const start = performance.now();
  const outcome = (status: NotebookOutcome["status"], more: Partial<NotebookOutcome> = {}): NotebookOutcome => ({
    path,
    status,
    seconds: (performance.now() - start) / 1000,
    differences: [],
    updated: false,
    ...more,
  });
  try {
    const output = outputPathOf(path, options);
    const stored = readNotebook(path);
    const cached = cache?.look(stored);
    const known = cached?.hit ? cachedNotebook(cached, cache as NotebookCache, stored, output) : undefined;
    if (known !== undefined) {
      return outcome("cached", { notebook: known });
    }
    if (cached?.reason !== undefined) {
      options.onCacheMiss?.(path, cached.reason);
    }
    // Options that only many notebooks have mean nothing to one; the pool has the environment.
    const ran = await runNotebook(path, { ...options, output, acquireKernel: pool.acquire });
    const result = { ...ran, warnings: [...ran.warnings, ...(options.check ? notCompared(stored.notebook) : [])] };
    const { notebook } = result;
    const differences = options.check ? compareNotebooks(stored.notebook, notebook, options.compare) : [];
    if (result.status === "passed" && differences.length === 0 && cached !== undefined) {
      cache?.keep(cached, result);
    }
    if (differences.length === 0 || result.status !== "passed") {
      return outcome(result.status, { result, notebook, differences });
    }
    if (options.update) {
      update(path, stored.text, stored.notebook, notebook);
      return outcome("passed", { result, notebook, differences, updated: true });
    }
    return outcome("different", { result, notebook, differences });
  } catch (error) {
    return outcome("error", { error: error as Error });
  }
}

/** A comparison that compares nothing must not look like one that found nothing. */
function notCompared(stored: Notebook): string[] {
  const cells = stored.cells.filter((cell) => cell.cell_type === "code").filter(isRunnable);
  const count = cells.filter((cell) => !wasExecuted(cell)).length;
  if (count === 0) {
    return [];
  }
  const which =
    count === cells.length
      ? "no cell was compared: none has"
      : `${count} of ${cells.length} cells were not compared: they have not`;
  return [`${which} been executed in the stored notebook`];
}

/** The notebook with the outputs of the run that the cache remembers, saved where a run would have saved it. */
function cachedNotebook(
  look: CacheLook,
  cache: NotebookCache,
  file: NotebookFile,
  output: string | null,
): Notebook | undefined {
  // A copy: where the entry turns out to be no good the notebook runs as it was.
  const notebook = parseNotebook(file.text, file.path);
  if (!cache.restore(look, notebook)) {
    return undefined;
  }
  if (output !== null) {
    new NotebookWriter(output, detectStyle(file.text)).save(notebook);
  }
  return notebook;
}

function outputPathOf(path: string, options: RunManyOptions): string | null {
  if (options.save === false) {
    return null;
  }
  if (options.outputDir !== undefined) {
    return resolve(options.outputDir, basename(path));
  }
  return options.check ? null : resolve(path);
}

/** Puts fresh outputs into the stored notebook; parameters that were injected do not get into it. */
function update(path: string, text: string, stored: Notebook, fresh: Notebook): void {
  const freshCells = fresh.cells.filter((cell) => cell.cell_type === "code" && !isInjected(cell.metadata.tags));
  const storedCells = stored.cells.filter((cell) => cell.cell_type === "code" && !isInjected(cell.metadata.tags));
  for (const [index, cell] of storedCells.entries()) {
    const counterpart = freshCells[index];
    if (cell.cell_type === "code" && counterpart?.cell_type === "code") {
      cell.outputs = counterpart.outputs;
      cell.execution_count = counterpart.execution_count;
    }
  }
  new NotebookWriter(resolve(path), detectStyle(text)).save(stored);
}

function isInjected(tags: unknown): boolean {
  return Array.isArray(tags) && tags.includes("injected-parameters");
}

/** The exit code for all of them: that of the gravest. */
export function exitCodeOf(outcomes: readonly NotebookOutcome[]): number {
  const codes = outcomes.map(codeOf);
  const gravity = [
    exitCodes.interrupted,
    exitCodes.usage,
    exitCodes.badNotebook,
    exitCodes.noKernel,
    exitCodes.kernelDied,
    exitCodes.timeout,
    exitCodes.failedCell,
    exitCodes.different,
  ];
  return gravity.find((code) => codes.some((own) => own === code)) ?? exitCodes.ok;
}

function codeOf({ status, error }: NotebookOutcome): number {
  switch (status) {
    case "passed":
    case "cached":
    case "not-run":
      return exitCodes.ok;
    case "failed":
      return exitCodes.failedCell;
    case "different":
      return exitCodes.different;
    case "timed-out":
      return exitCodes.timeout;
    case "interrupted":
      return exitCodes.interrupted;
    case "kernel-died":
      return exitCodes.kernelDied;
    case "error":
      return error instanceof RunnerError ? error.exitCode : exitCodes.badNotebook;
  }
}

/** A path as people want to read it: relative where that is shorter. */
export function shownPath(path: string): string {
  const short = relative(process.cwd(), resolve(path));
  return short !== "" && !short.startsWith("..") ? short : path;
}
