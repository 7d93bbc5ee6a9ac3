/** Grades a class: each submission apart from the others, some at a time, and what is graded already is kept. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { serializeNotebook, writeAtomically } from "nbconvert-ts-runner";
import { ClassroomError } from "../errors.ts";
import { variantOf } from "../make/index.ts";
import { junit, type Result, readResult, resultFile, shortName } from "../results/index.ts";
import { type AssignmentNotebook, readAssignment, readSettings, settingsFile } from "../source/index.ts";
import { fieldsOf, firstLine } from "../values.ts";
import { neededFolders } from "./box.ts";
import { keptByHand } from "./by-hand.ts";
import { contextOf, type GivenLimits } from "./context.ts";
import { elsewhere } from "./elsewhere.ts";
import { kernelOf } from "./kernel.ts";
import { checkClass, checkGrader, checkHandedOut, checkPlaces } from "./places.ts";
import { type GradeContext, gradeSubmission } from "./submission.ts";
import { findSubmissions, type Submission, submissionHash } from "./submissions.ts";

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
  /** Whether an assignment without any points is refused: mostly it is another folder than was meant. */
  readonly needsPoints?: boolean | undefined;
  /** Only these students. */
  readonly only?: readonly string[] | undefined;
  /** What differs from the assignment's settings. */
  readonly limits?: GivenLimits | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called with each result; `kept` where it was there already. */
  readonly onResult?: ((result: Result, kept: boolean) => void) | undefined;
}

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
  const { out, jobs = 1, force = false, signal } = options;
  const only = options.only?.map((name) => name.normalize("NFC"));
  checkPlaces({ submissions: path, grader: options.grader, student: options.student, out });
  const submissions = findSubmissions(path).filter((each) => only === undefined || only.includes(each.student));
  const unknown = (only ?? []).filter((name) => !submissions.some(({ student }) => student === name));
  if (unknown.length > 0) {
    throw new ClassroomError(path, `has no submission of ${unknown.map((name) => JSON.stringify(name)).join(", ")}`);
  }
  const contexts = await contextsOf(options, path);
  mkdirSync(out, { recursive: true });
  const results = new Map<number, Pick<Result, "student" | "status" | "points">>();
  const waiting = submissions.entries();
  const work = async () => {
    for (const [index, submission] of waiting) {
      signal?.throwIfAborted();
      const context = contexts(submission.student);
      const { result, kept } = await gradeOnce(submission, context, out, force).catch((error: unknown) => {
        signal?.throwIfAborted();
        // One submission stops no others. Where it is the results that cannot be written, it is said again.
        const problem = `could not be graded: ${firstLine(error)}`;
        return gradeOnce({ student: submission.student, problem, files: new Map() }, context, out, force);
      });
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
            readResult(join(folderOf(out, name), resultFile)),
      ),
    ),
    false,
  );
  return [...results].sort(([a], [b]) => a - b).map(([, line]) => line);
}

/**
 * The contexts of a class: one, or one for each variant. Who has which is what `make` wrote down, or what the seed draws; what a submission
 * says of itself does not count.
 */
