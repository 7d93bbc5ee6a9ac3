/**
 * The runner against Debian's nbconvert and nbclient: the same notebooks, alternately, in the same run.
 * `npm run bench -- runner [--repeats N]`
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { findKernelspec, KernelManager, type Notebook, runNotebook, toHtml } from "../../lib/runner/index.ts";
import type { BenchResult, BenchRow } from "./main.ts";

const repository = resolve(import.meta.dirname, "../..");
const command = join(repository, "lib/runner/bin/nbconvert-ts-runner.mjs");
const kernelDir = join(repository, "lib/kernel/kernelspec");
const python = "/usr/bin/python3";

const median = (values: readonly number[]) =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
const seconds = (value: number) => Math.round(value * 1000) / 1000;

function timed(program: string, args: readonly string[]): number {
  const start = performance.now();
  const { status, stderr } = spawnSync(program, args, { encoding: "utf8" });
  if (status !== 0) {
    throw new Error(`${program} ${args.join(" ")} ended with ${status}: ${stderr}`);
  }
  return (performance.now() - start) / 1000;
}

const notebook = (kernel: string, sources: readonly string[]): Notebook => ({
  cells: sources.map((source, index) => ({
    cell_type: "code",
    execution_count: null,
    id: `c${index}`,
    metadata: {},
    outputs: [],
    source: [source],
  })),
  metadata: {
    kernelspec: { display_name: kernel, language: kernel === "python3" ? "python" : "typescript", name: kernel },
  },
  nbformat: 4,
  nbformat_minor: 5,
});

export async function run(args: readonly string[]): Promise<BenchResult> {
  const repeats = Number(args[args.indexOf("--repeats") + 1] ?? 5) || 5;
  const folder = mkdtempSync(join(tmpdir(), "bench-runner-"));
  const rows: BenchRow[] = [];
  const add = (what: string, ours: number, theirs: number | null, target: string) =>
    rows.push({
      what,
      ours: seconds(ours),
      "nbconvert/nbclient": theirs === null ? null : seconds(theirs),
      ratio: theirs === null ? null : seconds(ours / theirs),
      target,
    });
  const save = (name: string, content: Notebook) => {
    const path = join(folder, name);
    writeFileSync(path, JSON.stringify(content, null, 1));
    return path;
  };
  const nbconvert = ["-m", "nbconvert", "--to", "notebook", "--execute", "--output-dir", join(folder, "theirs")];
  const ours = [command, "--quiet", "--output-dir", join(folder, "ours"), "--kernel-dir", kernelDir];
  const twenty = Array.from({ length: 20 }, (_, index) => `${index} + 1`);
  const jupyter = spawnSync(python, ["-c", "import nbconvert, ipykernel"]).status === 0;
  try {
    const script = save("script.ipynb", notebook("convbook", twenty));
    add(
      "20 trivial cells, our kernel",
      median(Array.from({ length: repeats }, () => timed(process.execPath, [...ours, script]))),
      null,
      "<= 1.0 s",
    );
    add("the same, kernel already started", median(await warmRuns(script, repeats)), null, "<= 0.3 s");
    if (jupyter) {
      const single = save("python.ipynb", notebook("python3", twenty));
      const pairs = Array.from({ length: repeats }, () => [
        timed(process.execPath, [...ours, single]),
        timed(python, [...nbconvert, single]),
      ]);
      add(
        "20 trivial cells, ipykernel",
        median(pairs.map(([a]) => a ?? 0)),
        median(pairs.map(([, b]) => b ?? 0)),
        "<= 0.4 of theirs",
      );
      const four = [1, 2, 3, 4].map((number) => save(`four-${number}.ipynb`, notebook("python3", twenty)));
      const fours = Array.from({ length: Math.max(1, repeats - 2) }, () => [
        timed(process.execPath, [...ours, "--jobs", "2", ...four]),
        timed(python, [...nbconvert, ...four]),
      ]);
      add(
        "4 notebooks, 2 jobs, ipykernel",
        median(fours.map(([a]) => a ?? 0)),
        median(fours.map(([, b]) => b ?? 0)),
        "<= 0.5 of theirs",
      );
    }
    add(
      "a cell's overhead, our kernel",
      await cellOverhead(
        save(
          "many.ipynb",
          notebook(
            "convbook",
            Array.from({ length: 200 }, () => "1"),
          ),
        ),
      ),
      null,
      "<= 0.005 s",
    );
    await htmlRow(save, add, nbconvert, jupyter, repeats);
    rows.push(
      await memoryRow(
        save(
          "thousand.ipynb",
          notebook(
            "convbook",
            Array.from({ length: 1000 }, (_, index) => `console.log("x".repeat(1000)); ${index}`),
          ),
        ),
      ),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return {
    note: `Medians of ${repeats} runs in seconds, ours and Debian's alternately; ${jupyter ? "" : "nbconvert is not installed, "}Node ${process.version}`,
    rows,
  };
}

async function warmRuns(path: string, repeats: number): Promise<number[]> {
  const times: number[] = [];
  for (let repeat = 0; repeat < repeats; repeat++) {
    const kernel = await KernelManager.start(findKernelspec("convbook", { kernelDir }), { cwd: tmpdir() });
    // As a pool's kernel is: started some time before the notebook comes.
    await new Promise((done) => setTimeout(done, 500));
    const start = performance.now();
    await runNotebook(path, {
      kernelDir,
      output: `${path}.out`,
      acquireKernel: async () => ({ kernel, release: () => {} }),
    });
    times.push((performance.now() - start) / 1000);
    await kernel.kill();
  }
  return times;
}

/** What a cell takes in a run beyond what it takes in a bare request to the same kernel: recording and saving, 200 cells. */
async function cellOverhead(path: string): Promise<number> {
  const result = await runNotebook(path, { kernelDir });
  const kernel = await KernelManager.start(findKernelspec("convbook", { kernelDir }), { cwd: tmpdir() });
  const start = performance.now();
  for (const _ of result.cells) {
    await kernel.client.execute("1");
  }
  const bare = (performance.now() - start) / 1000;
  await kernel.kill();
  return (result.seconds - result.startupSeconds - bare) / result.cells.length;
}

