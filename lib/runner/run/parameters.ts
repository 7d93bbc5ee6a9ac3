/** Parameters of a notebook: the cell tagged `parameters`, and the cell that overrides it, as papermill has it. */
import { randomBytes } from "node:crypto";
import { NotebookError, nearestName, UsageError } from "../errors.ts";
import { type CodeCell, joinLines, type Notebook, splitLines, tagsOf } from "../notebook/types.ts";
import { notebookSettings } from "./cell-info.ts";
import { parametersOf } from "./parameter-cell.ts";
import { SpelledNumber } from "./spelled-number.ts";

export interface ParameterOptions {
  readonly parameters?: Readonly<Record<string, unknown>> | undefined;
  readonly fast?: boolean | undefined;
}

/**
 * Puts a cell tagged `injected-parameters` with the given values behind the parameter cell, or first where there is none.
 *
 * @param language The kernel's language: TypeScript, JavaScript or Python.
 * @throws UsageError for a parameter that the parameter cell does not have, or whose type is not that of its default.
 */
export function applyParameters(notebook: Notebook, language: string, options: ParameterOptions, path: string): void {
  const fast = options.fast ? (notebookSettings(notebook).fast ?? {}) : {};
  const values = { ...fast, ...options.parameters };
  const at = notebook.cells.findIndex(
    (cell) => cell.cell_type === "code" && tagsOf(cell).includes("injected-parameters"),
  );
  if (Object.keys(values).length === 0) {
    return;
  }
  const syntax = syntaxOf(language);
  if (syntax === undefined) {
    throw new NotebookError(
      path,
      `parameters cannot be given to a kernel of the language "${language}" (only TypeScript, JavaScript and Python)`,
    );
  }
  const declared = notebook.cells.find((cell) => cell.cell_type === "code" && tagsOf(cell).includes("parameters"));
  const before = declared === undefined ? [] : parametersOf(joinLines(declared.source), syntax);
  const lines = [`${syntax === "python" ? "#" : "//"} Parameters`];
  for (const [name, value] of Object.entries(values)) {
    if (!/^[A-Za-z_$][\w$]*$/.test(name)) {
      throw new UsageError(`${path}: "${name}" is not a name that a parameter can have`);
    }
    const parameter = before.find((known) => known.name === name);
    if (declared !== undefined && parameter === undefined) {
      const near = nearestName(
        name,
        before.map((known) => known.name),
      );
      const known = before.map((entry) => entry.name).join(", ") || "none";
      throw new UsageError(
        `${path}: has no parameter "${name}"${near === undefined ? "" : `; did you mean "${near}"?`} (its parameters: ${known})`,
      );
    }
    const got = kindOf(value);
    if (parameter?.kind !== undefined && got !== "null" && parameter.kind !== got) {
      throw new UsageError(
        `${path}: the parameter "${name}" is a ${parameter.kind}, got the ${got} ${JSON.stringify(value)}`,
      );
    }
    // An assignment keeps the declared type, which a kernel that checks types holds the value against.
    const keyword = parameter === undefined ? "var " : parameter.constant ? "const " : "";
    lines.push(
      syntax === "python" ? `${name} = ${pythonLiteral(value)}` : `${keyword}${name} = ${scriptLiteral(value)};`,
    );
  }
  const cell: CodeCell = {
    cell_type: "code",
    execution_count: null,
    ...(notebook.nbformat_minor >= 5 && { id: randomBytes(4).toString("hex") }),
    metadata: { tags: ["injected-parameters"] },
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

/** An assignment of a value to a name that exists already, or undefined in a language in which values cannot be written. */
export function assignment(language: string, name: string, value: unknown): string | undefined {
  switch (syntaxOf(language)) {
    case "script":
      return `${name} = ${scriptLiteral(value)};`;
    case "python":
      return `${name} = ${pythonLiteral(value)}`;
    case undefined:
      return undefined;
  }
}

/** How parameters are written in a language, or undefined where it is not known. */
function syntaxOf(language: string): "script" | "python" | undefined {
  return /^(typescript|javascript|ts|js)$/i.test(language)
    ? "script"
    : /^i?python/i.test(language)
      ? "python"
      : undefined;
}

function kindOf(value: unknown): "number" | "boolean" | "string" | "list" | "object" | "null" {
  if (value === null || value === undefined) {
    return "null";
  }
  if (value instanceof SpelledNumber) {
    return "number";
  }
  const type = typeof value;
  return type === "number" || type === "boolean" || type === "string" ? type : Array.isArray(value) ? "list" : "object";
}

function scriptLiteral(value: unknown): string {
  if (value instanceof SpelledNumber) {
    return value.script;
  }
  if (typeof value === "number" && !Number.isFinite(value)) {
    return String(value);
  }
  // JSON is JavaScript, but for two characters in old engines.
  return JSON.stringify(value ?? null)
    .replaceAll("\u2028", "\\u2028")
    .replaceAll("\u2029", "\\u2029");
}

function pythonLiteral(value: unknown): string {
  if (value instanceof SpelledNumber) {
    return value.python;
  }
  switch (typeof value) {
    case "boolean":
      return value ? "True" : "False";
    case "number":
      return Number.isFinite(value)
        ? String(value)
        : `float("${Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf"}")`;
    case "string":
      return JSON.stringify(value);
    case "object":
      if (value === null) {
        return "None";
      }
      return Array.isArray(value)
        ? `[${value.map(pythonLiteral).join(", ")}]`
        : `{${Object.entries(value)
            .map(([key, entry]) => `${JSON.stringify(key)}: ${pythonLiteral(entry)}`)
            .join(", ")}}`;
    default:
      return "None";
  }
}
