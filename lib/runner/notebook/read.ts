/** Reads notebooks, and says what is wrong with those that are none. */
import { readFileSync } from "node:fs";
import { NotebookError } from "../errors.ts";
import { shellQuoted } from "../files.ts";
import { isObject } from "../objects.ts";
import { JsonError, parseJsonText, setDefault } from "./json/index.ts";
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

/**
 * A file's text, with its byte order mark where it has one.
 *
 * @throws NotebookError when it cannot be read, or is not UTF-8: what stands for other bytes would be saved in their place.
 */
export function readText(path: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(readFileSync(path));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const reasons: Record<string, string> = {
      ERR_ENCODING_INVALID_ENCODED_DATA: "is not UTF-8 text, which JSON must be",
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
      `is of nbformat ${notebook.nbformat}; run "nbconvert-ts-runner validate --upgrade ${shellQuoted(path)}" to bring it to nbformat 4`,
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
  complete(notebook as Record<string, unknown>, "metadata", isObject(notebook.metadata), {});
  complete(notebook as Record<string, unknown>, "nbformat_minor", notebook.nbformat_minor !== null, 0);
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
  complete(cell, "metadata", isObject(cell.metadata), {});
  if (cell.cell_type === "code") {
    complete(cell, "outputs", Array.isArray(cell.outputs), []);
    const outputs = cell.outputs as unknown[];
    if (!outputs.every(isObject)) {
      cell.outputs = outputs.filter(isObject);
    }
    (cell.outputs as Record<string, unknown>[]).forEach(completeOutput);
    complete(cell, "execution_count", cell.execution_count !== undefined, null);
  }
}

/** Gives an object a field that it must have; it does not get into the file as long as nothing is in it. */
function complete(object: Record<string, unknown>, key: string, isThere: boolean, otherwise: unknown): void {
  if (object[key] === undefined) {
    setDefault(object, key, otherwise);
  } else if (!isThere) {
    object[key] = otherwise;
  }
}

/** Gives an output the fields that its kind must have, so that nothing else has to ask. */
function completeOutput(output: Record<string, unknown>): void {
  switch (output.output_type) {
    case "display_data":
    case "execute_result":
      complete(output, "data", isObject(output.data), {});
      complete(output, "metadata", isObject(output.metadata), {});
      break;
    case "error":
      complete(output, "ename", output.ename !== null, "");
      complete(output, "evalue", output.evalue !== null, "");
      complete(output, "traceback", Array.isArray(output.traceback), []);
      break;
  }
}

/** Parses JSON; the error names line and column, or the merge conflict that is in the way. */
export function parseJson(text: string, path: string): unknown {
  try {
    return parseJsonText(text);
  } catch (error) {
    if (!(error instanceof JsonError)) {
      throw error;
    }
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
    throw new NotebookError(path, `is not JSON: ${error.message}`, { cause: error });
  }
}
