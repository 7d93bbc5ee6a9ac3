import { expect, test } from "vitest";
import { MessageCodec } from "../kernels/message.ts";
import { parseJsonText, stringifyJson } from "./json/index.ts";
import { parseNotebook } from "./read.ts";
import { stripNotebook } from "./strip.ts";
import type { CodeCell, Output } from "./types.ts";
import { detectStyle, serializeNotebook } from "./write.ts";

/** Everything that JavaScript's own JSON would spell differently, and a layout that nobody else has. */
const odd = `{
 "nbformat_minor": 5, "nbformat": 4,
 "metadata": {"seed": 12345678901234567890, "scale": 1.0, "n": {"10": 1, "2": -0.0}, "e": [1e-7, 1E400, 1e5], "x": NaN, "y": -Infinity},
 "cells": [
  {
   "source": "a\\u00e9 \\/ \\ud83d",
   "cell_type": "code",
   "metadata": {"tags": ["a",  "b"], "big": 9007199254740993},
   "outputs": [
    {"output_type": "display_data", "metadata": {}, "data": {"application/json": {"b": 1.0, "10": 1, "2": 2, "a": NaN}, "text/plain": "one\\ntwo"}}
   ],
   "execution_count": null,
   "id": "c0"
  },
  {"cell_type": "markdown", "source": [ "x" ], "metadata": {"f": 3.0}, "id": "c1"}
 ]
}`;

const rewritten = (text: string, change: (cell: CodeCell) => void) => {
  const notebook = parseNotebook(text, "x");
  change(notebook.cells[0] as CodeCell);
  return serializeNotebook(notebook, detectStyle(text));
};

test.each([
  ["as it is", odd],
  ["with CRLF", odd.replaceAll("\n", "\r\n")],
  ["on one line", odd.replaceAll("\n", "")],
  ["with a byte order mark and lines behind", `\uFEFF${odd}\n\n`],
  ["with a key written twice", odd.replace('"id": "c1"', '"id": "c2", "id": "c1"')],
  ["with fields missing", odd.replace('   "execution_count": null,\n', "").replace('"metadata": {}, ', "")],
])("what has not changed is written to the byte: %s", (_, text) => {
  expect(rewritten(text, () => {})).toBe(text);
});

test("a change leaves everything around it", () => {
  expect(
    rewritten(odd, (cell) => {
      cell.execution_count = 7;
    }),
  ).toBe(odd.replace('"execution_count": null', '"execution_count": 7'));
  expect(
    rewritten(odd.replaceAll("\n", ""), (cell) => {
      cell.metadata.more = 1;
    }),
  ).toBe(odd.replaceAll("\n", "").replace("9007199254740993}", '9007199254740993, "more": 1}'));
});

test("an output that came out as before keeps its text, another one has the spelling that the kernel gave it", () => {
  const data = parseJsonText(
    '{"text/plain": "one\\ntwo", "application/json": {"b": 1.0, "10": 1, "2": 2, "a": NaN}}',
  ) as Record<string, unknown>;
  const same: Output = { data, metadata: {}, output_type: "display_data" };
  expect(
    rewritten(odd, (cell) => {
      cell.outputs = [same];
    }),
  ).toBe(odd);
  const other = parseJsonText('{"application/json": {"b": 1, "10": 1e400, "2": 12345678901234567890}}') as never;
  const text = rewritten(odd, (cell) => {
    cell.outputs = [{ data: other, metadata: {}, output_type: "display_data" }];
  });
  expect(text.replace(/\s+/g, "")).toContain('{"b":1,"10":1e400,"2":12345678901234567890}');
});

test("a notebook with sorted keys keeps them sorted, one in ASCII stays so", () => {
  const sorted = `{
 "cells": [
  {
   "cell_type": "code",
   "execution_count": null,
   "id": "a",
   "metadata": {
    "tags": [
     "\\u00e9"
    ]
   },
   "outputs": [],
   "source": []
  }
 ],
 "metadata": {},
 "nbformat": 4,
 "nbformat_minor": 5
}
`;
  const text = rewritten(sorted, (cell) => {
    cell.metadata.execution = { b: "é", a: 1 };
    cell.outputs = [{ output_type: "stream", name: "stdout", text: "ü\n" }];
  });
  expect(text).toBe(
    sorted
      .replace(
        '"metadata": {\n    "tags"',
        '"metadata": {\n    "execution": {\n     "a": 1,\n     "b": "\\u00e9"\n    },\n    "tags"',
      )
      .replace(
        '"outputs": []',
        '"outputs": [\n    {\n     "name": "stdout",\n     "output_type": "stream",\n     "text": [\n      "\\u00fc\\n"\n     ]\n    }\n   ]',
      ),
  );
});

test("strip leaves NaN, numbers and layout alone", () => {
  const stripped = stripNotebook(odd, "x");
  expect(stripped).toBe(odd.replace(/"outputs": \[\n.*\n {3}\]/, '"outputs": []'));
});

test("a kernel's display keeps its numbers and the order of its keys; NaN of Python's JSON is read in any message", () => {
  const codec = new MessageCodec("");
  const message = (type: string, content: string) =>
    codec.decode(["<IDS|MSG>", "", `{"msg_type": "${type}"}`, "{}", "{}", content].map((part) => Buffer.from(part)));
  const shown = message("display_data", '{"data": {"application/json": {"b": 1.0, "10": NaN, "2": 1e-07}}}');
  expect(stringifyJson(shown?.content.data)).toBe('{"application/json": {"b": 1.0, "10": NaN, "2": 1e-07}}');
  expect(message("comm_msg", '{"data": Infinity}')?.content.data).toBe(Number.POSITIVE_INFINITY);
});

test.each([
  ['{"a": 01}', 'expected "," or "}" (line 1, column 8)'],
  ['{"a": 1,}', "expected a key in quotes (line 1, column 9)"],
  ['["a\nb"]', "a control character in a string (line 1, column 4)"],
  ['["\\x41"]', "a string with an escape that JSON does not have (line 1, column 2)"],
  ["[1] 2", "expected the end (line 1, column 5)"],
  ["[".repeat(5000), "it is nested too deeply (line 1, column 1001)"],
  ['{"a": [', "expected a value, but the text ends (line 1, column 8)"],
])("refuses %j and says where", (text, message) => {
  expect(() => parseJsonText(text)).toThrow(message);
});

test("a key that is __proto__ is a key", () => {
  const value = parseJsonText('{"__proto__": {"a": 1}}') as object;
  expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
  expect(Object.keys(value)).toEqual(["__proto__"]);
});
