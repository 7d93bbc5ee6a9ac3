/** `convbook class make`: from a teacher's notebooks `student/`, `solution/` and `grader/`, proven. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { bundledKernelSpec } from "@convbook/kernel";
import {
  findKernelspec,
  KernelDiedError,
  KernelspecError,
  type Notebook,
  serializeNotebook,
} from "nbconvert-ts-runner";
import { stringify } from "yaml";
import { ClassroomError } from "../errors.ts";
import {
  type Assignment,
  type AssignmentNotebook,
  type ClassSettings,
  cellsOf,
  described,
  madeFolders,
  marked,
  markOfFile,
  outputFolder,
  readAssignment,
  refuse,
  settingsFile,
  teacherFolder,
} from "../source/index.ts";
import { leaksInFile, leaksInNotebook, type Secret, secretsOf } from "./leaks.ts";
import { type Proof, type ProofOptions, proveSolution, proveUntouched } from "./prove.ts";
import { release } from "./release.ts";
import { checkStructure, structureNotes } from "./structure.ts";
import { variantOf, withValues } from "./variants.ts";
import { copyInto, writeWhole } from "./write.ts";

/** How to make an assignment. */
export interface MakeOptions extends Omit<ProofOptions, "settings"> {
  /** Ids of students, who get a variant each; they are written down for the grader. */
  readonly students?: readonly string[] | undefined;
  /** Told of each notebook that was proven. */
  readonly onProven?: ((proven: ProvenNotebook) => void) | undefined;
}

/** A notebook of which it was seen that its solution gets all points and an untouched one none. */
export interface ProvenNotebook {
  readonly name: string;
  readonly variant: string | null;
  /** Points that a program gives. */
  readonly automatic: number;
  /** Points that a person gives. */
  readonly manual: number;
  /** Seconds of both runs. */
  readonly seconds: number;
}

/** What was made. */
export interface Made {
  readonly folders: readonly string[];
  readonly notebooks: readonly ProvenNotebook[];
  readonly points: number;
  readonly notes: readonly string[];
}

/**
 * Makes an assignment: `student/` to hand out, `solution/` for afterwards, `grader/` with the hidden tests. With variants each has a folder for each of them.
 *
 * @param source The teacher's folder or notebook.
 * @param out Where the three folders are put, whole or not at all; other things there stay.
 * @throws ClassroomError where the source cannot be used, where a solution does not get all its points, where an untouched notebook gets any,
 *   and where a student could read a line of a solution or a hidden test. `out` is then as it was.
 */
export async function makeAssignment(source: string, out: string, options: MakeOptions = {}): Promise<Made> {
  checkPlaces(source, out);
  const assignment = readAssignment(source, { leaveOut: [out] });
  checkStructure(assignment);
  checkStudents(options.students ?? [], assignment);
  const kernelDir = options.kernelDir ?? kernelFolderOf(assignment, out);
  return writeWhole(out, async (staging) => {
    const names = Object.keys(assignment.settings.variants).sort();
    const proven: ProvenNotebook[] = [];
    const seen: string[] = [];
    for (const variant of names.length === 0 ? [null] : names) {
      proven.push(...(await makeVariant(assignment, variant, staging, { ...options, kernelDir }, seen)));
    }
    if (names.length > 0) {
      writeSettings(assignment.settings, join(staging, "grader"));
      writeVariants(assignment, options.students ?? [], staging);
    }
    const notes = assignment.notebooks.flatMap((each) =>
      [...each.notes, ...structureNotes(each)].map((note) => `${each.name}: ${note}`),
    );
    return {
      folders: madeFolders,
      notebooks: proven,
      points: assignment.points,
      notes: [...new Set([...notes, ...seen])],
    };
  });
}

/** The source is a teacher's; what is in the way where it is made is what `make` put there. */
function checkPlaces(source: string, out: string): void {
  const expected = "the teacher's folder with notebooks and class.yaml";
  refuse(source, ["empty", "made", ...madeFolders, "results", "submissions"], expected);
  const mark = markOfFile(source);
  if (mark !== undefined) {
    const what = mark.madeFor === undefined ? "was made" : described[mark.madeFor].replace("holds", "is of");
    throw new ClassroomError(source, `${what}; expected the teacher's notebook`);
  }
  outputFolder(out, [...madeFolders, "results", "submissions"]);
}

/** Our own kernel's folder, where `out`, in which the notebooks are run, has none that they name: for TypeScript this package brings one. */
function kernelFolderOf({ notebooks }: Assignment, out: string): string | undefined {
  const names = notebooks.map(({ notebook }) => notebook.metadata.kernelspec?.name);
  try {
    for (const name of names) {
      findKernelspec(typeof name === "string" ? name : "convbook", { from: resolve(out) });
    }
    return undefined;
  } catch (error) {
    const isScript = notebooks.every(({ language }) => language === "typescript" || language === "javascript");
    if (error instanceof KernelspecError && isScript) {
      return bundledKernelSpec();
    }
    return undefined;
  }
}

