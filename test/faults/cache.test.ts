/** The cache says "unchanged" only of what could not have come out otherwise: each change here makes the notebook run again. */
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import {
  type NotebookOutcome,
  type NotebookResult,
  type RunManyOptions,
  readNotebook,
  runNotebooks,
} from "../../lib/runner/index.ts";
import { NotebookCache } from "../../lib/runner/run/cache/cache.ts";
import {
  type CellLike,
  hasJupyter,
  kernelDir,
  python,
  runCommand,
  shared,
  temporaryFolder,
  writeNotebook,
} from "./support.ts";

const { path: root, remove } = temporaryFolder();
afterAll(remove);

let folder = root;
let count = 0;
beforeEach(() => {
  folder = join(root, String(count++));
  mkdirSync(folder);
});

const write = (path: string, text: string) => {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
};

/** Runs a notebook with the cache of this test; gives its outcome, and why it ran although it was known. */
async function run(path: string, options: RunManyOptions = {}): Promise<NotebookOutcome & { reason?: string }> {
  let reason: string | undefined;
  const [outcome] = await runNotebooks([path], {
    ...defaults(path),
    cache: join(folder, "cache"),
    outputDir: join(folder, "out"),
    onCacheMiss: (_, why) => {
      reason = why;
    },
    ...options,
  });
  return { ...(outcome as NotebookOutcome), ...(reason !== undefined && { reason }) };
}

const defaults = (path: string): RunManyOptions => (path.endsWith("ts.ipynb") ? { kernelDir } : {});

/** As a run in which every notebook passes: what the cache says of it, without the kernel. */
function passing(path: string, options: RunManyOptions = {}): { status: "cached" | "passed"; reason?: string } {
  const cache = new NotebookCache(join(folder, "cache"), { ...defaults(path), ...options }, []);
  const file = readNotebook(path);
  const look = cache.look(file);
  if (look.hit) {
    return { status: "cached" };
  }
  cache.keep(look, { notebook: file.notebook } as NotebookResult);
  return { status: "passed", ...(look.reason !== undefined && { reason: look.reason }) };
}

/** It passes, is known, then something changes, and it has to run with that as the reason. */
function expectRerun(path: string, change: () => unknown, reason: RegExp | string): void {
  expect(passing(path)).toEqual({ status: "passed" });
  expect(passing(path)).toEqual({ status: "cached" });
  expect(passing(path, (change() ?? {}) as RunManyOptions)).toEqual({
    status: "passed",
    reason: expect.stringMatching(reason),
  });
}

const pythonNotebook = (cells: readonly CellLike[], metadata: object = {}) =>
  writeNotebook(folder, "n.ipynb", cells, "python3", metadata);
const scriptNotebook = (cells: readonly CellLike[], metadata: object = {}) =>
  writeNotebook(folder, "n.ts.ipynb", cells, "convbook", metadata);

