import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { NotebookError } from "../errors.ts";
import { parseNotebook, readNotebook } from "./read.ts";

const folder = mkdtempSync(join(tmpdir(), "read-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const valid = {
  cells: [{ cell_type: "code", source: ["1\n", "2"], metadata: {}, outputs: [], execution_count: null }],
  metadata: {},
  nbformat: 4,
  nbformat_minor: 5,
};

test("reads a notebook, with a byte order mark or without", () => {
  const path = join(folder, "ok.ipynb");
  writeFileSync(path, `\uFEFF${JSON.stringify(valid)}`);
  expect(readNotebook(path).notebook.cells).toHaveLength(1);
});

test.each([
  ["", "x.ipynb: is empty; expected a notebook (JSON)"],
  ["[1]", "x.ipynb: is not a notebook: expected a JSON object"],
  ["{}", 'x.ipynb: is not a notebook: it has no "nbformat"'],
  ['{"nbformat": 4}', 'x.ipynb: is not a notebook: it has no list of "cells"'],
  ['{"nbformat": 5, "cells": []}', "x.ipynb: is of nbformat 5, which is newer than what is known here (4)"],
  [
    '{"nbformat": 3, "worksheets": []}',
    'x.ipynb: is of nbformat 3; run "nbconvert-ts-runner validate --upgrade x.ipynb" to bring it to nbformat 4',
  ],
  [
    '{"nbformat": 4, "cells": [{"cell_type": "cod"}]}',
    'x.ipynb: is not a notebook: cell 1 has the type "cod"; expected "code", "markdown" or "raw"',
  ],
  ['{"nbformat": 4, "cells": [{"cell_type": "code"}]}', 'x.ipynb: is not a notebook: cell 1 has no "source"'],
  [
    '{\n"cells": [\n<<<<<<< HEAD\n1\n=======\n2\n>>>>>>> other\n]}',
    "x.ipynb: has an unresolved merge conflict (line 3: <<<<<<< HEAD)",
  ],
])("says what is wrong with %j", (text, message) => {
  expect(() => parseNotebook(text, "x.ipynb")).toThrow(new NotebookError("x.ipynb", message.slice("x.ipynb: ".length)));
});

test("says where the JSON ends", () => {
  expect(() => parseNotebook('{"cells": [', "x.ipynb")).toThrow(/^x\.ipynb: is not JSON: /);
});

test("says that a file does not exist, or is a folder", () => {
  expect(() => readNotebook(join(folder, "none.ipynb"))).toThrow("none.ipynb: no such file");
  expect(() => readNotebook(folder)).toThrow("is a folder");
});

test("refuses bytes that are not UTF-8, which would be lost in a save", () => {
  const path = join(folder, "latin1.ipynb");
  writeFileSync(path, Buffer.from('{"cells": [], "metadata": {"é": 1}, "nbformat": 4}', "latin1"));
  expect(() => readNotebook(path)).toThrow("latin1.ipynb: is not UTF-8 text, which JSON must be");
});

test("the advice to upgrade quotes a path for the shell", () => {
  const odd = join(folder, "old $(id).ipynb");
  writeFileSync(odd, '{"nbformat": 3, "worksheets": []}');
  expect(() => readNotebook(odd)).toThrow(`validate --upgrade '${odd}'"`);
});
