/** Parameters of a notebook: the cell tagged `parameters`, and the cell that overrides it, as papermill has it. */
import { randomBytes } from "node:crypto";
import { NotebookError, nearestName, UsageError } from "../errors.ts";
import { type Cell, type CodeCell, joinLines, type Notebook, splitLines, tagsOf } from "../notebook/types.ts";
import { asWritten } from "./as-written.ts";
import { notebookSettings } from "./cell-info.ts";
import {
  knownLanguages,
  type Language,
  languageOf,
  literalOf,
  type Parameter,
  python,
  script,
  UnwritableError,
  type ValueKind,
} from "./languages/index.ts";
import { parametersOf } from "./parameter-cell.ts";
import { SpelledNumber } from "./spelled-number.ts";

export interface ParameterOptions {
  readonly parameters?: Readonly<Record<string, unknown>> | undefined;
  readonly fast?: boolean | undefined;
}

/**
 * Puts a cell tagged `injected-parameters` with the given values behind the parameter cell, or first where there is none.
 *
 * @param language The kernel's language, one of {@link knownLanguages}.
 * @throws UsageError for a parameter that the parameter cell does not have, whose type is not that of its default, or whose
 *   value cannot be written in the language.
 */
export function applyParameters(notebook: Notebook, language: string, options: ParameterOptions, path: string): void {
  const values = parameterValues(notebook, options);
  const at = notebook.cells.findIndex(
    (cell) => cell.cell_type === "code" && tagsOf(cell).includes("injected-parameters"),
  );
  if (Object.keys(values).length === 0) {
    return;
  }
  const syntax = languageOf(language);
  if (syntax === undefined) {
    throw new NotebookError(
      path,
      `parameters cannot be given to a kernel of the language "${language}" (only ${knownLanguages})`,
    );
  }
  const declared = notebook.cells.find((cell) => cell.cell_type === "code" && tagsOf(cell).includes("parameters"));
  const before = declared === undefined ? undefined : parametersOf(joinLines(declared.source), syntax);
  const lines = [`${syntax.comment} Parameters`];
  for (const [name, value] of Object.entries(values)) {
    lines.push(statement(name, value, syntax, before, path));
  }
  const cell: CodeCell = {
    cell_type: "code",
    execution_count: null,
    ...(notebook.nbformat_minor >= 5 && { id: randomBytes(4).toString("hex") }),
    // In a deck it is where the cell is whose values it replaces.
    metadata: { ...slideshowOf(declared), tags: ["injected-parameters"] },
    outputs: [],
    source: splitLines(lines.join("\n")),
  };
  if (at >= 0) {
    const { id } = notebook.cells[at] as CodeCell;
    notebook.cells[at] = { ...cell, ...(id !== undefined && { id }) };
  } else {
    notebook.cells.splice(declared === undefined ? 0 : notebook.cells.indexOf(declared) + 1, 0, cell);
  }
}

/** What a cell says of its place among slides. */
function slideshowOf(cell: Cell | undefined): { slideshow?: unknown } {
  const slideshow = cell?.metadata.slideshow;
  return slideshow === undefined ? {} : { slideshow: structuredClone(slideshow) };
}

/** What a notebook runs with: its own fast parameters, numbers in the spelling of the file, and those that are given. */
function parameterValues(notebook: Notebook, { fast, parameters }: ParameterOptions): Record<string, unknown> {
  const own = fast ? (asWritten(notebookSettings(notebook).fast ?? {}) as Map<string, unknown>) : [];
  return { ...Object.fromEntries(own), ...parameters };
}

/** The line that sets a parameter. */
function statement(
  given: string,
  value: unknown,
  syntax: Language,
  known: readonly Parameter[] | undefined,
  path: string,
): string {
  const name = syntax.nameOf(given);
  if (name === undefined) {
    throw new UsageError(`${path}: "${given}" is not a name that a parameter can have`);
  }
  const parameter = known?.find((entry) => entry.name === name);
  if (known !== undefined && parameter === undefined) {
    const names = known.map((entry) => entry.name);
    const near = nearestName(name, names);
    throw new UsageError(
      `${path}: has no parameter "${name}"${near === undefined ? "" : `; did you mean "${near}"?`} (its parameters: ${names.join(", ") || "none"})`,
    );
  }
  const got = kindOf(value);
  if (parameter?.kind !== undefined && got !== "null" && parameter.kind !== got) {
    throw new UsageError(
      `${path}: the parameter "${name}" is a ${parameter.kind}, got the ${got} ${literalOf(value, script.literals)}`,
    );
  }
  try {
    const literals = parameter === undefined ? undefined : syntax.literalsFor?.(parameter);
    return syntax.assign(name, literalOf(value, literals ?? syntax.literals), parameter);
  } catch (error) {
    if (error instanceof UnwritableError) {
      throw new UsageError(`${path}: the parameter "${given}" ${error.message}`);
    }
    throw error;
  }
}

/** An assignment of a value to a name that exists already, or undefined where the language or the name has none. */
export function assignment(language: string, name: string, value: unknown): string | undefined {
  const syntax = languageOf(language);
  const own = syntax?.nameOf(name);
  if (syntax === undefined || own === undefined) {
    return undefined;
  }
  try {
    return syntax.assign(own, literalOf(value, syntax.literals), "exists");
  } catch (error) {
    if (error instanceof UnwritableError) {
      return undefined;
    }
    throw error;
  }
}

/** A text that is the same only for values that are written the same, for the key of a cache. */
export function exactText(value: unknown): string {
  return literalOf(asWritten(value), python.literals);
}

function kindOf(value: unknown): ValueKind | "null" {
  if (value === null || value === undefined) {
    return "null";
  }
  if (value instanceof SpelledNumber || typeof value === "bigint") {
    return "number";
  }
  const type = typeof value;
  return type === "number" || type === "boolean" || type === "string" ? type : Array.isArray(value) ? "list" : "object";
}