/** Notes are added to those that others left. */
async function makeVariant(
  assignment: Assignment,
  variant: string | null,
  staging: string,
  options: MakeOptions,
  notes: string[],
): Promise<ProvenNotebook[]> {
  const place = (edition: string): string => join(staging, edition, ...(variant === null ? [] : [variant]));
  const notebooks = assignment.notebooks.map((each) => valued(each, assignment, variant));
  const secrets = notebooks.flatMap(secretsOf);
  copyFiles(assignment, place);
  checkFiles(assignment, secrets);
  for (const edition of ["student", "grader", "proof"] as const) {
    for (const notebook of notebooks) {
      save(join(place(edition), notebook.file), named(release(notebook, edition), assignment, edition, variant));
    }
  }
  const proven: ProvenNotebook[] = [];
  for (const notebook of notebooks) {
    checkLeaks(notebook, secrets, release(notebook, "student"));
    const runs = { ...options, settings: assignment.settings };
    const solution = await started(notebook, proveSolution(place("proof"), notebook.file, runs));
    const untouched =
      solution.problems.length > 0
        ? solution
        : await started(notebook, proveUntouched(place("grader"), notebook.file, runs));
    if (untouched.problems.length > 0) {
      const where = variant === null ? notebook.path : `${notebook.path} (variant ${variant})`;
      throw new ClassroomError(where, untouched.problems);
    }
    save(
      join(place("solution"), notebook.file),
      named(shownSolution(notebook, solution.notebook), assignment, "solution", variant),
    );
    notes.push(...solution.notes.map((note) => `${notebook.name}: ${note}`));
    const seconds = solution.seconds + untouched.seconds;
    const { maxPoints: automatic } = solution;
    const done = { name: notebook.name, variant, automatic, manual: notebook.points - automatic, seconds };
    options.onProven?.(done);
    proven.push(done);
  }
  return proven;
}

/** A proof whose kernel started; otherwise which notebook it was for, with what the kernel wrote to its standard error. */
async function started({ path }: AssignmentNotebook, proof: Promise<Proof>): Promise<Proof> {
  try {
    return await proof;
  } catch (error) {
    if (error instanceof KernelDiedError || error instanceof KernelspecError) {
      throw new ClassroomError(path, error.message.replaceAll("\n", "\n  "), { cause: error });
    }
    throw error;
  }
}

/** The teacher's notebook with the values of a variant. */
function valued(source: AssignmentNotebook, { settings }: Assignment, variant: string | null): AssignmentNotebook {
  const values = variant === null ? undefined : settings.variants[variant];
  if (values === undefined) {
    return source;
  }
  const notebook = withValues(source.notebook, values, `${source.path} (variant ${variant})`);
  return { ...source, notebook, cells: cellsOf(notebook).cells };
}

/** By which submission and grader recognise each other, and folders are known for what they are. */
function named(notebook: Notebook, { settings }: Assignment, edition: string, variant: string | null): Notebook {
  return marked(notebook, settings.title, edition, variant);
}

/** The solution with the outputs of its proof, but for those of cells that show or test something hidden. */
function shownSolution(source: AssignmentNotebook, proof: Notebook): Notebook {
  const solution = release(source, "solution");
  for (const [index, cell] of solution.cells.entries()) {
    const ran = proof.cells[index];
    const isWhole = !/BEGIN (HIDDEN TESTS|MARK SCHEME)/.test(source.cells[index]?.source ?? "");
    if (cell.cell_type === "code" && ran?.cell_type === "code" && isWhole) {
      cell.outputs = ran.outputs;
      cell.execution_count = ran.execution_count;
    }
  }
  return solution;
}

function copyFiles({ folder, files, settings }: Assignment, place: (edition: string) => string): void {
  for (const edition of [...madeFolders, "proof"]) {
    mkdirSync(place(edition), { recursive: true });
    const isTeachers = edition === "grader" || edition === "proof";
    for (const file of files.filter((each) => isTeachers || !each.startsWith(teacherFolder))) {
      copyInto(join(folder, file), join(place(edition), file));
    }
  }
  writeSettings(settings, place("grader"));
  const { title, due, timeout, memory, threads, network, tolerance } = settings;
  writeSettings({ title, due, timeout, memory, threads, network, tolerance }, place("student"));
}

/** The settings with all defaults, which may be others one day; students get what they are allowed, and neither seed nor variants. */
function writeSettings(settings: Partial<ClassSettings>, folder: string): void {
  const said = Object.entries(settings).filter(([, value]) => value !== null && JSON.stringify(value) !== "{}");
  writeFileSync(join(folder, settingsFile), stringify(Object.fromEntries(said)));
}

function checkFiles({ folder, files }: Assignment, secrets: readonly Secret[]): void {
  const problems = files
    .filter((file) => !file.startsWith(teacherFolder))
    .flatMap((file) => leaksInFile(readFileSync(join(folder, file)), file, secrets));
  if (problems.length > 0) {
    throw new ClassroomError(folder, [...problems, `files in the folder ${teacherFolder} do not reach students`]);
  }
}

function checkLeaks({ path }: AssignmentNotebook, secrets: readonly Secret[], student: Notebook): void {
  const problems = leaksInNotebook(student, secrets);
  if (problems.length > 0) {
    throw new ClassroomError(
      path,
      problems.map((problem) => `in the student's version ${problem}`),
    );
  }
}

function save(path: string, notebook: Notebook): void {
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, serializeNotebook(notebook));
}

function checkStudents(students: readonly string[], { settings, folder }: Assignment): void {
  const twice = students.filter((id, index) => students.indexOf(id) !== index);
  if (twice.length > 0) {
    throw new ClassroomError(folder, `the list of students names ${[...new Set(twice)].join(", ")} twice`);
  }
  if (students.length > 0 && Object.keys(settings.variants).length === 0) {
    throw new ClassroomError(folder, `students get variants, but ${settingsFile} has none; give no list of students`);
  }
}

/** For the grader: who has which variant, and by what it was drawn. */
function writeVariants({ settings }: Assignment, students: readonly string[], staging: string): void {
  const drawn = Object.fromEntries(students.map((id) => [id.normalize("NFC"), variantOf(id, settings)]));
  const { seed, variants } = settings;
  const text = JSON.stringify({ version: 1, seed, variants, students: drawn }, null, 2);
  writeFileSync(join(staging, "grader", "variants.json"), `${text}\n`);
}
