/** Ranks that Slurm starts: srun, and a batch job that is asked to stop, saves, is requeued and goes on. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTrainAndValidation, generatePatterns, savePatterns } from "../../lib/convbook/data/diffraction/index.ts";
import { Generator } from "../../lib/convbook/random/index.ts";
import { builtProgram } from "../built-program.ts";
import { libraries } from "./launch.ts";
import { Slurm, until } from "./slurm.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const cli = join(root, "lib/convbook/dist/cli/main.js");
const program = fileURLToPath(new URL("./programs/hosts.ts", import.meta.url));

async function startSlurm(): Promise<Slurm | undefined> {
  if (!libraries.some(({ family }) => family === "Open MPI")) {
    return undefined;
  }
  try {
    const slurm = await Slurm.start();
    if (!/pmix/.test(slurm.run("srun", "--mpi=list").stdout)) {
      await slurm.stop();
      throw new Error("Its srun knows no PMIx.");
    }
    return slurm;
  } catch (error) {
    console.log(`Left out: ranks that Slurm starts. ${(error as Error).message}`);
    return undefined;
  }
}

const slurm = await startSlurm();
const folder = mkdtempSync(join(tmpdir(), "convbook-under-slurm-"));
afterAll(async () => {
  await slurm?.stop();
  rmSync(folder, { recursive: true });
});

describe.runIf(slurm !== undefined)("under Slurm", { timeout: 300_000 }, () => {
  const own = slurm as Slurm;

  beforeAll(async () => {
    const lattices = [8, 11, 12, 13];
    const known = generatePatterns({ patternsPerLattice: 20, points: 200, lattices, generator: new Generator(1) });
    await savePatterns(join(folder, "patterns.pt"), known);
    await createTrainAndValidation(join(folder, "patterns.pt"), 0.25, folder, "cubes", { generator: new Generator(2) });
    writeFileSync(
      join(folder, "patterns.yaml"),
      `
output: ${folder}/runs
tag: cubes
model:
  hparams: { resDims: [3, 4], resKernel: [5, 3], resStride: [2, 2], numBlocks: [1, 1], firstKernelSize: 5, firstPoolKernelSize: 3, firstPoolStride: 3 }
data: { name: diffraction, folder: ${folder}, batchSize: 4, numWorkers: 0 }
trainer: { maxEpochs: 40, enableModelSummary: false, enableProgressBar: false }
`,
    );
  });

  it("srun --mpi=pmix starts two ranks that train together", async () => {
    const node = [process.execPath, await builtProgram(program), join(folder, "srun"), "60"];
    const { status, stderr } = own.run("srun", "--mpi=pmix", "-n", "2", ...node);
    expect(status, stderr).toBe(0);
    const found = [0, 1].map((rank) => JSON.parse(readFileSync(join(folder, `srun.${rank}`), "utf8")));
    expect(found.map(({ nodes, localRank, result }) => [nodes, localRank, result.globalStep])).toEqual([
      [1, 0, 80],
      [1, 1, 80],
    ]);
    expect(found[1].hash).toBe(found[0].hash);
    // One machine: its data is prepared once.
    expect(found.map(({ prepared }) => prepared)).toEqual([1, 0]);
  });

  /** What ranks have of the machine, with options of srun's. */
  async function shares(name: string, ...options: readonly string[]) {
    const machine = fileURLToPath(new URL("./programs/machine.ts", import.meta.url));
    const report = join(folder, name);
    const node = [process.execPath, await builtProgram(machine), report];
    const { status, stderr } = own.run(
      "srun",
      "--mpi=pmix",
      "-n",
      "2",
      "--export=ALL,CONVBOOK_THREADS=",
      ...options,
      ...node,
    );
    expect(status, stderr).toBe(0);
    return [0, 1].map((rank): { cpus: number[]; threads: number } =>
      JSON.parse(readFileSync(`${report}.${rank}`, "utf8")),
    );
  }

  it.runIf(availableParallelism() >= 2)("ranks that srun binds to a processor each have it, and a thread", async () => {
    const found = await shares("bound", "--cpus-per-task=1", "--cpu-bind=threads");
    expect(found.map(({ cpus, threads }) => [cpus.length, threads])).toEqual([
      [1, 1],
      [1, 1],
    ]);
    expect(found[0]?.cpus).not.toEqual(found[1]?.cpus);
  });

  it("`convbook doctor` under srun prints a line a rank, with what it is bound to", () => {
    const bound = availableParallelism() >= 2 ? ["--cpus-per-task=1", "--cpu-bind=threads"] : [];
    const doctor = [process.execPath, cli, "doctor"];
    const { stdout, stderr } = own.run(
      "srun",
      "--mpi=pmix",
      "-n",
      "2",
      "--export=ALL,CONVBOOK_THREADS=",
      ...bound,
      ...doctor,
    );
    const lines = stdout.split("\n").filter((line) => /^. rank \d/.test(line));
    const ranks = lines.map((line) =>
      /rank (\d+) .*, processors (\d+), (1 thread of the engine), Node/.exec(line)?.slice(1),
    );
    expect(
      ranks.map((rank) => [rank?.[0], rank?.[2]]),
      `${stdout}${stderr}`,
    ).toEqual([
      ["0", "1 thread of the engine"],
      ["1", "1 thread of the engine"],
    ]);
    if (availableParallelism() >= 2) {
      expect(ranks[0]?.[1]).not.toBe(ranks[1]?.[1]);
    }
  });

  it("when a rank is killed srun ends the other, and says so", async () => {
    const failing = fileURLToPath(new URL("./programs/failing.ts", import.meta.url));
    const node = [process.execPath, await builtProgram(failing), "is killed", "1000"];
    const { status, stdout, stderr } = own.run("srun", "--mpi=pmix", "-n", "2", ...node);
    expect(status, stderr).not.toBe(0);
    expect(stdout).not.toContain("went on");
    expect(stderr).toMatch(/task 1: Killed/);
  });

  it("the batch script of --print-launch is requeued when it was asked to stop, and goes on", async () => {
    const printed = spawnSync(
      process.execPath,
      [cli, "train", join(folder, "patterns.yaml"), "--devices", "2", "--print-launch"],
      { encoding: "utf8", cwd: root },
    );
    expect(printed.status, printed.stderr).toBe(0);
    const script = join(folder, "runs/cubes/train.sbatch");
    expect(readFileSync(script, "utf8")).toContain("#SBATCH --signal=TERM@120\n");
    const log = join(folder, "job.log");
    const said = () => (existsSync(log) ? readFileSync(log, "utf8") : "");
    const submitted = own.run(
      "sbatch",
      "--parsable",
      `--chdir=${root}`,
      `--output=${log}`,
      "--cpus-per-task=1",
      script,
    );
    expect(submitted.status, submitted.stderr).toBe(0);
    const job = submitted.stdout.trim();
    await until(() => said().includes("[Epoch 3/40]"), "the third epoch", said, 120);
    // What --signal does when the time is nearly over.
    own.run("scancel", "--signal=TERM", job);
    await until(() => said().includes("interrupted: somebody asked to stop"), "the end of the first part", said, 60);
    const first = said();
    await until(() => /^completed: /m.test(said()), "the end of the second part", said, 200);
    const second = said().slice(first.length);
    expect(first).toMatch(/--resume goes on from .*last\.safetensors/);
    expect(second).toContain("[Epoch 40/40]");
    expect(second).not.toContain("[Epoch 1/40]");
    expect(second).toMatch(/^completed: maxEpochs = 40 reached; 40 epochs, 280 steps/m);
  });
});
