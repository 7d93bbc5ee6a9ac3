/** Whatever a notebook is or does: the command ends in time, with its own exit code, a clear message, and what there is saved. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import {
  type CellLike,
  command,
  hasJupyter,
  kernelDir,
  notebookJson,
  runCommand,
  temporaryFolder,
  writeNotebook,
} from "./support.ts";

const { path: folder, remove } = temporaryFolder();
afterAll(remove);

const outputsOf = (path: string) =>
  (
    JSON.parse(readFileSync(path, "utf8")).cells as {
      outputs?: { output_type: string; text?: string[]; ename?: string; evalue?: string }[];
    }[]
  ).map((cell) => cell.outputs ?? []);
const textOf = (path: string, cell: number) =>
  (outputsOf(path)[cell] ?? []).flatMap((output) => output.text ?? []).join("");

describe("files that are no notebooks", () => {
  test.each([
    ["not JSON", "{", "is not JSON"],
    ["not nbformat", '{"a": 1}', 'it has no "nbformat"'],
    [
      "a merge conflict",
      '{\n<<<<<<< HEAD\n"a": 1\n=======\n"a": 2\n>>>>>>> b\n}',
      "has an unresolved merge conflict (line 2: <<<<<<< HEAD)",
    ],
    ["nbformat 3", '{"nbformat": 3, "worksheets": []}', "validate --upgrade"],
  ])("%s", async (_, text, message) => {
    const path = join(folder, "bad.ipynb");
    writeFileSync(path, text);
    const result = await runCommand([path]);
    expect(result.stdout).toContain(message);
    expect(result.code).toBe(6);
    expect(readFileSync(path, "utf8")).toBe(text);
  });

  test("a missing kernel: what is installed, what was meant, how to get it", async () => {
    const path = join(folder, "kernel.ipynb");
    writeFileSync(
      path,
      JSON.stringify({ ...notebookJson(["1"]), metadata: { kernelspec: { name: "convbok", display_name: "x" } } }),
    );
    const near = await runCommand([path, "--kernel-dir", join(kernelDir, "..")]);
    expect(near.code).toBe(7);
    expect(near.stdout).toContain('the kernel "convbok" is not installed');
    const far = await runCommand([path, "--kernel", "deno"]);
    expect(far.stdout).toContain("To install it: deno jupyter --install");
    expect(far.code).toBe(7);
  });

  test("a path that cannot be written is told before anything runs", async () => {
    const path = writeNotebook(folder, "unwritable.ipynb", ["console.log(1)"], "convbook");
    writeFileSync(join(folder, "file"), "");
    const result = await runCommand([path, "--kernel-dir", kernelDir, "--output-dir", join(folder, "file", "out")]);
    expect(result.stdout).toMatch(/unwritable\.ipynb: cannot be written/);
    expect(result.code).toBe(6);
  });

  test("usage: an unknown option, a bad number, no notebook", async () => {
    expect((await runCommand(["--jbos", "2", "x.ipynb"])).stderr).toContain("Did you mean --jobs?");
    const number = await runCommand(["--timeout", "soon", "x.ipynb"]);
    expect([number.code, number.stderr]).toEqual([
      2,
      expect.stringContaining('expected a number that is not negative, got "soon"'),
    ]);
    expect((await runCommand([])).code).toBe(2);
    expect((await runCommand([join(folder, "nothing-*.ipynb")])).code).toBe(6);
  });
});

describe.runIf(hasJupyter)("cells that do what they should not (Python)", () => {
  const run = (name: string, cells: string[], ...args: string[]) => {
    const path = writeNotebook(folder, `${name}.ipynb`, cells);
    return runCommand([path, "--interrupt-grace", "1", ...args]).then((result) => ({ ...result, path }));
  };

  test("ends the kernel", async () => {
    const result = await run("exits", [
      "print('kept')",
      "import os\nprint('last', flush=True)\nos._exit(7)",
      "print('never')",
    ]);
    expect(result.code).toBe(5);
    expect(result.stdout).toContain("ended with exit code 7");
    expect(textOf(result.path, 0)).toBe("kept\n");
    expect(outputsOf(result.path)[1]?.at(-1)).toMatchObject({ output_type: "error", ename: "KernelDied" });
  });

  test("leaves a process behind that outlives it", async () => {
    const marker = join(folder, "alive");
    const child = `import os, time\\nos.setsid()\\nwhile True:\\n    open("${marker}", "w").write(str(time.time()))\\n    time.sleep(0.05)`;
    const result = await run("forks", [
      `import subprocess, sys, time\nsubprocess.Popen([sys.executable, "-c", '${child}'])\nimport os\nwhile not os.path.exists("${marker}"):\n    time.sleep(0.05)`,
      "import os\nos._exit(1)",
    ]);
    expect(result.code).toBe(5);
    expect(existsSync(marker)).toBe(true);
    const before = readFileSync(marker, "utf8");
    await new Promise((done) => setTimeout(done, 400));
    expect(readFileSync(marker, "utf8")).toBe(before);
  });

  test("prints for ever", async () => {
    const result = await run("prints", ["while True:\n    print('x' * 1000)"], "--max-output", "2M");
    expect(result.code).toBe(1);
    expect(result.stdout).toContain(
      "OutputLimitExceeded: the cell put out more than 2097152 characters (--max-output)",
    );
    expect(textOf(result.path, 0).length).toBeGreaterThan(1_000_000);
  });

  test("puts out 100 MB at once", async () => {
    const result = await run("huge", ["print('y' * 100_000_000)", "print('never')"]);
    expect(result.code).toBe(1);
    expect(result.stdout).toContain("OutputLimitExceeded");
    expect(textOf(result.path, 0)).toHaveLength(32 * 2 ** 20);
  });

  test("ignores interrupts", async () => {
    const result = await run(
      "ignores",
      ["import signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nprint('busy', flush=True)\ntime.sleep(100)"],
      "--timeout",
      "1",
    );
    expect(result.code).toBe(4);
    expect(result.stdout).toContain(
      "the cell took longer than 1 s; it ignored the interrupt, so the kernel was killed",
    );
    expect(textOf(result.path, 0)).toBe("busy\n");
  });

  test("takes more memory than it may", async () => {
    const result = await run(
      "memory",
      ["x = []\nwhile True:\n    x.append(bytearray(10_000_000))"],
      "--memory",
      "400M",
    );
    expect(result.code).toBe(5);
    expect(result.stdout).toMatch(/MemoryLimitExceeded: the kernel took \d+ MiB, more than the limit of 400 MiB/);
  });

  test("takes longer than the whole notebook may", async () => {
    const result = await run(
      "long",
      ["import time\nprint('one')", "time.sleep(0.2)", "time.sleep(50)"],
      "--notebook-timeout",
      "20",
    );
    expect(result.code).toBe(4);
    expect(result.stdout).toContain("the notebook took longer than 20 s");
    expect(textOf(result.path, 0)).toBe("one\n");
  });

  test("has no limit where the limits are 0", async () => {
    const result = await run("unlimited", ["print('one')"], "--notebook-timeout", "0", "--timeout", "0");
    expect(result.code).toBe(0);
    expect(textOf(result.path, 0)).toBe("one\n");
  });

  test("asks for input", async () => {
    const result = await run("input", ["input('name? ')"]);
    expect(result.code).toBe(1);
    expect(result.stdout).toContain("StdinNotImplementedError");
  });

  test("is interrupted by the user: the notebook is saved, no kernel stays", async () => {
    const path = writeNotebook(folder, "sigint.ipynb", ["print('kept', flush=True)", "import time\ntime.sleep(60)"]);
    const result = await runCommand([path], {
      onStart: (child) => {
        child.stdout?.on("data", (chunk: Buffer) => {
          if (chunk.toString().includes("[1/2]")) {
            setTimeout(() => child.kill("SIGINT"), 300);
          }
        });
      },
    });
    expect(result.code).toBe(130);
    expect(result.stderr).toContain("Interrupting");
    expect(textOf(path, 0)).toBe("kept\n");
    expect(outputsOf(path)[1]?.at(-1)).toMatchObject({ ename: "Interrupted" });
  });
});

describe("cells that do what they should not (TypeScript)", () => {
  const run = (name: string, cells: CellLike[], ...args: string[]) => {
    const path = writeNotebook(folder, `ts-${name}.ipynb`, cells, "convbook");
    return runCommand([path, "--kernel-dir", kernelDir, "--interrupt-grace", "2", ...args]).then((result) => ({
      ...result,
      path,
    }));
  };

  test("loops for ever: interrupted, and the kernel need not be killed", async () => {
    const result = await run("loop", [
      "console.log('kept')",
      { source: "for (;;) {}", metadata: { runner: { timeout: 1 } } },
    ]);
    expect(result.code).toBe(4);
    expect(result.stdout).toContain("TimeoutError: the cell took longer than 1 s");
    expect(result.stdout).not.toContain("ignored the interrupt");
    expect(textOf(result.path, 0)).toBe("kept\n");
  });

  test("a failing cell: its name, its line, exit code 1", async () => {
    const result = await run(
      "fails",
      ["const a = 1;", "const b = 2;\n\nthrow new RangeError('too far');"],
      "--junit",
      join(folder, "junit.xml"),
    );
    expect(result.code).toBe(1);
    expect(result.stdout).toMatch(/ts-fails\.ipynb, cell 2, line 3/);
    const xml = readFileSync(join(folder, "junit.xml"), "utf8");
    expect(xml).toContain('name="cell 2: const b = 2;"');
    expect(xml).toContain('<failure message="RangeError: too far" type="RangeError">');
  });
});

test("the command stands where package.json says", () => {
  const manifest = JSON.parse(readFileSync(join(command, "../../package.json"), "utf8"));
  expect(manifest.bin["nbconvert-ts-runner"]).toBe("./bin/nbconvert-ts-runner.mjs");
  mkdirSync(folder, { recursive: true });
});
