import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { askPython } from "../../../../test/debian-python.ts";
import { ArrayDataset, DataLoader, transforms } from "../../data/index.ts";
import { Generator, manualSeed, randint } from "../../random/index.ts";
import {
  Callback,
  ClassificationModule,
  type FitResult,
  ModelCheckpoint,
  Trainer,
  type TrainerOptions,
} from "../index.ts";
import { quiet } from "../testing/quiet.ts";
import { makeSmall, weightsOf } from "../testing/small.ts";

const folder = mkdtempSync(join(tmpdir(), "convbook-resuming-"));
const freshFolder = () => mkdtempSync(join(folder, "run-"));
beforeAll(() => tf.setBackend("cpu"));
afterAll(() => rmSync(folder, { recursive: true }));

describe("resuming", () => {
  const run = async (options: TrainerOptions, ckptPath?: string): Promise<{ result: FitResult; weights: number[] }> => {
    const { module, train, val } = makeSmall();
    const trainer = new Trainer({ ...quiet, maxEpochs: 3, ...options });
    const result = await trainer.fit(module, train as never, val as never, { ckptPath });
    return { result, weights: weightsOf(module) };
  };

  it.each([
    ["at every step", {}],
    ["with gradients accumulated over two batches", { accumulateGradBatches: 2 }],
    ["with validation within the epoch", { valCheckInterval: 2 }],
  ] as const)("goes on bit for bit %s", async (_, options) => {
    const dirPath = freshFolder();
    const whole = await run(options);
    const saving = new ModelCheckpoint({ dirPath, everyNTrainSteps: 1, saveTopK: -1, filename: "{step}" });
    const saved = await run({ ...options, callbacks: [saving] });
    expect(saved.weights).toEqual(whole.weights);
    const files = readdirSync(dirPath);
    expect(files).toHaveLength(whole.result.globalStep);
    for (const file of files) {
      const resumed = await run(options, join(dirPath, file));
      expect(resumed.weights, file).toEqual(whole.weights);
      expect(resumed.result.metrics, file).toEqual(whole.result.metrics);
    }
  });

  it("goes on bit for bit between two batches of one optimizer step", async () => {
    const dirPath = freshFolder();
    const options = { accumulateGradBatches: 3 };
    const whole = await run(options);
    const controller = new AbortController();
    const stop = new (class extends Callback {
      override onTrainBatchEnd(trainer: Trainer): void {
        if (trainer.progress.totalBatch === 7) {
          controller.abort();
        }
      }
    })();
    const saving = new ModelCheckpoint({ dirPath });
    const first = await run({ ...options, callbacks: [stop, saving], signal: controller.signal });
    expect(first.result.status).toBe("interrupted");
    const resumed = await run(options, first.result.lastModelPath);
    expect(resumed.weights).toEqual(whole.weights);
    expect(resumed.result.metrics).toEqual(whole.result.metrics);
  });

  it.each([0, 1, 2])("goes on bit for bit with augmented images from %i workers", async (numWorkers) => {
    const random = new Generator(3);
    const pixels = Uint8Array.from(
      randint(0, 256, [22, 8, 8, 3], { generator: random }).data as ArrayLike<number | bigint>,
      Number,
    );
    const labels = Int32Array.from({ length: 22 }, (_, i) => i % 3);
    const transform = new transforms.Compose([
      new transforms.RandomCrop(8, { padding: 2 }),
      new transforms.RandomHorizontalFlip(),
      new transforms.ToTensor(),
      new transforms.RandomErasing({ p: 0.5 }),
    ]);
    const fitFrom = async (callbacks: Callback[], ckptPath?: string) => {
      manualSeed(4);
      const modelHparams = { numClasses: 3, numBlocks: [1], cHidden: [4] };
      const module = new ClassificationModule({ modelName: "ResNet", modelHparams, schedulerName: null });
      const images = new ArrayDataset(pixels, [8, 8, 3], labels, { transform } as never);
      const loader = new DataLoader(images, { batchSize: 4, shuffle: true, numWorkers });
      const trainer = new Trainer({ ...quiet, maxEpochs: 2, callbacks });
      await trainer.fit(module, loader as never, undefined, { ckptPath });
      const weights = [...module.stateDict().values()].flatMap(({ data }) => Array.from(data as Float32Array, Number));
      module.dispose();
      return weights;
    };
    const dirPath = freshFolder();
    const saving = new ModelCheckpoint({ dirPath, everyNTrainSteps: 1, saveTopK: -1, filename: "{step}" });
    const whole = await fitFrom([saving]);
    for (const step of [2, 6, 9]) {
      expect(await fitFrom([], join(dirPath, `step=${step}.safetensors`)), `${step}`).toEqual(whole);
    }
  });

  it("goes on bit for bit from a file for PyTorch", async () => {
    const dirPath = freshFolder();
    const whole = await run({});
    const saving = new ModelCheckpoint({
      dirPath,
      everyNTrainSteps: 7,
      saveTopK: -1,
      filename: "{step}",
      format: "ckpt",
    });
    await run({ callbacks: [saving] });
    const path = join(dirPath, "step=7.ckpt");
    const resumed = await run({}, path);
    expect(resumed.weights).toEqual(whole.weights);
    const script = `
import sys, torch
ckpt = torch.load(sys.argv[1], map_location="cpu")
print(ckpt["epoch"], ckpt["global_step"], sorted(ckpt["state_dict"])[:2])
layer = torch.nn.Sequential(torch.nn.Linear(6, 8), torch.nn.BatchNorm1d(8), torch.nn.ReLU(), torch.nn.Dropout(), torch.nn.Linear(8, 3))
layer.load_state_dict({k[len("model."):]: v for k, v in ckpt["state_dict"].items()})
optimizer = torch.optim.SGD(layer.parameters(), lr=1, momentum=0.5)
optimizer.load_state_dict(ckpt["optimizer_states"][0])
print(optimizer.param_groups[0]["weight_decay"], len(optimizer.state))
`;
    const python = askPython(["loading the file with PyTorch", "python3-torch"], ["-c", script, path]);
    if (python === undefined) {
      return;
    }
    expect(python.stderr).toBe("");
    expect(python.stdout).toBe("1 7 ['model.0.bias', 'model.0.weight']\n0.001 6\n");
  });

  it("takes `best` for evaluation", async () => {
    const { module, train, val } = makeSmall();
    const dirPath = freshFolder();
    const best = new ModelCheckpoint({ dirPath, monitor: "val_loss", filename: "{epoch}" });
    const trainer = new Trainer({ ...quiet, maxEpochs: 4, callbacks: [best] });
    await expect(trainer.validate(module, val as never, { ckptPath: "best" })).rejects.toThrow(
      "Checkpoint best: this Trainer has saved no best checkpoint.",
    );
    await trainer.fit(module, train as never, val as never);
    const [metrics] = await trainer.validate(module, val as never, { ckptPath: "best", verbose: false });
    expect(metrics?.val_loss).toBeCloseTo(best.bestModelScore as number, 6);
    await expect(trainer.fit(module, train as never, val as never, { ckptPath: "best" })).rejects.toThrow(
      "Checkpoint best: fit goes on from a path or from last.",
    );
    module.dispose();
  });

  it("takes `last` of an earlier version of the run, and starts anew where there is none", async () => {
    const root = freshFolder();
    const options = { defaultRootDir: root, logger: true, maxEpochs: 1 };
    const first = await run({ ...options, callbacks: [new ModelCheckpoint({ saveLast: true })] }, "last");
    expect(first.result.lastModelPath).toBe(join(root, "convbook_logs/version_0/checkpoints/last.safetensors"));
    const second = await run(
      { ...options, maxEpochs: 3, callbacks: [new ModelCheckpoint({ saveLast: true })] },
      "last",
    );
    expect(second.result.lastModelPath).toBe(join(root, "convbook_logs/version_1/checkpoints/last.safetensors"));
    expect(second.weights).toEqual((await run({})).weights);
  });

  it("says what is wrong with a checkpoint", async () => {
    await expect(run({}, join(folder, "nowhere.safetensors"))).rejects.toThrow(
      "nowhere.safetensors: there is no such file.",
    );
    const dirPath = freshFolder();
    const { result } = await run({ callbacks: [new ModelCheckpoint({ dirPath, saveWeightsOnly: true })] });
    await expect(run({}, result.bestModelPath)).rejects.toThrow("it holds weights only");
    const bytes = readFileSync(result.bestModelPath as string);
    writeFileSync(join(dirPath, "cut.safetensors"), bytes.subarray(0, bytes.length / 2));
    await expect(run({}, join(dirPath, "cut.safetensors"))).rejects.toThrow("cut.safetensors");
  });
});
