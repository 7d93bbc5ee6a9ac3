import { expect, test } from "vitest";
import { upgradeNotebook } from "./upgrade.ts";
import { validateNotebook } from "./validate.ts";

const old = {
  nbformat: 3,
  nbformat_minor: 0,
  metadata: { name: "old", language: "python" },
  worksheets: [
    {
      cells: [
        { cell_type: "heading", level: 2, source: ["A heading"], metadata: {} },
        { cell_type: "markdown", source: ["text"], metadata: {} },
        {
          cell_type: "code",
          language: "python",
          input: ["1 + 1\n", "2"],
          prompt_number: 4,
          collapsed: false,
          metadata: {},
          outputs: [
            { output_type: "stream", stream: "stderr", text: ["warn"] },
            { output_type: "pyout", prompt_number: 4, text: ["2"], png: "AAAA" },
            { output_type: "display_data", json: '{"a": 1}' },
            { output_type: "pyerr", ename: "E", evalue: "v", traceback: ["t"] },
          ],
        },
      ],
    },
  ],
};

test("brings nbformat 3 to 4.5, as the schema has it", () => {
  const notebook = upgradeNotebook(structuredClone(old), "x");
  expect(notebook.metadata).toEqual({ language: "python" });
  expect(notebook.cells[0]).toMatchObject({ cell_type: "markdown", source: ["## A heading"] });
  expect(notebook.cells[2]).toMatchObject({
    cell_type: "code",
    execution_count: 4,
    source: ["1 + 1\n", "2"],
    outputs: [
      { output_type: "stream", name: "stderr", text: ["warn"] },
      {
        output_type: "execute_result",
        execution_count: 4,
        data: { "text/plain": ["2"], "image/png": "AAAA" },
        metadata: {},
      },
      { output_type: "display_data", data: { "application/json": { a: 1 } }, metadata: {} },
      { output_type: "error", ename: "E", evalue: "v", traceback: ["t"] },
    ],
  });
  expect(validateNotebook(JSON.stringify(notebook), "x")).toEqual([]);
});

test("gives cells of 4.4 ids that are the same every time", () => {
  const make = () => ({
    nbformat: 4,
    nbformat_minor: 4,
    metadata: {},
    cells: [1, 2].map(() => ({ cell_type: "markdown", metadata: {}, source: ["same"] })),
  });
  const [first, second] = [upgradeNotebook(make(), "x"), upgradeNotebook(make(), "x")];
  expect(first).toEqual(second);
  expect(new Set(first.cells.map((cell) => cell.id)).size).toBe(2);
  expect(validateNotebook(JSON.stringify(first), "x")).toEqual([]);
});

test("leaves what is new alone, and refuses what it does not know", () => {
  const current = { nbformat: 4, nbformat_minor: 5, metadata: {}, cells: [] };
  expect(upgradeNotebook(current, "x")).toBe(current);
  expect(() => upgradeNotebook({ nbformat: 2 }, "x")).toThrow("x: is of nbformat 2; only 3 and 4 can be upgraded");
});

test("says what is wrong with a notebook, and on which line", () => {
  const text =
    '{\n "nbformat": 4, "nbformat_minor": 5, "metadata": {},\n "cells": [\n  {"cell_type": "markdown", "id": "a", "metadata": {}, "source": []},\n  {"cell_type": "markdown", "id": "a", "metadata": {}, "source": [], "outputs": []}\n ]\n}';
  expect(validateNotebook(text, "x")).toEqual([
    { pointer: "/cells/1", message: 'has the property "outputs", which is not allowed', line: 5 },
    { pointer: "/cells/1/id", message: '"a" is also the id of cell 1', line: 5 },
  ]);
  expect(validateNotebook('{"nbformat": 4, "nbformat_minor": 4, "metadata": {}}', "x")).toEqual([
    { pointer: "/", message: 'has no "cells"', line: undefined },
  ]);
});
