/** Grades a class: each submission apart from the others, some at a time, and what is graded already is kept. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { cpus } from "node:os";
import { dirname, join, resolve } from "node:path";
import { serializeNotebook, writeAtomically } from "nbconvert-ts-runner";
import { checkedResult, junit, type Result } from "../results/index.ts";
import { type Assignment, readAssignment } from "../source/index.ts";
import { fieldsOf } from "../values.ts";
import { described, type Limits, wallsHere } from "./box.ts";
import { type GradeContext, gradeSubmission } from "./submission.ts";
import { findSubmissions, type Submission, submissionHash } from "./submissions.ts";

/** Limits, of which those that are undefined are the assignment's. */
export type GivenLimits = { readonly [Key in keyof Limits]?: Limits[Key] | undefined };

export interface GradeOptions {
  /** The grader's folder, or its notebook. */
  readonly grader: string;
  /** The students' version; by default the folder `student` beside the grader's, where it is. */
  readonly student?: string | undefined;
  /** Where results are written. */
  readonly out: string;
  /** Submissions at a time; default 1. */
  readonly jobs?: number | undefined;
  /** Grade those again that are graded already. */
  readonly force?: boolean | undefined;
  /** Only these students. */
  readonly only?: readonly string[] | undefined;
  /** What differs from the assignment's settings. */
  readonly limits?: GivenLimits | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called with each result; `kept` where it was there already. */
  readonly onResult?: ((result: Result, kept: boolean) => void) | undefined;
}

/** What is so where neither `class.yaml` nor an option says. */
const standardLimits = { disk: 256 * 2 ** 20, processes: 64, output: 4 * 2 ** 20 };

/**
 * Grades submissions. Each result is in `OUT/STUDENT/result.json` as soon as it is known; a run that is started again goes on where it ended.
 *
 * @param path As `findSubmissions` takes it.
 * @returns A line for each student, in their order.
 * @throws ClassroomError where the grader or the submissions cannot be read.
 */
export async function gradeClass(
  path: string,
  options: GradeOptions,
): Promise<Pick<Result, "student" | "status" | "points">[]> {
  const { out, jobs = 1, force = false, only, signal } = options;
  const grader = readAssignment(options.grader);
  const beside = options.student ?? join(dirname(grader.folder), "student");
  const student = options.student !== undefined || existsSync(beside) ? readAssignment(beside) : undefined;
  const submissions = findSubmissions(path).filter((each) => only === undefined || only.includes(each.student));
  const limits = limitsOf(grader, options.limits);
  const walls = await wallsHere();
  const hidden = [grader.folder, resolve(path), resolve(out), ...(student === undefined ? [] : [student.folder])];
  const context: GradeContext = {
    grader,
    student,
    limits,
    walls,
    hidden,
    signal,
    provenance: {
      grader: assignmentHash(grader),
      seed: grader.settings.seed,
      versions: versions(),
      machine: {
        system: `${process.platform} ${process.arch}`,
        processor: cpus()[0]?.model.trim() ?? "unknown",
        threads: limits.threads,
      },
      limits: { ...limits },
      isolation: described(walls, limits),
    },
  };
  mkdirSync(out, { recursive: true });
  const results = new Map<number, Pick<Result, "student" | "status" | "points">>();
  const waiting = submissions.entries();
  const work = async () => {
    for (const [index, submission] of waiting) {
      signal?.throwIfAborted();
      const { result, kept } = await gradeOnce(submission, context, out, force);
      const { student: name, status, points } = result;
      results.set(index, { student: name, status, points });
      options.onResult?.(result, kept);
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, Math.min(jobs, submissions.length)) }, work));
  writeAtomically(
    join(out, "junit.xml"),
    junit(
      submissions.map(
        ({ student: name }) =>
          () =>
            readResult(folderOf(out, name)),
      ),
    ),
    false,
  );
  return [...results].sort(([a], [b]) => a - b).map(([, line]) => line);
}

/** Grades a submission unless its result is there and depends on nothing that has changed since. */
async function gradeOnce(submission: Submission, context: GradeContext, out: string, force: boolean) {
  const folder = folderOf(out, submission.student);
  const key = keyOf(submission, context);
  const keyFile = join(folder, "graded.key");
  if (!force && existsSync(keyFile) && readFileSync(keyFile, "utf8") === key) {
    try {
      return { result: readResult(folder), kept: true };
    } catch {
      // Not whole: it is graded again.
    }
  }
  const { result, notebooks } = await gradeSubmission(submission, context);
  mkdirSync(folder, { recursive: true });
  for (const [name, notebook] of notebooks) {
    writeAtomically(join(folder, `${name}.graded.ipynb`), serializeNotebook(notebook), false);
  }
  writeAtomically(join(folder, "result.json"), `${JSON.stringify(result, undefined, 2)}\n`);
  writeAtomically(keyFile, key);
  return { result, kept: false };
}

/** Where a student's result is: the name as it is, unless a file system would read something into it. */
export function folderOf(out: string, student: string): string {
  const name = student.replace(/[^\p{L}\p{N} ._@()+-]/gu, (character) =>
    encodeURIComponent(character).replaceAll("/", "%2F"),
  );
  return join(out, /^\.+$/.test(name) ? `_${name}` : name);
}

function readResult(folder: string): Result {
  return checkedResult(JSON.parse(readFileSync(join(folder, "result.json"), "utf8")), join(folder, "result.json"));
}

function limitsOf({ settings }: Assignment, given: GivenLimits = {}): Limits {
  const { timeout, memory, network, threads } = settings;
  const base = { ...standardLimits, timeout, memory, network, threads, total: 10 * timeout };
  const own = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  return { ...base, ...own };
}

/** SHA-256 over what the grader is: its notebooks, its settings and its files. */
function assignmentHash({ folder, notebooks, files, settings }: Assignment): string {
  const hash = createHash("sha256").update(JSON.stringify(settings));
  for (const path of [...notebooks.map((each) => each.path), ...files.map((name) => join(folder, name))]) {
    hash.update(readFileSync(path));
  }
  return hash.digest("hex");
}

function keyOf(submission: Submission, { provenance, walls }: GradeContext): string {
  const { grader, versions: known, limits, seed } = provenance;
  const text = JSON.stringify({ submission: submissionHash(submission), grader, known, limits, seed, walls });
  return createHash("sha256").update(text).digest("hex");
}

function versions(): Record<string, string> {
  const load = createRequire(import.meta.url);
  const of = (name: string) => {
    try {
      return String(fieldsOf(load(`${name}/package.json`)).version);
    } catch {
      return "unknown";
    }
  };
  return { node: process.versions.node, kernel: of("@convbook/kernel"), v8: process.versions.v8 };
}
