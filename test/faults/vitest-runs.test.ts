/** What Vitest does with tests beyond running them once: again, in another order, some of them, none behind a failure. */
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { type CellLike, hasJupyter, repository, temporaryFolder, writeNotebook } from "./support.ts";

const { path: root, remove } = temporaryFolder();
afterAll(remove);

const program = join(repository, "node_modules/vitest/vitest.mjs");
const environment = { ...process.env, NO_COLOR: "1", VITEST: "", GITHUB_ACTIONS: "", CI: "" };

let folder = root;
let count = 0;
beforeEach(() => {
  folder = join(root, String(count++));
  mkdirSync(join(folder, "notebooks"), { recursive: true });
  symlinkSync(join(repository, "node_modules"), join(folder, "node_modules"));
  configure();
});

function configure(options: object = {}): void {
  // Our kernel is found as a package in node_modules, Python's on Jupyter's path.
  const own = JSON.stringify({ include: ["notebooks/*.ipynb"], ...options });
  writeFileSync(
    join(folder, "vitest.config.mjs"),
    `import { notebooks } from "nbconvert-ts-runner/vitest";\nexport default { plugins: [notebooks(${own})] };\n`,
  );
}

const notebook = (name: string, cells: readonly CellLike[], kernel: "convbook" | "python3" = "convbook") =>
  writeNotebook(join(folder, "notebooks"), name, cells, kernel);

/** Runs Vitest; gives each test's number and status in the order of the file, the exit code and what it said. */
function vitest(...args: string[]) {
  const reporters = ["--reporter=json", "--outputFile=report.json", "--reporter=default"];
  const { stdout, stderr, status } = spawnSync(process.execPath, [program, "run", ...reporters, ...args], {
    cwd: folder,
    encoding: "utf8",
    env: environment,
  });
  const report = JSON.parse(readFileSync(join(folder, "report.json"), "utf8")) as {
    testResults: { name: string; assertionResults: { title: string; status: string; failureMessages: string[] }[] }[];
  };
  const cells = report.testResults.flatMap(({ assertionResults }) => assertionResults);
  const results = cells
    .map(({ title, status: state }) => `${/\d+/.exec(title)?.[0]} ${state === "pending" ? "skipped" : state}`)
    .sort();
  return { results, code: status, output: stdout + stderr, cells };
}

/** A cell that writes down that it ran. */
const counts = (what: string) =>
  `import { appendFileSync } from "node:fs";\nappendFileSync("../ran.txt", "${what}\\n");`;
const ran = () => readFileSync(join(folder, "ran.txt"), "utf8").trim().split("\n");

