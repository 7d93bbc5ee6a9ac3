/** Checks what notebooks say under `runner` in their metadata, before anything runs. */
import { NotebookError, nearestName } from "../errors.ts";
import type { Notebook } from "../notebook/types.ts";

type Kind = "number" | "object" | "list" | "boolean";

/** The settings of a cell, each with the kind of its value. */
const cellKinds: Readonly<Record<string, Kind>> = {
  timeout: "number",
  raises: "object",
  rtol: "number",
  atol: "number",
  sanitize: "list",
  expect: "object",
  compare: "boolean",
};

/** Those that say something of one cell. */
const ofOneCell = ["raises", "expect"];

const notebookKinds: Readonly<Record<string, Kind>> = {
  ...Object.fromEntries(Object.entries(cellKinds).filter(([name]) => !ofOneCell.includes(name))),
  notebookTimeout: "number",
  fast: "object",
  data: "list",
};

/**
 * Checks the settings of a notebook and of its cells.
 *
 * @returns Warnings about settings that do not exist, with the nearest name.
 * @throws NotebookError for a setting of the wrong kind, and for one in the notebook's metadata that says what one cell has to do.
 */
export function checkSettings(notebook: Notebook, path: string): string[] {
  const warnings = check(notebook.metadata.runner, notebookKinds, "the notebook's metadata", path);
  let number = 0;
  for (const cell of notebook.cells) {
    if (cell.cell_type === "code") {
      number++;
      warnings.push(...check(cell.metadata.runner, cellKinds, `the metadata of cell ${number}`, path));
    }
  }
  return warnings;
}

function check(settings: unknown, kinds: Readonly<Record<string, Kind>>, where: string, path: string): string[] {
  if (settings === undefined) {
    return [];
  }
  if (kindOf(settings) !== "object") {
    throw new NotebookError(path, `"runner" in ${where} is ${JSON.stringify(settings)}; expected an object`);
  }
  return Object.entries(settings as object).flatMap(([name, value]) => {
    const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined;
    if (kind === undefined) {
      if (ofOneCell.includes(name)) {
        throw new NotebookError(
          path,
          `"runner.${name}" in ${where} says nothing: it belongs into the metadata of a cell`,
        );
      }
      const near = nearestName(name, Object.keys(kinds));
      return [`"runner.${name}" in ${where} is not a setting${near === undefined ? "" : `; did you mean "${near}"?`}`];
    }
    if (kindOf(value) !== kind || (kind === "number" && (value as number) < 0)) {
      const expected =
        kind === "number" ? "a number that is not negative" : kind === "object" ? "an object" : `a ${kind}`;
      throw new NotebookError(path, `"runner.${name}" in ${where} is ${JSON.stringify(value)}; expected ${expected}`);
    }
    return name === "raises" ? checkRaises(value as object, where, path) : [];
  });
}

/** `raises` has the name and the message of an exception, or one of them, or nothing for any exception. */
function checkRaises(raises: object, where: string, path: string): string[] {
  return Object.entries(raises).flatMap(([name, value]) => {
    if (name !== "name" && name !== "message") {
      throw new NotebookError(path, `"runner.raises" in ${where} has "${name}"; expected "name" and "message"`);
    }
    if (typeof value !== "string") {
      const got = JSON.stringify(value);
      throw new NotebookError(path, `"runner.raises.${name}" in ${where} is ${got}; expected a text`);
    }
    return [];
  });
}

function kindOf(value: unknown): Kind | "other" {
  if (typeof value === "number" || typeof value === "boolean") {
    return typeof value as "number" | "boolean";
  }
  return Array.isArray(value) ? "list" : typeof value === "object" && value !== null ? "object" : "other";
}
