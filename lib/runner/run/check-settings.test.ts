import { expect, test } from "vitest";
import type { Notebook } from "../notebook/types.ts";
import { checkSettings } from "./check-settings.ts";

const make = (runner: unknown, cellRunner?: unknown): Notebook => ({
  cells: [{ cell_type: "code", metadata: { runner: cellRunner }, source: "x", execution_count: null, outputs: [] }],
  metadata: { runner },
  nbformat: 4,
  nbformat_minor: 5,
});

test("settings of the right kinds pass", () => {
  expect(checkSettings(make(undefined), "x")).toEqual([]);
  expect(
    checkSettings(make({ notebookTimeout: 5, fast: { n: 1 } }, { timeout: 1, expect: { a: "> 1" } }), "x"),
  ).toEqual([]);
});

test("a setting that does not exist is told with the nearest name", () => {
  expect(checkSettings(make({ notebookTimeuot: 5 }, { fast: {} }), "x")).toEqual([
    '"runner.notebookTimeuot" in the notebook\'s metadata is not a setting; did you mean "notebookTimeout"?',
    '"runner.fast" in the metadata of cell 1 is not a setting',
  ]);
});

test("a setting of the wrong kind is an error", () => {
  expect(() => checkSettings(make({}, { timeout: "long" }), "x.ipynb")).toThrow(
    'x.ipynb: "runner.timeout" in the metadata of cell 1 is "long"; expected a number that is not negative',
  );
  expect(() => checkSettings(make({}, { expect: null }), "x.ipynb")).toThrow("is null; expected an object");
  expect(() => checkSettings(make("fast"), "x.ipynb")).toThrow('is "fast"; expected an object');
});

test("what an exception has to be is its name and its message", () => {
  const check = (raises: unknown) => checkSettings(make({}, { raises }), "x.ipynb");
  expect([check({}), check({ name: "TypeError", message: "no" })]).toEqual([[], []]);
  expect(() => check({ nam: "TypeError" })).toThrow(
    'in the metadata of cell 1 has "nam"; expected "name" and "message"',
  );
  expect(() => check({ name: 5 })).toThrow('"runner.raises.name" in the metadata of cell 1 is 5; expected a text');
});

test("what one cell has to do is refused in the notebook's metadata, where it would be for none", () => {
  for (const name of ["raises", "expect"]) {
    expect(() => checkSettings(make({ [name]: {} }), "x.ipynb")).toThrow(
      `"runner.${name}" in the notebook's metadata says nothing: it belongs into the metadata of a cell`,
    );
  }
});
