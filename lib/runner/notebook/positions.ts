/** Finds the lines of a notebook's file where the lines of its cells are. */
import { JsonError, parseJsonText, sourceOf } from "./json/index.ts";

/** Line numbers, from 1, in the text of a notebook. */
export class NotebookPositions {
  readonly #text: string;
  readonly #cells: unknown;

  constructor(text: string) {
    this.#text = text;
    this.#cells = cellsOf(text);
  }

  /**
   * The line of the file with a line of a cell's source.
   *
   * @param index The cell's index, from 0.
   * @param line Line in the cell, from 1.
   * @returns The line in the file, from 1, or undefined where the cell does not exist.
   */
  fileLine(index: number, line: number): number | undefined {
    return this.filePosition(index, line, 1)?.line;
  }

  /** Line and column in the file of a line and column of a cell's source, all from 1. */
  filePosition(index: number, line: number, column: number): { line: number; column: number } | undefined {
    const cell = (this.#cells as { source?: unknown }[] | undefined)?.[index];
    const place = memberStart(cell, "source");
    if (place === undefined) {
      return undefined;
    }
    // A source is a list with a string for each line, or one string for all.
    const lines = sourceOf(cell?.source);
    const start = this.#lineAndColumn(lines?.starts[line - 1] ?? lines?.starts.at(-1) ?? place);
    return { line: start.line, column: start.column + (lines === undefined ? 0 : column) };
  }

  /** Where the cell itself begins. */
  cellLine(index: number): number | undefined {
    const start = sourceOf(this.#cells)?.starts[index];
    return start === undefined ? undefined : this.#lineAndColumn(start).line;
  }

  #lineAndColumn(offset: number): { line: number; column: number } {
    const before = this.#text.slice(0, offset);
    return { line: before.split("\n").length, column: offset - before.lastIndexOf("\n") };
  }
}

function cellsOf(text: string): unknown {
  try {
    const { cells } = (parseJsonText(text) ?? {}) as { cells?: unknown };
    return Array.isArray(cells) ? cells : undefined;
  } catch (error) {
    if (error instanceof JsonError) {
      return undefined;
    }
    throw error;
  }
}

function memberStart(object: unknown, key: string): number | undefined {
  const source = sourceOf(object);
  return source?.starts[source.keys?.lastIndexOf(key) ?? -1];
}
