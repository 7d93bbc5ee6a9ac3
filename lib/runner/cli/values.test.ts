/** Parameters as papermill's command line takes them. */
import { expect, it } from "vitest";
import { assignment } from "../run/parameters.ts";
import { parameterValue } from "./parameter-values.ts";
import { joinParameters } from "./values.ts";

const joined = (...args: string[]) => joinParameters(args).map((arg) => arg.replace("\u0000", "|"));

it.each([
  [
    ["-p", "lr", "0.1"],
    ["-p", "lr|0.1"],
  ],
  [
    ["-plr", "0.1"],
    ["-p", "lr|0.1"],
  ],
  [
    ["-p", "lr=0.1"],
    ["-p", "lr|0.1"],
  ],
  [
    ["--parameters", "lr", "0.1"],
    ["-p", "lr|0.1"],
  ],
  [
    ["--parameters=lr", "0.1"],
    ["-p", "lr|0.1"],
  ],
  [
    ["-r", "name", "00123"],
    ["-r", "name|00123"],
  ],
  [
    ["-rname", "a=b"],
    ["-r", "name|a=b"],
  ],
  [
    ["--parameters-raw", "name", "00123"],
    ["-r", "name|00123"],
  ],
  [
    ["--parameters_raw", "name", "00123"],
    ["-r", "name|00123"],
  ],
  [
    ["--parameters-raw=name", "00123"],
    ["-r", "name|00123"],
  ],
  [
    ["--parameters_file", "p.yaml", "--parameters_file=q.yaml"],
    ["--parameters-file", "p.yaml", "--parameters-file=q.yaml"],
  ],
  [
    ["a.ipynb", "-p", "x", "-1", "b.ipynb", "-q"],
    ["a.ipynb", "-p", "x|-1", "b.ipynb", "-q"],
  ],
  [
    ["--", "-p", "x"],
    ["--", "-p", "x"],
  ],
  [
    ["--parametersets", "x"],
    ["--parametersets", "x"],
  ],
])("%j", (args, expected) => {
  expect(joined(...args)).toEqual(expected);
});

it("says what is missing", () => {
  expect(() => joinParameters(["--parameters-raw", "name"])).toThrow(
    "--parameters-raw needs a name and a value, for instance: -r epochs 3",
  );
  expect(() => joinParameters(["-p"])).toThrow("-p needs a name and a value, for instance: -p epochs 3");
});

it.each([
  ["1.0", "1.0", "1"],
  ["1", "1", "1"],
  ["0.5", "0.5", "0.5"],
  ["1e-7", "1e-7", "1e-7"],
  ["1E5", "1E5", "100000"],
  ["-0.0", "-0.0", "-0"],
  ["007", "7", "7"],
  ["+3", "3", "3"],
  ["12345678901234567890", "12345678901234567890", "12345678901234567890n"],
])("a number is written as it was given: %s", (text, python, script) => {
  const value = parameterValue(text);
  expect(assignment("python", "x", value)).toBe(`x = ${python}`);
  expect(assignment("typescript", "x", value)).toBe(`x = ${script};`);
});

it("a cache tells 1.0 from 1", () => {
  expect(JSON.stringify(parameterValue("1.0"))).not.toBe(JSON.stringify(parameterValue("1")));
});