describe.runIf(hasJupyter)("Python", () => {
  test("a script that IPython runs as it starts, not the README that it makes itself", () => {
    const path = pythonNotebook(["1"]);
    const options = { env: { IPYTHONDIR: join(folder, "ipython") } };
    expect(passing(path, options)).toEqual({ status: "passed" });
    write("ipython/profile_default/startup/README", "This is the IPython startup directory");
    expect(passing(path, options)).toEqual({ status: "cached" });
    write("ipython/profile_default/startup/00-first.py", "x = 1");
    expect(passing(path, options)).toEqual({
      status: "passed",
      reason: expect.stringMatching(/^changed: \S+00-first\.py$/),
    });
    // A script may read what lies beside it.
    write("ipython/profile_default/startup/settings.json", "{}");
    expect(passing(path, options).reason).toMatch(/^changed: \S+settings\.json$/);
  });

  test("what Python compiles in a folder that the notebook lists is its own", () => {
    write("tool.py", "x = 1");
    const path = pythonNotebook(["import os, tool\nos.listdir()"]);
    expect(passing(path)).toEqual({ status: "passed" });
    write("__pycache__/tool.cpython-311.pyc", "compiled");
    expect(passing(path)).toEqual({ status: "cached" });
  });

  test("a module inside of a package", async () => {
    write("pkg/__init__.py", "");
    write("pkg/mod.py", "value = 1");
    const path = pythonNotebook(["from pkg.mod import value\nprint(value)"]);
    expectRerun(path, () => write("pkg/mod.py", "value = 2"), /^changed: \S+pkg$/);
  });

  test("a module that a package imports from beside itself, and one of a package without __init__.py", async () => {
    write("pkg/__init__.py", "from . import inner\nimport beside");
    write("pkg/inner.py", "import space.deep");
    write("beside.py", "");
    write("space/deep.py", "");
    const path = pythonNotebook(["import json, pkg as p"]);
    expectRerun(path, () => write("space/deep.py", "x = 1"), /^changed: \S+space$/);
    expect(passing(path).status).toBe("cached");
    write("beside.py", "x = 1");
    expect(passing(path)).toMatchObject({
      status: "passed",
      reason: expect.stringMatching(/^changed: \S+beside\.py$/),
    });
  });

  test.each([
    ["%run tool.py", "tool.py"],
    ["%run -i tool", "tool.py"],
    ["!cat tool.py", "tool.py"],
    ["exec(open('tool.py').read())", "tool.py"],
    ["import importlib\nimportlib.import_module('tool')", "tool.py"],
    ["%load_ext tool", "tool.py"],
    ["run tool.py", "tool.py"],
    ["try: import tool\nexcept ImportError: pass", "tool.py"],
    ["exec('import tool')", "tool.py"],
    ["import sys\nsys.path.append('lib')\nimport deep.inner", "lib/deep/inner.py"],
    ["import sys\nsys.path.insert(0, 'lib')\n%run -m deep.inner", "lib/deep/inner.py"],
    ["import os, sys\nsys.path.append(os.path.join('.', 'lib'))\nimport deep.inner", "lib/deep/inner.py"],
    [
      "import sys\nfrom pathlib import Path\nsys.path.append(str(Path.cwd().parent))\nimport above_notebooks",
      "../above_notebooks.py",
    ],
  ])("a file that %j runs", async (source, file) => {
    const text = "def load_ipython_extension(shell): pass\n";
    write(file, text);
    expectRerun(pythonNotebook([source]), () => write(file, `${text}x = 2`), /^changed: /);
  });

  test.each([
    ["open('data/a.csv').read()", "data/a.csv"],
    ["name = 'a'\nopen(f'data/{name}.csv').read()", "data/a.csv"],
    ["from pathlib import Path\n(Path('data') / 'a.csv').read_text()", "data/a.csv"],
    ["import glob\n[open(p).read() for p in glob.glob('*.csv')]", "a.csv"],
    ["import os\n[n for n in os.listdir() if n.endswith('.csv')]", "b.csv"],
    ["i = 'a'\nopen(f'{i}.csv').read()", "a.csv"],
    ["i = 'a'\nopen(i + '.csv').read()", "a.csv"],
    ["import os\nopen(os.path.join('data', '..', 'data', 'a.csv')).read()", "data/a.csv"],
    ["open('b.ipynb').read()", "b.ipynb"],
    ["%%bash\ncat < data/a.csv", "data/a.csv"],
    ["text = !cat data/a.csv", "data/a.csv"],
    ["import os\nos.chdir('data')\nopen('a.csv').read()", "data/a.csv"],
    ["import os\nfor name in os.listdir(): open(name).read()", "a.csv"],
    [
      "import os\nfor at, _, names in os.walk(os.getcwd()): [open(os.path.join(at, n)).read() for n in names]",
      "deep/a.csv",
    ],
  ])("data that %j reads", async (source, file) => {
    write("a.csv", "1");
    write("data/a.csv", "1");
    write("deep/a.csv", "1");
    expectRerun(pythonNotebook([source]), () => write(file, "2"), /^changed: /);
  });

  test("a file of the data that the settings name, behind a link", async () => {
    write("elsewhere/a.csv", "1");
    mkdirSync(join(folder, "set"));
    symlinkSync("../elsewhere/a.csv", join(folder, "set/a.csv"));
    symlinkSync("../set", join(folder, "set/round"));
    const path = pythonNotebook(["1"], { runner: { data: ["set"] } });
    expectRerun(path, () => write("elsewhere/a.csv", "2"), "changed: data set");
  });

  test("a package that is installed from a folder as it is (pip install -e)", async () => {
    write("src/mine/__init__.py", "value = 1");
    write("site/mine.pth", join(folder, "src"));
    // As .pth files of a virtual environment: a folder of installed packages that Python reads at its start.
    write(
      "kernels/venv/kernel.json",
      JSON.stringify({
        argv: [
          python,
          "-c",
          `import site; site.addsitedir(${JSON.stringify(join(folder, "site"))})\nfrom ipykernel.kernelapp import main; main()`,
          "-f",
          "{connection_file}",
        ],
        display_name: "venv",
        language: "python",
        env: { PYTHONPATH: join(folder, "src") },
      }),
    );
    const path = pythonNotebook(["import mine"]);
    const options = { kernel: "venv", kernelDir: join(folder, "kernels") };
    expect(passing(path, options)).toMatchObject({ status: "passed" });
    expect(passing(path, options)).toMatchObject({ status: "cached" });
    write("src/mine/__init__.py", "value = 2");
    expect(passing(path, options)).toMatchObject({ status: "passed", reason: expect.stringContaining("src/mine") });
    // The kernelspec and its folder.
    expect(passing(path, options)).toMatchObject({ status: "cached" });
    write("kernels/venv/helper.py", "x = 1");
    expect(passing(path, options)).toMatchObject({ reason: expect.stringMatching(/^changed: \S+kernels\/venv$/) });
  });

  test("an environment variable, also one that the code does not name, and one of a CI run that it does", async () => {
    const path = pythonNotebook(["import os\nprint(os.environ.get('GITHUB_CONVBOOK'))"]);
    const before = { ...process.env };
    try {
      expectRerun(
        path,
        () => {
          process.env.MY_SETTING = "2";
        },
        "changed: the variable MY_SETTING",
      );
      process.env.GITHUB_CONVBOOK = "1";
      expect(passing(path)).toMatchObject({ status: "passed", reason: "changed: the variable GITHUB_CONVBOOK" });
      process.env.GITHUB_RUN_ID = "7";
      expect(passing(path)).toMatchObject({ status: "cached" });
    } finally {
      process.env = before;
    }
  });

  test.each([
    ["import importlib\nname = 'json'\nimportlib.import_module(name)", "an import whose name is computed"],
    ["url = 'https://example.org/data.csv'", "what is at https://example.org/data.csv"],
    ["if False:\n    !pip install nothing-at-all", "what it installs"],
    ["!git log -1", "what git says"],
    ["import subprocess\nsubprocess.run(['git', 'log'])", "what git says"],
    ["if False:\n    !curl https://example.org/a.csv", "what is at https://example.org/a.csv, what curl says"],
  ])("what cannot be known is no reason to skip it: %j", async (source, reason) => {
    const path = pythonNotebook([source]);
    expect(passing(path)).toMatchObject({ status: "passed", reason: `depends on ${reason}` });
    expect(passing(path)).toMatchObject({ status: "passed", reason: `depends on ${reason}` });
    expect(existsSync(join(folder, "cache"))).toBe(false);
  });

  test("what the first of two notebooks of one command writes and the second reads", async () => {
    write("data.txt", "0");
    const first = writeNotebook(folder, "a.ipynb", [
      "import os\nt = os.environ['STEP']\nf = open('data.txt', 'w').write(t)",
    ]);
    const second = writeNotebook(folder, "b.ipynb", ["print(open('data.txt').read())"]);
    const statuses = async (step: string) => {
      process.env.STEP = step;
      const outcomes = await runNotebooks([first, second], {
        cache: join(folder, "cache"),
        outputDir: join(folder, "out"),
      });
      delete process.env.STEP;
      return outcomes.map(({ status }) => status);
    };
    expect(await statuses("1")).toEqual(["passed", "passed"]);
    expect(await statuses("2")).toEqual(["passed", "passed"]);
    expect(readFileSync(join(folder, "out/b.ipynb"), "utf8")).toContain('"2\\n"');
  });
});

