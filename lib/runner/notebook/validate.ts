/** Checks notebooks against the official schema of their nbformat version. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ErrorObject, ValidateFunction } from "ajv";
import AjvDraft04 from "ajv-draft-04";
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

const validators = new Map<number, ValidateFunction>();

/**
 * Checks a notebook's text.
 *
 * @returns What is wrong with it; none for a valid notebook.
 * @throws NotebookError when it is not JSON.
 */
export function validateNotebook(text: string, path: string): ValidationProblem[] {
  const json = parseJson(text, path) as { nbformat?: unknown; nbformat_minor?: unknown; cells?: unknown } | null;
  const { nbformat, nbformat_minor: minor } = json ?? {};
  if (nbformat !== 4) {
    return [
      { pointer: "/nbformat", message: `expected 4, got ${JSON.stringify(nbformat) ?? "nothing"}`, line: undefined },
    ];
  }
  if (typeof minor !== "number" || !Number.isInteger(minor) || minor < 0) {
    return [
      {
        pointer: "/nbformat_minor",
        message: `expected a whole number, got ${JSON.stringify(minor) ?? "nothing"}`,
        line: undefined,
      },
    ];
  }
  const validate = validatorFor(Math.min(minor, newestMinor));
  const positions = new NotebookPositions(text);
  const errors = validate(json) ? [] : (validate.errors ?? []);
  const telling = errors.filter((error) => isTelling(error, json));
  const problems = (telling.length > 0 ? telling : errors.slice(0, 1)).map((error) => describe(error, positions));
  return [...problems, ...duplicateIds(json?.cells, positions)];
}

function validatorFor(minor: number): ValidateFunction {
  let validate = validators.get(minor);
  if (validate === undefined) {
    const Ajv =
      (AjvDraft04 as unknown as { default?: typeof AjvDraft04.default }).default ??
      (AjvDraft04 as unknown as typeof AjvDraft04.default);
    const ajv = new Ajv({ strict: false, discriminator: false, allErrors: false, logger: false });
    validate = ajv.compile(
      JSON.parse(readFileSync(join(packageFolder(), "schemas", `nbformat.v4.${minor}.schema.json`), "utf8")),
    );
    validators.set(minor, validate);
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

/** A cell or an output is held against every kind that there is: only what its own kind says tells anything. */
function isTelling(error: ErrorObject, json: unknown): boolean {
  if (error.keyword === "oneOf") {
    return false;
  }
  const kind = /definitions\/(?:(raw|markdown|code)_cell|(execute_result|display_data|stream|error))\//.exec(
    error.schemaPath,
  );
  if (kind === null) {
    return true;
  }
  const path = error.instancePath.split("/").slice(1);
  const owner = valueAt(json, path.slice(0, kind[1] === undefined ? 4 : 2)) as
    | { cell_type?: unknown; output_type?: unknown }
    | undefined;
  return kind[1] === undefined ? owner?.output_type === kind[2] : owner?.cell_type === kind[1];
}

function valueAt(json: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((value, key) => (value as Record<string, unknown> | null | undefined)?.[key], json);
}

function describe(error: ErrorObject, positions: NotebookPositions): ValidationProblem {
  const { additionalProperty, missingProperty, allowedValues } = error.params as Record<string, unknown>;
  const detail =
    additionalProperty !== undefined
      ? `has the property "${String(additionalProperty)}", which is not allowed`
      : missingProperty !== undefined
        ? `has no "${String(missingProperty)}"`
        : `${error.message ?? "is not valid"}${Array.isArray(allowedValues) ? `: ${allowedValues.join(", ")}` : ""}`;
  const cell = /^\/cells\/(\d+)/.exec(error.instancePath)?.[1];
  return {
    pointer: error.instancePath || "/",
    message: detail,
    line: cell === undefined ? undefined : positions.cellLine(Number(cell)),
  };
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
