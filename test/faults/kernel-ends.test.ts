/** How a kernel's end is told from a cell's failure, and a kernel that obeys from one that does not. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { runNotebook } from "../../lib/runner/index.ts";
import { hasJupyter, kernelDir, runCommand, temporaryFolder, writeNotebook } from "./support.ts";

const { path: folder, remove } = temporaryFolder();
afterAll(remove);

describe("the process that runs the cells is killed, as by a system without memory", () => {
  // nbclient says of either "Kernel died" (DeadKernelError), also where errors are allowed: nbclient/client.py.
  const kernels = {
    convbook: ['process.kill(process.pid, "SIGKILL"); await new Promise(() => {});', '"next"'],
    python3: ["import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", '"next"'],
  } as const;
  test.runIf(hasJupyter).each(["convbook", "python3"] as const)(
    "%s: exit code 5, whatever is allowed",
    async (name) => {
      const path = writeNotebook(folder, `${name}.ipynb`, kernels[name], name);
      const ours = name === "convbook" ? ["--kernel-dir", kernelDir] : [];
      const result = await runCommand([path, "--allow-errors", ...ours]);
      expect([result.code, result.stdout]).toEqual([5, expect.stringMatching(/SIGKILL.*out of memory\?/)]);
      const { cells } = JSON.parse(readFileSync(path, "utf8"));
      expect(cells[0].outputs.at(-1)).toMatchObject({ output_type: "error" });
      expect(cells[1].execution_count).toBeNull();
    },
  );

  test("between two cells, too, and where the heap is full", async () => {
    const between = writeNotebook(
      folder,
      "between.ipynb",
      ["setTimeout(() => process.abort(), 0)", 'await new Promise((done) => setTimeout(done, 50)); "next"'],
      "convbook",
    );
    const { status, cells } = await runNotebook(between, { kernel: "convbook", kernelDir });
    expect([status, cells.findLast(({ failure }) => failure)?.failure?.name]).toEqual(["kernel-died", "ProcessEnded"]);
    const hoard = ["const hoard: number[][] = []; for (;;) hoard.push(new Array(100_000).fill(1.5));", "1"];
    const full = await runNotebook(writeNotebook(folder, "full.ipynb", hoard, "convbook"), {
      kernel: "convbook",
      kernelDir,
      env: { CONVBOOK_HEAP_MB: "64" },
    });
    expect([full.status, full.cells[0]?.failure?.name]).toEqual(["kernel-died", "OutOfMemory"]);
  });

  test("a cell that throws, or ends with an exit code, is a failed cell", async () => {
    for (const [i, code] of ['throw new Error("no")', "process.exit(3)"].entries()) {
      const path = writeNotebook(folder, `fails-${i}.ipynb`, [code], "convbook");
      expect((await runNotebook(path, { kernel: "convbook", kernelDir })).status).toBe("failed");
    }
  });
});

test("a kernel that replies to an interrupt has obeyed, however late its outputs come", async () => {
  const spec = join(folder, "slow-outputs");
  mkdirSync(spec);
  const argv = ["node", join(import.meta.dirname, "slow-outputs.mjs"), "{connection_file}"];
  const kernel = { argv, display_name: "Slow", language: "imagined", interrupt_mode: "message" };
  writeFileSync(join(spec, "kernel.json"), JSON.stringify(kernel));
  const path = writeNotebook(folder, "slow.ipynb", ["x"]);
  const { status, cells } = await runNotebook(path, {
    kernel: "slow-outputs",
    kernelDir: spec,
    maxOutput: 1000,
    interruptGrace: 0.3,
  });
  expect([status, cells[0]?.failure?.message]).toEqual([
    "failed",
    "the cell put out more than 1000 characters (--max-output)",
  ]);
});
