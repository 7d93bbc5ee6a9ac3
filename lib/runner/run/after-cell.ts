/**
 * What nbmake's metadata asks for behind a cell, so that notebooks written for it are tested as they were: `nbmake.mock` sets
 * variables, `nbmake.post_cell_execute` runs code. Neither is part of the notebook that is saved.
 */
import { NotebookError } from "../errors.ts";
import type { CodeCell, Notebook } from "../notebook/types.ts";
import { asWritten } from "./as-written.ts";
import { assignment } from "./parameters.ts";

/** A piece of code that runs behind a cell. */
export interface AfterCell {
  /** For messages. */
  readonly what: string;
  readonly code: string;
}

/**
 * What runs behind a cell that raised nothing.
 *
 * @param language The kernel's.
 * @throws NotebookError for metadata of another kind than nbmake's, and for a language in which no values can be written.
 */
export function afterCell(cell: CodeCell, language: string, path: string): AfterCell[] {
  const { nbmake } = cell.metadata;
  if (typeof nbmake !== "object" || nbmake === null) {
    return [];
  }
  const { mock = {}, post_cell_execute: post = [] } = nbmake as Record<string, unknown>;
  if (typeof mock !== "object" || mock === null || Array.isArray(mock)) {
    throw new NotebookError(path, `"nbmake.mock" is ${JSON.stringify(mock)}; expected an object of names with values`);
  }
  const lines = typeof post === "string" ? [post] : post;
  if (!Array.isArray(lines) || !lines.every((line) => typeof line === "string")) {
    throw new NotebookError(path, `"nbmake.post_cell_execute" is ${JSON.stringify(post)}; expected a list of lines`);
  }
  const exact = asWritten(mock) as Map<string, unknown>;
  const mocks = [...exact].map(([name, value]) => {
    const code = assignment(language, name, value);
    if (code === undefined) {
      throw new NotebookError(path, `"nbmake.mock" cannot set "${name}" in the language "${language}"`);
    }
    return { what: `nbmake.mock of ${name}`, code };
  });
  return lines.length === 0 ? mocks : [...mocks, { what: "nbmake.post_cell_execute", code: lines.join("\n") }];
}

/** Checks the metadata of all cells, before anything runs. */
export function checkAfterCells(notebook: Notebook, language: string, path: string): void {
  for (const cell of notebook.cells) {
    if (cell.cell_type === "code") {
      afterCell(cell, language, path);
    }
  }
}