test.runIf(hasJupyter)(
  "with kernels: a module in a package, a file that %run runs, a package of the workspace",
  async () => {
    write("pkg/__init__.py", "");
    write("pkg/mod.py", "value = 1");
    write("tool.py", "tool = 1");
    write("packages/mine/package.json", JSON.stringify({ name: "mine", type: "module", exports: "./index.js" }));
    write("packages/mine/index.js", "export const value = 1;");
    mkdirSync(join(folder, "node_modules"));
    symlinkSync("../packages/mine", join(folder, "node_modules/mine"));
    const first = pythonNotebook(["from pkg.mod import value\n%run tool.py\nprint(value + tool)"]);
    const second = scriptNotebook(["import { value } from 'mine';\nconsole.log(value);"]);
    for (const path of [first, second]) {
      expect((await run(path)).status).toBe("passed");
      expect((await run(path)).status).toBe("cached");
    }
    write("pkg/mod.py", "value = 2");
    expect(await run(first)).toMatchObject({ status: "passed", reason: `changed: ${join(folder, "pkg")}` });
    write("tool.py", "tool = 2");
    expect(await run(first)).toMatchObject({ status: "passed", reason: `changed: ${join(folder, "tool.py")}` });
    expect(readFileSync(join(folder, "out/n.ipynb"), "utf8")).toContain('"4\\n"');
    write("packages/mine/index.js", "export const value = 2;");
    expect(await run(second)).toMatchObject({ status: "passed", reason: `changed: ${join(folder, "packages/mine")}` });
    expect(readFileSync(join(folder, "out/n.ts.ipynb"), "utf8")).toContain('"2\\n"');
  },
);

