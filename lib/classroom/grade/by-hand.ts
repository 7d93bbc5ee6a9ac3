/** Points that a person gave stay when a student hands in again, or is graded again, as long as the answer is the one that they were given for. */
import {
  answerTo,
  type EarlierPoints,
  type Finding,
  type Result,
  rounded,
  type TaskResult,
  withTasks,
} from "../results/index.ts";
import { same } from "./match.ts";

/**
 * A result with the points and comments by hand of the one before.
 *
 * @param result As it was just graded: without any.
 * @param before The same student's, of the same assignment.
 * @returns The result. Each answer that has changed since needs grading again: its task keeps what the earlier one got, and a finding tells it.
 */
export function keptByHand(result: Result, before: Result): Result {
  const findings: Finding[] = [];
  const tasks = result.tasks.map((task): TaskResult => {
    const past = before.tasks.find(({ id, kind }) => id === task.id && kind === "manual");
    const given = past === undefined ? undefined : givenBefore(past, before);
    if (task.kind !== "manual" || past === undefined || given === undefined) {
      return task;
    }
    const { points, maxPoints, comment, answer } = given;
    if (points <= task.maxPoints && isSame(answerTo(result, task.id), answer)) {
      // Whether it ran this time is nothing to what a person thinks of it.
      return { ...task, status: "manual", reasons: [], points, ...(comment !== undefined && { comment }) };
    }
    const gave = `person gave ${rounded(points)} of ${rounded(maxPoints)} points for an earlier answer`;
    const message =
      task.points === null
        ? `Needs grading again: a ${gave}, and it is another one now.`
        : `A ${gave}; there is none now.`;
    findings.push({ kind: "changed", cell: task.id, message });
    return { ...task, earlier: given };
  });
  return { ...withTasks(result, tasks), findings: [...result.findings, ...findings] };
}

/** What a person gave, for this answer or for one before it. A program's zero for an answer that was not there is none. */
function givenBefore(
  { id, points, maxPoints, comment, status, earlier }: TaskResult,
  before: Result,
): EarlierPoints | undefined {
  if (points === null || (status !== "manual" && points === 0 && comment === undefined)) {
    return earlier;
  }
  const answer = answerTo(before, id);
  return { points, maxPoints, ...(comment !== undefined && { comment }), ...(answer !== undefined && { answer }) };
}

function isSame(a: string | undefined, b: string | undefined): boolean {
  return a === b || same(a ?? "", b ?? "");
}
