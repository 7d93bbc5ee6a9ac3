/** For tests: notebooks and folders of the classroom. */
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Cell, Notebook } from "nbconvert-ts-runner";

/** The kernel of this repository. */
export const kernelDir = fileURLToPath(new URL("../../kernel/kernelspec", import.meta.url));

/** What a cell's nbgrader metadata say, by what it is for. */
export const roles = {
  solution: (id: string) => ({
    schema_version: 3,
    grade: false,
    solution: true,
    locked: false,
    task: false,
    grade_id: id,
  }),
  tests: (id: string, points: number) => ({
    schema_version: 3,
    grade: true,
    solution: false,
    locked: true,
    task: false,
    grade_id: id,
    points,
  }),
  manual: (id: string, points: number) => ({
    schema_version: 3,
    grade: true,
    solution: true,
    locked: false,
    task: false,
    grade_id: id,
    points,
  }),
  readonly: (id: string) => ({
    schema_version: 3,
    grade: false,
    solution: false,
    locked: true,
    task: false,
    grade_id: id,
  }),
};

/** A cell of any kind. */
export function cellWith(cellType: Cell["cell_type"], source: string, nbgrader?: unknown): Cell {
  const metadata = nbgrader === undefined ? {} : { nbgrader };
  return cellType === "code"
    ? { cell_type: "code", source, metadata, outputs: [], execution_count: null }
    : { cell_type: cellType, source, metadata };
}

/** A notebook for a kernel of a language. */
export function notebookOf(cells: Cell[], language = "typescript"): Notebook {
  const kernelspec = { name: language === "typescript" ? "convbook" : language, language, display_name: language };
  return { cells, metadata: { kernelspec }, nbformat: 4, nbformat_minor: 4 };
}

/** A new folder with files; those that are no text are written as JSON. */
export function folderWith(files: Readonly<Record<string, unknown>>): string {
  const folder = mkdtempSync(join(tmpdir(), "convbook-class-"));
  for (const [name, contents] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), typeof contents === "string" ? contents : JSON.stringify(contents));
  }
  return folder;
}
