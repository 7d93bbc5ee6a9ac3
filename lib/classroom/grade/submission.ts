/** Grades one submission, from its files to its result. */
import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Kernelspec, type Notebook, withLoad } from "nbconvert-ts-runner";
import { type Answer, type Finding, type Result, rounded, type TaskResult, utc } from "../results/index.ts";
import {
  type Assignment,
  type AssignmentCell,
  type AssignmentNotebook,
  isAnswer,
  teacherFolder,
} from "../source/index.ts";
import { gradeHelpers } from "../source/points.ts";
import { fieldsOf, firstLine } from "../values.ts";
import { boundedAnswers, boundedFindings, boundedTasks } from "./bounds.ts";
import { type Limits, makeFolders, type Walls } from "./box.ts";
import type { Engine } from "./engine.ts";
import { figuresOf } from "./figures.ts";
import { Hidden } from "./hidden.ts";
import { isScript, kernelOf, startFailure } from "./kernel.ts";
import { alsoThere, asNotebook, notebookFile, whatElse } from "./notebook-file.ts";
import { givenTexts, type Restored, restore } from "./restore.ts";
import { runCells, type SessionResult } from "./session.ts";
import type { Submission } from "./submissions.ts";
import { judge, notDone } from "./verdict.ts";

/** What all submissions of a class share. */
export interface GradeContext {
  readonly grader: Assignment;
  /** The notebooks that students got, where they are known. */
  readonly student: Assignment | undefined;
  readonly limits: Limits;
  readonly walls: Walls;
  /** Node as a program that nobody can look into, where there is one. */
  readonly sealed: string | undefined;
  /** Folders that no submission may see. */
  readonly hidden: readonly string[];
  /** What notebooks find as `NBGRADER_EXECUTION`. */
  readonly execution: "autograde" | "validate";
  readonly provenance: Omit<Result["provenance"], "submission">;
  readonly signal: AbortSignal | undefined;
}

/** A result with the notebooks as they ran, for the teacher alone. */
export interface GradedSubmission {
  readonly result: Result;
  readonly notebooks: ReadonlyMap<string, Notebook>;
}

/** Grades a submission. It throws only where it was interrupted; what is wrong with a submission is in its result. */
export async function gradeSubmission(submission: Submission, context: GradeContext): Promise<GradedSubmission> {
  const parts: Part[] = [];
  const notebooks = new Map<string, Notebook>();
  const used: { seconds: number; memory: number; engine: Engine | null } = { seconds: 0, memory: 0, engine: null };
  const hash = createHash("sha256");
  let failed = submission.files.size === 0;
  for (const grader of context.grader.notebooks) {
    const part = await gradeNotebook(submission, grader, context);
    parts.push(part);
    hash.update(part.bytes);
    used.seconds += part.seconds;
    used.memory = Math.max(used.memory, part.memory);
    used.engine ??= part.engine;
    failed ||= part.failed;
    if (part.notebook !== undefined) {
      notebooks.set(grader.name, part.notebook);
    }
  }
  const tasks = parts.flatMap((part) => part.tasks);
  const findings = [
    ...(submission.problem === undefined ? [] : [unreadable(submission.problem)]),
    ...parts.flatMap((part) => part.findings),
  ];
  const points = tasks.reduce((sum, task) => sum + (task.points ?? 0), 0);
  const room = boundedAnswers(parts.flatMap((part) => part.answers));
  if (room.left > 0) {
    const message = `The texts of ${room.left} cells are too many or too long for this result; they are in the graded notebook alone.`;
    findings.push({ kind: "output", cell: null, message });
  }
  const result: Result = {
    version: 1,
    assignment: context.grader.settings.title,
    student: submission.student,
    ...whenOf(submission, context.grader),
    status: failed ? "failed" : tasks.some((task) => task.points === null) ? "needsManual" : "graded",
    points: rounded(points),
    maxPoints: context.grader.points,
    tasks: boundedTasks(tasks),
    findings: boundedFindings(findings),
    answers: room.answers,
    used: { ...used, seconds: rounded(used.seconds) },
    provenance: { submission: hash.digest("hex"), ...context.provenance },
  };
  return { result, notebooks };
}

function unreadable(problem: string): Finding {
  return { kind: "unreadable", cell: null, message: sentence(problem) };
}

