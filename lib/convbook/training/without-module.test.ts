/** What PyTorch Lightning's users bring along: names that were, verbs without a module, runs for finding bugs, precisions. */
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import "@tensorflow/tfjs-backend-cpu";
import { engine } from "@convbook/engine";
import * as tf from "@tensorflow/tfjs-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, type MockInstance, vi } from "vitest";
import { Callback, ModelCheckpoint, Trainer, type TrainerOptions } from "./index.ts";
import { BoringModule, randomBatches } from "./testing/boring.ts";
import { batches, Noting } from "./testing/noting.ts";
import { quiet } from "./testing/quiet.ts";

const folder = mkdtempSync(join(tmpdir(), "convbook-names-"));
beforeAll(() => tf.setBackend("cpu"));
afterAll(() => rmSync(folder, { recursive: true }));

let log: MockInstance<typeof console.log>;
beforeEach(() => {
  log = vi.spyOn(console, "log").mockImplementation(() => {});
});
afterEach(() => log.mockRestore());

describe("validate, test and predict without a module", () => {
  it("take that of the fit before, with its best weights", async () => {
    const dirPath = mkdtempSync(join(folder, "run-"));
    // The second epoch's weights are the best.
    const module = new Noting((validation) => [3, 1, 2][validation] ?? 9);
    const saving = new ModelCheckpoint({ dirPath, monitor: "val_loss", filename: "{epoch}" });
    const trainer = new Trainer({ ...quiet, maxEpochs: 3, numSanityValSteps: 0, callbacks: saving });
    const weights: number[][] = [];
    module.onTrainEpochEnd = () => {
      weights.push(Array.from(module.layer.weight.variable.dataSync()));
    };
    await trainer.fit(module, batches(2), batches(1));
    const [metrics] = await trainer.validate(undefined, batches(3));
    expect(metrics).toEqual({ val_loss: 9 });
    expect(module.validations.at(-1)?.batches).toBe(3);
    expect(Array.from(module.layer.weight.variable.dataSync())).toEqual(weights[1]);
    expect(log.mock.calls.flat()).toContain(
      `validate without a module: that of the run before, with its best weights (${join(dirPath, "epoch=1.safetensors")}); ckptPath says which others.`,
    );
    await trainer.test(undefined, batches(1), { verbose: false });
    const [first] = await trainer.predict(undefined, batches(1));
    expect((first as tf.Tensor).shape).toEqual([2, 1]);
    tf.dispose(first);
  });

  it("take the weights that it has where none were saved, and the loaders of the module itself", async () => {
    const module = new BoringModule();
    module.valDataloader = () => randomBatches(2);
    const trainer = new Trainer({ ...quiet, maxEpochs: 1 });
    await trainer.fit(module, randomBatches(1));
    const before = Array.from(module.layer.weight.variable.dataSync());
    expect(await trainer.validate()).toHaveLength(1);
    expect(Array.from(module.layer.weight.variable.dataSync())).toEqual(before);
    await expect(trainer.validate(randomBatches(1) as never)).rejects.toThrow(
      /^The module must be a TrainingModule, got .*\. For the module of the run before, call validate\(undefined, loader\)\.$/,
    );
  });

  it.each(["validate", "test", "predict"] as const)("cannot %s before anything ran", async (verb) => {
    await expect(new Trainer(quiet)[verb](undefined, randomBatches(1))).rejects.toThrow(
      `The module of ${verb} must be a TrainingModule, since this Trainer has run none before, got undefined.`,
    );
  });
});

