/**
 * `%grade` in a notebook: runs the public checks of the cell above. The kernel loads this module by `%load_ext @convbook/classroom/magic`; so does whatever
 * has its hook.
 */
import { randomBytes } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, join, resolve } from "node:path";
import { memoryText, secondsText } from "../pages/page.ts";
import { moduleOf } from "./module-of.ts";
import { type AskingCell, NoTestsError, type NotebookCell, testsOf } from "./tests-of.ts";

/** What the kernel gives to a module that `%load_ext` names. */
export interface Extensions {
  registerMagic(
    name: string,
    magic: { readonly help: string; readonly run: (args: string, cell: AskingCell) => unknown },
  ): void;
}

/** The module's door. */
export function loadExtension(extensions: Extensions): void {
  extensions.registerMagic("grade", {
    help: "run the public checks of the cell above; [ID] of one, or all",
    run: (args, cell) => runGrade(args.trim(), cell),
  });
}

interface Shown {
  readonly "text/plain"?: unknown;
  readonly "text/html"?: unknown;
}

const ioSymbol = Symbol.for("jupyter.notebook.io");
const displaySymbol = Symbol.for("Jupyter.display");

async function runGrade(asked: string, asking: AskingCell): Promise<void> {
  const notebook = findNotebook(process.cwd());
  if (notebook === undefined) {
    // Where a notebook runs elsewhere, as when it is graded, this cell is not what counts.
    console.log("%grade: the notebook's file is not here; save it in the folder in which the kernel runs");
    return;
  }
  const { cells } = notebook;
  for (const { id, source } of testsOf(cells, asked, asking)) {
    const start = performance.now();
    await runTest(id, source);
    console.log(await budgetLine((performance.now() - start) / 1000, process.memoryUsage.rss()));
  }
}

async function runTest(id: string, source: string): Promise<void> {
  const folder = process.cwd();
  const file = join(folder, `.grade-${randomBytes(6).toString("hex")}.ts`);
  try {
    writeFileSync(file, moduleOf(source), { flag: "wx" });
    const module: { readonly default: () => Promise<unknown> } = createRequire(join(folder, "notebook.js"))(file);
    show(id, await module.default());
  } catch (error) {
    const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    console.log(`✗ ${id}: ${text.replaceAll(file, id)}`);
  } finally {
    rmSync(file, { force: true });
  }
}

/** The table of a grade, without what a grader would read: a student's cell gives no points. */
function show(id: string, result: unknown): void {
  const own: unknown = typeof result === "object" && result !== null ? Reflect.get(result, displaySymbol) : undefined;
  const io: unknown = Reflect.get(globalThis, ioSymbol);
  if (typeof own === "function" && hasDisplay(io)) {
    const { "text/html": html, "text/plain": plain }: Shown = Reflect.apply(own, result, []);
    io.display({ ...(html !== undefined && { "text/html": html }), "text/plain": `${id}: points ${plain}` });
  } else {
    console.log(typeof result === "number" ? `${id}: points ${result}` : `✓ ${id}`);
  }
}

function hasDisplay(io: unknown): io is { display(bundle: Record<string, unknown>): void } {
  return typeof io === "object" && io !== null && "display" in io && typeof io.display === "function";
}

/** Time and memory, with what `class.yaml` allows where it was handed out with the notebook. */
async function budgetLine(seconds: number, memory: number): Promise<string> {
  const file = join(process.cwd(), "class.yaml");
  if (!existsSync(file)) {
    return `Used: ${secondsText(seconds)}, ${memoryText(memory)} of memory`;
  }
  const { readSettings } = await import("../source/settings.ts");
  const allowed = readSettings(file, "");
  return `Budget: ${secondsText(seconds)} of ${secondsText(allowed.timeout)}, ${memoryText(memory)} of ${memoryText(allowed.memory)}`;
}

/** The notebook that Jupyter says it runs; else the only one of the folder that has cells with tests. */
function findNotebook(folder: string): { readonly cells: readonly NotebookCell[] } | undefined {
  const named = process.env.JPY_SESSION_NAME;
  const candidates = named === undefined ? [] : [resolve(folder, named), join(folder, basename(named))];
  for (const path of candidates) {
    const notebook = read(path);
    if (notebook !== undefined) {
      return notebook;
    }
  }
  const found = readdirSync(folder)
    .filter((name) => name.endsWith(".ipynb"))
    .map((name) => read(join(folder, name)))
    .filter((notebook) => notebook?.cells.some((cell) => cell.metadata?.nbgrader?.grade === true));
  if (found.length > 1) {
    throw new NoTestsError(
      "%grade: there are several notebooks with tests in this folder, and Jupyter does not say which this is",
    );
  }
  return found[0];
}

function read(path: string): { readonly cells: readonly NotebookCell[] } | undefined {
  try {
    const notebook: { cells?: unknown } = JSON.parse(readFileSync(path, "utf8"));
    return Array.isArray(notebook.cells) && notebook.cells.every(isCell) ? { cells: notebook.cells } : undefined;
  } catch {
    return undefined;
  }
}

function isCell(cell: unknown): cell is NotebookCell {
  return typeof cell === "object" && cell !== null && "cell_type" in cell && "source" in cell;
}
