/** Saves a running notebook after every cell, without letting the saves of a large one cost more than its cells. */
import type { CodeCell, Notebook } from "../notebook/types.ts";
import { type NotebookStyle, NotebookWriter } from "../notebook/write.ts";

/** A save waits this many times as long as the last one took, where cells come faster than that. */
const restFactor = 4;

/** Saves one notebook under one path. */
export class NotebookSaver {
  readonly #notebook: Notebook;
  readonly #writer: NotebookWriter;
  #took = 0;
  #ended = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  #failure: unknown;

  constructor(notebook: Notebook, path: string, style: NotebookStyle) {
    this.#notebook = notebook;
    this.#writer = new NotebookWriter(path, style);
  }

  /** Says that a cell is no longer as it was when it was last saved. */
  changed(cell: CodeCell): void {
    this.#writer.changed(cell);
  }

  /**
   * Saves at once, or, where the last save was only just now, a few of its durations later: while the next cell runs.
   *
   * @throws NotebookError when this save or a delayed one failed.
   */
  saveSoon(): void {
    if (this.#failure !== undefined) {
      throw this.#failure;
    }
    const wait = this.#ended + restFactor * this.#took - performance.now();
    if (wait <= 0) {
      this.#save(false);
    } else if (this.#timer === undefined) {
      this.#timer = setTimeout(() => {
        try {
          this.#save(false);
        } catch (error) {
          this.#failure = error;
        }
      }, wait);
    }
  }

  /** Saves for good: it is on the disk when this returns. */
  saveNow(): void {
    this.#save(true);
  }

  #save(durable: boolean): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const start = performance.now();
    this.#writer.save(this.#notebook, durable);
    this.#ended = performance.now();
    this.#took = this.#ended - start;
  }
}