describe("names that PyTorch Lightning had", () => {
  it.each([
    ["gpus", 'It is written devices, with accelerator: "gpu" now.'],
    ["log_gpu_memory", "It is written callbacks: new DeviceStatsMonitor() now."],
    ["weightsSummary", "It is written enableModelSummary now."],
    ["terminate_on_nan", "It is written detectNonFinite now."],
    [
      "resume_from_checkpoint",
      "It is written ckptPath, among the last argument of fit: fit(module, train, val, { ckptPath }) now.",
    ],
    ["tpu_cores", "There are no TPUs here."],
    ["inference_mode", "Evaluation never records gradients."],
    ["max_epochs", 'Did you mean "maxEpochs"?'],
    ["toString", "Options: maxEpochs"],
  ])("%s is answered", (name, advice) => {
    expect(() => new Trainer({ ...quiet, [name]: 1 } as never)).toThrow(`Trainer has no option "${name}". ${advice}`);
  });

  it("hooks that nobody calls are refused, of callbacks and modules", async () => {
    class Printing extends Callback {
      onInitStart(): void {}
    }
    expect(() => new Trainer({ ...quiet, callbacks: new Printing() })).toThrow(
      'The hooks of Printing must be among those that are called, got "onInitStart". onInitStart never is: its place has setup.',
    );
    class Snake extends Callback {
      on_train_end(): void {}
    }
    expect(() => new Trainer({ ...quiet, callbacks: new Snake() })).toThrow("its place has onTrainEnd");
    class Old extends BoringModule {
      validationEpochEnd(): void {}
    }
    const fit = (module: BoringModule) => new Trainer({ ...quiet, maxEpochs: 1 }).fit(module, randomBatches(1));
    await expect(fit(new Old())).rejects.toThrow("The hooks of Old must be among those that are called");
    class Both extends BoringModule {
      on_train_end(): void {}
      override onTrainEnd(): void {
        this.on_train_end();
      }
    }
    expect((await fit(new Both())).status).toBe("completed");
    const untyped = new BoringModule();
    Object.assign(untyped, { trainingStep: undefined, training_step: () => {} });
    await expect(fit(untyped)).rejects.toThrow("training_step never is: its place has trainingStep.");
  });
});

describe("fastDevRun", () => {
  it("says what it does, and leaves no folder", async () => {
    const defaultRootDir = mkdtempSync(join(folder, "fast-"));
    const saving = new ModelCheckpoint({ dirPath: join(defaultRootDir, "checkpoints"), saveLast: true });
    const options = { defaultRootDir, fastDevRun: 2, enableProgressBar: false, enableModelSummary: false };
    const trainer = new Trainer({ ...options, callbacks: saving });
    await trainer.fit(new BoringModule(), randomBatches(8), randomBatches(8));
    expect(log.mock.calls.flat()).toEqual([
      "Running in fastDevRun mode: every loop takes 2 batches, and neither logs nor checkpoints are written.",
    ]);
    expect(readdirSync(defaultRootDir)).toEqual([]);
    expect(existsSync("convbook_logs")).toBe(false);
  });
});

describe("precision and benchmark", () => {
  const fit = (options: TrainerOptions) =>
    new Trainer({ ...quiet, maxEpochs: 1, ...options }).fit(new BoringModule(), randomBatches(1), randomBatches(1));

  it.each(["32-true", "32", 32] as const)("%s is float32", async (precision) => {
    expect((await fit({ precision })).status).toBe("completed");
  });

  it.each([
    ["16-mixed", "float16 is not computed in"],
    ["64-true", "tensors have no float64"],
    ["bf16-true", "weights stay float32"],
  ] as const)("%s is refused", (precision, why) => {
    expect(() => new Trainer({ ...quiet, precision })).toThrow(
      `Trainer.precision must be "32-true" (also 32) or "bf16-mixed" (also "bf16"), got "${precision}". Precision "${precision}" cannot be had on any backend here: ${why}.`,
    );
  });

  it("bf16-mixed needs the native engine", async () => {
    await expect(fit({ precision: "bf16-mixed" })).rejects.toThrow(
      'Trainer.precision must be "32-true" on the backend cpu, got "bf16-mixed". bfloat16 is had on the backend native, on processors with AMX.',
    );
  });

  it.skipIf(!engine.available)("bf16-mixed holds for the run on the native engine, and no longer", async () => {
    await tf.setBackend("native");
    const setPrecision = vi.spyOn(engine, "setPrecision").mockImplementation(() => "float32");
    const setImplementations = vi.spyOn(engine, "setImplementations").mockImplementation(() => {});
    const withPrecision = vi.spyOn(engine, "withPrecision");
    try {
      await fit({ precision: "bf16-mixed", benchmark: true });
      expect(withPrecision.mock.calls.map(([precision]) => precision)).toEqual(["bf16"]);
      expect(setImplementations.mock.calls).toEqual([[["native", "onednn"]]]);
      await fit({});
      await fit({ deterministic: true });
      expect(withPrecision).toHaveBeenCalledTimes(1);
      expect(setImplementations.mock.calls.slice(1)).toEqual([[["native"]]]);
    } finally {
      vi.restoreAllMocks();
      await tf.setBackend("cpu");
    }
    expect(setPrecision).toBeDefined();
  });

  it("benchmark says where there is nothing to choose from", async () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    await fit({ benchmark: true });
    expect(warn.mock.calls.flat()).toEqual([
      "Trainer.benchmark: the backend cpu has nothing to choose from; the backend native has.",
    ]);
    warn.mockRestore();
  });
});
