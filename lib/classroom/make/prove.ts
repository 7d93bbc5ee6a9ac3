/** Proves an assignment by running it: the solution gets all points, an untouched notebook none of those that a program gives. */
import { join } from "node:path";
import { type CellResult, type Notebook, runNotebook, tagsOf, withLoad } from "nbconvert-ts-runner";
import { type AssignmentCell, type ClassSettings, cellName, cellsOf, settingsFile } from "../source/index.ts";
import { type CellPoints, cellPoints, gradeHelpers, reasonsIn } from "../source/points.ts";

/** What a run of a notebook gave. */
export interface Proof {
  /** Of cells with tests. */
  readonly points: number;
  readonly maxPoints: number;
  readonly seconds: number;
  /** What is not as it must be, a sentence each. */
  readonly problems: readonly string[];
  /** What is worth knowing, a sentence each. */
  readonly notes: readonly string[];
  /** As it was executed. */
  readonly notebook: Notebook;
}

/** How to run it. */
export interface ProofOptions {
  readonly settings: ClassSettings;
  /** Folder of kernelspecs, searched before Jupyter's. */
  readonly kernelDir?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs a notebook with its solutions.
 *
 * @param folder Where it lies, with its data.
 * @param name Its file's name.
 * @returns With a problem for the first cell that fails and each task before it that does not give all its points.
 */
export async function proveSolution(folder: string, name: string, options: ProofOptions): Promise<Proof> {
  const run = await execute(folder, name, options, false);
  const problems = run.cells.flatMap(({ cell, result }) => {
    const label = labelOf(cell);
    if (result?.status === "not-run" || result?.status === "skipped") {
      return [];
    }
    if (result !== undefined && result.status !== "passed") {
      return [`the solution fails in ${label}: ${reasonOf(result)}${isTimeout(result) ? timeoutAdvice(options) : ""}`];
    }
    if (cell.role !== "tests" || cell.cell.cell_type !== "code") {
      return [];
    }
    const { points, why } = run.pointsOf(cell, result);
    return points < cell.points ? [`the solution gets ${points} of ${cell.points} points in ${label}: ${why}`] : [];
  });
  const notes = run.cells.flatMap(({ cell }) =>
    cell.role === "tests" && writesErrors(cell)
      ? [
          `${labelOf(cell)} writes to standard error; that costs no points here, but nbgrader's autograde gives none for it`,
        ]
      : [],
  );
  const { timeout } = options.settings;
  const slowest = run.cells.reduce<Ran | undefined>(
    (most, each) => ((each.result?.seconds ?? 0) > (most?.result?.seconds ?? 0) ? each : most),
    undefined,
  );
  const { seconds = 0 } = slowest?.result ?? {};
  if (slowest !== undefined && problems.length === 0 && seconds > timeout / 2) {
    const taken = `${labelOf(slowest.cell)} took ${seconds.toFixed(0)} s of the ${timeout} s that a cell may take`;
    notes.push(
      `${withLoad(taken)}; machines of students and of whoever grades may be slower: give a longer timeout in ${settingsFile}`,
    );
  }
  return { ...run, problems, notes };
}

/**
 * Runs a notebook as students get it, with all tests.
 *
 * @returns With a problem for each task that gives points all the same.
 */
export async function proveUntouched(folder: string, name: string, options: ProofOptions): Promise<Proof> {
  const run = await execute(folder, name, options, true);
  const problems = run.cells.flatMap(({ cell, result }) => {
    if (cell.role !== "tests" || cell.cell.cell_type !== "code" || cell.points === 0) {
      return [];
    }
    if (result !== undefined && isTimeout(result)) {
      return [
        `nothing is proven of an untouched notebook in ${labelOf(cell)}: ${reasonOf(result)}${timeoutAdvice(options)}`,
      ];
    }
    const { points } = run.pointsOf(cell, result);
    if (points === 0) {
      return [];
    }
    const passed = reasonsIn(cell.cell).filter((reason) => reason.passed);
    const which = passed.length === 0 ? "" : ` for ${passed.map(({ name }) => `"${name}"`).join(", ")}`;
    return [
      `an untouched notebook gets ${points} of ${cell.points} points in ${labelOf(cell)}${which}; expected 0: test what is asked for`,
    ];
  });
  return { ...run, problems, notes: [] };
}

interface Ran {
  readonly cell: AssignmentCell;
  readonly result: CellResult | undefined;
}

async function execute(
  folder: string,
  name: string,
  { settings, kernelDir, signal }: ProofOptions,
  allowErrors: boolean,
) {
  const path = join(folder, name);
  const { timeout, memory } = settings;
  const run = await runNotebook(path, {
    output: null,
    allowErrors,
    record: false,
    timeout,
    memory,
    env: environmentOf(settings),
    kernelDir,
    signal,
  });
  const cells: Ran[] = cellsOf(run.notebook).cells.map((cell) => ({
    cell,
    result: run.cells.find(({ index }) => index === cell.index),
  }));
  const helpers = gradeHelpers(cells.map(({ cell }) => cell));
  const pointsOf = ({ cell, source, points }: AssignmentCell, result: CellResult | undefined): CellPoints =>
    cell.cell_type === "code" && result?.status === "passed"
      ? cellPoints(cell, source, points, helpers)
      : { points: 0, why: "it did not run to its end" };
  const tests = cells.filter(({ cell }) => cell.role === "tests");
  return {
    cells,
    pointsOf,
    points: tests.reduce((sum, { cell, result }) => sum + pointsOf(cell, result).points, 0),
    maxPoints: tests.reduce((sum, { cell }) => sum + cell.points, 0),
    seconds: run.seconds,
    notebook: run.notebook,
  };
}

/** What the kernel of a proof and of grading is told: the same numbers on every machine. */
export function environmentOf({ threads, seed }: Pick<ClassSettings, "threads" | "seed">): Record<string, string> {
  return { CONVBOOK_THREADS: String(threads), CONVBOOK_REPRODUCIBLE: "1", CONVBOOK_SEED: String(seed) };
}

function writesErrors({ cell }: AssignmentCell): boolean {
  return (
    cell.cell_type === "code" &&
    cell.outputs.some((output) => output.output_type === "stream" && output.name === "stderr")
  );
}

function isTimeout({ failure }: CellResult): boolean {
  return failure?.name === "TimeoutError";
}

/** What a teacher can do where time was up. */
function timeoutAdvice({ settings }: ProofOptions): string {
  return withLoad(`; give a longer timeout than ${settings.timeout} in ${settingsFile}`);
}

function labelOf({ index, id, cell }: AssignmentCell): string {
  return `${cellName(index, id)}${tagsOf(cell).includes("raises-exception") ? ", which must raise an error" : ""}`;
}

function reasonOf({ status, failure }: CellResult): string {
  return failure === undefined
    ? `it is ${status}`
    : `${failure.name}: ${failure.message}${failure.line === undefined ? "" : ` (line ${failure.line})`}`;
}
