/** The Vitest plugin as a project uses it: a cell a test, the failing line, what is skipped, what a name pattern runs. */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { kernelDir, repository, temporaryFolder, writeNotebook } from "./support.ts";

const { path: folder, remove } = temporaryFolder();
afterAll(remove);

interface Report {
  readonly numPassedTests: number;
  readonly testResults: readonly {
    readonly assertionResults: readonly {
      readonly title: string;
      readonly status: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

function vitest(...args: string[]): { report: Report; output: string } {
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [
      join(repository, "node_modules/vitest/vitest.mjs"),
      "run",
      "--reporter=json",
      "--outputFile=report.json",
      "--reporter=default",
      ...args,
    ],
    { cwd: folder, encoding: "utf8", env: { ...process.env, NO_COLOR: "1", VITEST: "", GITHUB_ACTIONS: "" } },
  );
  return { report: JSON.parse(readFileSync(join(folder, "report.json"), "utf8")), output: stdout + stderr };
}

const results = (report: Report) =>
  report.testResults.flatMap(({ assertionResults }) => assertionResults.map(({ title, status }) => [title, status]));

beforeAll(() => {
  mkdirSync(join(folder, "notebooks"));
  symlinkSync(join(repository, "node_modules"), join(folder, "node_modules"));
  const options = JSON.stringify({ include: ["notebooks/*.ipynb"], kernelDir, fast: true });
  writeFileSync(
    join(folder, "vitest.config.mjs"),
    `import { notebooks } from "nbconvert-ts-runner/vitest";\nexport default { plugins: [notebooks(${options})] };\n`,
  );
  writeNotebook(
    join(folder, "notebooks"),
    "sums.ipynb",
    [
      { source: "const n: number = 3;", tags: ["parameters"] },
      "// Adds them up\nlet sum = 0;\nfor (let i = 1; i <= n; i++) sum += i;",
      { source: "throw new Error('never run');", tags: ["skip-execution"] },
      'import { expect } from "vitest";\nexpect(sum).toBe(55);',
      "import assert from 'node:assert/strict';\nconst wrong = 1;\n\nassert.equal(sum, 54, 'the sum is 54');",
      "sum",
    ],
    "convbook",
    { runner: { fast: { n: 10 } } },
  );
});

test("each cell is a test; one that fails does so at its line, and those behind it are skipped", () => {
  const { report, output } = vitest();
  expect(results(report)).toEqual([
    ["cell 1: const n: number = 3;", "passed"],
    ["cell 2: Adds them up", "passed"],
    ["cell 3: throw new Error('never run');", "skipped"],
    ["cell 4: expect(sum).toBe(55);", "passed"],
    ["cell 5: const wrong = 1;", "failed"],
    ["cell 6: sum", "skipped"],
  ]);
  const text = readFileSync(join(folder, "notebooks/sums.ipynb"), "utf8").split("\n");
  const line = text.findIndex((entry) => entry.includes("the sum is 54")) + 1;
  expect(output).toContain("AssertionError: the sum is 54");
  expect(output).toMatch(new RegExp(`notebooks/sums\\.ipynb:${line}:\\d+`));
});

test("with a name pattern the cells before it run, too", () => {
  const { report } = vitest("-t", "cell 4");
  expect(report.numPassedTests).toBe(1);
  expect(results(report).filter(([, status]) => status === "passed")).toEqual([
    ["cell 4: expect(sum).toBe(55);", "passed"],
  ]);
});

test("a cell that ends the program without a fault passes, and those behind it are skipped", () => {
  // Other tests run all notebooks that there are.
  onTestFinished(() => {
    for (const name of ["ends", "fails"]) {
      rmSync(join(folder, "notebooks", `${name}.ipynb`));
    }
  });
  writeNotebook(
    join(folder, "notebooks"),
    "ends.ipynb",
    ["1", { source: "process.exit(0)", tags: ["allow-errors"] }, "throw new Error('never run')"],
    "convbook",
  );
  writeNotebook(join(folder, "notebooks"), "fails.ipynb", ["process.exit(3)", "1"], "convbook");
  const { report } = vitest("ends", "fails");
  expect(results(report).sort()).toEqual([
    ["cell 1: 1", "passed"],
    ["cell 1: process.exit(3)", "failed"],
    ["cell 2: 1", "skipped"],
    ["cell 2: process.exit(0)", "passed"],
    ["cell 3: throw new Error('never run')", "skipped"],
  ]);
});