/** When it was to be handed in and when it was, as far as that is known. */
function whenOf({ files }: Submission, { settings }: Assignment): Pick<Result, "due" | "submitted"> {
  const name = [...files.keys()].find((each) => basename(each) === "timestamp.txt");
  const submitted =
    name === undefined
      ? undefined
      : utc(
          Buffer.from(files.get(name)?.() ?? [])
            .toString()
            .slice(0, 200),
        );
  return { ...(settings.due !== null && { due: settings.due }), ...(submitted !== undefined && { submitted }) };
}

interface Part {
  readonly tasks: readonly TaskResult[];
  readonly findings: readonly Finding[];
  readonly answers: readonly Answer[];
  readonly bytes: Uint8Array;
  readonly seconds: number;
  readonly memory: number;
  readonly engine: Engine | null;
  readonly failed: boolean;
  readonly notebook: Notebook | undefined;
}

async function gradeNotebook(submission: Submission, grader: AssignmentNotebook, context: GradeContext): Promise<Part> {
  const nothing = { answers: [], bytes: new Uint8Array(), seconds: 0, memory: 0, engine: null, notebook: undefined };
  const lost = (kind: Finding["kind"], message: string, failed: boolean): Part => ({
    ...nothing,
    tasks: grader.cells
      .filter(givesPoints)
      .map((task) => noTask(task, kind === "missing" ? "missing" : "notRun", firstLine(message))),
    findings: [{ kind, cell: null, message }],
    failed,
  });
  const file = notebookFile(submission, grader, context.grader.notebooks.length);
  if (file === undefined) {
    return lost(
      "missing",
      `The notebook ${grader.name}.ipynb is missing; ${whatElse([...submission.files.keys()])}.`,
      context.grader.notebooks.length === 1,
    );
  }
  const { name, bytes, others } = file;
  let notebook: Notebook;
  try {
    notebook = asNotebook(bytes, basename(name));
  } catch (error) {
    return { ...lost("unreadable", sentence(firstLine(error)), true), bytes };
  }
  const handedOut = context.student?.notebooks.find((each) => each.name === grader.name);
  const restored = restore(notebook, grader, handedOut);
  const hidden = new Hidden(grader, givenTexts(grader, handedOut));
  using folders = makeFolders();
  let session: SessionResult;
  let left: readonly string[] = [];
  try {
    const spec = kernelOf(grader, context.grader.folder);
    left = fill(folders.work, submission, dirname(name), context);
    session = await runCells(restored.cells, { ...sessionOf(context, folders.work, spec, grader), folders });
  } catch (error) {
    context.signal?.throwIfAborted();
    return { ...lost("limit", hidden.clean(startFailure(error)), true), bytes, answers: restored.answers };
  }
  context.signal?.throwIfAborted();
  const broken = brokenSetup(restored, session);
  if (broken !== undefined) {
    return { ...lost("error", hidden.clean(broken), true), bytes, answers: restored.answers };
  }
  const judged = tasksOf(restored, grader, session, hidden);
  return {
    tasks: judged.tasks.map((task) => ({ ...task, ...figuresOf(task.id, restored, session, notebook, hidden) })),
    findings: [
      ...others.map((other) => alsoThere(other, name)),
      ...left.map(leftOut),
      ...restored.findings,
      ...judged.findings,
    ].map((finding) => ({
      ...finding,
      message: hidden.clean(finding.message),
    })),
    answers: restored.answers,
    bytes,
    seconds: session.seconds,
    memory: session.memory,
    engine: session.engine,
    failed: false,
    notebook: { ...notebook, cells: restored.cells.map(({ cell }) => cell) },
  };
}

function sessionOf(context: GradeContext, work: string, spec: Kernelspec, grader: AssignmentNotebook) {
  const { walls, limits, hidden, signal, provenance } = context;
  // Others have no guard inside, whose key could be found.
  const sealed = isScript(grader.language) ? context.sealed : undefined;
  // Tests may ask how they are run, by nbgrader's variable too.
  const env = { CONVBOOK_CLASS_SEED: String(provenance.seed), NBGRADER_EXECUTION: context.execution };
  const modules = packagesFor(context.grader.folder);
  const projects = modules === undefined ? [] : [dirname(modules)];
  const fixed = [...filesForStudents(context.grader), "package.json", "node_modules"];
  return {
    spec,
    language: grader.language,
    request: { walls, limits, work, hidden, env, projects, fixed, sealed },
    signal,
  };
}

