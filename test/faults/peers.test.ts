/** Notebooks written for papermill, nbclient, nbval and nbmake come out as those have it. */
import type { ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { runNotebook, runNotebooks } from "../../lib/runner/index.ts";
import {
  type CellLike,
  hasJupyter,
  kernelDir,
  notebookJson,
  runCommand,
  shared,
  temporaryFolder,
  writeNotebook,
} from "./support.ts";

const { path: folder, remove } = temporaryFolder();
afterAll(remove);

let count = 0;
const python = (cells: readonly CellLike[], metadata: object = {}) =>
  writeNotebook(folder, `p${count++}.ipynb`, cells, "python3", metadata);
const script = (cells: readonly CellLike[], metadata: object = {}) =>
  writeNotebook(folder, `t${count++}.ipynb`, cells, "convbook", metadata);
const statuses = async (path: string, options: object = {}) => {
  const result = await runNotebook(path, { output: null, ...options });
  return [result.status, ...result.cells.map(({ status }) => status)];
};

// papermill/tests/test_execute.py, TestSysExit
describe.runIf(hasJupyter)("a cell that ends the program", () => {
  test.each(["sys.exit()", "sys.exit(0)", "sys.exit(None)", "raise SystemExit", "exit()", "quit"])(
    "%s ends the run without a fault",
    async (source) => {
      const path = python(["import sys", source, "print('never')"]);
      expect(await statuses(path)).toEqual(["passed", "passed", "passed", "not-run"]);
    },
  );

  test.each(["sys.exit(1)", "sys.exit('no data')", "sys.exit(2)", "raise SystemExit(3)"])(
    "%s fails",
    async (source) => {
      const path = python(["import sys", source, "print('never')"]);
      expect(await statuses(path)).toEqual(["failed", "passed", "failed", "not-run"]);
    },
  );

  test("the output is papermill's, the exit code 0, and the report says why the rest did not run", async () => {
    const path = python(["import sys", "sys.exit(0)", "print('never')"]);
    const result = await runCommand([path, "--junit", join(folder, "exit.xml")]);
    expect(result.code).toBe(0);
    const { cells } = JSON.parse(readFileSync(path, "utf8"));
    expect(cells[1]).toMatchObject({
      execution_count: 2,
      outputs: expect.arrayContaining([
        expect.objectContaining({ output_type: "error", ename: "SystemExit", evalue: "0" }),
      ]),
    });
    expect(cells[2].execution_count).toBeNull();
    expect(readFileSync(join(folder, "exit.xml"), "utf8")).toContain(
      '<skipped message="the notebook ended before it"/>',
    );
  });

  test.runIf(shared("cases/runner/sysexit.ipynb") !== undefined)("the case that exits with 1", async () => {
    expect(await statuses(shared("cases/runner/sysexit.ipynb") as string)).toEqual(["failed", "failed", "not-run"]);
  });
});

test("process.exit in TypeScript: 0 ends the run, other codes fail", async () => {
  const run = (source: string) => statuses(script([source, "1"]), { kernelDir });
  expect(await run("process.exit()")).toEqual(["passed", "passed", "not-run"]);
  expect(await run("process.exit(0)")).toEqual(["passed", "passed", "not-run"]);
  expect(await run("process.exit(3)")).toEqual(["failed", "failed", "not-run"]);
  expect(await run("process.exitCode = 4;\nprocess.exit()")).toEqual(["failed", "failed", "not-run"]);
});

describe("an end is no error: what allows errors does not go on behind it", () => {
  const stored = (path: string) => {
    const notebook = JSON.parse(readFileSync(path, "utf8"));
    Object.assign(notebook.cells.at(-1), {
      execution_count: 7,
      outputs: [{ output_type: "stream", name: "stdout", text: ["before\n"] }],
    });
    writeFileSync(path, JSON.stringify(notebook));
    return path;
  };
  const allowed = [
    ["--allow-errors", {}, undefined, { allowErrors: true }],
    ["the tag allow-errors", {}, ["allow-errors"], {}],
    ["the notebook's own allow_errors", { execution: { allow_errors: true } }, undefined, {}],
  ] as const;

  describe.each(allowed)("%s", (_name, metadata, tags, options) => {
    test("TypeScript", async () => {
      const run = async (source: string) => {
        const path = stored(script([{ source, tags: tags ?? [] }, "console.log('now')"], metadata));
        const result = await runNotebook(path, { kernelDir, ...options });
        const last = JSON.parse(readFileSync(path, "utf8")).cells.at(-1);
        return [result.status, ...result.cells.map(({ status }) => status), last.execution_count, last.outputs[0].text];
      };
      expect(await run("process.exit(0)")).toEqual(["passed", "passed", "not-run", 7, ["before\n"]]);
      expect(await run("process.exit()")).toEqual(["passed", "passed", "not-run", 7, ["before\n"]]);
      expect(await run("process.exit(3)")).toEqual(["passed", "passed", "passed", 2, ["now\n"]]);
    });

    test.runIf(hasJupyter)("Python", async () => {
      const run = (source: string) =>
        statuses(python([{ source: `import sys\n${source}`, tags: tags ?? [] }, "1"], metadata), options);
      expect(await run("sys.exit(0)")).toEqual(["passed", "passed", "not-run"]);
      expect(await run("exit()")).toEqual(["passed", "passed", "not-run"]);
      // nbclient goes on behind it.
      expect(await run("sys.exit(3)")).toEqual(["passed", "passed", "passed"]);
    });
  });

  test("a cell that has to raise: an end is what was expected, and one that raises nothing fails", async () => {
    const run = (source: string, raises = {}) =>
      statuses(script([{ source, tags: ["raises-exception"], metadata: { runner: { raises } } }, "1"]), { kernelDir });
    expect(await run("process.exit(0)")).toEqual(["passed", "passed", "passed"]);
    expect(await run("process.exit(3)", { name: "ProcessExit" })).toEqual(["passed", "passed", "passed"]);
    expect(await run("process.exit(0)", { name: "TypeError" })).toEqual(["failed", "failed", "passed"]);
    // Without the tag, too.
    const untagged = (source: string, raises = {}) =>
      statuses(script([{ source, metadata: { runner: { raises } } }, "1"]), { kernelDir });
    expect(await untagged("process.exit(3)", { name: "ProcessExit", message: "exit\\(3" })).toEqual([
      "passed",
      "passed",
      "passed",
    ]);
    expect(await untagged("process.exit(3)", { message: "exit\\(4" })).toEqual(["failed", "failed", "passed"]);
    const nothing = await runNotebook(script([{ source: "1", metadata: { runner: { raises: {} } } }]), {
      output: null,
      kernelDir,
    });
    expect(nothing.cells[0]?.failure?.message).toBe('the cell has "runner.raises" in its metadata, but raised nothing');
    if (hasJupyter) {
      const quit = python([{ source: "exit()", tags: ["raises-exception"] }, "1"]);
      expect(await statuses(quit)).toEqual(["failed", "failed", "not-run"]);
    }
  });

  test.runIf(hasJupyter)("nbmake's post_cell_execute may end it, too", async () => {
    const ending = (code: string) =>
      statuses(python([{ source: "1", metadata: { nbmake: { post_cell_execute: ["import sys", code] } } }, "1"]));
    expect(await ending("sys.exit(0)")).toEqual(["passed", "passed", "not-run"]);
    expect(await ending("exit()")).toEqual(["passed", "passed", "not-run"]);
    expect(await ending("sys.exit(3)")).toEqual(["failed", "failed", "not-run"]);
  });

  test("a cache and a page take it for what it is", async () => {
    const path = stored(script(["1", "process.exit(0)", "console.log('never')"]));
    const options = ["--kernel-dir", kernelDir, "--allow-errors", "--cache", join(folder, "ends"), "--html", folder];
    const first = await runCommand([path, ...options]);
    const page = () => readFileSync(path.replace(/ipynb$/, "html"), "utf8");
    expect([first.code, first.stdout]).toEqual([0, expect.not.stringContaining("unchanged since it passed")]);
    const cells = () =>
      JSON.parse(readFileSync(path, "utf8")).cells.map((cell: Record<string, unknown>) => cell.outputs);
    const before = [page(), cells()];
    const second = await runCommand([path, ...options]);
    expect([second.code, second.stdout]).toEqual([0, expect.stringContaining("unchanged since it passed")]);
    expect([page(), cells()]).toEqual(before);
    expect(page()).toContain("before");
    // Where an end is a failure, nothing is kept.
    const failing = script(["process.exit(3)", "1"]);
    for (let round = 0; round < 2; round++) {
      const run = await runCommand([failing, "--kernel-dir", kernelDir, "--cache", join(folder, "ends")]);
      expect(run.code).toBe(1);
    }
  });
});

// nbclient's tests/test_client.py runs with an in-memory history
test.runIf(hasJupyter)("the history of the user's IPython is not touched", async () => {
  const home = join(folder, "ipython");
  mkdirSync(home);
  const path = python(["get_ipython().history_manager.hist_file", "x = 'in no history'"]);
  const result = await runNotebook(path, { env: { IPYTHONDIR: home } });
  expect(result.status).toBe("passed");
  expect(JSON.stringify(result.notebook.cells[0])).toContain("':memory:'");
  expect(existsSync(join(home, "profile_default/history.sqlite"))).toBe(false);
});

// nbval/plugin.py: comment_markers, find_metadata_tags, and the cells whose reference was not run.
describe.runIf(hasJupyter)("nbval's markers", () => {
  const stored = (path: string, text = "stored\n") => {
    const notebook = JSON.parse(readFileSync(path, "utf8"));
    for (const cell of notebook.cells) {
      Object.assign(cell, { execution_count: 1, outputs: [{ output_type: "stream", name: "stdout", text }] });
    }
    writeFileSync(path, JSON.stringify(notebook));
    return path;
  };
  const different = async (path: string, options: object = {}) => {
    const [outcome] = await runNotebooks([path], { check: true, ...options });
    return { status: outcome?.status, cells: outcome?.differences.map(({ number }) => number), outcome };
  };

  test("comments and tags leave outputs out, or bring them back in", async () => {
    const cells: CellLike[] = [
      "# NBVAL_IGNORE_OUTPUT\nprint(1)",
      { source: "print(2)", tags: ["nbval-ignore-output"] },
      "# PYTEST_VALIDATE_IGNORE_OUTPUT\nprint(3)",
      { source: "# NBVAL_CHECK_OUTPUT\nprint(4)", tags: ["nbval-ignore-output"] },
      "print(5)",
    ];
    expect(await different(stored(python(cells)))).toMatchObject({ status: "different", cells: [4, 5] });
    // As nbval-lax: only what is marked.
    const lax = stored(python(cells, { runner: { compare: false } }));
    expect(await different(lax)).toMatchObject({ status: "different", cells: [4] });
  });

  test("a cell that is to be skipped, and one that has to raise", async () => {
    expect(await statuses(python(["# NBVAL_SKIP\n1/0", "# NBVAL_RAISES_EXCEPTION\n1/0", "1"]))).toEqual([
      "passed",
      "skipped",
      "passed",
      "passed",
    ]);
    expect(await statuses(python(["# NBVAL_RAISES_EXCEPTION\n1"]))).toEqual(["failed", "failed"]);
  });

  test("in TypeScript, too", async () => {
    const path = stored(script(["// NBVAL_IGNORE_OUTPUT\nconsole.log(1)", "// NBVAL_SKIP\nthrow 1", "console.log(3)"]));
    expect(await different(path, { kernelDir })).toMatchObject({ status: "different", cells: [3] });
  });

  test.runIf(shared("cases/runner/raises.ipynb") !== undefined)(
    "what was never executed is not compared, and that is said",
    async () => {
      const path = join(folder, "raises.ipynb");
      writeFileSync(path, readFileSync(shared("cases/runner/raises.ipynb") as string, "utf8"));
      const { status, outcome } = await different(path);
      expect(status).toBe("passed");
      expect(outcome?.result?.warnings).toEqual([
        "no cell was compared: none has been executed in the stored notebook",
      ]);
    },
  );

  test("one cell of two was never executed", async () => {
    const path = python(["print(1)", "print(2)"]);
    const notebook = JSON.parse(readFileSync(path, "utf8"));
    Object.assign(notebook.cells[0], {
      execution_count: 1,
      outputs: [{ output_type: "stream", name: "stdout", text: "1\n" }],
    });
    writeFileSync(path, JSON.stringify(notebook));
    const { status, outcome } = await different(path);
    expect([status, outcome?.result?.warnings]).toEqual([
      "passed",
      ["1 of 2 cells were not compared: they have not been executed in the stored notebook"],
    ]);
  });
});

// The README of nbmake: "Mock out variables to simplify testing", "Run test logic after a cell executes".
describe.runIf(hasJupyter)("nbmake's metadata", () => {
  const nbmake = (source: string, own: object) => ({ source, metadata: { nbmake: own } });

  test("mocks set variables behind their cell, and are not in the notebook", async () => {
    const mock = { epochs: 2, config: 'it\'s "there"', args: { env: "test", deep: [true, null, 1.5] } };
    const path = python([
      nbmake("epochs = 10\nconfig = args = None\nprint(epochs)", { mock }),
      `assert epochs == 2 and config == "it's \\"there\\"", config\nassert args == {"env": "test", "deep": [True, None, 1.5]}, args`,
    ]);
    const result = await runNotebook(path);
    expect(result.status).toBe("passed");
    const { cells } = JSON.parse(readFileSync(path, "utf8"));
    expect(cells[0].outputs).toMatchObject([{ text: ["10\n"] }]);
    expect([cells[0].execution_count, cells[1].execution_count]).toEqual([1, 2]);
  });

  test("post_cell_execute runs behind its cell, in TypeScript, too", async () => {
    const post = { post_cell_execute: ["y = 3", "z = x+y"] };
    expect(await statuses(python([nbmake("x = 1\ny = 2\nz = 0", post), "assert z == 4"]))).toEqual([
      "passed",
      "passed",
      "passed",
    ]);
    const cells = [
      nbmake("let x = 1, z = 0;", { mock: { x: 5 }, post_cell_execute: ["z = x + 1;"] }),
      "if (z !== 6) throw new Error(String(z));",
    ];
    expect(await statuses(script(cells), { kernelDir })).toEqual(["passed", "passed", "passed"]);
  });

  test("what it asserts fails the cell; a cell that raised has nothing run behind it", async () => {
    const path = python([nbmake("x = 1", { post_cell_execute: ["assert x == 2, 'x is wrong'"] }), "1"]);
    const result = await runNotebook(path, { output: null });
    expect(result.cells.map(({ status }) => status)).toEqual(["failed", "not-run"]);
    expect(result.cells[0]?.failure).toMatchObject({
      name: "AssertionError",
      message: "nbmake.post_cell_execute failed: AssertionError: x is wrong",
    });
    const raises = {
      source: "1/0",
      tags: ["raises-exception"],
      metadata: { nbmake: { post_cell_execute: ["ran = 1"] } },
    };
    expect(await statuses(python([raises, "assert 'ran' not in globals()"]))).toEqual(["passed", "passed", "passed"]);
  });

  test("metadata of another kind is told before anything runs", async () => {
    const run = (own: object) => runNotebook(python([nbmake("1", own)]), { output: null });
    await expect(run({ mock: 3 })).rejects.toThrow('"nbmake.mock" is 3; expected an object of names with values');
    await expect(run({ mock: { "a b": 3 } })).rejects.toThrow(
      '"nbmake.mock" cannot set "a b" in the language "python"',
    );
    await expect(run({ post_cell_execute: 1 })).rejects.toThrow(
      '"nbmake.post_cell_execute" is 1; expected a list of lines',
    );
  });

  test("the notebook's own allow_errors", async () => {
    expect(await statuses(python(["1/0", "1"], { execution: { allow_errors: true } }))).toEqual([
      "passed",
      "passed",
      "passed",
    ]);
  });
});

// Names of kernels are of the machine that wrote the notebook.
describe.runIf(hasJupyter)("a kernel that is not installed", () => {
  const at = (kernelspec: object, more: object = {}) => {
    const path = join(folder, `k${count++}.ipynb`);
    writeFileSync(path, JSON.stringify({ ...notebookJson(["1"]), metadata: { kernelspec, ...more } }));
    return path;
  };

  test("gives way to the only one of its language, and that is said", async () => {
    const path = at({ name: "conda-env-course-py", display_name: "x", language: "python" });
    const result = await runCommand([path, "-o", join(folder, "out")]);
    expect(result.code).toBe(0);
    expect(result.stdout).toContain(
      'warning: its kernel "conda-env-course-py" is not installed; it ran with "python3", the only one here for python',
    );
    // The notebook goes on to say what it said.
    expect(JSON.parse(readFileSync(path, "utf8")).metadata.kernelspec.name).toBe("conda-env-course-py");
    const byLanguageInfo = at({ name: "gone", display_name: "x" }, { language_info: { name: "python" } });
    expect((await runNotebook(byLanguageInfo, { output: null })).kernelName).toBe("python3");
  });

  test("is an error where there are two, where there is none, and where it was asked for by name", async () => {
    const two = join(folder, "kernels");
    for (const name of ["one", "two"]) {
      mkdirSync(join(two, name), { recursive: true });
      writeFileSync(
        join(two, name, "kernel.json"),
        JSON.stringify({ argv: ["x"], display_name: name, language: "python" }),
      );
    }
    const path = at({ name: "gone", display_name: "x", language: "python" });
    await expect(runNotebook(path, { output: null, kernelDir: two })).rejects.toThrow(
      'the kernel "gone" is not installed',
    );
    await expect(runNotebook(path, { output: null, kernel: "gone" })).rejects.toThrow(
      'the kernel "gone" is not installed',
    );
    const none = at({}, { kernelspec: undefined });
    expect(await runNotebook(none, { output: null })).toMatchObject({
      kernelName: "python3",
      warnings: ['names no kernel in its metadata; it ran with "python3"'],
    });
    const unknown = at({ name: "gone", display_name: "x", language: "cobol" });
    const error = await runNotebook(unknown, { output: null }).catch((reason) => reason as Error);
    expect((error as Error).message).toMatch(/^the kernel "gone" is not installed\n/);
    // What a stranger's notebook names is no advice.
    expect((error as Error).message).not.toContain("npm install");
  });
});

describe.runIf(hasJupyter)("with the terminal gone", () => {
  /** Runs the command, whose reader goes away when the first cell has passed. */
  const deaf = (path: string, then: (child: ChildProcess) => void) =>
    runCommand([path], {
      onStart: (child) => {
        child.stdout?.on("data", (chunk: Buffer) => {
          if (chunk.toString().includes("[1/2]")) {
            child.stdout?.destroy();
            child.stderr?.destroy();
            setTimeout(() => then(child), 300);
          }
        });
      },
    });

  test.each(["SIGHUP", "SIGTERM"] as const)("%s saves and ends in good order", async (signal) => {
    const path = python(["print('kept', flush=True)", "import time\ntime.sleep(60)"]);
    expect((await deaf(path, (child) => child.kill(signal))).code).toBe(130);
    const { cells } = JSON.parse(readFileSync(path, "utf8"));
    expect(cells[0].outputs[0].text).toEqual(["kept\n"]);
    expect(cells[1].outputs.at(-1)).toMatchObject({ ename: "Interrupted" });
  });

  test("a cell that fails when nobody reads any more fails", async () => {
    const path = python(["1", "import time\ntime.sleep(1)\n1/0"]);
    expect((await deaf(path, () => {})).code).toBe(1);
    expect(readFileSync(path, "utf8")).toContain("ZeroDivisionError");
  });
});

test("two cells of one id: validate tells it, and a run runs both", async () => {
  const path = script(["console.log(1)", "console.log(2)"]);
  writeFileSync(path, readFileSync(path, "utf8").replaceAll(/"cell-\d"/g, '"same"'));
  const { code, stdout } = await runCommand(["validate", path]);
  expect([code, stdout]).toEqual([6, expect.stringContaining('/cells/1/id "same" is also the id of cell 1')]);
  expect(await statuses(path, { kernelDir })).toEqual(["passed", "passed", "passed"]);
});
