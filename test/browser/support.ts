/** What the tests in a browser share: a home folder with a notebook and our kernelspec, a port, waiting. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serializeNotebook } from "nbconvert-ts-runner";
import type { Page } from "playwright-core";
import { release } from "../../lib/classroom/make/index.ts";
import { readAssignmentNotebook } from "../../lib/classroom/source/index.ts";
import { cell, notebook } from "../classroom/support.ts";
import { kernelspecFolder, root } from "../conformance/harness.ts";

export const browserProgram = "/usr/bin/chromium";

/** A temporary home whose folder `work` has the notebook `test.ipynb` of these cells, for our kernel. */
export function jupyterHome(cells: readonly string[]): string {
  const home = mkdtempSync(join(tmpdir(), "kernel-browser-"));
  const spec = join(home, "data/kernels/convbook");
  mkdirSync(join(home, "data/kernels"), { recursive: true });
  cpSync(kernelspecFolder, spec, { recursive: true });
  const json = readFileSync(join(spec, "kernel.json"), "utf8").replace("{resource_dir}", kernelspecFolder);
  writeFileSync(join(spec, "kernel.json"), json);
  const notebook = {
    cells: cells.map((source) => ({ cell_type: "code", execution_count: null, metadata: {}, outputs: [], source })),
    metadata: { kernelspec: { name: "convbook", display_name: "TypeScript (Convbook)", language: "typescript" } },
    nbformat: 4,
    nbformat_minor: 4,
  };
  mkdirSync(join(home, "work"));
  writeFileSync(join(home, "work/test.ipynb"), JSON.stringify(notebook));
  return home;
}

/** The environment in which Jupyter finds that home and nothing of the user's. */
export function jupyterEnvironment(home: string): NodeJS.ProcessEnv {
  return {
    ...process.env,
    HOME: home,
    JUPYTER_DATA_DIR: join(home, "data"),
    JUPYTER_CONFIG_DIR: join(home, "config"),
    JUPYTER_RUNTIME_DIR: join(home, "runtime"),
    CONVBOOK_HISTORY: join(home, "history.jsonl"),
  };
}

/**
 * Lays a student's notebook of an assignment beside `test.ipynb`: its cells are a setup, an answer with its tests, and a second answer with its own. Both
 * answers are to be asked with the same text, `%grade`.
 *
 * @returns Its path.
 */
export function layAssignment(home: string): string {
  const source = join(home, "source.ipynb");
  const tests = (id: string, value: number) =>
    cell(`if (${id} !== ${value}) throw new Error("${id} is " + ${id});`, `${id}-tests`, "tests", 1);
  const answer = (id: string, value: number) =>
    cell(`// BEGIN SOLUTION\nconst ${id} = ${value};\n// END SOLUTION\n%grade`, id, "solution");
  const setup = cell(`%load_ext ${join(root, "lib/classroom/dist/magic/index.js")}`, "setup", "readonly");
  writeFileSync(source, notebook([setup, answer("a", 1), tests("a", 1), answer("b", 2), tests("b", 2)]));
  const path = join(home, "work/assignment.ipynb");
  writeFileSync(path, serializeNotebook(release(readAssignmentNotebook(source), "student")));
  return path;
}

/** What a user may try at a cell whose editor has the focus: to type, to erase, to cut, and to delete the cell. */
export async function typeAtLocked({ keyboard }: Page): Promise<void> {
  await keyboard.type("1; // typed");
  for (const key of ["End", "Enter", "Backspace", "Delete", "Control+a", "Backspace", "Control+x"]) {
    await keyboard.press(key);
  }
  for (const key of ["Escape", "d", "d"]) {
    await keyboard.press(key);
  }
}

export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => probe.once("listening", resolve));
  const { port } = probe.address() as { port: number };
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

export async function until(condition: () => boolean, ms: number, failure: string): Promise<void> {
  const end = Date.now() + ms;
  while (!condition()) {
    if (Date.now() > end) {
      throw new Error(failure);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