/**
 * Lays out a submission's folder: what belongs to the assignment, over what was handed in. By which names packages and files are found is the
 * assignment's to say: a manifest or settings of the compiler that were handed in are not laid there.
 *
 * @returns Files of the submission that cannot lie there: a zip may hold names that are longer than a file system's, or one that is a folder's, too.
 */
function fill(work: string, submission: Submission, folder: string, { grader }: GradeContext): string[] {
  const prefix = folder === "." ? "" : `${folder}/`;
  const left: string[] = [];
  for (const [name, read] of submission.files) {
    if (name.startsWith(prefix) && !name.endsWith(".ipynb") && !/(?:^|\/)(?:package|[jt]sconfig)\.json$/i.test(name)) {
      const path = join(work, name.slice(prefix.length));
      const bytes = read();
      try {
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, bytes);
      } catch (error) {
        if (!/^(ENAMETOOLONG|EEXIST|EISDIR|ENOTDIR|EINVAL)$/.test(String(fieldsOf(error).code))) {
          throw error;
        }
        left.push(name);
      }
    }
  }
  for (const name of filesForStudents(grader)) {
    const path = join(work, name);
    rmSync(path, { recursive: true, force: true });
    mkdirSync(dirname(path), { recursive: true });
    copyFileSync(join(grader.folder, name), path);
  }
  const modules = packagesFor(grader.folder);
  if (modules !== undefined) {
    // A folder of links, and not a link: it can be made a place where nothing is put in between.
    const own = join(work, "node_modules");
    rmSync(own, { recursive: true, force: true });
    mkdirSync(own);
    for (const name of readdirSync(modules)) {
      symlinkSync(join(modules, name), join(own, name), "junction");
    }
  }
  const manifest = join(work, "package.json");
  if (!existsSync(manifest)) {
    // One that is written later could give the folder the name of a package.
    writeFileSync(manifest, "{}\n");
  }
  return left;
}

/** What is for teachers only stays with them: tests run beside the student's code, which reads what they can read. */
function filesForStudents({ files }: Assignment): string[] {
  return files.filter((each) => !each.startsWith(teacherFolder));
}

function leftOut(name: string): Finding {
  const shown = name.length > 60 ? `${name.slice(0, 60)}…` : name;
  return { kind: "unreadable", cell: null, message: `The file ${shown} cannot lie in a folder; it was left out.` };
}

/** An assignment's packages; where it has none, those of this command. */
function packagesFor(folder: string): string | undefined {
  return modulesOf(folder) ?? modulesOf(dirname(realpathSync(fileURLToPath(import.meta.url))));
}

/** The packages that a folder's programs find first: where they really are, since links may lead through what is covered. */
function modulesOf(folder: string): string | undefined {
  for (let place = folder; ; place = dirname(place)) {
    const modules = join(place, "node_modules");
    if (existsSync(modules)) {
      return realpathSync(modules);
    }
    if (dirname(place) === place) {
      return undefined;
    }
  }
}

function tasksOf(restored: Restored, grader: AssignmentNotebook, session: SessionResult, hidden: Hidden) {
  const tasks: TaskResult[] = [];
  let findings: Finding[] = [];
  const places = new Map(restored.cells.map((cell, index) => [cell.of, index]));
  const helpers = gradeHelpers(grader.cells);
  let untouched: boolean[] = [];
  for (const task of grader.cells) {
    const place = places.get(task);
    const cell = place === undefined ? undefined : restored.cells[place];
    if (task.role === "solution" || task.role === "manual") {
      untouched = [...untouched, cell?.isUntouched ?? true];
    }
    if (!givesPoints(task)) {
      continue;
    }
    if (task.role !== "tests") {
      const answered = cell !== undefined && !cell.isUntouched;
      tasks.push(
        task.role === "task" || answered
          ? { ...noTask(task, "manual", undefined), points: null }
          : noTask(task, cell === undefined ? "missing" : "notDone", "There is no answer."),
      );
      continue;
    }
    const run = cell === undefined ? undefined : session.runs.get(cell);
    const verdict = judge({
      task,
      run,
      guarded: session.guarded,
      hidden,
      helpers,
      isUntouched: untouched.length > 0 && untouched.every(Boolean),
    });
    untouched = [];
    findings.push(...verdict.findings);
    tasks.push({
      id: task.id ?? "",
      title: task.title,
      kind: "automatic",
      maxPoints: task.points,
      points: rounded(verdict.points),
      status: verdict.status,
      reasons: verdict.reasons,
      seconds: rounded(run?.seconds ?? 0),
    });
  }
  // Not by push(...), which takes no more than so many: a notebook may have any number of cells.
  findings = findings.concat(limitFindings(restored, session), ownErrors(restored, session));
  if (session.foreign.length > 0) {
    findings.push({
      kind: "forged",
      cell: null,
      message: "Grades were shown by work that belonged to no test that ran; they did not count.",
    });
  }
  for (const restoredCell of restored.cells) {
    const { of } = restoredCell;
    const run = session.runs.get(restoredCell);
    if (of?.role !== "tests" && (run?.shown.length ?? 0) + (run?.results.length ?? 0) > 0) {
      findings.push({
        kind: "forged",
        cell: of?.id ?? null,
        message: "A cell that is no test showed a grade; it did not count.",
      });
    }
  }
  return { tasks, findings };
}

