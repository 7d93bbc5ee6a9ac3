/**
 * Errors that only a cell's outputs tell of: the kernel shows them and replies that all went well. papermill goes by the outputs, too
 * (https://github.com/nteract/papermill/blob/main/papermill/execute.py, raise_for_execution_errors).
 */
import { afterAll, describe, expect, test } from "vitest";
import { runNotebook } from "../../lib/runner/index.ts";
import { type CellLike, hasJupyter, temporaryFolder, writeNotebook } from "./support.ts";

const { path: folder, remove } = temporaryFolder();
afterAll(remove);

const run = (cells: readonly CellLike[], options: object = {}) =>
  runNotebook(writeNotebook(folder, "shown.ipynb", cells), { output: null, ...options });

const declaration = "class A:\n    def __repr__(self):\n        raise RuntimeError('no text')\n";

describe.runIf(hasJupyter)("a result that cannot be shown", () => {
  test("fails its cell", async () => {
    const { status, cells } = await run([`${declaration}A()`, "print('after')"]);
    expect([status, ...cells.map((cell) => cell.status)]).toEqual(["failed", "failed", "not-run"]);
    expect(cells[0]?.failure).toMatchObject({ name: "RuntimeError", message: "no text", line: 3 });
  });

  test.each([
    ["errors are allowed", `${declaration}A()`, { allowErrors: true }],
    ["it was asked for", { source: `${declaration}A()`, tags: ["raises-exception"] }, {}],
    ["it was cleared away", `${declaration}display(A())\nfrom IPython.display import clear_output\nclear_output()`, {}],
  ])("does not where %s", async (_, cell, options) => {
    const { status, cells } = await run([cell, "print('after')"], options);
    expect([status, ...cells.map((each) => each.status)]).toEqual(["passed", "passed", "passed"]);
  });
});
