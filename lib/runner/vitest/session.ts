/** Runs a notebook's cells as tests ask for them. It lives in the test's process. */
import { basename, resolve } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { NotebookPositions } from "../notebook/positions.ts";
import { readNotebook } from "../notebook/read.ts";
import { type Cell, joinLines, tagsOf } from "../notebook/types.ts";
import { NotebookRun } from "../run/run-notebook.ts";
import type { CellResult } from "../run/types.ts";
import type { NotebookTestOptions } from "./plugin.ts";

/** As much of Vitest's test context as is needed. */
interface TestContext {
  skip(note?: string): void;
}

/** One notebook that is being tested. */
export class NotebookSession {
  readonly #run: NotebookRun;
  /** The cells of the file; a parameter cell may have come in between since. */
  readonly #cells: readonly Cell[];
  readonly #positions: NotebookPositions;
  #next = 0;
  #failed: CellResult | undefined;

  constructor(path: string, options: Omit<NotebookTestOptions, "include">) {
    const { outputDir, ...rest } = options;
    const file = readNotebook(path);
    this.#positions = new NotebookPositions(file.text);
    this.#cells = file.notebook.cells;
    this.#run = new NotebookRun(path, {
      ...rest,
      output: outputDir === undefined ? null : resolve(outputDir, basename(path)),
    });
  }

  start(): Promise<void> {
    return this.#run.start();
  }

  end(): Promise<void> {
    return this.#run.end();
  }

  /**
   * Runs the cells up to this one, of which those before it may not have been asked for.
   *
   * @param index The cell's index in the file, from 0.
   * @throws An error that stands at the failing line of the notebook.
   */
  async run(index: number, context: TestContext): Promise<void> {
    if (this.#failed !== undefined) {
      context.skip(`cell ${this.#failed.number} failed`);
      return;
    }
    const target = this.#placeOf(index);
    while (this.#next <= target) {
      const result = await this.#run.runCell(this.#next++);
      if (result?.failure === undefined) {
        continue;
      }
      // Where a cell may fail and the next ones still make sense, the run itself goes on.
      const last = this.#next - 1 === target;
      if (!last || result.status !== "different") {
        this.#failed = result;
      }
      throw this.#error(result, index, last);
    }
  }

  /** The place in the notebook that runs of a cell of the file. */
  #placeOf(index: number): number {
    const { cells } = this.#run.notebook;
    const cell = this.#cells[index] as Cell;
    if (tagsOf(cell).includes("injected-parameters")) {
      return cells.findIndex((other) => tagsOf(other).includes("injected-parameters"));
    }
    const added = cells.length - this.#cells.length;
    const injected = cells.findIndex((other) => tagsOf(other).includes("injected-parameters"));
    return added > 0 && injected <= index ? index + added : index;
  }

  #error(result: CellResult, index: number, own: boolean): Error {
    const { failure } = result;
    const message = stripVTControlCharacters(failure?.message ?? "");
    const error = new Error(own ? message : `cell ${result.number}, which comes before, failed: ${message}`);
    error.name = failure?.name ?? "Error";
    const cell = this.#run.notebook.cells[result.index] as Cell;
    const place = own ? index : this.#cells.findIndex((other) => joinLines(other.source) === joinLines(cell.source));
    const at = this.#positions.filePosition(Math.max(0, place), failure?.line ?? 1, failure?.column ?? 1);
    const where = `cell ${result.number}${failure?.line === undefined ? "" : `, line ${failure.line}`}`;
    // Vitest shows the code at the first frame; names with parentheses would not be read as one.
    error.stack = `${error.name}: ${error.message}\n    at ${where.replace(/[ ,]+/g, "_")} (${resolve(this.#run.path)}:${at?.line ?? 1}:${at?.column ?? 1})`;
    // The kernel's own traceback, for the report.
    const traceback = stripVTControlCharacters((failure?.traceback ?? []).map((line) => joinLines(line)).join("\n"));
    if (traceback.includes("\n")) {
      Object.assign(error, { traceback });
    }
    return error;
  }
}
