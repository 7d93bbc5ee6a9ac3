/** What students must not read: lines of hidden tests, which errors and messages may quote. */
import { stripVTControlCharacters } from "node:util";
import { type AssignmentCell, type AssignmentNotebook, regionsOf } from "../source/index.ts";

/** Shorter lines (`}`, `);`) say nothing. */
const shortest = 8;

export class Hidden {
  readonly #lines: readonly string[];

  /**
   * @param grader The grader's notebook.
   * @param given The text of its cells as students got them.
   */
  constructor(grader: AssignmentNotebook, given: ReadonlyMap<AssignmentCell, string>) {
    const known = new Set([...given.values()].flatMap(linesOf));
    const lines = grader.cells.flatMap((cell) => {
      const seen = given.get(cell);
      return seen === undefined || cell.source === seen ? hiddenRegions(cell.source) : linesOf(cell.source);
    });
    this.#lines = [...new Set(lines)].filter((line) => line.length >= shortest && !known.has(line));
  }

  /** Whether there is anything to hide. */
  get any(): boolean {
    return this.#lines.length > 0;
  }

  /** A text for students: unless it quotes a hidden line, it is itself. */
  clean(text: string): string {
    const plain = squeezed(text);
    return this.#lines.some((line) => plain.includes(squeezed(line)))
      ? "(This message quotes a hidden test, and is not shown.)"
      : text;
  }
}

function squeezed(text: string): string {
  return stripVTControlCharacters(text).replace(/\s+/g, "");
}

function linesOf(source: string): string[] {
  return source.split("\n").map((line) => line.trim());
}

function hiddenRegions(source: string): string[] {
  try {
    return regionsOf(source, "HIDDEN TESTS").flatMap(({ lines }) => lines.map((line) => line.trim()));
  } catch {
    return [];
  }
}
