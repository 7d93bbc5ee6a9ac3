/** Checks notebooks against the official schema of their nbformat version. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ErrorObject, ValidateFunction } from "ajv";
import AjvDraft04 from "ajv-draft-04";
import { asObject } from "../objects.ts";
import { NotebookPositions } from "./positions.ts";
import { parseJson } from "./read.ts";

export interface ValidationProblem {
  /** Where in the JSON, such as `/cells/3/outputs/0`. */
  readonly pointer: string;
  readonly message: string;
  /** Line in the file, where it is known. */
  readonly line: number | undefined;
}

/** The newest minor version of nbformat 4 whose schema is known. */
export const newestMinor = 5;

type Part =
  | "notebook"
  | "raw_cell"
  | "markdown_cell"
  | "code_cell"
  | "execute_result"
  | "display_data"
  | "stream"
  | "error";

/** What is used of the class that the package exports. */
type SchemasClass = new (options: { strict: boolean; allErrors: boolean; logger: false }) => Schemas;
interface Schemas {
  addSchema(schema: object, name: string): Schemas;
  getSchema(name: string): ValidateFunction | undefined;
}

const validators = new Map<string, ValidateFunction>();

/**
 * Checks a notebook's text.
 *
 * @returns What is wrong with it; none for a valid notebook.
 * @throws NotebookError when it is not JSON.
 */
export function validateNotebook(text: string, path: string): ValidationProblem[] {
  const json = asObject(parseJson(text, path));
  const { nbformat, nbformat_minor: minor, cells } = json;
  if (nbformat !== 4) {
    return [
      { pointer: "/nbformat", message: `expected 4, got ${JSON.stringify(nbformat) ?? "nothing"}`, line: undefined },
    ];
  }
  if (typeof minor !== "number" || !Number.isInteger(minor) || minor < 0) {
    const message = `expected a whole number, got ${JSON.stringify(minor) ?? "nothing"}`;
    return [{ pointer: "/nbformat_minor", message, line: undefined }];
  }
  const positions = new NotebookPositions(text);
  const check = (part: Part, value: unknown, pointer: string, line?: number): ValidationProblem[] => {
    const validate = validatorFor(Math.min(minor, newestMinor), part);
    return validate(value)
      ? []
      : (validate.errors ?? []).map((error) => ({
          pointer: pointer + error.instancePath || "/",
          message: inWords(error),
          line,
        }));
  };
  // Each cell and output is held against its own kind: against all kinds at once nobody could tell what is meant.
  const problems = check("notebook", Array.isArray(cells) ? { ...json, cells: [] } : json, "");
  for (const [index, cell] of (Array.isArray(cells) ? cells : []).entries()) {
    const line = positions.cellLine(index);
    const pointer = `/cells/${index}`;
    const { cell_type: kind, outputs } = asObject(cell);
    if (kind !== "code" && kind !== "markdown" && kind !== "raw") {
      problems.push({
        pointer: `${pointer}/cell_type`,
        message: `expected code, markdown or raw, got ${JSON.stringify(kind) ?? "nothing"}`,
        line,
      });
      continue;
    }
    const hasOutputs = kind === "code" && Array.isArray(outputs);
    problems.push(...check(`${kind}_cell`, hasOutputs ? { ...asObject(cell), outputs: [] } : cell, pointer, line));
    for (const [number, output] of (hasOutputs ? outputs : []).entries()) {
      const type = asObject(output).output_type;
      if (type === "execute_result" || type === "display_data" || type === "stream" || type === "error") {
        problems.push(...check(type, output, `${pointer}/outputs/${number}`, line));
      } else {
        problems.push({
          pointer: `${pointer}/outputs/${number}/output_type`,
          message: `is not a kind of output: ${JSON.stringify(type) ?? "nothing"}`,
          line,
        });
      }
    }
  }
  return [...problems, ...duplicateIds(cells, positions)];
}

function validatorFor(minor: number, part: Part): ValidateFunction {
  const key = `${minor} ${part}`;
  let validate = validators.get(key);
  if (validate === undefined) {
    const schema = JSON.parse(
      readFileSync(join(packageFolder(), "schemas", `nbformat.v4.${minor}.schema.json`), "utf8"),
    );
    // The package is CommonJS: imported from an ES module, its class is one level down. By bundlers' rules, as in a cell, its types say that it is not.
    const imported: unknown = AjvDraft04;
    const Ajv = (imported as { default?: SchemasClass }).default ?? (imported as SchemasClass);
    const ajv = new Ajv({ strict: false, allErrors: true, logger: false }).addSchema(schema, "nbformat");
    validate = ajv.getSchema(part === "notebook" ? "nbformat" : `nbformat#/definitions/${part}`) as ValidateFunction;
    validators.set(key, validate);
  }
  return validate;
}

/** The package's folder, from its sources and from dist alike. */
function packageFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, "schemas")) && dirname(folder) !== folder) {
    folder = dirname(folder);
  }
  return folder;
}

function inWords(error: ErrorObject): string {
  const { additionalProperty, missingProperty, allowedValues } = error.params as Record<string, unknown>;
  if (additionalProperty !== undefined) {
    return `has the property "${String(additionalProperty)}", which is not allowed`;
  }
  if (missingProperty !== undefined) {
    return `has no "${String(missingProperty)}"`;
  }
  return `${error.message ?? "is not valid"}${Array.isArray(allowedValues) ? `: ${allowedValues.join(", ")}` : ""}`;
}

function duplicateIds(cells: unknown, positions: NotebookPositions): ValidationProblem[] {
  const seen = new Map<unknown, number>();
  const problems: ValidationProblem[] = [];
  for (const [index, cell] of (Array.isArray(cells) ? cells : []).entries()) {
    const id = (cell as { id?: unknown } | null)?.id;
    if (id !== undefined && seen.has(id)) {
      problems.push({
        pointer: `/cells/${index}/id`,
        message: `"${String(id)}" is also the id of cell ${(seen.get(id) ?? 0) + 1}`,
        line: positions.cellLine(index),
      });
    }
    seen.set(id, index);
  }
  return problems;
}
