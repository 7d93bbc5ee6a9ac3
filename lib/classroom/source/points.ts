/** The points that an executed cell gives, by what it shows. */
import type { CodeCell, Output } from "nbconvert-ts-runner";

/** What a cell with tests says of its points. */
export interface CellPoints {
  readonly points: number;
  /** Why they are not all, in a few words; undefined where they are. */
  readonly why: string | undefined;
}

/** The type by which a cell shows points and reasons. */
export const gradeType = "application/x-convbook-grade+json";

/**
 * The points of a cell with tests, as nbgrader counts them: none where it shows an error or writes to standard error, the number that is its
 * result, else all. What it shows as {@link gradeType} counts before a number.
 *
 * @param cell As it was executed.
 * @param maxPoints What it can give.
 */
export function cellPoints(cell: CodeCell, maxPoints: number): CellPoints {
  const error = cell.outputs.find((output) => output.output_type === "error");
  if (error?.output_type === "error") {
    return { points: 0, why: `${error.ename}: ${error.evalue}` };
  }
  if (cell.outputs.some((output) => output.output_type === "stream" && output.name === "stderr")) {
    return { points: 0, why: "it wrote to standard error" };
  }
  const shown = cell.outputs.map(shownPoints).findLast((points) => points !== undefined);
  const points = shown ?? cell.outputs.map(resultNumber).find((value) => value !== undefined) ?? maxPoints;
  if (!(points >= 0 && points <= maxPoints)) {
    return { points: 0, why: `it gave ${points} points; expected 0 to ${maxPoints}` };
  }
  return { points, why: points < maxPoints ? `it gave ${points} points` : undefined };
}

function shownPoints(output: Output): number | undefined {
  const data = output.output_type === "display_data" || output.output_type === "execute_result" ? output.data : {};
  const grade = data[gradeType];
  return typeof grade === "object" && grade !== null && "points" in grade ? Number(grade.points) : undefined;
}

function resultNumber(output: Output): number | undefined {
  if (output.output_type !== "execute_result") {
    return undefined;
  }
  const text = output.data["text/plain"];
  const plain = (Array.isArray(text) ? text.join("") : String(text ?? "")).trim();
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(plain) ? Number(plain) : undefined;
}
