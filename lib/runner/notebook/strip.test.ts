import { expect, test } from "vitest";
import { stripNotebook } from "./strip.ts";

const cell = (inner: string) =>
  `{\n "cells": [\n  {\n   "cell_type": "code",\n   ${inner}\n   "id": "k\\u00e9-1",\n   "source": ["x = 1.0"]\n  }\n ],\n "metadata": {"version": 1.0, "big": 12345678901234567890},\n "nbformat": 4,\n "nbformat_minor": 5\n}`;

test("takes outputs and counts out and leaves every other byte", () => {
  const text = cell(
    '"execution_count": 12,\n   "metadata": {},\n   "outputs": [\n    {"output_type": "stream", "name": "stdout", "text": ["a"]}\n   ],',
  );
  expect(stripNotebook(text, "x")).toBe(cell('"execution_count": null,\n   "metadata": {},\n   "outputs": [],'));
});

test("takes out what a run left in the metadata", () => {
  const text = cell(
    '"execution_count": null,\n   "metadata": {\n    "execution": {"a": 1},\n    "tags": ["b"],\n    "measured": {"seconds": 1}\n   },\n   "outputs": [],',
  );
  expect(stripNotebook(text, "x")).toBe(
    cell('"execution_count": null,\n   "metadata": {\n    "tags": ["b"]\n   },\n   "outputs": [],'),
  );
  const only = cell('"execution_count": null,\n   "metadata": {\n    "execution": {}\n   },\n   "outputs": [],');
  expect(stripNotebook(only, "x")).toBe(cell('"execution_count": null,\n   "metadata": {},\n   "outputs": [],'));
});

test("a stripped notebook stays as it is, to the byte", () => {
  const text = cell('"execution_count": null,\n   "metadata": {"tags": [ ]},\n   "outputs": [ ],');
  expect(stripNotebook(text, "x")).toBe(text);
});

test("keeps the outputs of cells that ask for it", () => {
  const text = cell(
    '"execution_count": 3,\n   "metadata": {"tags": ["keep-output"]},\n   "outputs": [{"output_type": "stream", "name": "stdout", "text": ["a"]}],',
  );
  expect(stripNotebook(text, "x")).toBe(text);
  expect(stripNotebook(text, "x", { keepTags: [] })).not.toBe(text);
});

test.each([
  // https://github.com/kynan/nbstripout: the metadata that it knows.
  [{ keep_output: true }, {}, true],
  [{ init_cell: true }, {}, true],
  [{ tags: ["keep_output"] }, {}, true],
  [{}, { keep_output: true }, true],
  [{ keep_output: false }, { keep_output: true }, false],
  [{ init_cell: false }, {}, false],
  [{ keep_output: "yes" }, { keep_output: 1 }, false],
])("a cell with the metadata %j in a notebook with %j keeps its outputs: %s", (cell, notebook, kept) => {
  const outputs = [{ output_type: "stream", name: "stdout", text: "shown" }];
  const cells = [{ cell_type: "code", execution_count: 1, metadata: cell, outputs, source: "" }];
  const text = JSON.stringify({ cells, metadata: notebook, nbformat: 4, nbformat_minor: 4 });
  expect(stripNotebook(text, "x.ipynb").includes("shown")).toBe(kept);
});
