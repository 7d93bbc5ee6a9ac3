/** The grades of a class as a table, from which each format takes what it has a place for. */
import { ClassroomError } from "../errors.ts";
import type { FoundResult, Result, TaskResult } from "../results/index.ts";
import { firstLine } from "../values.ts";

/** A question, as all results together have it. */
export interface Question {
  readonly assignment: string;
  readonly id: string;
  readonly title: string;
  readonly maxPoints: number;
}

export interface StudentGrades {
  readonly student: string;
  /** By assignment. */
  readonly results: ReadonlyMap<string, Result>;
}

export interface Grades {
  readonly assignments: readonly { readonly name: string; readonly maxPoints: number }[];
  readonly questions: readonly Question[];
  readonly students: readonly StudentGrades[];
}

/**
 * The grades of these results.
 *
 * @throws {ClassroomError} Where a student has two results of one assignment.
 */
export function gradesOf(found: readonly FoundResult[]): Grades {
  const students = new Map<string, Map<string, Result>>();
  const assignments = new Map<string, number>();
  const questions = new Map<string, Question>();
  const paths = new Map<string, string>();
  for (const { path, result } of found) {
    const { assignment, student, maxPoints, tasks } = result;
    const key = JSON.stringify([student, assignment]);
    const other = paths.get(key);
    if (other !== undefined) {
      throw new ClassroomError(
        path,
        `this is a second result of ${JSON.stringify(student)} for ${JSON.stringify(assignment)}; the first is ${other}`,
      );
    }
    paths.set(key, path);
    const own = students.get(student) ?? new Map<string, Result>();
    students.set(student, own.set(assignment, result));
    // A submission that could not be read has no tasks; the others say what there was to get.
    assignments.set(assignment, Math.max(maxPoints, assignments.get(assignment) ?? 0));
    for (const task of tasks) {
      const id = JSON.stringify([assignment, task.id]);
      questions.set(id, questions.get(id) ?? questionOf(assignment, task));
    }
  }
  return {
    assignments: [...assignments].map(([name, maxPoints]) => ({ name, maxPoints })),
    questions: [...questions.values()],
    students: [...students].map(([student, results]) => ({ student, results })),
  };
}

function questionOf(assignment: string, { id, title, maxPoints }: TaskResult): Question {
  return { assignment, id, title, maxPoints };
}

/** The points of a question; `null` where there are none yet, or no such task. */
export function pointsOf({ results }: StudentGrades, { assignment, id }: Question): number | null {
  const points = results.get(assignment)?.tasks.find((task) => task.id === id)?.points;
  return points === undefined || points === null ? null : rounded(points);
}

/** Whether an assignment's points are final: nothing is to be given by a person, and the grading came to its end. */
export function isFinal(result: Result): boolean {
  return result.status === "graded" && result.tasks.every(({ points }) => points !== null);
}

/** Without the digits that sums of thirds leave. */
export function rounded(points: number): number {
  return Math.round(points * 10_000) / 10_000;
}

/** Headings that are all different: titles, with the question's id where two are the same. */
export function headingsOf({ assignments, questions }: Grades): string[] {
  const named = questions.map(({ assignment, title }) => (assignments.length > 1 ? `${assignment}: ${title}` : title));
  return named.map((name, i) =>
    named.indexOf(name) === named.lastIndexOf(name) ? name : `${name} [${questions[i]?.id}]`,
  );
}

/** What students read of the findings: what follows a first line is for whoever grades, as in the page of feedback. */
export function toldFindings({ findings }: Pick<Result, "findings">): string[] {
  return findings.map(({ message }) => firstLine(message));
}

/** What the checks and a person say of a result, as lines of text for the student. */
export function summaryOf(result: Result): string {
  const { tasks } = result;
  const lines = tasks.flatMap(({ title, points, maxPoints, reasons, comment }) => [
    `${title}: ${points === null ? "not graded yet" : rounded(points)} of ${rounded(maxPoints)}`,
    ...reasons
      .filter(({ passed }) => !passed)
      .map(({ name, message, got, expected }) =>
        [
          `- ${name}`,
          message === undefined ? "" : `: ${message}`,
          got === undefined ? "" : ` (got ${got}${expected === undefined ? "" : `, expected ${expected}`})`,
        ].join(""),
      ),
    ...(comment === undefined || comment.trim() === "" ? [] : [comment.trim()]),
  ]);
  return [...lines, ...toldFindings(result)].join("\n");
}
