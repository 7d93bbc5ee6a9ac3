/** Runs a notebook's cells as tests ask for them. It lives in the test's process. */
import { basename, resolve } from "node:path";
import { NotebookPositions } from "../notebook/positions.ts";
import { readNotebook } from "../notebook/read.ts";
import { type Cell, type Notebook, tagsOf } from "../notebook/types.ts";
import { writePage } from "../report/page.ts";
import { NotebookRun } from "../run/run-notebook.ts";
import type { CellResult } from "../run/types.ts";
import { cellError } from "./cell-error.ts";
import type { NotebookTestOptions } from "./plugin.ts";

/** As much of Vitest's test context as is needed. */
interface TestContext {
  skip(note?: string): void;
  /** Aborted when the test runs out of time, after `bail` failures, and by the user. */
  readonly signal?: AbortSignal;
  readonly task?: { readonly result?: { readonly repeatCount?: number } };
}

/**
 * One notebook that is being tested. Each cell runs once in a kernel: a test that is tried again (Vitest's `retry`) fails
 * again, because a second run of the cell would meet what the first one left behind. A repetition (`repeats`) is a run of
 * the whole notebook in a kernel of its own, so that it is a true one.
 */
export class NotebookSession {
  readonly #path: string;
  readonly #options: Omit<NotebookTestOptions, "include">;
  /** By the number of the repetition. */
  readonly #runs = new Map<number, SessionRun>();

  constructor(path: string, options: Omit<NotebookTestOptions, "include">) {
    this.#path = path;
    this.#options = options;
  }

  async start(): Promise<void> {
    await this.#runOf(0).start();
  }

  async end(): Promise<void> {
    await Promise.all([...this.#runs.values()].map((run) => run.end()));
    const { html, remoteImages } = this.#options;
    const first = this.#runs.get(0);
    if (html !== undefined && first !== undefined) {
      const onWarning = (message: string) => console.warn(`${this.#path}: warning: ${message}`);
      await writePage(first.notebook, this.#path, html, { remoteImages, onWarning });
    }
  }

  /**
   * Runs the cells up to this one, of which those before it may not have been asked for.
   *
   * @param index The cell's index in the file, from 0.
   * @throws An error that stands at the failing line of the notebook.
   */
  run(index: number, context: TestContext): Promise<void> {
    return this.#runOf(context.task?.result?.repeatCount ?? 0).run(index, context);
  }

  #runOf(repetition: number): SessionRun {
    let run = this.#runs.get(repetition);
    if (run === undefined) {
      // What is saved is the first run, the one that there is without repetitions, too.
      const { outputDir, html: _, remoteImages: __, ...rest } = this.#options;
      const output = outputDir === undefined || repetition > 0 ? null : resolve(outputDir, basename(this.#path));
      run = new SessionRun(this.#path, { ...rest, output });
      this.#runs.set(repetition, run);
    }
    return run;
  }
}

/** One run of the notebook in one kernel. */
class SessionRun {
  readonly #run: NotebookRun;
  /** The cells of the file; a parameter cell may have come in between since. */
  readonly #cells: readonly Cell[];
  readonly #positions: NotebookPositions;
  readonly #stop = new AbortController();
  /** What became of each cell that ran, by its place in the notebook that runs. */
  readonly #results = new Map<number, CellResult | undefined>();
  #next = 0;
  /** The cell behind which nothing makes sense any more. */
  #failed: CellResult | undefined;
  /** The index of the cell whose test told the first failure. */
  #toldBy: number | undefined;
  #started: Promise<void> | undefined;
  /** Why the run itself cannot go on, where that is not a cell's doing. */
  #broken: unknown;
  /** Tests may be started at the same time; a kernel runs one cell after the other. */
  #queue: Promise<unknown> = Promise.resolve();

  constructor(path: string, options: ConstructorParameters<typeof NotebookRun>[1]) {
    const file = readNotebook(path);
    this.#positions = new NotebookPositions(file.text);
    this.#cells = file.notebook.cells;
    this.#run = new NotebookRun(path, { ...options, signal: this.#stop.signal });
  }

  /** The notebook as it is after the run. */
  get notebook(): Notebook {
    return this.#run.notebook;
  }

  start(): Promise<void> {
    this.#started ??= this.#run.start();
    return this.#started;
  }

  async end(): Promise<void> {
    // A test that Vitest gave up may have left its cell running.
    this.#stop.abort();
    await this.#queue.catch(() => {});
    await this.#run.end();
  }

  run(index: number, context: TestContext): Promise<void> {
    const own = this.#queue.then(() => this.#upTo(index, context));
    this.#queue = own.catch(() => {});
    return own;
  }

  async #upTo(index: number, context: TestContext): Promise<void> {
    await this.start();
    if (this.#broken !== undefined) {
      throw this.#broken;
    }
    const target = this.#placeOf(index);
    const abort = () => this.#stop.abort();
    context.signal?.addEventListener("abort", abort);
    try {
      while (this.#next <= target && this.#failed === undefined) {
        await this.#runNext(target);
      }
    } finally {
      context.signal?.removeEventListener("abort", abort);
    }
    // A cell that has run has its result for good, however often it is asked for.
    const result = this.#results.get(target);
    const ran = result !== undefined && result.status !== "not-run";
    const failed = result?.failure === undefined ? (ran ? undefined : this.#failed) : result;
    // The first test that meets a failure tells it, and tells it again when it is tried again.
    if (failed !== undefined && (failed === result || (this.#toldBy ?? index) === index)) {
      this.#toldBy ??= index;
      throw this.#error(failed, index);
    }
    if (!ran) {
      context.skip(failed === undefined ? "the notebook ended before" : `cell ${failed.number} failed`);
    }
  }

  async #runNext(target: number): Promise<void> {
    const place = this.#next++;
    let result: CellResult | undefined;
    try {
      result = await this.#run.runCell(place);
    } catch (error) {
      this.#broken = error;
      throw error;
    }
    this.#results.set(place, result);
    // Where only a number of the cell itself is off, the next cells still make sense.
    if (result?.failure !== undefined && (result.status !== "different" || place !== target)) {
      this.#failed = result;
    }
  }

  /** The place in the notebook that runs of a cell of the file. */
  #placeOf(index: number): number {
    const { cells } = this.#run.notebook;
    const cell = this.#cells[index] as Cell;
    const injected = cells.findIndex((other) => tagsOf(other).includes("injected-parameters"));
    if (tagsOf(cell).includes("injected-parameters")) {
      return injected;
    }
    const added = cells.length - this.#cells.length;
    return added > 0 && injected <= index ? index + added : index;
  }

  /** The error of a cell, told by the test of the cell with this index in the file. */
  #error(result: CellResult, index: number): Error {
    return cellError(result, {
      path: this.#run.path,
      positions: this.#positions,
      place: this.#cells.findIndex((_, other) => this.#placeOf(other) === result.index),
      own: this.#placeOf(index) === result.index,
    });
  }
}
