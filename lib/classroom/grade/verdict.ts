/** Points of a cell, from how it ran and from nothing that a student's code could have said. */
import type { Finding, Reason, TaskResult } from "../results/index.ts";
import type { AssignmentCell } from "../source/index.ts";
import { mayShow, pointsFrom, testsNothing } from "../source/points.ts";
import { fieldsOf } from "../values.ts";
import type { Hidden } from "./hidden.ts";
import type { CellRun } from "./session.ts";

/** What is known of a cell with points. */
export interface Tried {
  readonly task: AssignmentCell;
  readonly run: CellRun | undefined;
  /** Whether its kernel has a guard, so that a run without a proof gives nothing. */
  readonly guarded: boolean;
  readonly hidden: Hidden;
  /** Names of the grader's own functions by which tests show grades. */
  readonly helpers: readonly string[];
  /** Whether the answers that it tests are as they were handed out. */
  readonly isUntouched: boolean;
}

export interface Verdict {
  readonly points: number;
  readonly status: TaskResult["status"];
  readonly reasons: readonly Reason[];
  readonly findings: readonly Finding[];
}

/** Errors by which a hole says that it is one. */
export const notDone = /^(?:NotDoneYet|NotImplementedError|NotImplemented)$/;
const assertion = /^(?:AssertionError|AssertionError \[.*\]|.*Assertion.*|ExpectationError)$/;

/**
 * The points of a cell that a program grades. An error gives none; a grade that it showed gives what it says; a plain number as its result
 * gives that, as in nbgrader; the end without an error gives all.
 */
export function judge({ task, run, guarded, hidden, helpers, isUntouched }: Tried): Verdict {
  const none = (
    status: Verdict["status"],
    reasons: readonly Reason[] = [],
    findings: readonly Finding[] = [],
  ): Verdict => ({
    points: 0,
    status,
    reasons,
    findings,
  });
  const failed = (message: string): Reason => ({
    name: task.title,
    passed: false,
    points: 0,
    maxPoints: task.points,
    message: hidden.clean(message),
  });
  const forged = (message: string): Finding => ({ kind: "forged", cell: task.id, message });
  if (testsNothing(task.source)) {
    return none("notRun", [failed("What is tested here is tested after handing in.")]);
  }
  if (run === undefined || run.status === "notRun") {
    return none("notRun", [failed("The tests did not run: the kernel had ended before.")]);
  }
  const shows = mayShow(task.source, helpers);
  const untold = run.shown.length + run.results.length > 0 && !shows;
  const findings = untold ? [forged("A grade was shown while tests ran that show none; it did not count.")] : [];
  const { error } = run;
  if (run.status === "timeout") {
    return none("timeout", [failed(error?.message ?? "Time was up.")], findings);
  }
  if (run.status !== "ok" || error !== undefined) {
    const { name = "Error", message = "" } = error ?? {};
    const status = notDone.test(name) || isUntouched ? "notDone" : assertion.test(name) ? "failed" : "error";
    return none(status, [failed(message === "" ? name : `${name}: ${message}`)], findings);
  }
  if (run.outputs.some(({ output_type: type }) => type === "error")) {
    return none(isUntouched ? "notDone" : "error", [failed("The tests showed an error.")], findings);
  }
  if (guarded && run.proof === undefined) {
    return none(
      "failed",
      [failed("Nothing proves that the tests came to their end.")],
      [
        ...findings,
        forged(
          run.refusal === undefined
            ? "The kernel said that the tests had ended, but they had not."
            : `Nothing could be proven of the tests: ${run.refusal}.`,
        ),
      ],
    );
  }
  if (run.proof !== undefined && run.proof.tampered !== "") {
    findings.push(forged(`While tests ran, or before, this was changed and put back: ${run.proof.tampered}.`));
  }
  const read = pointsFrom({
    source: task.source,
    helpers,
    outputs: run.outputs,
    grades: [...run.results, ...(run.proof?.grades ?? run.shown)],
    count: Math.max(run.proof?.grades.length ?? 0, run.shown.length) + run.results.length,
  });
  switch (read.from) {
    case "several":
      return none(
        "failed",
        [
          failed(
            `${read.count === 1 ? "Another grade than the tests'" : "More than one grade"} was shown, so that none counts.`,
          ),
        ],
        [
          ...findings,
          forged(
            read.count === 1
              ? "A grade was shown while the tests ran that is not theirs."
              : `${read.count} grades were shown while the tests ran; expected one.`,
          ),
        ],
      );
    case "grade":
      return graded(task, read.grade, hidden, findings);
    case "number":
      return !(read.points <= task.points + 1e-9)
        ? none(
            "failed",
            [
              failed(
                Number.isNaN(read.points)
                  ? `The tests gave NaN points; expected a number from 0 to ${task.points}.`
                  : `The tests gave ${read.points} points, more than the ${task.points} that there are.`,
              ),
            ],
            findings,
          )
        : { points: read.points, status: statusOf(read.points, task.points), reasons: [], findings };
    case "end":
      return { points: task.points, status: "passed", reasons: [], findings };
  }
}

function graded(task: AssignmentCell, grade: unknown, hidden: Hidden, findings: readonly Finding[]): Verdict {
  const { points, reasons } = fieldsOf(grade);
  if (typeof points !== "number" || !(points >= 0) || points > task.points + 1e-9) {
    const message = `The tests gave ${JSON.stringify(points) ?? "no"} points; expected a number from 0 to ${task.points}.`;
    const reason = { name: task.title, passed: false, points: 0, maxPoints: task.points, message };
    return { points: 0, status: "error", reasons: [reason], findings };
  }
  const isFull = points >= task.points;
  const given = Array.isArray(reasons) ? reasons.slice(0, 200).map((each) => asReason(each, isFull, hidden)) : [];
  return { points: Math.min(points, task.points), status: statusOf(points, task.points), reasons: given, findings };
}

function asReason(value: unknown, isFull: boolean, hidden: Hidden): Reason {
  if (typeof value !== "object" || value === null) {
    return { name: hidden.clean(String(value)), passed: isFull, points: 0, maxPoints: 0 };
  }
  const { name, passed, points, maxPoints, message, got, expected } = fieldsOf(value);
  const text = (each: unknown) => hidden.clean(String(each)).slice(0, 2000);
  return {
    name: text(name ?? "check"),
    passed: passed === true,
    points: typeof points === "number" ? points : 0,
    maxPoints: typeof maxPoints === "number" ? maxPoints : 0,
    ...(message !== undefined && message !== null && { message: text(message) }),
    ...(got !== undefined && got !== null && { got: text(got) }),
    ...(expected !== undefined && expected !== null && { expected: text(expected) }),
  };
}

function statusOf(points: number, most: number): Verdict["status"] {
  return points >= most ? "passed" : points > 0 ? "partly" : "failed";
}
