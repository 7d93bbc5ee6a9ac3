/** The points that an executed cell with tests gives, by what it shows: the same when an assignment is made and when it is graded. */
import { stripVTControlCharacters } from "node:util";
import { type CodeCell, joinLines, type Output } from "nbconvert-ts-runner";
import { fieldsOf } from "../values.ts";
import type { AssignmentCell } from "./cells.ts";

/** The type by which a cell shows points and reasons. */
export const gradeType = "application/x-convbook-grade+json";

/** What a cell with tests showed, and what its text may show. */
export interface Showed {
  /** Its text. */
  readonly source: string;
  /** Names of the grader's own functions by which tests show grades. */
  readonly helpers: readonly string[];
  readonly outputs: readonly Output[];
  /** Grades that were displayed or were its result; the values of {@link gradeType}. */
  readonly grades: readonly unknown[];
  /** How many there were, where more were shown than are told of. */
  readonly count?: number;
}

/** What the points of a cell that came to its end are read from. */
export type PointsFrom =
  | { readonly from: "grade"; readonly grade: unknown }
  /** It showed more than one, or one that is not told of, so that none counts. */
  | { readonly from: "several"; readonly count: number }
  /** A plain number as its result, nbgrader's way to give a part of the points. */
  | { readonly from: "number"; readonly points: number }
  /** It came to its end: all points. */
  | { readonly from: "end" };

/** What a cell's points are read from. A grade counts where its text can show one, and before a number; a number below 0 is none, as in nbgrader. */
export function pointsFrom({ source, helpers, outputs, grades, count = grades.length }: Showed): PointsFrom {
  if (mayShow(source, helpers) && count > 0) {
    return count > 1 || grades.length !== 1 ? { from: "several", count } : { from: "grade", grade: grades[0] };
  }
  const points = resultNumber(outputs);
  return points === undefined ? { from: "end" } : { from: "number", points };
}

/** Whether a cell's own text can show a grade: it names the media type, or calls what shows it. */
export function mayShow(source: string, helpers: readonly string[] = []): boolean {
  return (
    source.includes(gradeType) ||
    /\bgrade\s*\(|\bGrade\b/.test(source) ||
    helpers.some((name) => source.includes(`${name}(`))
  );
}

/** Names of functions of an assignment's own cells by which its tests show grades. */
export function gradeHelpers(cells: readonly Pick<AssignmentCell, "role" | "source">[]): string[] {
  return cells
    .filter(({ role, source }) => role === "readonly" && mayShow(source))
    .flatMap(({ source }) => functionNames(source));
}

/** Functions that a cell declares, of TypeScript or Python. */
function functionNames(source: string): string[] {
  return [...source.matchAll(/^(?:export\s+)?(?:async\s+)?(?:function\*?|def|const)\s+([\w$]+)/gm)].map(
    ([, name]) => name as string,
  );
}

/** Whether a cell with tests has none as it stands: they come when it is graded. */
export function testsNothing(source: string): boolean {
  return source.split("\n").every((line) => /^\s*(?:\/\/.*|#.*)?$/.test(line));
}

/** The cell's result, where it is a single number. */
function resultNumber(outputs: readonly Output[]): number | undefined {
  for (const output of outputs) {
    if (output.output_type === "execute_result") {
      const text = stripVTControlCharacters(joinLines(output.data["text/plain"])).trim();
      const number = Number(text);
      // What is computed of a student's numbers can be none.
      return text === "NaN" || (text !== "" && number >= 0) ? number : undefined;
    }
  }
  return undefined;
}

/** What a cell with tests says of its points. */
export interface CellPoints {
  readonly points: number;
  /** Why they are not all, in a few words; undefined where they are. */
  readonly why: string | undefined;
}

/**
 * The points of a cell with tests that was executed, as grading counts them.
 *
 * @param cell As it was executed.
 * @param source Its text, as the assignment has it.
 * @param maxPoints What it can give.
 * @param helpers As {@link gradeHelpers} finds them.
 */
export function cellPoints(
  { outputs }: CodeCell,
  source: string,
  maxPoints: number,
  helpers: readonly string[],
): CellPoints {
  const none = (why: string): CellPoints => ({ points: 0, why });
  if (testsNothing(source)) {
    return none("it tests nothing");
  }
  const error = outputs.find((output) => output.output_type === "error");
  if (error?.output_type === "error") {
    return none(`${error.ename}: ${error.evalue}`);
  }
  const read = pointsFrom({ source, helpers, outputs, grades: outputs.flatMap(gradesIn) });
  switch (read.from) {
    case "several":
      return none(`it shows ${read.count} grades; expected one`);
    case "end":
      return { points: maxPoints, why: undefined };
    case "number":
      return toldPoints(read.points, maxPoints, {});
    case "grade": {
      const grade = fieldsOf(read.grade);
      return typeof grade.points === "number"
        ? toldPoints(grade.points, maxPoints, grade)
        : none(`its grade gives ${JSON.stringify(grade.points) ?? "no"} points; expected a number`);
    }
  }
}

function toldPoints(points: number, maxPoints: number, grade: Readonly<Record<string, unknown>>): CellPoints {
  if (!(points >= 0 && points <= maxPoints + 1e-9)) {
    return { points: 0, why: `it gave ${points} points; expected 0 to ${maxPoints}` };
  }
  if (points >= maxPoints) {
    return { points: maxPoints, why: undefined };
  }
  const { maxPoints: most } = grade;
  if (points === most) {
    return { points, why: `its grade is one of ${most} points; expected the cell's ${maxPoints}` };
  }
  const told = reasonsOf(grade)
    .filter(({ passed }) => !passed)
    .map(({ name, message }) => `"${name}"${message === undefined ? "" : `: ${message}`}`);
  return {
    points,
    why: told.length > 0 ? told.join("; ") : `it gave ${points === 1 ? "1 point" : `${points} points`}`,
  };
}

interface ToldReason {
  readonly name: string;
  readonly passed: boolean;
  readonly message: string | undefined;
}

/** What a cell says of its checks, as far as it says anything. */
export function reasonsIn({ outputs }: CodeCell): ToldReason[] {
  return outputs.flatMap(gradesIn).flatMap((grade) => reasonsOf(fieldsOf(grade)));
}

function reasonsOf({ reasons }: Readonly<Record<string, unknown>>): ToldReason[] {
  return (Array.isArray(reasons) ? reasons : []).flatMap((each) => {
    const { name, passed, message } = fieldsOf(each);
    const isReason = typeof name === "string" && typeof passed === "boolean";
    return isReason ? [{ name, passed, message: typeof message === "string" ? message : undefined }] : [];
  });
}

function gradesIn(output: Output): unknown[] {
  const isShown = output.output_type === "display_data" || output.output_type === "execute_result";
  return isShown && gradeType in output.data ? [output.data[gradeType]] : [];
}