describe.runIf(hasJupyter)("how it is judged", () => {
  test.runIf(shared("cases/runner/check.ipynb") !== undefined)(
    "a difference that --check found is no pass",
    async () => {
      write(
        "check.ipynb",
        readFileSync(shared("cases/runner/check.ipynb") as string, "utf8").replace(
          '"execution_count": null',
          '"execution_count": 1',
        ),
      );
      const path = join(folder, "check.ipynb");
      for (let round = 0; round < 2; round++) {
        expect((await run(path, { check: true, outputDir: undefined })).status).toBe("different");
      }
    },
  );

  test.runIf(shared("cases/runner/fail.ipynb") !== undefined)(
    "errors that were allowed are errors in a strict run",
    async () => {
      write("fail.ipynb", readFileSync(shared("cases/runner/fail.ipynb") as string, "utf8"));
      const path = join(folder, "fail.ipynb");
      expect((await run(path, { allowErrors: true })).status).toBe("passed");
      expect((await run(path, { allowErrors: true })).status).toBe("cached");
      expect((await run(path)).status).toBe("failed");
      expect((await run(path)).status).toBe("failed");
    },
  );

  test.each<[string, RunManyOptions]>([
    ["timeout", { timeout: 30 }],
    ["notebookTimeout", { notebookTimeout: 30 }],
    ["memory", { memory: 2 ** 31 }],
    ["maxOutput", { maxOutput: 1000 }],
    ["allowErrors", { allowErrors: true }],
    ["check", { check: true }],
    ["compare", { compare: { rtol: 0.1 } }],
  ])("the option %s", async (_, options) => {
    expectRerun(pythonNotebook(["1"]), () => options, /^changed: (?:the stored outputs, )?the options/);
  });

  test("the working folder, and the parameters", () => {
    const path = pythonNotebook([{ source: "n = 1", tags: ["parameters"] }, "n"]);
    mkdirSync(join(folder, "sub"));
    expectRerun(path, () => ({ cwd: join(folder, "sub") }), "changed: the working folder");
    expect(passing(path, { parameters: { n: 2 } })).toMatchObject({ reason: expect.stringContaining("the options") });
  });

  test("outputs that a comparison goes by", async () => {
    const path = pythonNotebook(["print(2)"]);
    const stored = (text: string) => {
      const notebook = JSON.parse(readFileSync(path, "utf8"));
      const outputs = [{ output_type: "stream", name: "stdout", text }];
      Object.assign(notebook.cells[0], { execution_count: 1, outputs });
      writeFileSync(path, JSON.stringify(notebook));
    };
    stored("2\n");
    const check = { check: true, save: false };
    expect((await run(path, check)).status).toBe("passed");
    expect((await run(path, check)).status).toBe("cached");
    stored("3\n");
    expect(await run(path, check)).toMatchObject({ status: "different", reason: "changed: the stored outputs" });
  });

  test.each([
    ["a cell's runner settings", { runner: { expect: { n: "> 5" } } }, {}],
    ["a cell's tags", { tags: ["raises-exception"] }, {}],
    ["the notebook's runner settings", {}, { runner: { timeout: 9 } }],
  ])("%s", async (_, cell, metadata) => {
    const path = pythonNotebook(["print('n: 1')"]);
    expectRerun(
      path,
      () => void pythonNotebook([{ source: "print('n: 1')", metadata: cell }], metadata),
      /^changed: the (?:code|notebook's settings)$/,
    );
  });

  test("a cached notebook has its page, whether or not it is saved", async () => {
    const path = pythonNotebook(["print('from the ' + 'cache')"]);
    const args = [path, "--cache", join(folder, "cache"), "--html", join(folder, "pages")];
    for (const more of [["-o", join(folder, "out")], ["--no-save"]]) {
      expect((await runCommand([...args, ...more])).code).toBe(0);
      const page = join(folder, "pages/n.html");
      expect(readFileSync(page, "utf8")).toContain("from the cache");
      writeFileSync(page, "");
      const again = await runCommand([...args, ...more]);
      expect(again.stdout).toContain("unchanged since it passed");
      expect(readFileSync(page, "utf8")).toContain("from the cache");
    }
  });
});

describe("TypeScript", () => {
  test("the command says why it runs again", async () => {
    write("helper.ts", "export { value } from './deep.ts';\n");
    write("deep.ts", "export const value = 1;\n");
    const path = scriptNotebook(["import { value } from './helper.ts';\nconsole.log(value);"]);
    const command = () =>
      runCommand([path, "--kernel-dir", kernelDir, "-o", join(folder, "out"), "--cache", join(folder, "cache")]);
    expect((await command()).code).toBe(0);
    expect((await command()).stdout).toContain("unchanged since it passed");
    write("deep.ts", "export const value = 2;\n");
    expect((await command()).stdout).toMatch(/n\.ts\.ipynb: runs again, changed: \S*deep\.ts\n/);
    expect(readFileSync(join(folder, "out/n.ts.ipynb"), "utf8")).toContain('"2\\n"');
  });

  test.each(["index.js", "dist/deep/inner.js", "package.json"])(
    "%s of a package of the workspace, linked into node_modules",
    async (file) => {
      write(
        "packages/mine/package.json",
        JSON.stringify({ name: "mine", type: "module", exports: "./index.js", dependencies: { other: "*" } }),
      );
      write("packages/mine/index.js", "export { value } from './dist/deep/inner.js'; import 'other';");
      write("packages/mine/dist/deep/inner.js", "export const value = 1;");
      write("packages/other/package.json", JSON.stringify({ name: "other", type: "module", exports: "./index.js" }));
      write("packages/other/index.js", "");
      mkdirSync(join(folder, "node_modules"));
      symlinkSync("../packages/mine", join(folder, "node_modules/mine"));
      symlinkSync("../packages/other", join(folder, "node_modules/other"));
      const path = scriptNotebook(["import { value } from 'mine';\nvalue"]);
      const at = `packages/mine/${file}`;
      expectRerun(path, () => write(at, `${readFileSync(join(folder, at), "utf8")}\n`), /^changed: \S+packages\/mine$/);
      expect(passing(path).status).toBe("cached");
      write("packages/other/index.js", "globalThis.other = 1; import('../beside.js');");
      write("packages/beside.js", "");
      expect(passing(path)).toMatchObject({ reason: expect.stringMatching(/^changed: \S+packages\/other$/) });
    },
  );

  test("a package that is installed: its files, and the versions of those that it needs", async () => {
    write(
      "node_modules/mine/package.json",
      JSON.stringify({ name: "mine", main: "i.js", dependencies: { other: "1" } }),
    );
    write("node_modules/mine/i.js", "exports.value = 1;");
    write("node_modules/other/package.json", JSON.stringify({ name: "other", version: "1.0.0" }));
    const path = scriptNotebook(["import { value } from 'mine';\nvalue"]);
    expectRerun(path, () => write("node_modules/mine/i.js", "exports.value = 2;"), /^changed: \S+node_modules\/mine$/);
    expect(passing(path).status).toBe("cached");
    write("node_modules/other/package.json", JSON.stringify({ name: "other", version: "1.0.1" }));
    expect(passing(path)).toMatchObject({ reason: expect.stringMatching(/^changed: \S+other\/package\.json$/) });
  });

  test.each([
    ["import { value } from '#inner';", "src/inner.ts"],
    ["const { value } = await import(`./src/inner.ts`);", "src/inner.ts"],
    ["import { readFileSync } from 'node:fs';\nconst text = readFileSync('src/a.json', 'utf8');", "src/a.json"],
    ["import { readdirSync } from 'node:fs';\nreaddirSync('src').length", "src/new.txt"],
    ["import { join } from 'node:path';\nconst where = join(process.cwd(), 'src', 'a.json');", "src/a.json"],
  ])("what %j reads", async (source, file) => {
    write("package.json", JSON.stringify({ type: "module", imports: { "#inner": { default: "./src/inner.ts" } } }));
    write("src/inner.ts", "export const value = 1;");
    write("src/a.json", "{}");
    expectRerun(scriptNotebook([source]), () => write(file, "export const value = 2;"), /^changed: /);
  });
});
