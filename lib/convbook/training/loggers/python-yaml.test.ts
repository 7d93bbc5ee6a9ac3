/** Hyper-parameters as YAML, read by PyYAML where it is there; what it reads is the value that was written. */
import { expect, it } from "vitest";
import { askPython } from "../../../../test/debian-python.ts";
import { pythonYaml } from "./python-yaml.ts";

it("writes exponents with a point (https://github.com/treeverse/dvc/issues/8466)", () => {
  expect(pythonYaml({ lr: 1e-7, list: [1e21, -0, 0.5, 3], none: [Number.NaN, -Infinity] })).toBe(
    "lr: 1.0e-7\nlist:\n  - 1.0e+21\n  - -0.0\n  - 0.5\n  - 3\nnone:\n  - .nan\n  - -.inf\n",
  );
});

it("puts in quotation marks what PyYAML would not take for text", () => {
  expect(pythonYaml({ a: "1e3", b: "no", on: "12:30", c: "=", d: "\u0085", e: "plain" })).toBe(
    'a: "1e3"\nb: "no"\n"on": "12:30"\nc: "="\nd: "\\u0085"\ne: plain\n',
  );
});

const texts =
  "yes 1e3 1_000 12:30 2019-01-01 0777 0o17 1.0e+3 = ~ null NO y << 0x1F 08 on 0b1 +1 .inf -.INF 1. .5 1:30.5 TRUE nan _1 e5 --- ... a: :a [a] { | > &a *a @a `a %a ? ! é 😀";
const hard = [
  "",
  " a",
  "a: b",
  "a #b",
  "# c",
  "- a",
  "multi\nline",
  "a\n",
  "\n",
  "a\n\n b\n",
  "tab\t",
  "\r\n",
  '"q"',
  "'",
];
const control = ["\0", "\x1b", "\x7f", "\x85", "\xa0", "\u2028", "\ufeff", "\ud800"];

it("is read by PyYAML as it was written", () => {
  const value = {
    texts: [...texts.split(" "), ...hard, ...control, `${"x".repeat(200)} y`],
    names: Object.fromEntries([...texts.split(" "), ...hard].map((text) => [text, text])),
    numbers: [1e-7, 1e21, 0.1, 5e-324, -1e-300, 1.5e300, 2 ** 53, 0, 1e5, 123456789012345680000],
    rest: [true, null, [], {}, { deep: [{ er: 1e-9 }] }],
  };
  const script = "import sys, json, yaml; print(json.dumps(yaml.safe_load(sys.stdin.buffer)))";
  const python = askPython(["reading the YAML with PyYAML", "python3-yaml"], ["-c", script], pythonYaml(value));
  if (python === undefined) {
    return;
  }
  expect(python.stderr).toBe("");
  expect(JSON.parse(python.stdout)).toEqual(value);
});