/** Answers and cells of the student's own that ended with an error: what their tests say of it is often only that something is not there. */
function ownErrors(restored: Restored, session: SessionResult): Finding[] {
  return restored.cells.flatMap((each) => {
    const { of, isUntouched } = each;
    const { status, error, limit } = session.runs.get(each) ?? {};
    const isOwn = of === undefined || (isAnswer(of.role) && !isUntouched);
    if (!isOwn || status !== "error" || limit !== undefined || error === undefined || notDone.test(error.name)) {
      return [];
    }
    const what = of === undefined ? "A cell that is no task" : "This answer";
    const message = error.message === "" ? error.name : `${error.name}: ${error.message}`;
    return [{ kind: "error" as const, cell: of?.id ?? null, message: `${what} ended with ${message}` }];
  });
}

/** The first of the assignment's own cells that ended with an error before any answer ran: nobody's work is to blame for it. */
function brokenSetup(restored: Restored, session: SessionResult): string | undefined {
  for (const each of restored.cells) {
    if (each.of === undefined || isAnswer(each.of.role)) {
      return undefined;
    }
    const { status, error } = session.runs.get(each) ?? {};
    if (each.of.role === "readonly" && status === "error" && error !== undefined) {
      return `The assignment's own cell ${each.of.id ?? ""} ended before any answer ran with ${error.name}: ${error.message}`;
    }
  }
  return undefined;
}

/** The limits that cells met, and addresses that they asked for. */
function limitFindings(restored: Restored, { runs }: SessionResult): Finding[] {
  return restored.cells.flatMap((restoredCell): Finding[] => {
    const run = runs.get(restoredCell);
    const cell = restoredCell.of?.id ?? null;
    if (run?.error === undefined) {
      return [];
    }
    const { name, message } = run.error;
    if (run.limit !== undefined) {
      const told = run.limit === "time" ? withLoad(message) : message;
      return [{ kind: run.limit === "output" ? "output" : "limit", cell, message: sentence(told) }];
    }
    if (run.status === "died") {
      return [{ kind: "limit", cell, message: sentence(`the kernel ended: ${name}: ${message}`) }];
    }
    return /ENETUNREACH|EAI_AGAIN|ENOTFOUND|Network is unreachable|fetch failed|Temporary failure in name resolution/i.test(
      message,
    )
      ? [{ kind: "network", cell, message: "The cell asked for an address in the network." }]
      : [];
  });
}

function givesPoints({ role, metadata }: AssignmentCell): boolean {
  return role === "tests" || role === "manual" || (role === "task" && metadata !== undefined);
}

function noTask(task: AssignmentCell, status: TaskResult["status"], message: string | undefined): TaskResult {
  const reason = { name: task.title, passed: false, points: 0, maxPoints: task.points, message: message ?? "" };
  return {
    id: task.id ?? "",
    title: task.title,
    kind: task.role === "tests" ? "automatic" : "manual",
    maxPoints: task.points,
    points: 0,
    status,
    reasons: message === undefined ? [] : [reason],
    seconds: 0,
  };
}

function sentence(text: string): string {
  const first = text.split("\n")[0] ?? "";
  return /[.!?]$/.test(first) ? first : `${first}.`;
}
