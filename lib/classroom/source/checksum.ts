/** The checksum by which nbgrader tells whether a student changed a cell. */
import { createHash } from "node:crypto";
import type { Cell } from "nbconvert-ts-runner";
import type { NbgraderMetadata } from "./metadata.ts";

/**
 * nbgrader's checksum of a cell: MD5 over source, type, role, id and points, in Python's spelling.
 *
 * @param source The cell's text.
 * @param cellType Its type.
 * @param metadata What it is graded by; the stored checksum does not count.
 */
export function checksum(source: string, cellType: Cell["cell_type"], metadata: NbgraderMetadata): string {
  const hash = createHash("md5")
    .update(source)
    .update(cellType)
    .update(pythonBoolean(metadata.grade))
    .update(pythonBoolean(metadata.solution))
    .update(pythonBoolean(isLocked(metadata)))
    .update(metadata.grade_id ?? "");
  if (metadata.grade) {
    hash.update(pythonFloat(metadata.points ?? 0));
  }
  return hash.digest("hex");
}

/** Whether nbgrader puts the cell's text back before it grades: all that gives points or is read-only, but what students answer in. */
export function isLocked(metadata: NbgraderMetadata): boolean {
  return !metadata.solution && (metadata.grade || metadata.locked);
}

function pythonBoolean(value: boolean): string {
  return value ? "True" : "False";
}

/** A number as Python's `str(float(x))` has it: the same digits as JavaScript's, but for exponents and ".0". */
export function pythonFloat(value: number): string {
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e16)) {
    return value.toExponential().replace(/e([+-])(\d)$/, "e$10$2");
  }
  return Number.isInteger(value) ? `${value}.0` : String(value);
}