describe("a failing cell fails", () => {
  const cells = [counts("one"), `${counts("two")}\nthrow new Error("broken " + 2);`, counts("three")];
  const expected = ["1 passed", "2 failed", "3 skipped"];

  test.each([
    [["--retry=2"], ["one", "two"]],
    [
      ["--retry=1", "--bail=1"],
      ["one", "two"],
    ],
    [["--bail=1"], ["one", "two"]],
    [["--sequence.concurrent"], ["one", "two"]],
    [
      ["--no-isolate", "--no-file-parallelism", "--retry=1"],
      ["one", "two"],
    ],
    [
      ["--pool=threads", "--retry=1"],
      ["one", "two"],
    ],
  ])("with %j, and its cells run once", (args, once) => {
    notebook("n.ipynb", cells);
    const { results, code, output } = vitest(...args);
    expect(results).toEqual(expected);
    expect(code).toBe(1);
    expect(output).toContain("broken 2");
    expect(ran()).toEqual(once);
  });

  test("though it would pass if it were run again", () => {
    const once =
      'import { existsSync } from "node:fs";\nif (!existsSync("../was")) { appendFileSync("../was", ""); throw new Error("first time"); }';
    notebook("n.ipynb", [`${counts("one")}\n${once}`, counts("two")]);
    const { results, code } = vitest("--retry=3");
    expect([results, code, ran()]).toEqual([["1 failed", "2 skipped"], 1, ["one"]]);
  });

  test("when it is the only one asked for, or stands before that one, however often it is tried", () => {
    notebook("n.ipynb", cells);
    expect(vitest("--retry=2", "-t", "cell 2").results).toContain("2 failed");
    const { results, output, code } = vitest("--retry=2", "-t", "cell 3");
    expect([results.filter((result) => !result.endsWith("skipped")), code]).toEqual([["3 failed"], 1]);
    expect(output).toContain("cell 2, which comes before, failed: broken 2");
  });

  test("when a number of it is not in its band, while the next cells go on", () => {
    const runner = { expect: { accuracy: "> 0.9" } };
    notebook("n.ipynb", [{ source: "console.log('accuracy: 0.5')", metadata: { runner } }, counts("two")]);
    const { results, output } = vitest("--retry=2");
    expect(results).toEqual(["1 failed", "2 passed"]);
    expect(output).toContain("accuracy: expected > 0.9, got 0.5");
    expect(ran()).toEqual(["two"]);
  });

  test("in every order of the tests", () => {
    notebook("n.ipynb", cells);
    for (const seed of [1, 2, 3, 4]) {
      const { results, code } = vitest("--sequence.shuffle.tests", `--sequence.seed=${seed}`, "--retry=1");
      expect([results.slice(0, 2), code]).toEqual([expected.slice(0, 2), 1]);
      // Asked for first, the third tells what came before; asked for later, it is skipped.
      expect(results[2]).toMatch(/^3 (?:failed|skipped)$/);
    }
  });

  test("when it takes longer than it may, and no cell runs behind it", () => {
    notebook("n.ipynb", [
      counts("one"),
      { source: "await new Promise(() => setInterval(() => {}, 1000));", metadata: { runner: { timeout: 2 } } },
      counts("three"),
    ]);
    const { results, output } = vitest("--retry=1");
    expect(results).toEqual(expected);
    expect(output).toContain("the cell took longer than 2 s");
    expect(ran()).toEqual(["one"]);
  });
});

describe("repetitions", () => {
  // Vitest has no option for them: a setup file gives them to every test.
  const repeat = () => {
    const plugin = `import { notebooks } from "nbconvert-ts-runner/vitest";
const repeated = { name: "repeated", transform: (code, id) => id.endsWith(".ipynb") ? { code: code.replaceAll("{ timeout:", "{ repeats: 2, timeout:"), map: null } : undefined };
export default { plugins: [notebooks(${JSON.stringify({ include: ["notebooks/*.ipynb"] })}), repeated] };\n`;
    writeFileSync(join(folder, "vitest.config.mjs"), plugin);
  };

  test("are true runs, each in a kernel of its own", () => {
    repeat();
    notebook("n.ipynb", ["let a = 0;", `a++;\n${counts("")}\nappendFileSync("../ran.txt", String(a));`]);
    expect(vitest().results).toEqual(["1 passed", "2 passed"]);
    expect(ran()).toEqual(["1", "1", "1"]);
  });

  test("of a cell that fails once are a failure", () => {
    repeat();
    const once =
      'import { existsSync, writeFileSync } from "node:fs";\nif (!existsSync("../was")) { writeFileSync("../was", ""); throw new Error("first time"); }';
    notebook("n.ipynb", [once, "1 + 1"]);
    const { results, code } = vitest();
    expect([results[0], code]).toEqual(["1 failed", 1]);
  });
});

