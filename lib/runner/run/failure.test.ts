import { expect, test } from "vitest";
import { errorPosition } from "./failure.ts";

const at = (traceback: string[], count = 3) =>
  errorPosition({ output_type: "error", ename: "E", evalue: "v", traceback }, count);

test.each([
  [
    "ipykernel 6",
    [
      "\u001b[0;31mE\u001b[0m Traceback (most recent call last)",
      "Cell \u001b[0;32mIn [3], line 5\u001b[0m\n   4 x\n----> 5 f()",
    ],
    { line: 5 },
  ],
  ["ipykernel 6.20", ["Cell In[3], line 2\n----> 2 f()\n", "File lib.py:9, in f()"], { line: 2 }],
  ["older IPython", ["Input In [3], in <cell line: 4>()\n----> 4 x"], { line: 4 }],
  ["a syntax error", ["\u001b[0;36m  Cell \u001b[0;32mIn [3], line 1\u001b[0m\n    f(:"], { line: 1 }],
  ["V8", ["TypeError: x", "    at f (In [3]:2:7)", "    at In [3]:4:1"], { line: 2, column: 7 }],
  ["another cell's function", ["Error: x", "    at f (In [1]:9:9)", "    at In [3]:4:1"], { line: 4, column: 1 }],
  ["nothing known", ["Error: x"], {}],
])("finds the line in the traceback of %s", (_, traceback, expected) => {
  expect(at(traceback)).toEqual(expected);
});
