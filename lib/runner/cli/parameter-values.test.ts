/** Parameters from files, YAML and Base64. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { assignment } from "../run/parameters.ts";
import { parameterBase64, parameterFile, parameterValue, parameterYaml } from "./parameter-values.ts";
import { joinParameters } from "./values.ts";

const folder = mkdtempSync(join(tmpdir(), "parameters-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const python = (values: Record<string, unknown>) =>
  Object.entries(values).map(([name, value]) => assignment("python", name, value));

const file = (name: string, text: string) => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

const yaml = `
lr: 1.0
big: 12345678901234567890
small: 1e-3
negative: -0.50
top: .inf
low: -.inf
none: ~
nan: .nan
mask: 0xff
mode: 0o17
yes: true
date: 2019-01-01
text: "1.0"
nested: {b: 2.0, 10: [1.50, x], 2: {1.0: z}}
base: &base {a: 1.0}
more: {<<: *base, b: 2}
`;

const expected = [
  "lr = 1.0",
  "big = 12345678901234567890",
  "small = 1e-3",
  "negative = -0.50",
  "top = float('inf')",
  "low = float('-inf')",
  "none = None",
  "nan = float('nan')",
  "mask = 255",
  "mode = 15",
  "yes = True",
  'date = "2019-01-01"',
  'text = "1.0"',
  'nested = {"b": 2.0, "10": [1.50, "x"], "2": {"1.0": "z"}}',
  'base = {"a": 1.0}',
  'more = {"a": 1.0, "b": 2}',
];

describe("numbers are written as they were given, keys in their order", () => {
  it("in a file of YAML", () => expect(python(parameterFile(file("p.yaml", yaml)))).toEqual(expected));
  it("in YAML on the command line", () => expect(python(parameterYaml(yaml))).toEqual(expected));
  it("in Base64", () => {
    const text = Buffer.from(yaml).toString("base64");
    expect(python(parameterBase64(text))).toEqual(expected);
    expect(python(parameterBase64(text.replace(/=+$/, "").replace(/.{76}/g, "$&\n")))).toEqual(expected);
  });
  it("in a file of JSON, Python's numbers and tabs included", () => {
    const text =
      '{\n\t"lr": 1.0, "big": 12345678901234567890, "e": 1E-3, "n": [NaN, -Infinity], "m": {"10": 1, "2": 2.0}\n}';
    expect(python(parameterFile(file("p.json", text)))).toEqual([
      "lr = 1.0",
      "big = 12345678901234567890",
      "e = 1E-3",
      "n = [float('nan'), float('-inf')]",
      'm = {"10": 1, "2": 2.0}',
    ]);
  });
  it("in JSON on the command line", () => {
    const value = parameterValue('[1.0, {"b": 2.50, "10": 12345678901234567890, "2": null}]');
    expect(assignment("python", "x", value)).toBe('x = [1.0, {"b": 2.50, "10": 12345678901234567890, "2": None}]');
    expect(assignment("typescript", "x", value)).toBe('x = [1, { "b": 2.5, "10": 12345678901234567890n, "2": null }];');
  });
});

// https://github.com/nteract/papermill/blob/main/papermill/cli.py reads them with Python's int() and float().
it.each([
  ["inf", "float('inf')"],
  ["-Infinity", "float('-inf')"],
  ["NaN", "float('nan')"],
  ["1_000", "1000"],
  ["_1", '"_1"'],
  ["1__0", '"1__0"'],
  ["infer", '"infer"'],
])("-p x %s", (text, literal) => {
  expect(assignment("python", "x", parameterValue(text))).toBe(`x = ${literal}`);
});

it("nothing but comments is no parameter, as papermill has it", () => {
  expect(parameterYaml("#empty")).toEqual({});
  expect(parameterBase64("I2VtcHR5")).toEqual({});
  expect(parameterFile(file("empty.yaml", "#empty"))).toEqual({});
});

it("papermill's names of the options", () => {
  expect(joinParameters(["--parameters_yaml", "a: 1", "--parameters_base64=YTogMQ==", "-y", "a=b"])).toEqual([
    "--parameters-yaml",
    "a: 1",
    "--parameters-base64=YTogMQ==",
    "-y",
    "a=b",
  ]);
});

it("says what cannot be read", () => {
  expect(() => parameterYaml("a: [1")).toThrow('the YAML of --parameters-yaml "a: [1" cannot be read: ');
  expect(() => parameterYaml("[1]")).toThrow('the YAML of --parameters-yaml "[1]" must hold names with values');
  expect(() => parameterBase64("a: 1")).toThrow(
    'the YAML in Base64 of --parameters-base64 "a: 1" cannot be read: it is not Base64',
  );
  expect(() => parameterBase64("//8=")).toThrow("cannot be read: The encoded data was not valid");
  expect(() => parameterFile(join(folder, "none.yaml"))).toThrow("none.yaml cannot be read: ENOENT");
  expect(() => parameterFile(file("broken.json", '{"a": 1,}'))).toThrow("broken.json cannot be read: ");
});

it("in YAML have the switches that papermill reads (https://github.com/yaml/pyyaml/issues/613)", () => {
  const given = "a: no\nb: [yes, On, OFF, yEs, y]\nc: 'no'\nd: \"off\"\ne: {no: no}";
  // What PyYAML 6.0 gives, but for the name `no`, which is a text here.
  const e = new Map([["no", false]]);
  expect(parameterYaml(given)).toEqual({ a: false, b: [true, true, false, "yEs", "y"], c: "no", d: "off", e });
});