async function contextsOf(options: GradeOptions, submissions: string): Promise<(student: string) => GradeContext> {
  const { limits, signal } = options;
  const hidden = [resolve(submissions), resolve(options.out)];
  const whole =
    statSync(options.grader, { throwIfNoEntry: false })?.isDirectory() === true ? resolve(options.grader) : undefined;
  const folder = whole ?? dirname(resolve(options.grader));
  const handedOut = options.student ?? join(dirname(folder), "student");
  const knowsStudent = options.student !== undefined || (whole !== undefined && existsSync(handedOut));
  const settings = readSettings(join(folder, settingsFile), basename(folder));
  const make = (variant: string | null): Promise<GradeContext> => {
    const part = variant === null ? [] : [variant];
    const grader = readAssignment(whole === undefined ? options.grader : join(whole, ...part));
    const student = knowsStudent ? readAssignment(join(handedOut, ...part)) : undefined;
    checkClass(submissions, grader);
    checkGrader(options.grader, grader, variant, options.needsPoints === true);
    if (options.student !== undefined && student !== undefined) {
      checkHandedOut(options.student, student, grader);
    }
    return contextOf({
      grader: variant === null ? grader : { ...grader, settings: { ...settings, points: null } },
      student,
      variant,
      limits,
      hidden: [
        folder,
        ...hidden,
        ...(knowsStudent ? [resolve(handedOut)] : []),
        ...elsewhere({
          folder,
          notebooks: grader.notebooks.map(({ file }) => file),
          places: [process.cwd(), ...hidden.map((path) => dirname(path))],
          needed: [
            realpathSync(tmpdir()),
            ...neededFolders(kernelOf(grader.notebooks[0] as AssignmentNotebook, folder)),
          ],
        }),
      ],
      execution: "autograde",
      signal,
    });
  };
  const variants = Object.keys(settings.variants).filter((name) => existsSync(join(folder, name)));
  if (variants.length === 0) {
    const only = await make(null);
    return () => only;
  }
  const made = new Map<string, GradeContext>();
  for (const variant of variants) {
    made.set(variant, await make(variant));
  }
  const drawn = new Map(Object.entries(fieldsOf(drawnVariants(folder))));
  return (student) => {
    const variant = String(drawn.get(student) ?? variantOf(student, settings));
    const context = made.get(variant);
    if (context === undefined) {
      throw new ClassroomError(folder, `has no variant "${variant}", which ${student} got; make the assignment anew`);
    }
    return context;
  };
}

/** Who got which variant, as `make` wrote it down. */
function drawnVariants(folder: string): unknown {
  const path = join(folder, "variants.json");
  if (!existsSync(path)) {
    return undefined;
  }
  try {
    return fieldsOf(JSON.parse(readFileSync(path, "utf8"))).students;
  } catch (error) {
    throw new ClassroomError(path, `cannot be read: ${firstLine(error)}; make the assignment anew`, { cause: error });
  }
}

/** Grades a submission unless its result is there and depends on nothing that has changed since. */
async function gradeOnce(submission: Submission, context: GradeContext, out: string, force: boolean) {
  const folder = folderOf(out, submission.student);
  const key = keyOf(submission, context);
  const keyFile = join(folder, "graded.key");
  if (!force && existsSync(keyFile) && readFileSync(keyFile, "utf8") === key) {
    try {
      return { result: readResult(join(folder, resultFile)), kept: true };
    } catch {
      // Not whole: it is graded again.
    }
  }
  const { result: fresh, notebooks } = await gradeSubmission(submission, context);
  const before = force ? undefined : resultBefore(join(folder, resultFile));
  const result = before?.assignment === fresh.assignment ? keptByHand(fresh, before) : fresh;
  mkdirSync(folder, { recursive: true });
  for (const [name, notebook] of notebooks) {
    writeAtomically(join(folder, `${shortName(name)}.graded.ipynb`), serializeNotebook(notebook), false);
  }
  writeAtomically(join(folder, resultFile), `${JSON.stringify(result, undefined, 2)}\n`);
  writeAtomically(keyFile, key);
  return { result, kept: false };
}

/** Where a student's result is: the name as it is, unless a file system would read something into it, or not take it for its length. */
export function folderOf(out: string, student: string): string {
  const name = student.replace(/[^\p{L}\p{N} ._@()+-]/gu, (character) =>
    encodeURIComponent(character).replaceAll("/", "%2F"),
  );
  // What the commands write beside the students' folders is found by its name.
  const own = /^(?:junit\.xml|report\.html)$/i.test(name) ? name.replace(".", "%2E") : name;
  return join(out, shortName(/^\.+$/.test(own) ? `_${own}` : own));
}

function resultBefore(path: string): Result | undefined {
  try {
    return readResult(path);
  } catch {
    // There is none, or none that can be read: nothing is lost that could be kept.
    return undefined;
  }
}

function keyOf(submission: Submission, { provenance, walls }: GradeContext): string {
  const { grader, versions: known, limits, seed, variant } = provenance;
  const text = JSON.stringify({ submission: submissionHash(submission), grader, known, limits, seed, variant, walls });
  return createHash("sha256").update(text).digest("hex");
}
