/** `convbook train` that is asked to stop, on one process and on two: at which moment ever, it says so and gives the exit code of it. */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { mpi } from "@convbook/mpi";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createTrainAndValidation, generatePatterns, savePatterns } from "../../lib/convbook/data/diffraction/index.ts";
import { Generator } from "../../lib/convbook/random/index.ts";
import "@tensorflow/tfjs-backend-cpu";

const cli = fileURLToPath(new URL("../../lib/convbook/dist/cli/main.js", import.meta.url));
const root = mkdtempSync(join(tmpdir(), "convbook-stopping-"));
afterAll(() => rmSync(root, { recursive: true }));

beforeAll(async () => {
  if (!existsSync(cli)) {
    throw new Error("This test runs what `npm run build` makes; build first.");
  }
  const options = { patternsPerLattice: 8, points: 200, lattices: [8, 11], generator: new Generator(1) };
  await savePatterns(join(root, "patterns.pt"), generatePatterns(options));
  await createTrainAndValidation(join(root, "patterns.pt"), 0.25, join(root, "data"), "cubes");
  writeFileSync(
    join(root, "patterns.yaml"),
    `
output: runs
tag: cubes
experiment: first
model:
  hparams: { resDims: [3, 4], resKernel: [5, 3], resStride: [2, 2], numBlocks: [1, 1], firstKernelSize: 5, firstPoolKernelSize: 3, firstPoolStride: 3 }
data: { name: diffraction, folder: data, batchSize: 4, numWorkers: 0 }
trainer: { maxEpochs: 100000, enableModelSummary: false, enableProgressBar: false }
`,
  );
});

/** Trains, and asks the whole process group to stop, as a terminal does, when something is printed. */
async function stopAt(text: string, devices: number, signal: NodeJS.Signals) {
  rmSync(join(root, "runs"), { recursive: true, force: true });
  const child = spawn(process.execPath, [cli, "train", "patterns.yaml", "--devices", `${devices}`], {
    cwd: root,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [said, wasSent] = ["", false];
  const hear = (chunk: Buffer) => {
    said += chunk;
    if (!wasSent && said.includes(text) && child.pid !== undefined) {
      wasSent = true;
      process.kill(-child.pid, signal);
    }
  };
  child.stdout.on("data", hear);
  child.stderr.on("data", hear);
  const code = await new Promise((resolve) => child.on("close", resolve));
  return { code, said };
}

const saved = () => {
  const folder = join(root, "runs/cubes/first/checkpoints");
  return existsSync(folder) ? readdirSync(folder) : [];
};

it.each([[1, "SIGINT", 130], [1, "SIGTERM", 143], ...(mpi.available ? ([[2, "SIGINT", 143]] as const) : [])] as const)(
  "on %i processes after %s before the first step it ends with %i, and nothing is saved",
  async (devices, signal, expected) => {
    // Printed before data are loaded.
    const { code, said } = await stopAt("TensorFlow.js", devices, signal);
    expect(said).toMatch(/^interrupted: (before training began|somebody asked to stop; 0 epochs, 0 steps)/m);
    expect(code, said).toBe(expected);
    expect(saved()).toEqual([]);
  },
  120_000,
);

it.runIf(mpi.available)(
  "on 2 processes after SIGINT within an epoch it saves, says how to go on, and ends with 143",
  async () => {
    const { code, said } = await stopAt("[Epoch 2/", 2, "SIGINT");
    expect(said).toMatch(/^interrupted: somebody asked to stop; \d+ epochs, \d+ steps/m);
    expect(said).toContain("--resume goes on from");
    expect(code, said).toBe(143);
    expect(saved()).toContain("last.safetensors");
  },
  120_000,
);
