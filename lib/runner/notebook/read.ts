/** Reads notebooks, and says what is wrong with those that are none. */
import { readFileSync } from "node:fs";
import { NotebookError } from "../errors.ts";
import type { Notebook } from "./types.ts";

/** A notebook with what is needed to write it back as it was. */
export interface NotebookFile {
  readonly path: string;
  readonly text: string;
  readonly notebook: Notebook;
}

/**
 * Reads a notebook of nbformat 4.
 *
 * @throws NotebookError when it cannot be read, is not JSON, has merge-conflict markers, or is not nbformat 4.
 */
export function readNotebook(path: string): NotebookFile {
  const text = readText(path);
  return { path, text, notebook: parseNotebook(text, path) };
}

/** A file's text, without a byte order mark. */
export function readText(path: string): string {
  try {
    return readFileSync(path, "utf8").replace(/^\uFEFF/, "");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const reasons: Record<string, string> = {
      ENOENT: "no such file",
      EISDIR: "is a folder; give its notebooks, for instance as FOLDER/*.ipynb",
      EACCES: "cannot be read: permission denied",
    };
    throw new NotebookError(path, reasons[code ?? ""] ?? `cannot be read: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/**
 * Checks a notebook's text as far as running it needs; `validate` checks it against the whole schema.
 *
 * @param text The file's contents.
 * @param path For messages.
 */
export function parseNotebook(text: string, path: string): Notebook {
  const json = parseJson(text, path);
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw new NotebookError(path, "is not a notebook: expected a JSON object");
  }
  const notebook = json as Partial<Notebook> & { worksheets?: unknown };
  if (typeof notebook.nbformat !== "number") {
    throw new NotebookError(path, 'is not a notebook: it has no "nbformat"');
  }
  if (notebook.nbformat < 4) {
    throw new NotebookError(
      path,
      `is of nbformat ${notebook.nbformat}; run "nbconvert-ts-runner validate --upgrade ${path}" to bring it to nbformat 4`,
    );
  }
  if (notebook.nbformat > 4) {
    throw new NotebookError(path, `is of nbformat ${notebook.nbformat}, which is newer than what is known here (4)`);
  }
  if (!Array.isArray(notebook.cells)) {
    throw new NotebookError(path, 'is not a notebook: it has no list of "cells"');
  }
  notebook.cells.forEach((cell, index) => {
    checkCell(cell, index, path);
  });
  notebook.metadata = isObject(notebook.metadata) ? notebook.metadata : {};
  notebook.nbformat_minor ??= 0;
  return notebook as Notebook;
}

function checkCell(cell: unknown, index: number, path: string): void {
  const where = `is not a notebook: cell ${index + 1}`;
  if (!isObject(cell)) {
    throw new NotebookError(path, `${where} is not an object`);
  }
  if (cell.cell_type !== "code" && cell.cell_type !== "markdown" && cell.cell_type !== "raw") {
    throw new NotebookError(
      path,
      `${where} has the type ${JSON.stringify(cell.cell_type)}; expected "code", "markdown" or "raw"`,
    );
  }
  const { source } = cell;
  if (typeof source !== "string" && !(Array.isArray(source) && source.every((line) => typeof line === "string"))) {
    throw new NotebookError(path, `${where} has no "source"`);
  }
  cell.metadata = isObject(cell.metadata) ? cell.metadata : {};
  if (cell.cell_type === "code") {
    cell.outputs = Array.isArray(cell.outputs) ? cell.outputs.filter(isObject) : [];
    (cell.outputs as Record<string, unknown>[]).forEach(completeOutput);
    cell.execution_count ??= null;
  }
}

/** Gives an output the fields that its kind must have, so that nothing else has to ask. */
function completeOutput(output: Record<string, unknown>): void {
  switch (output.output_type) {
    case "display_data":
    case "execute_result":
      output.data = isObject(output.data) ? output.data : {};
      output.metadata = isObject(output.metadata) ? output.metadata : {};
      break;
    case "error":
      output.ename ??= "";
      output.evalue ??= "";
      output.traceback = Array.isArray(output.traceback) ? output.traceback : [];
      break;
  }
}

/** Parses JSON; the error names line and column, or the merge conflict that is in the way. */
export function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const lines = text.split("\n");
    const conflict = lines.findIndex((line) => /^(<{7}|>{7}|\|{7}) /.test(line));
    if (conflict >= 0) {
      throw new NotebookError(
        path,
        `has an unresolved merge conflict (line ${conflict + 1}: ${lines[conflict]?.slice(0, 60)})`,
      );
    }
    if (text.trim() === "") {
      throw new NotebookError(path, "is empty; expected a notebook (JSON)");
    }
    throw new NotebookError(path, `is not JSON: ${(error as Error).message}`, { cause: error });
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