async function htmlRow(
  save: (name: string, content: Notebook) => string,
  add: (what: string, ours: number, theirs: number | null, target: string) => void,
  nbconvert: readonly string[],
  jupyter: boolean,
  repeats: number,
): Promise<void> {
  const content = notebook("python3", []);
  const values = Array.from({ length: 200 }, (_, x) => ({ x, y: Math.sin(x / 10) }));
  for (let index = 0; index < 100; index++) {
    content.cells.push(
      index % 2 === 0
        ? {
            cell_type: "markdown",
            id: `m${index}`,
            metadata: {},
            source: `## Section ${index}\n\nText with $x_{${index}}^2$ and a list:\n\n- one\n- two`,
          }
        : {
            cell_type: "code",
            execution_count: index,
            id: `c${index}`,
            metadata: {},
            source: `for i in range(${index}):\n    print(f"{i}: {i ** 2}")`,
            outputs:
              index % 5 === 0 || index % 4 === 1
                ? [
                    {
                      output_type: "display_data",
                      data: {
                        "application/vnd.vegalite.v5+json": { mark: "line", data: { values }, encoding: {} },
                        "text/plain": "figure",
                      },
                      metadata: {},
                    },
                  ]
                : [{ output_type: "stream", name: "stdout", text: "0: 0\n1: 1\n" }],
          },
    );
  }
  const path = save("page.ipynb", content);
  const inProcess: number[] = [];
  for (let repeat = 0; repeat < repeats; repeat++) {
    const start = performance.now();
    await toHtml(content);
    inProcess.push((performance.now() - start) / 1000);
  }
  const args = nbconvert.filter((arg) => arg !== "--execute").map((arg) => (arg === "notebook" ? "html" : arg));
  const pairs = Array.from({ length: repeats }, () => [
    timed(process.execPath, [command, "convert", "--to", "html", "--output-dir", join(path, "../pages"), path]),
    jupyter ? timed(python, [...args, path]) : Number.NaN,
  ]);
  add(
    "HTML of 100 cells with figures, the whole command",
    median(pairs.map(([a]) => a ?? 0)),
    jupyter ? median(pairs.map(([, b]) => b ?? 0)) : null,
    "<= 1 s",
  );
  add("the same, in a process that converted before", median(inProcess.slice(1)), null, "<= 1 s");
}

/** Live memory of this process over 1,000 cells: what it is at the end against what it was at cell 200. */
async function memoryRow(path: string): Promise<BenchRow> {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const samples: number[] = [];
  await runNotebook(path, {
    kernelDir,
    onCellEnd: ({ number }) => {
      if (number % 50 === 0) {
        collect();
      }
      samples.push(process.memoryUsage().heapUsed);
    },
  });
  const growth = (samples[999] ?? 0) / (samples[199] ?? 1);
  return {
    what: "memory over 1,000 cells, end / cell 200",
    ours: seconds(growth),
    "nbconvert/nbclient": null,
    ratio: null,
    target: "flat",
  };
}
