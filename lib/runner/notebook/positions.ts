/** Finds the lines of a notebook's file where the lines of its cells are. */
import { findNodeAtLocation, type Node, parseTree } from "jsonc-parser";

/** Line numbers, from 1, in the text of a notebook. */
export class NotebookPositions {
  readonly #text: string;
  readonly #root: Node | undefined;

  constructor(text: string) {
    this.#text = text;
    this.#root = parseTree(text);
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
    const source = this.#root === undefined ? undefined : findNodeAtLocation(this.#root, ["cells", index, "source"]);
    if (source === undefined) {
      return undefined;
    }
    // A source is a list with a string for each line, or one string for all.
    const node = source.type === "array" ? (source.children?.[line - 1] ?? source.children?.at(-1) ?? source) : source;
    const start = this.#lineAndColumn(node.offset);
    return { line: start.line, column: start.column + (source.type === "array" ? column : 0) };
  }

  /** Where the cell itself begins. */
  cellLine(index: number): number | undefined {
    const cell = this.#root === undefined ? undefined : findNodeAtLocation(this.#root, ["cells", index]);
    return cell === undefined ? undefined : this.#lineAndColumn(cell.offset).line;
  }

  #lineAndColumn(offset: number): { line: number; column: number } {
    const before = this.#text.slice(0, offset);
    return { line: before.split("\n").length, column: offset - before.lastIndexOf("\n") };
  }
}
