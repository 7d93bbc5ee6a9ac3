/** The kernel killed at random moments, fifty times: the run ends, says so, and the saved notebook is whole. */
import { readFileSync } from "node:fs";
import { afterAll, describe, expect, test } from "vitest";
import { findKernelspec, KernelManager, runNotebook } from "../../lib/runner/index.ts";
import { hasJupyter, kernelDir, temporaryFolder, writeNotebook } from "./support.ts";

/** A generator with a seed, so that a failure can be had again. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1664525 + 1013904223) % 2 ** 32;
    return state / 2 ** 32;
  };
}

const { path: folder, remove } = temporaryFolder();
afterAll(remove);

const kernels = {
  convbook: {
    times: 30,
    cells: Array.from(
      { length: 8 },
      (_, i) => `console.log("cell ${i}"); await new Promise((done) => setTimeout(done, 15)); ${i}`,
    ),
  },
  python3: {
    times: 20,
    cells: Array.from({ length: 8 }, (_, i) => `import time\nprint("cell ${i}", flush=True)\ntime.sleep(0.015)\n${i}`),
  },
} as const;

describe.each(["convbook", "python3"] as const)("the kernel %s killed", (name) => {
  const { times, cells } = kernels[name];

  test.runIf(name === "convbook" || hasJupyter)(`${times} times at random`, async () => {
    const random = randomNumbers(times);
    const delays = Array.from({ length: times }, () => random() * 200);
    let next = 0;
    const statuses: string[] = [];
    const worker = async () => {
      for (let index = next++; index < times; index = next++) {
        statuses.push(await killOnce(name, index, delays[index] as number, cells));
      }
    };
    await Promise.all([worker(), worker()]);
    expect(statuses).toHaveLength(times);
    // Some kills come when all is done; most must not.
    expect(statuses.filter((status) => status === "kernel-died").length).toBeGreaterThan(times / 3);
  });
});

async function killOnce(name: string, index: number, delay: number, cells: readonly string[]): Promise<string> {
  const path = writeNotebook(folder, `${name}-${index}.ipynb`, cells, name as "convbook" | "python3");
  const spec = findKernelspec(name, { kernelDir: name === "convbook" ? kernelDir : undefined });
  const kernel = await KernelManager.start(spec, { cwd: folder });
  const timer = setTimeout(() => process.kill(kernel.pid as number, "SIGKILL"), delay);
  const result = await runNotebook(path, {
    kernel: name,
    kernelDir: name === "convbook" ? kernelDir : undefined,
    acquireKernel: async () => ({
      kernel,
      release: () => {
        // A run that ended before its kill came: nothing is left to be killed once the kernel is let go.
        clearTimeout(timer);
        return kernel.kill();
      },
    }),
  });
  const saved = JSON.parse(readFileSync(path, "utf8")) as {
    cells: { outputs: { output_type: string; ename?: string }[] }[];
  };
  expect(saved.cells).toHaveLength(cells.length);
  const died = result.cells.findIndex((cell) => cell.status === "kernel-died");
  if (died >= 0) {
    expect(saved.cells[died]?.outputs.at(-1)).toMatchObject({ output_type: "error", ename: "KernelDied" });
    expect(result.cells.slice(died + 1).every((cell) => cell.status === "not-run")).toBe(true);
    expect(result.cells[died]?.failure?.message).toContain("was killed by SIGKILL");
  }
  for (const cell of saved.cells.slice(0, died < 0 ? undefined : died)) {
    expect(cell.outputs.map((output) => output.output_type)).toEqual(["stream", "execute_result"]);
  }
  return result.status;
}