describe("what changed", () => {
  const git = (...args: string[]) =>
    spawnSync("git", ["-c", "user.name=x", "-c", "user.email=x@localhost", ...args], { cwd: folder, encoding: "utf8" });

  test.each([
    ["helper.ts", "export const value = 2;"],
    ["deep.ts", "export const inner = 2;"],
    ["data.csv", "2"],
  ])("--changed runs the notebooks that read %s, and no others", (name, text) => {
    writeFileSync(join(folder, "deep.ts"), "export const inner = 1;");
    writeFileSync(join(folder, "helper.ts"), "export { inner as value } from './deep.ts';");
    writeFileSync(join(folder, "data.csv"), "1");
    writeFileSync(join(folder, ".gitignore"), "node_modules\nreport.json\n");
    notebook("reads.ipynb", [
      "import { value } from '../helper.ts';\nimport { readFileSync } from 'node:fs';\nif (value + Number(readFileSync('../data.csv')) !== 2) throw new Error('changed');",
    ]);
    notebook("other.ipynb", ["1 + 1"]);
    git("init", "-q");
    git("add", "-A");
    git("commit", "-qm", "x");
    writeFileSync(join(folder, name), text);
    const { cells, code } = vitest("--changed");
    expect([cells.map(({ status }) => status), code]).toEqual([["failed"], 1]);
  });

  test.runIf(hasJupyter)("--changed knows the modules of a Python package", () => {
    mkdirSync(join(folder, "notebooks/pkg"));
    writeFileSync(join(folder, "notebooks/pkg/__init__.py"), "");
    writeFileSync(join(folder, "notebooks/pkg/mod.py"), "value = 1");
    writeFileSync(join(folder, ".gitignore"), "node_modules\nreport.json\n__pycache__\n");
    notebook("reads.ipynb", ["from pkg.mod import value\nassert value == 1"], "python3");
    notebook("other.ipynb", ["1"], "python3");
    git("init", "-q");
    git("add", "-A");
    git("commit", "-qm", "x");
    writeFileSync(join(folder, "notebooks/pkg/mod.py"), "value = 2");
    const { cells, code } = vitest("--changed");
    expect([cells.map(({ status }) => status), code]).toEqual([["failed"], 1]);
  });

  test("the watch mode runs a notebook again when it, or what it reads, was saved: fails, and passes once mended", async () => {
    const helper = join(folder, "helper.ts");
    const data = join(folder, "data.csv");
    writeFileSync(helper, "export const value = 1;");
    writeFileSync(data, "1");
    const source = (right: string) =>
      notebook("n.ipynb", [
        `import { value } from '../helper.ts';\nimport { readFileSync } from 'node:fs';\nconst got = \`\${value}\${readFileSync('../data.csv')}\`;\nif (got !== '${right}') throw new Error(\`got \${got}\`);`,
      ]);
    source("11");
    const child = spawn(process.execPath, [program, "watch", "--reporter=default", "--retry=1"], {
      cwd: folder,
      env: environment,
      stdio: ["pipe", "pipe", "pipe"],
    });
    let output = "";
    child.stdout.on("data", (chunk) => {
      output += chunk;
    });
    /** What one run says, when it is over: its last words, since it may say them in pieces. */
    const next = async () => {
      for (let waited = 0; !/press q to quit\s*$/.test(output) && waited < 300_000; waited += 50) {
        await new Promise((done) => setTimeout(done, 50));
      }
      const said = output;
      output = "";
      return /Tests\s+(.*)/.exec(said)?.[1];
    };
    try {
      expect(await next()).toBe("1 passed (1)");
      writeFileSync(helper, "export const value = 2;");
      expect(await next()).toBe("1 failed (1)");
      source("21");
      expect(await next()).toBe("1 passed (1)");
      writeFileSync(data, "2");
      expect(await next()).toBe("1 failed (1)");
      writeFileSync(data, "1");
      expect(await next()).toBe("1 passed (1)");
    } finally {
      child.kill();
    }
  });
});

test.runIf(hasJupyter)("the kernel's traceback is shown", () => {
  notebook("n.ipynb", ["def inner(x):\n    return 1 / x\n\ninner(0)"], "python3");
  notebook("t.ipynb", ["function inner(x: number) {\n  throw new RangeError('bad ' + x);\n}\n\ninner(0);"]);
  const { output, cells } = vitest();
  expect(output).toContain("ZeroDivisionError: division by zero");
  expect(output).toMatch(/│ ---->? 2 {5}return 1 \/ x/);
  expect(output).toMatch(/│ +at inner \(In \[1\]:2:9\)/);
  expect(cells.flatMap(({ failureMessages }) => failureMessages).join("\n")).toMatch(/│ ---->? 2 {5}return 1 \/ x/);
  // Vitest's own frame is the line in the notebook.
  expect(output).toMatch(/❯ cell_1_line_\d notebooks\/n\.ipynb:\d+:\d+/);
});
