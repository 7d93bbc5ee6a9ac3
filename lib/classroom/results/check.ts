/** Checks results against the schema of their version, wherever they are read. */
import { readFileSync } from "node:fs";
import { basename, dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import { ClassroomError } from "../errors.ts";
import { fieldsOf } from "../values.ts";
import type { Result } from "./result.ts";

let validate: ValidateFunction<Result> | undefined;

/**
 * A value as a result.
 *
 * @param value What was read from a `result.json`.
 * @param path The file, for messages.
 * @throws ClassroomError where it is of a newer version, or not what the schema says.
 */
export function checkedResult(value: unknown, path: string): Result {
  const version = fieldsOf(value).version;
  if (version !== 1) {
    throw new ClassroomError(path, `is a result of version ${JSON.stringify(version) ?? "unknown"}; expected 1`);
  }
  validate ??= new Ajv2020({ allErrors: false, allowUnionTypes: true }).compile<Result>(
    JSON.parse(readFileSync(schemaPath(), "utf8")),
  );
  if (!validate(value)) {
    const [error] = validate.errors ?? [];
    throw new ClassroomError(
      path,
      `is no result: ${error?.instancePath || "the whole"} ${error?.message ?? "is not as the schema says"}`,
    );
  }
  return value;
}

/** The schema of results. */
function schemaPath(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  const root = basename(dirname(here)) === "dist" ? "../.." : "..";
  return fileURLToPath(new URL(`${root}/schemas/result.v1.schema.json`, import.meta.url));
}
