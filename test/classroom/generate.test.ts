/**
 * nbgrader's own `generate_assignment` (0.9.5, without its gradebook) and `make` give students the same cells: of our exercises and of nbgrader's public
 * test notebooks. It is looked for in ../shared/nbgrader, or in the checkout that CONVBOOK_NBGRADER names.
 */
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { type Cell, readNotebook } from "nbconvert-ts-runner";
import { beforeAll, describe, expect, test } from "vitest";
import { codeStub, release } from "../../lib/classroom/make/index.ts";
import { cellsOf, readAssignmentNotebook } from "../../lib/classroom/source/index.ts";

const checkout = resolve(process.env.CONVBOOK_NBGRADER ?? "../shared/nbgrader");
const python = "/usr/bin/python3";
const files = join(checkout, "nbgrader/tests");
const modules = "import nbconvert, jsonschema, tornado";
const hasNotebooks = existsSync(join(files, "apps/files/test.ipynb"));
const hasProgram =
  hasNotebooks &&
  existsSync(join(checkout, "nbgrader/converters/generate_assignment.py")) &&
  spawnSync(python, ["-c", modules]).status === 0;

const exercises = fileURLToPath(new URL("../../notebooks/exercises", import.meta.url));
const ours = readdirSync(exercises, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => join(exercises, name, `${name}.ipynb`));
const theirs = [
  "apps/files/test-hidden-tests.ipynb",
  "apps/files/test-with-output.ipynb",
  "apps/files/submitted-unchanged.ipynb",
  "apps/files/validation-zero-points.ipynb",
  "preprocessors/files/manually-graded-code-cell.ipynb",
  "preprocessors/files/test_taskcell.ipynb",
].map((path) => join(files, path));

/** What a student sees of a cell, and what nbgrader goes by. */
function essence({ cell_type, source, metadata }: Cell) {
  const text = typeof source === "string" ? source : source.join("");
  return { cell_type, text, nbgrader: metadata.nbgrader, deletable: metadata.deletable, editable: metadata.editable };
}

// One line where it is left out.
describe.skipIf(!hasProgram)("students get nbgrader's cells", () => {
  const course = mkdtempSync(join(tmpdir(), "convbook-course-"));

  beforeAll(() => {
    mkdirSync(join(course, "source", "all"), { recursive: true });
    for (const path of [...ours, ...theirs]) {
      copyFileSync(path, join(course, "source", "all", basename(path)));
    }
    const script = fileURLToPath(new URL("nbgrader_generate.py", import.meta.url));
    const stub = codeStub("typescript") ?? "";
    const run = spawnSync(python, [script, checkout, course, "all", stub], { encoding: "utf8" });
    expect(run.status, run.stderr).toBe(0);
  });

  test.each([...ours, ...theirs].map((path) => [basename(path), path]))("%s", (name, path) => {
    const made = release(readAssignmentNotebook(path), "student");
    const { notebook } = readNotebook(join(course, "release", "all", name));
    const theirCells = notebook.cells.map(essence);
    // A typed hole is our own: nbgrader puts its stub there, and its checksum goes by that.
    const isOurs = (index: number) =>
      made.cells[index] !== undefined && /\btodo[<(]/.test(essence(made.cells[index]).text);
    for (const [index, cell] of made.cells.entries()) {
      if (!isOurs(index)) {
        expect(essence(cell)).toEqual(theirCells[index]);
      }
    }
    expect(made.cells).toHaveLength(theirCells.length);
  });
});

test.skipIf(!hasNotebooks)("nbgrader's notebooks of every schema are read as it reads them", () => {
  const problems = (path: string) => {
    const { cells, problems: found } = cellsOf(readNotebook(join(files, path)).notebook);
    return { ids: cells.flatMap(({ id }) => (id === null ? [] : [id])), found };
  };
  const current = problems("apps/files/test.ipynb");
  expect(current.found).toEqual([]);
  for (const old of ["test-v0", "test-v1", "test-v2"]) {
    expect(problems(`apps/files/${old}.ipynb`)).toEqual(current);
  }
  expect(problems("apps/files/too-new.ipynb").found[0]).toContain(
    "schema 10, which is newer than what is known here (3)",
  );
  expect(problems("apps/files/test-v0-invalid.ipynb").found).toEqual(["cell 17 has no grade_id"]);
  expect(problems("preprocessors/files/duplicate-grade-ids.ipynb").found[0]).toContain(
    'the grade_id "id1" is that of the cells',
  );
  expect(problems("preprocessors/files/blank-grade-id.ipynb").found[0]).toContain("has an empty grade_id");
  expect(problems("preprocessors/files/blank-points.ipynb").found[0]).toContain("has no points");
  expect(problems("preprocessors/files/bad-markdown-cell-1.ipynb").found[0]).toContain(
    "is a Markdown cell with points, but no solution cell",
  );
  expect(problems("preprocessors/files/bad-markdown-cell-2.ipynb").found[0]).toMatch(/has no grade_id|without points/);
});
