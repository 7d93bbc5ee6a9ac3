/** `grade`: runs the checks of a task, and gives its points with the reasons. */
import type { Graded, Reason } from "../results/index.ts";
import { gradeHtml } from "./grade-view.ts";
import { cellOf, failureOf } from "./reason.ts";

/** Fails by throwing, or by giving `false`. */
export type CheckBody = () => unknown;

/** A check with a weight beside others' 1. */
export interface WeightedCheck {
  readonly weight: number;
  readonly run: CheckBody;
}

/** The media type by which a cell shows a grade. */
export const gradeType = "application/x-convbook-grade+json";

/**
 * Points with their reasons, as a cell's result: for convbook the media type {@link gradeType}, for nbgrader the plain number, for students a
 * table.
 */
export class Grade implements Graded {
  readonly points: number;
  readonly maxPoints: number;
  readonly reasons: readonly Reason[];

  constructor(points: number, maxPoints: number, reasons: readonly Reason[]) {
    this.points = points;
    this.maxPoints = maxPoints;
    this.reasons = Object.freeze(reasons);
    const bundle = {
      [gradeType]: { points, maxPoints, reasons },
      "text/html": gradeHtml(this),
      "text/plain": String(points),
    };
    // Its own, so that nothing that is done to prototypes comes between.
    Object.defineProperty(this, Symbol.for("Jupyter.display"), { value: () => bundle });
    Object.freeze(this);
  }
}

/**
 * Runs checks one after another and gives each its share of the points. All are run, whatever fails.
 *
 * Its value has to be the cell's result, that is its last expression: nbgrader and `convbook class grade` take the points from there.
 *
 * @param points The points of the task.
 * @param checks By the name that students read: what fails by throwing or by giving `false`. The shares are equal, or as the weights say.
 * @returns The grade.
 * @throws {RangeError} Where points or weights are no numbers that make sense, or there is no check.
 * @example
 * await grade(4, {
 *   "keeps the shape": () => expectTensor(block.forward(x)).toHaveShape([2, 8, 8, 16]),
 *   "adds its input": { weight: 3, run: () => expectTensor(block.forward(zeros)).toBeClose(zeros) },
 * });
 */
export async function grade(
  points: number,
  checks: Readonly<Record<string, CheckBody | WeightedCheck>>,
): Promise<Grade> {
  const test = cellOf(String(new Error().stack));
  const entries = Object.entries(checks).map(([name, check]) => ({
    name,
    ...(typeof check === "function" ? { weight: 1, run: check } : check),
  }));
  if (!(points >= 0) || !Number.isFinite(points)) {
    throw new RangeError(`grade: points must be a number of at least 0, got ${points}`);
  }
  const weights = entries.reduce((sum, { weight }) => sum + weight, 0);
  if (entries.length === 0 || !entries.every(({ weight }) => weight >= 0 && Number.isFinite(weight)) || weights === 0) {
    throw new RangeError("grade: there must be a check whose weight is above 0, and none below");
  }
  const reasons: Reason[] = [];
  let earned = 0;
  for (const { name, weight, run } of entries) {
    const failure = await failureIn(run, test);
    const maxPoints = rounded((points * weight) / weights);
    earned += failure === undefined ? weight : 0;
    reasons.push(
      Object.freeze({
        name,
        passed: failure === undefined,
        points: failure === undefined ? maxPoints : 0,
        maxPoints,
        ...failure,
      }),
    );
  }
  return new Grade(rounded((points * earned) / weights), points, reasons);
}

async function failureIn(run: CheckBody, test: string | undefined): Promise<ReturnType<typeof failureOf> | undefined> {
  try {
    return (await run()) === false ? { message: "This does not hold" } : undefined;
  } catch (error) {
    return failureOf(error, test);
  }
}

/** To a ten-thousandth: a third of a point is no endless number in a table. */
function rounded(points: number): number {
  return Math.round(points * 10_000) / 10_000;
}
