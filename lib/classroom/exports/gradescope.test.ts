/**
 * What Gradescope takes, by its public documents: https://gradescope-autograders.readthedocs.io/en/latest/specs/ ("Output format", "Test case status",
 * "Output String Formatting"; their source is https://github.com/gradescope/autograder_samples/blob/master/docs/specs.md) and
 * https://gradescope-autograders.readthedocs.io/en/latest/submission_metadata/.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { unzipSync } from "fflate";
import { afterAll, describe, expect, it } from "vitest";
import type { Result } from "../results/index.ts";
import { fullResult, resultOf, task } from "../results/testing/results.ts";
import { gradescopeJson, gradescopeZip } from "./gradescope.ts";
import { rosterOf } from "./roster.ts";

/** Fields with what they may hold, as the document lists them. */
type Format = Readonly<Record<string, (value: unknown) => boolean>>;

const isText = (value: unknown) => typeof value === "string" && !value.includes("\r");
const isPoints = (value: unknown) => typeof value === "number" && Number.isFinite(value);
const oneOf = (...values: string[]) => values.includes.bind(values) as (value: unknown) => boolean;
const formats = oneOf("text", "html", "simple_format", "md", "ansi");
const visibilities = oneOf("hidden", "after_due_date", "after_published", "visible");
const isObject = (value: unknown) => typeof value === "object" && value !== null && !Array.isArray(value);
const test: Format = {
  score: isPoints,
  max_score: isPoints,
  status: oneOf("passed", "failed"),
  name: isText,
  name_format: formats,
  number: isText,
  output: isText,
  output_format: formats,
  tags: (value) => Array.isArray(value) && value.every(isText),
  visibility: visibilities,
  extra_data: isObject,
};
const document: Format = {
  score: isPoints,
  execution_time: isPoints,
  output: isText,
  output_format: formats,
  test_output_format: formats,
  test_name_format: formats,
  visibility: visibilities,
  stdout_visibility: visibilities,
  extra_data: isObject,
  tests: (value) => Array.isArray(value) && value.every((each) => faults(each, test).length === 0),
  leaderboard: Array.isArray,
};

function faults(value: object, format: Format): string[] {
  return Object.entries(value)
    .filter(([name, each]) => format[name]?.(each) !== true)
    .map(([name, each]) => `${name}: ${JSON.stringify(each)}`);
}

const failed = resultOf("bo", [], { status: "failed", points: 0, maxPoints: 7 });
const thirds = resultOf("ada", [task("a", 1 / 3, 1), task("b", 2 / 3, 1)]);

it.each<[string, Result]>([
  ["of everything", fullResult()],
  ["that failed", failed],
  ["with thirds of points", thirds],
])("writes results.json as the document has it, of a result %s", (_, result) => {
  expect(faults(gradescopeJson(result), document)).toEqual([]);
});

it("has a test for each question that has points, and their sum", () => {
  expect(gradescopeJson(fullResult())).toMatchObject({
    score: 6.5,
    execution_time: 13,
    stdout_visibility: "hidden",
    output: 'The cell "tests-1" is locked and was changed; it was restored.',
    tests: [
      {
        name: "The residual block",
        number: "1",
        score: 2,
        max_score: 4,
        status: "failed",
        output_format: "text",
        visibility: "visible",
      },
      { name: "Counting parameters", score: 3, max_score: 3, status: "passed", output: "" },
      { name: "Pre-activation", score: 0, max_score: 2, output: "- normalizes first: return x + F(x)" },
      { name: "Why are shortcuts identities?", score: 1.5, max_score: 2 },
    ],
  });
  expect(gradescopeJson(failed)).toMatchObject({ score: 0, tests: [] });
});

const roster = rosterOf(
  [
    ["id", "Name", "Email"],
    ["ada", "Ada Lovelace", "ADA@uni.edu"],
    ["zoë", "Zoë Li", "zoe@uni.edu"],
  ],
  "list.csv",
);
const zoe = resultOf("zoë", [task("a", 1, 2)]);

it("packs an autograder: its two programs at the root, and a result for each student", () => {
  const { zip, unknown } = gradescopeZip([fullResult(), zoe, failed], roster);
  expect(gradescopeZip([fullResult(), zoe, failed], roster).zip).toEqual(zip);
  expect(Object.keys(unzipSync(zip)).sort()).toEqual([
    "results/ada.json",
    "results/bo.json",
    "results/zoë.json",
    "run_autograder",
    "setup.sh",
    "students.json",
  ]);
  expect(unknown).toEqual(["bo"]);
});

const python = "/usr/bin/python3";
const room = mkdtempSync(join(tmpdir(), "convbook-gradescope-"));
afterAll(() => rmSync(room, { recursive: true }));

describe.runIf(existsSync(python))("run where Gradescope would", () => {
  /** Lays /autograder out as the documents say, and runs what is in the zip. */
  const run = (...users: { email: string; name: string; id: number }[]) => {
    const root = mkdtempSync(join(room, "autograder-"));
    for (const [name, bytes] of Object.entries(unzipSync(gradescopeZip([fullResult(), zoe], roster).zip))) {
      const path = join(root, "source", name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, bytes);
    }
    writeFileSync(join(root, "submission_metadata.json"), JSON.stringify({ id: 1, users, previous_submissions: [] }));
    const { status, stderr } = spawnSync(python, [join(root, "source/run_autograder"), root], { encoding: "utf8" });
    const path = join(root, "results/results.json");
    return { status, stderr, results: existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : undefined };
  };
  const somebody = { email: "eve@uni.edu", name: "Zoë Li", id: 3 };

  it("gives a student's submission the student's result, found by address", () => {
    const { status, results } = run({ email: "Ada@uni.edu", name: "A. L.", id: 1 });
    expect(status).toBe(0);
    expect(results).toEqual(JSON.parse(JSON.stringify(gradescopeJson(fullResult()))));
  });

  it("gives a group's submission the result of whoever handed in here", () => {
    expect(run(somebody, { email: "zoe@uni.edu", name: "Zoë", id: 2 }).results).toMatchObject({ score: 1 });
  });

  it("fails for who is not there, and gives nobody the points of a namesake", () => {
    const { status, stderr, results } = run(somebody);
    expect([status, results]).toEqual([1, undefined]);
    expect(stderr).toBe("there is no result for eve@uni.edu\n");
  });
});
