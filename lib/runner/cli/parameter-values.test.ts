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

describe("in YAML are numbers where papermill has them", () => {
  // What PyYAML 6.0 gives.
  it.each([
    ["1_000", "1000"],
    ["1_0.5", "10.5"],
    ["0b1010_1", "21"],
    ["0x_ff", "255"],
    ["-0xff", "-255"],
    ["!!float 1", "1.0"],
    ["!!float 1.5", "1.5"],
    ['!!int "5"', "5"],
    ["!!str 1", '"1"'],
    ['!!bool "yes"', "True"],
    ["0", "0"],
    ["-0.5", "-0.5"],
    ["0.10", "0.10"],
    ["00:10", '"00:10"'],
    ["_1", '"_1"'],
    ["0xg", '"0xg"'],
    ["0b2", '"0b2"'],
    ["0o18", '"0o18"'],
    // A zero in front of what cannot be octal is kept, as in postal codes.
    ["08001", '"08001"'],
    ["-09", '"-09"'],
  ])("x: %s", (text, literal) => {
    expect(assignment("python", "x", parameterYaml(`x: ${text}`).x)).toBe(`x = ${literal}`);
  });

  it.each([
    ["0777", '0777 is an octal number to papermill, and none to YAML 1.2: write 0o777, or "0777" for a text'],
    ["[0_7]", '0_7 is an octal number to papermill, and none to YAML 1.2: write 0o7, or "0_7" for a text'],
    ["!!set {a, b}", "a value has the tag !!set, and no parameter can be that"],
    ["!!binary aGk=", "a value has the tag !!binary, and no parameter can be that"],
    ["!foo 1", "a value has the tag !foo, and no parameter can be that"],
    ["!!python/tuple [1]", "a value has the tag !!python/tuple, and no parameter can be that"],
    ["!!float x", '"x" is said to be a float'],
  ])("says what is wrong with %s (https://github.com/yaml/pyyaml/issues/107)", (text, message) => {
    expect(() => parameterYaml(`x: ${text}`)).toThrow(`cannot be read: ${message}`);
  });
});
