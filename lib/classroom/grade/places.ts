/** The folders that grading gets, each of which could be mistaken for another. */
import { join, resolve } from "node:path";
import { ClassroomError } from "../errors.ts";
import {
  type Assignment,
  described,
  isWithin,
  kindOf,
  type MadeFor,
  markOf,
  markOfFile,
  notebooksIn,
  outputFolder,
  refuse,
  sharedIds,
} from "../source/index.ts";

/** What is graded with what, and where the results go. */
export interface Places {
  readonly submissions: string;
  /** A folder or a notebook. */
  readonly grader: string;
  /** What students got, where it was named. */
  readonly student: string | undefined;
  readonly out: string;
}

/**
 * Looks at the folders before anything is read from them.
 *
 * @throws ClassroomError which names the one that is none of its kind, and what was expected.
 */
export function checkPlaces({ submissions, grader, student, out }: Places): void {
  const part = kindOf(grader) === "made" ? `, ${join(grader, "grader")}` : "";
  refuse(grader, ["empty", "made", "student", "solution", "results", "submissions"], `the grader's folder${part}`);
  expectFor(grader, "grader", "the grader's notebook");
  if (student !== undefined) {
    const own = kindOf(student) === "made" ? `, ${join(student, "student")}` : "";
    refuse(
      student,
      ["nothing", "empty", "made", "solution", "grader", "results", "submissions"],
      `what students got${own}`,
    );
    expectFor(student, "student", "the notebook that students got");
  }
  refuse(submissions, ["made", "results", "source"], "a folder with a folder or a notebook for each student");
  if (kindOf(submissions) === "grader" || markOfFile(submissions)?.madeFor === "grader") {
    throw new ClassroomError(submissions, `${described.grader}; expected what students handed in`);
  }
  outputFolder(out);
  apart(out, submissions, "results are to be written", "the submissions");
  apart(out, folderOf(grader), "results are to be written", "the grader's folder");
  apart(folderOf(grader), submissions, "the grader is", "the submissions");
  apart(submissions, folderOf(grader), "submissions are", "the grader's folder");
}

/**
 * Looks at the folder of submissions, once it is known what is graded.
 *
 * @throws ClassroomError where it is one student's folder, or what students got.
 */
export function checkClass(submissions: string, { notebooks }: Assignment): void {
  const own = notebooksIn(submissions).find((file) => notebooks.some(({ name }) => `${name}.ipynb` === file));
  if (own !== undefined) {
    const what = kindOf(submissions);
    const told = what === "student" || what === "solution" ? `${described[what]}: it ` : "";
    throw new ClassroomError(
      submissions,
      `${told}has ${own} itself, as one student's folder does; expected a folder with a folder for each student, or give that notebook`,
    );
  }
}

/**
 * Looks at the grader, once it is read.
 *
 * @throws ClassroomError where it is one variant of several, has an id with points in two notebooks, or gives no points.
 */
export function checkGrader(
  path: string,
  { notebooks, points }: Assignment,
  variant: string | null,
  needsPoints: boolean,
): void {
  const alone = notebooks
    .map(({ notebook }) => markOf(notebook.metadata)?.variant)
    .find((each) => typeof each === "string");
  if (variant === null && alone !== undefined) {
    throw new ClassroomError(
      path,
      `is the variant "${alone}" alone; expected the grader's folder, which has all of them`,
    );
  }
  const twice = sharedIds(notebooks);
  if (twice.length > 0) {
    throw new ClassroomError(path, twice);
  }
  if (needsPoints && points === 0) {
    throw new ClassroomError(path, "has no cell that gives points; expected the grader's folder, which make wrote");
  }
}

/** Whether what was handed out is of this assignment. */
export function checkHandedOut(path: string, student: Assignment, grader: Assignment): void {
  const names = new Set(student.notebooks.map(({ name }) => name));
  if (!grader.notebooks.some(({ name }) => names.has(name))) {
    const list = (notebooks: Assignment["notebooks"]) => notebooks.map(({ name }) => `${name}.ipynb`).join(", ");
    throw new ClassroomError(
      path,
      `has ${list(student.notebooks)}; expected what students got of ${list(grader.notebooks)}`,
    );
  }
}

function expectFor(path: string, madeFor: MadeFor, expected: string): void {
  const mark = markOfFile(path);
  if (mark?.madeFor !== undefined && mark.madeFor !== madeFor) {
    throw new ClassroomError(path, `${described[mark.madeFor].replace("holds", "is of")}; expected ${expected}`);
  }
}

/** A grader's own folder; of a notebook that was named nothing but itself. */
function folderOf(path: string): string {
  return kindOf(path) === "file" ? resolve(path) : path;
}

function apart(inner: string, outer: string, what: string, whose: string): void {
  if (isWithin(inner, outer)) {
    throw new ClassroomError(inner, `${what} in ${whose} (${outer}); expected a folder beside`);
  }
}
