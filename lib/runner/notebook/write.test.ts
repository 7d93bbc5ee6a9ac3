import {
  chmodSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { parseNotebook } from "./read.ts";
import type { CodeCell } from "./types.ts";
import { detectStyle, NotebookWriter, removeLeftovers, serializeNotebook, writeAtomically } from "./write.ts";

const folder = mkdtempSync(join(tmpdir(), "write-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** As Python's nbformat writes it: indented by one, keys in order, non-empty lists a line an entry. */
const jupyter = `{
 "cells": [
  {
   "cell_type": "code",
   "execution_count": 1,
   "id": "a1",
   "metadata": {},
   "outputs": [
    {
     "data": {
      "text/plain": [
       "2"
      ]
     },
     "execution_count": 1,
     "metadata": {},
     "output_type": "execute_result"
    }
   ],
   "source": [
    "1 + 1"
   ]
  },
  {
   "cell_type": "markdown",
   "id": "b2",
   "metadata": {},
   "source": []
  }
 ],
 "metadata": {},
 "nbformat": 4,
 "nbformat_minor": 5
}
`;

test.each([
  ["one space", jupyter],
  ["two spaces", jupyter.replace(/^ +/gm, (spaces) => spaces.repeat(2))],
  ["no newline at the end", jupyter.trimEnd()],
])("writes a notebook back byte for byte: %s", (_, text) => {
  expect(serializeNotebook(parseNotebook(text, "x"), detectStyle(text))).toBe(text);
});

test("writes outputs as lists of lines, base64 as one string", () => {
  const notebook = parseNotebook(jupyter, "x");
  const cell = notebook.cells[0] as CodeCell;
  cell.outputs = [
    { output_type: "stream", name: "stdout", text: "a\nb" },
    {
      output_type: "display_data",
      data: { "image/png": "AAAA\n", "text/html": "<b>\nx</b>", "application/json": { a: "1\n2" } },
      metadata: {},
    },
  ];
  const { outputs } = JSON.parse(serializeNotebook(notebook)).cells[0];
  expect(outputs[0].text).toEqual(["a\n", "b"]);
  expect(outputs[1].data).toEqual({
    "image/png": "AAAA\n",
    "text/html": ["<b>\n", "x</b>"],
    "application/json": { a: "1\n2" },
  });
});

test("a cell that was changed is serialised again, and only then", () => {
  const notebook = parseNotebook(jupyter, "x");
  const writer = new NotebookWriter("x", detectStyle(jupyter));
  const cell = notebook.cells[0] as CodeCell;
  writer.text(notebook);
  cell.execution_count = 7;
  expect(writer.text(notebook)).toBe(jupyter);
  writer.changed(cell);
  expect(writer.text(notebook)).toContain('"execution_count": 7');
});

test("a save keeps the mode and the link, and leaves nothing else behind", () => {
  const own = mkdtempSync(join(folder, "save-"));
  const target = join(own, "target.ipynb");
  const link = join(own, "link.ipynb");
  writeFileSync(target, "old");
  chmodSync(target, 0o640);
  symlinkSync(target, link);
  writeAtomically(link, "new");
  expect(readFileSync(target, "utf8")).toBe("new");
  expect(lstatSync(link).isSymbolicLink()).toBe(true);
  expect(statSync(target).mode & 0o777).toBe(0o640);
  expect(readdirSync(own).sort()).toEqual(["link.ipynb", "target.ipynb"]);
});

test("writes a name that is as long as file systems take", () => {
  const own = mkdtempSync(join(folder, "long-"));
  const name = `${"名".repeat(82)}.ipynb`;
  writeAtomically(join(own, name), "new");
  expect(readdirSync(own)).toEqual([name]);
  writeFileSync(join(own, `.${"名".repeat(40)}.4194303-0123abcd.tmp`), "");
  removeLeftovers(join(own, name));
  expect(readdirSync(own)).toEqual([name]);
});

test("says why a path cannot be written", () => {
  writeFileSync(join(folder, "file"), "");
  expect(() => writeAtomically(join(folder, "file", "x.ipynb"), "")).toThrow(/x\.ipynb: cannot be written: /);
});

test("removes what a killed process left, and nothing of one that runs", () => {
  const own = mkdtempSync(join(folder, "left-"));
  // No process has the highest number that Linux allows.
  for (const name of [
    ".n.ipynb.4194303-0123abcd.tmp",
    `.n.ipynb.${process.pid}-0123abcd.tmp`,
    ".other.ipynb.4194303-0123abcd.tmp",
  ]) {
    writeFileSync(join(own, name), "");
  }
  removeLeftovers(join(own, "n.ipynb"));
  expect(readdirSync(own).sort()).toEqual(
    [`.n.ipynb.${process.pid}-0123abcd.tmp`, ".other.ipynb.4194303-0123abcd.tmp"].sort(),
  );
});
