/** Points that a person gives: a table to fill in, and back into the results. */
import { ClassroomError } from "../errors.ts";
import { answerTo, type FoundResult, type Result, type TaskResult, withTasks } from "../results/index.ts";
import { type CsvCell, plainCell, writeCsv } from "./csv.ts";
import { rounded } from "./grades.ts";

const columns = ["student", "assignment", "task", "title", "max", "points", "comment", "answer", "earlier"] as const;

/** A line for each task that a person grades, with what the student wrote; points and comments where they were given. */
export function manualTable(found: readonly FoundResult[]): string {
  const rows = found.flatMap(({ result }) =>
    result.tasks
      .filter(isManual)
      .map((task): CsvCell[] => [
        result.student,
        result.assignment,
        task.id,
        task.title,
        rounded(task.maxPoints),
        task.points,
        task.comment,
        answerTo(result, task.id),
        earlierText(task),
      ]),
  );
  return writeCsv([columns, ...rows], { bom: true });
}

/** For whoever grades: that it was graded before, and how. */
function earlierText({ earlier, points }: TaskResult): string | undefined {
  if (earlier === undefined) {
    return undefined;
  }
  const comment = earlier.comment === undefined ? "" : `: ${earlier.comment}`;
  const again = points === null ? "Needs grading again. " : "";
  return `${again}An earlier answer got ${rounded(earlier.points)} of ${rounded(earlier.maxPoints)}${comment}`;
}

function isManual({ kind }: TaskResult): boolean {
  return kind === "manual";
}

/** A result that was changed, and its file. */
export interface GradedByHand {
  readonly path: string;
  readonly result: Result;
}

/**
 * Puts points and comments of a table into results. A line without points leaves them as they are.
 *
 * @param rows The table, its heading first; other columns than `student`, `task`, `points`, `comment` and `assignment` are not looked at.
 * @param path The table's file, for messages.
 * @returns The results that changed.
 * @throws {ClassroomError} Naming each line that does not fit; then none is taken.
 */
export function takeManual(
  found: readonly FoundResult[],
  [head = [], ...rows]: readonly (readonly string[])[],
  path: string,
): GradedByHand[] {
  const at = (name: string) => head.findIndex((each) => each.trim().toLowerCase() === name);
  const missing = ["student", "task", "points"].filter((name) => at(name) < 0);
  if (missing.length > 0) {
    throw new ClassroomError(path, `it has no column ${missing.map((name) => JSON.stringify(name)).join(" and ")}`);
  }
  const problems: string[] = [];
  const changes = new Map<FoundResult, Map<string, Change>>();
  for (const [i, row] of rows.entries()) {
    const cell = (name: string) => plainCell(row[at(name)] ?? "");
    const [student, task, points, comment, assignment] = [
      cell("student"),
      cell("task"),
      cell("points").trim(),
      cell("comment"),
      cell("assignment"),
    ];
    if (points === "" && comment.trim() === "") {
      continue;
    }
    const fault = (what: string) => problems.push(`line ${i + 2} (${student}, ${task}): ${what}`);
    const own = resultsOf(student, found).filter(({ result }) => assignment === "" || result.assignment === assignment);
    const place = own.find(({ result }) => result.tasks.some((each) => each.id === task));
    const known = place?.result.tasks.find((each) => each.id === task);
    const value = points === "" ? null : Number(points.replace(",", "."));
    if (place === undefined || known === undefined) {
      fault("there is no such task in the results of this student");
    } else if (!isManual(known)) {
      fault("a program gives the points of this task");
    } else if (value !== null && !(value >= 0 && value <= known.maxPoints)) {
      fault(`the points are ${JSON.stringify(points)}, expected a number from 0 to ${rounded(known.maxPoints)}`);
    } else {
      const tasks = changes.get(place) ?? new Map<string, Change>();
      changes.set(place, tasks.set(task, { points: value, comment: comment.trim() === "" ? undefined : comment }));
    }
  }
  if (problems.length > 0) {
    throw new ClassroomError(path, problems);
  }
  return [...changes].flatMap(([{ path: file, result }, byTask]) => {
    const tasks = result.tasks.map((task) => graded(task, byTask.get(task.id)));
    // A table has also what was there before.
    return JSON.stringify(tasks) === JSON.stringify(result.tasks)
      ? []
      : [{ path: file, result: withTasks(result, tasks) }];
  });
}

/** The results of a student; of a number that a spreadsheet took its zeros in front from, of the one student who has it with them. */
function resultsOf(student: string, found: readonly FoundResult[]): readonly FoundResult[] {
  const own = found.filter(({ result }) => result.student === student);
  if (own.length > 0 || !/^\d+$/.test(student)) {
    return own;
  }
  const alike = found.filter(({ result }) => result.student.replace(/^0+(?=\d)/, "") === student);
  return new Set(alike.map(({ result }) => result.student)).size === 1 ? alike : [];
}

/** What a line of the table says of a task. */
interface Change {
  readonly points: number | null;
  readonly comment: string | undefined;
}

function graded(task: TaskResult, change: Change | undefined): TaskResult {
  if (change === undefined) {
    return task;
  }
  const { earlier, ...others } = task;
  return {
    ...others,
    points: change.points ?? task.points,
    ...(change.comment !== undefined && { comment: change.comment }),
    // Graded again, what an earlier answer got counts no longer.
    ...(earlier !== undefined && change.points === null && { earlier }),
  };
}
