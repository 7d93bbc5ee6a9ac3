/** The points that an executed cell gives, by what it shows. */
import type { CodeCell, Output } from "nbconvert-ts-runner";
import { fieldsOf } from "../values.ts";

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
  const shown = shownGrade(cell);
  const points =
    (shown === undefined ? undefined : Number(shown.points)) ??
    cell.outputs.map(resultNumber).find((value) => value !== undefined) ??
    maxPoints;
  if (!(points >= 0 && points <= maxPoints)) {
    return { points: 0, why: `it gave ${points} points; expected 0 to ${maxPoints}` };
  }
  if (points === maxPoints) {
    return { points, why: undefined };
  }
  const most = shown?.maxPoints;
  if (points === most) {
    return { points, why: `its grade is one of ${most} points; expected the cell's ${maxPoints}` };
  }
  const failed = reasonsIn(cell).filter(({ passed }) => !passed);
  const told = failed.map(({ name, message }) => `"${name}"${message === undefined ? "" : `: ${message}`}`);
  return {
    points,
    why: told.length > 0 ? told.join("; ") : `it gave ${points === 1 ? "1 point" : `${points} points`}`,
  };
}

/** What a cell says of its checks, as far as it says anything. */
export function reasonsIn(cell: CodeCell): { name: string; passed: boolean; message: string | undefined }[] {
  const reasons = shownGrade(cell)?.reasons;
  return (Array.isArray(reasons) ? reasons : []).flatMap((each) => {
    const { name, passed, message } = fieldsOf(each);
    const isReason = typeof name === "string" && typeof passed === "boolean";
    return isReason ? [{ name, passed, message: typeof message === "string" ? message : undefined }] : [];
  });
}

/** The last grade that a cell showed. */
function shownGrade({ outputs }: CodeCell): Readonly<Record<string, unknown>> | undefined {
  return outputs.map(gradeIn).findLast((grade) => grade !== undefined);
}

function gradeIn(output: Output): Readonly<Record<string, unknown>> | undefined {
  const data = output.output_type === "display_data" || output.output_type === "execute_result" ? output.data : {};
  const grade = fieldsOf(data[gradeType]);
  return "points" in grade ? grade : undefined;
}

function resultNumber(output: Output): number | undefined {
  if (output.output_type !== "execute_result") {
    return undefined;
  }
  const text = output.data["text/plain"];
  const plain = (Array.isArray(text) ? text.join("") : String(text ?? "")).trim();
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(plain) ? Number(plain) : undefined;
}
