/** Points that a person gave stay when a submission is graded again, as long as the answer is the one that they were given for. */
import { type Finding, type Result, type TaskResult, withTasks } from "../results/index.ts";

/**
 * A result with the points and comments by hand of the one before.
 *
 * @param result As it was just graded: without any.
 * @param before The same student's, of the same assignment.
 * @returns The result; for each answer that has changed since a finding that tells the points that it had.
 */
export function keptByHand(result: Result, before: Result): Result {
  const findings: Finding[] = [];
  const answer = ({ answers = [] }: Result, id: string) => answers.find(({ cell }) => cell === id)?.source;
  const tasks = result.tasks.map((task): TaskResult => {
    const given = before.tasks.find(({ id, kind, points }) => id === task.id && kind === "manual" && points !== null);
    if (task.kind !== "manual" || given?.points == null) {
      return task;
    }
    if (task.points !== null || answer(result, task.id) !== answer(before, task.id) || given.points > task.maxPoints) {
      const message = `A person gave ${given.points} of ${given.maxPoints} points for an earlier answer; it is another one now.`;
      findings.push({ kind: "changed", cell: task.id, message });
      return task;
    }
    return { ...task, points: given.points, ...(given.comment !== undefined && { comment: given.comment }) };
  });
  return { ...withTasks(result, tasks), findings: [...result.findings, ...findings] };
}
