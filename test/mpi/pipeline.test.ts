/** The pipeline for powder patterns from files to files, on two processes where there is MPI: PyTorch reads all of them and finds the same accuracies. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { mpi } from "@convbook/mpi";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createTrainAndValidation, generatePatterns, savePatterns } from "../../lib/convbook/data/diffraction/index.ts";
import { Generator } from "../../lib/convbook/random/index.ts";
import { checkExperiment, loadData, parseConfig } from "../../lib/convbook/training/experiment/index.ts";
import "@tensorflow/tfjs-backend-cpu";

const cli = fileURLToPath(new URL("../../lib/convbook/dist/cli/main.js", import.meta.url));
const script = fileURLToPath(new URL("./pipeline.py", import.meta.url));
const root = mkdtempSync(join(tmpdir(), "convbook-pipeline-"));
afterAll(() => rmSync(root, { recursive: true }));

const hasTorch = spawnSync("/usr/bin/python3", ["-c", "import torch"]).status === 0;
if (!hasTorch) {
  console.log("Left out: PyTorch's look at the pipeline's files (apt install python3-torch)");
}
const devices = mpi.available ? 2 : 1;

interface Found {
  readonly history: readonly (readonly number[])[];
  readonly [name: string]: unknown;
}

function convbook(...args: string[]) {
  return spawnSync(process.execPath, [cli, ...args], { cwd: root, encoding: "utf8" });
}

beforeAll(async () => {
  if (!existsSync(cli)) {
    throw new Error("This test runs what `npm run build` makes; build first.");
  }
  const lattices = [8, 11, 12, 13];
  const known = generatePatterns({ patternsPerLattice: 20, points: 200, lattices, generator: new Generator(1) });
  await savePatterns(join(root, "patterns.pt"), known);
  const options = { generator: new Generator(2) };
  const parts = await createTrainAndValidation(join(root, "patterns.pt"), 0.2625, join(root, "data"), "cubes", options);
  expect([parts.trainPath, parts.validationPath]).toEqual(
    ["cubes_Train.pt", "cubes_Validation.pt"].map((name) => join(root, "data", name)),
  );
  expect(readdirSync(join(root, "data")).sort()).toEqual(["cubes_Train.pt", "cubes_Validation.pt"]);
  writeFileSync(
    join(root, "patterns.yaml"),
    `
output: runs
tag: cubes
experiment: first
model:
  hparams: { resDims: [3, 4], resKernel: [5, 3], resStride: [2, 2], numBlocks: [1, 1], firstKernelSize: 5, firstPoolKernelSize: 3, firstPoolStride: 3 }
data: { name: diffraction, folder: data, batchSize: 4, numWorkers: 0 }
trainer: { maxEpochs: 2, devices: ${devices}, enableModelSummary: false, enableProgressBar: false }
`,
  );
});

it("a run of each experiment lies in a folder of its own, and PyTorch goes on from its files", {
  timeout: 300_000,
}, () => {
  const trained = convbook("train", "patterns.yaml");
  expect(trained.status, trained.stderr).toBe(0);
  const line = /\[Epoch (\d)\/2\] \[Train Acc: \d+%\] \[T1 Val Acc: \d+%\] \[Top 3 Val Acc: \d+%\]\n/g;
  expect([...trained.stdout.matchAll(line)].map(([, epoch]) => epoch)).toEqual(["1", "2"]);
  const folder = join(root, "runs/cubes/first");
  const files = readdirSync(folder);
  for (const name of ["checkpoints", "config.yaml", "model.pt", "train-t1_test-t3-test.pt"]) {
    expect(files).toContain(name);
  }
  expect(files.filter((name) => name.startsWith("rank-"))).toEqual(devices > 1 ? ["rank-1.log"] : []);
  const resumed = convbook("train", "patterns.yaml", "--resume", "--set", "trainer.maxEpochs=3");
  expect(resumed.status, resumed.stderr).toBe(0);

  // The copy of the configuration says as much as the file.
  const tested = convbook("test", join(folder, "config.yaml"), "--json", "--split", "val");
  expect(tested.status, tested.stderr).toBe(0);
  const best = JSON.parse(tested.stdout);
  const other = convbook("train", "patterns.yaml", "--set", "experiment=second", "--set", "trainer.maxEpochs=1");
  expect(other.status, other.stderr).toBe(0);
  expect(readdirSync(join(root, "runs/cubes")).sort()).toEqual(["first", "second"]);

  if (hasTorch) {
    const { stdout, stderr } = spawnSync("/usr/bin/python3", [script, join(root, "data"), "cubes", folder], {
      encoding: "utf8",
    });
    expect(stderr).toBe("");
    const found: Found = JSON.parse(stdout);
    // 59 patterns to train with: 7 steps of two processes with 4 each, or 14 of one.
    const perEpoch = devices > 1 ? 7 : 14;
    expect(found).toMatchObject({
      types: ["torch.float32", "torch.int64"],
      patterns: [59, 21],
      epoch: 3,
      lr: 0.0005,
      eps: 1e-5,
      steps: [3 * perEpoch],
    });
    const [train = [], top1 = [], top3 = []] = found.history;
    expect([train.length, top1.length, top3.length]).toEqual([3, 3, 3]);
    // 21 patterns, evaluated on two processes, each counted once.
    expect(top1[2]).toBeCloseTo(found.top1 as number, 6);
    expect(top3[2]).toBeCloseTo(found.top3 as number, 6);
    expect(best.test_acc).toBeCloseTo(Math.max(...top1), 6);
  }
});

it.each([
  ["tag=", 'patterns.yaml: tag must be text, got "".'],
  ["tag=a/b", 'patterns.yaml: tag must be the name of a folder, got "a/b": it has a slash.'],
  ["experiment=..", 'experiment must be the name of a folder, got "..": it contains the segment "..".'],
  ["tag=spheres", `data.folder has no patterns that can be used: ${join(root, "data", "spheres_Train.pt")}: `],
  ["data.augment=[RandomCrop]", "data.augment is a setting of images; the data set is diffraction."],
  ["model.hparams.resDim=[1]", 'Unknown hyper-parameter of ResnetClassifier "resDim". Did you mean "resDims"?'],
  ["data.background=-1", "data.background must be a number of at least 0, got -1."],
  ["checkpoint.monitor=val_top5_acc", 'val_top3_acc, got "val_top5_acc"'],
])("%s is refused, and named", async (change, message) => {
  const text = readFileSync(join(root, "patterns.yaml"), "utf8");
  const changes = [change, "trainer.devices=1", `data.folder=${join(root, "data")}`];
  const use = async () => {
    const config = parseConfig(text, "patterns.yaml", changes);
    checkExperiment(config, "patterns.yaml");
    await loadData(config, "patterns.yaml");
  };
  await expect(use()).rejects.toThrow(message);
});

it("settings of patterns are refused for images, and a tag is needed for patterns", () => {
  expect(() => parseConfig("data: { background: 1 }", "x.yaml")).toThrow(
    "x.yaml: data.background is a setting of diffraction only.",
  );
  expect(() => parseConfig("data: { name: diffraction, folder: data }", "x.yaml")).toThrow(
    "x.yaml: tag must say which files of data.folder: TAG_Train.pt and TAG_Validation.pt.",
  );
});
