import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import {
  Callback,
  CSVLogger,
  EarlyStopping,
  type Logger,
  type Metrics,
  ModelCheckpoint,
  TensorBoardLogger,
  Trainer,
  type TrainerOptions,
} from "./index.ts";
import { BoringModule, randomBatches } from "./testing/boring.ts";
import { quiet } from "./testing/quiet.ts";
import { makeSmall } from "./testing/small.ts";

const folder = mkdtempSync(join(tmpdir(), "convbook-trainer-"));
const freshFolder = () => mkdtempSync(join(folder, "run-"));
beforeAll(() => tf.setBackend("cpu"));
afterAll(() => rmSync(folder, { recursive: true }));

/** A Weights & Biases or MLflow client fits the interface like this one. */
class MemoryLogger implements Logger {
  readonly name = "memory";
  readonly version = "0";
  readonly rows: [step: number, metrics: Metrics][] = [];
  logMetrics(metrics: Metrics, step: number): void {
    this.rows.push([step, metrics]);
  }
}

describe("modes", () => {
  it("stay as they are, and evaluation mode at the start is told", async () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    const { module, train, val } = makeSmall();
    const norm = module.getSubmodule("model.1");
    await new Trainer({ ...quiet, maxEpochs: 1 }).fit(module, train as never, val as never);
    // TensorFlow.js greets with a warning.
    expect(warn.mock.calls.filter(([text]) => /evaluation mode/.test(text as string))).toEqual([]);
    norm.eval();
    await new Trainer({ ...quiet, maxEpochs: 1 }).fit(module, train as never, val as never);
    expect(warn.mock.lastCall?.[0]).toMatch(/^1 module is in evaluation mode at the start of training \(model\.1\)/);
    expect([module.training, norm.training]).toEqual([true, false]);
    module.eval();
    await new Trainer({ ...quiet, maxEpochs: 1 }).fit(module, train as never, val as never);
    expect(warn.mock.lastCall?.[0]).toMatch(
      /^8 modules are in .* \(SmallModule, model, model\.0, \.\.\.\).*module\.train\(\) before fit/,
    );
    expect(module.training).toBe(false);
    warn.mockRestore();
  });
});

describe("logging", () => {
  class LoggingModule extends BoringModule {
    override trainingStep(batch: tf.Tensor, index: number): tf.Tensor {
      this.log("both", index, { onStep: true, onEpoch: true });
      this.log("most", index, { onStep: false, onEpoch: true, reduce: "max" });
      return super.trainingStep(batch, index);
    }
    override validationStep(batch: tf.Tensor): undefined {
      this.log("size", batch.shape[0] as number);
    }
  }
  const batchesOf = (...sizes: number[]) => ({
    length: sizes.length,
    *[Symbol.iterator]() {
      for (const size of sizes) {
        yield tf.ones([size, 32]);
      }
    },
  });

  it("weighs an epoch's mean by batch size, forks names, and counts steps as Lightning does", async () => {
    const logger = new MemoryLogger();
    const trainer = new Trainer({ ...quiet, logger, maxEpochs: 1, logEveryNSteps: 2 });
    const { metrics } = await trainer.fit(new LoggingModule(), batchesOf(1, 1, 1, 5), [batchesOf(3, 1), batchesOf(2)]);
    expect(metrics).toMatchObject({
      both: (0 + 1 + 2 + 3 * 5) / 8,
      both_epoch: (0 + 1 + 2 + 3 * 5) / 8,
      both_step: 3,
      most: 3,
      "size/dataloader_idx_0": 2.5,
      "size/dataloader_idx_1": 2,
    });
    expect(logger.rows).toEqual([
      [1, { epoch: 0, both_step: 1 }],
      [3, { epoch: 0, both_step: 3 }],
      [3, { epoch: 0, "size/dataloader_idx_0": 2.5, "size/dataloader_idx_1": 2 }],
      [3, { epoch: 0, both_epoch: 2.25, most: 3 }],
    ]);
  });

  it("refuses what makes no sense", async () => {
    class Twice extends BoringModule {
      override trainingStep(batch: tf.Tensor, index: number): tf.Tensor {
        this.log("x", 1);
        this.log("x", 1, { progressBar: true });
        return super.trainingStep(batch, index);
      }
    }
    const fit = (module: BoringModule) => new Trainer({ ...quiet, maxSteps: 2 }).fit(module, randomBatches());
    await expect(fit(new Twice())).rejects.toThrow(
      'log("x") in trainingStep must be called with the same options each time',
    );
    class Early extends BoringModule {
      override onFitStart(): void {
        this.log("x", 1);
      }
    }
    await expect(fit(new Early())).rejects.toThrow(
      'log("x") must be called in a step or an epoch hook, got "in onFitStart".',
    );
  });
});

describe("the Trainer", () => {
  const fit = (
    options: TrainerOptions,
    module = new BoringModule(),
    batches = randomBatches(4),
    val?: ReturnType<typeof randomBatches>,
  ) => new Trainer({ ...quiet, ...options }).fit(module, batches, val);

  it.each([
    [{ maxEpochs: 2 }, 8, "maxEpochs = 2 reached"],
    [{ maxSteps: 6 }, 6, "maxSteps = 6 reached"],
    [{ maxEpochs: 3, limitTrainBatches: 2 }, 6, "maxEpochs = 3 reached"],
    [{ maxEpochs: 1, limitTrainBatches: 0.5 }, 2, "maxEpochs = 1 reached"],
    [{ maxEpochs: 1, limitTrainBatches: "75%" as const }, 3, "maxEpochs = 1 reached"],
    [{ maxEpochs: 1, accumulateGradBatches: 3 }, 2, "maxEpochs = 1 reached"],
    [{ fastDevRun: true }, 1, "maxSteps = 1 reached"],
    [{ maxEpochs: 2, overfitBatches: 1 }, 2, "maxEpochs = 2 reached"],
    [{ maxEpochs: 0 }, 0, "maxEpochs = 0 reached"],
    [{ limitTrainBatches: 0 }, 0, "there are no training batches"],
  ] as const)("with %j takes %i steps", async (options, steps, reason) => {
    expect(await fit(options)).toMatchObject({ status: "completed", globalStep: steps, reason });
  });

  describe("by the clock", () => {
    let time = 0;
    /** Every batch takes 20 ms. */
    class Clock extends Callback {
      override onTrainBatchEnd(): void {
        time += 20;
      }
    }
    beforeEach(() => {
      vi.spyOn(performance, "now").mockImplementation(() => time);
    });
    afterEach(() => {
      vi.restoreAllMocks();
    });

    it("stops when its time is up, counting that of the run that it goes on from", async () => {
      const dirPath = freshFolder();
      const saving = () => new ModelCheckpoint({ dirPath, saveLast: true, saveTopK: 0, everyNTrainSteps: 3 });
      const options = { maxTime: { seconds: 0.1 } };
      const first = await fit({ ...options, callbacks: [new Clock(), saving()] });
      expect(first).toMatchObject({ status: "completed", reason: "the time of 0.1 s is up", globalStep: 5 });
      const next = new Trainer({ ...quiet, ...options, callbacks: [new Clock(), saving()] });
      const ckptPath = join(dirPath, "last.safetensors");
      expect(await next.fit(new BoringModule(), randomBatches(4), undefined, { ckptPath })).toMatchObject({
        globalStep: 5,
      });
      // With the least number of steps it goes on all the same.
      expect(await fit({ ...options, minSteps: 40, callbacks: [new Clock()] })).toMatchObject({ globalStep: 40 });
    });

    it("saves whenever so much time has passed", async () => {
      const dirPath = freshFolder();
      const saving = new ModelCheckpoint({
        ...{ dirPath, trainTimeInterval: { seconds: 0.05 } },
        ...{ saveTopK: -1, filename: "{step:02d}" },
      });
      await fit({ maxSteps: 12, callbacks: [new Clock(), saving] });
      expect(readdirSync(dirPath).sort()).toEqual(
        [3, 6, 9, 12].map((step) => `step=${String(step).padStart(2, "0")}.safetensors`),
      );
    });
  });

  it("when it is to be deterministic refuses backends that are not", async () => {
    tf.registerBackend("webgpu", tf.findBackendFactory("cpu"));
    const module = new BoringModule();
    try {
      await tf.setBackend("webgpu");
      await expect(fit({ deterministic: true }, module)).rejects.toThrow(
        "Trainer.deterministic must be false on the backend webgpu, whose sums depend on timing, got true.",
      );
    } finally {
      await tf.setBackend("cpu");
      tf.removeBackend("webgpu");
    }
    expect(await fit({ deterministic: true, maxSteps: 1 }, module)).toMatchObject({ globalStep: 1 });
  });

  it("keeps the number of tensors constant over steps, validations and saves", async () => {
    const counts = new Set<number>();
    class Counting extends Callback {
      override onTrainBatchEnd(trainer: Trainer): void {
        if (trainer.globalStep > 1) {
          counts.add(tf.memory().numTensors);
        }
      }
    }
    const before = tf.memory().numTensors;
    const { module, train, val } = makeSmall();
    const callbacks = [new Counting(), new ModelCheckpoint({ dirPath: freshFolder(), everyNTrainSteps: 2 })];
    await new Trainer({ ...quiet, maxEpochs: 3, callbacks, valCheckInterval: 2 }).fit(
      module,
      train as never,
      val as never,
    );
    expect([...counts]).toHaveLength(1);
    module.dispose();
    // What is left is the optimizer's momentum: one tensor a parameter.
    expect(tf.memory().numTensors - before).toBe(module.parameters().length);
  });

  it("clips gradients by norm and by value", async () => {
    const norms: number[] = [];
    class Norm extends BoringModule {
      override configureGradientClipping(...args: Parameters<BoringModule["configureGradientClipping"]>): void {
        super.configureGradientClipping(...args);
        const squares = [...this.trainer.gradients.values()].flatMap((gradient) =>
          Array.from(gradient.dataSync(), (x) => x * x),
        );
        norms.push(args[2] === "norm" ? Math.sqrt(squares.reduce((a, b) => a + b)) : Math.sqrt(Math.max(...squares)));
      }
    }
    await fit({ maxSteps: 1, gradientClipValue: 0.01 }, new Norm());
    await fit({ maxSteps: 1, gradientClipValue: 0.02, gradientClipAlgorithm: "value" }, new Norm());
    expect(norms[0]).toBeCloseTo(0.01, 5);
    expect(norms[1]).toBeCloseTo(0.02, 5);
  });

  it("keeps the best checkpoints under names from a pattern, and `last` as a file", async () => {
    class Rising extends BoringModule {
      override onValidationEpochEnd(): void {
        this.log("val_acc", [0.1, 0.5, 0.3, 0.4][this.currentEpoch] as number);
      }
    }
    const dirPath = freshFolder();
    const callback = new ModelCheckpoint({
      dirPath,
      monitor: "val_acc",
      mode: "max",
      saveTopK: 2,
      saveLast: true,
      filename: "{epoch:02d}-{val_acc:.2f}",
    });
    const result = await fit({ maxEpochs: 4, callbacks: [callback] }, new Rising(), randomBatches(2), randomBatches(1));
    expect(readdirSync(dirPath).sort()).toEqual([
      "epoch=01-val_acc=0.50.safetensors",
      "epoch=03-val_acc=0.40.safetensors",
      "last.safetensors",
    ]);
    expect(result.bestModelPath).toBe(join(dirPath, "epoch=01-val_acc=0.50.safetensors"));
    expect(callback.bestModelScore).toBe(0.5);
  });

  it("stops early when a metric does not improve", async () => {
    class Worsening extends BoringModule {
      override onValidationEpochEnd(): void {
        this.log("val_loss", this.currentEpoch);
      }
    }
    const result = await fit(
      { maxEpochs: 9, callbacks: [new EarlyStopping({ monitor: "val_loss", patience: 2 })] },
      new Worsening(),
      randomBatches(2),
      randomBatches(1),
    );
    expect(result.epochs).toBe(3);
    expect(result.reason).toBe("EarlyStopping: val_loss did not improve in the last 2 checks; its best was 0");
  });

  it("reports a monitor that nobody logs before the first step", async () => {
    class Logging extends BoringModule {
      override trainingStep(batch: tf.Tensor, index: number): tf.Tensor {
        this.log("train_loss", 1);
        return super.trainingStep(batch, index);
      }
      override validationStep(): undefined {
        this.log("val_acc", 1);
      }
    }
    const module = new Logging();
    const before = Array.from(module.layer.stateDict().get("weight")?.data as Float32Array);
    const callbacks = [new ModelCheckpoint({ dirPath: freshFolder(), monitor: "val_ac" })];
    await expect(fit({ maxEpochs: 1, callbacks }, module, randomBatches(2), randomBatches(1))).rejects.toThrow(
      'ModelCheckpoint monitors "val_ac", which is not logged. Did you mean "val_acc"? Logged: train_loss, val_acc.',
    );
    expect(Array.from(module.layer.stateDict().get("weight")?.data as Float32Array)).toEqual(before);
  });

  it("names step and batch of a loss that is not finite, and the parameter of such a gradient", async () => {
    class Diverging extends BoringModule {
      override trainingStep(batch: tf.Tensor, index: number): tf.Tensor {
        const loss = super.trainingStep(batch, index);
        return index === 2 ? tf.mul(loss, Number.NaN) : loss;
      }
    }
    await expect(fit({ maxEpochs: 1 }, new Diverging())).rejects.toThrow(
      "The loss became NaN in epoch 0, batch 2 (step 2).",
    );
    class Steep extends BoringModule {
      override trainingStep(batch: tf.Tensor): tf.Tensor {
        return tf.sum(tf.sqrt(tf.mul(this.forward(batch), 0)));
      }
    }
    await expect(fit({ maxEpochs: 1, detectNonFinite: true }, new Steep())).rejects.toThrow(
      /The gradient of "layer\.weight" became (NaN|Infinity)/,
    );
  });

  it("names the batch whose shape does not fit", async () => {
    const batches = {
      length: 3,
      *[Symbol.iterator]() {
        yield tf.ones([1, 32]);
        yield tf.ones([1, 31]);
      },
    };
    await expect(fit({ maxEpochs: 1 }, new BoringModule(), batches)).rejects.toThrow(
      "training failed on batch 1 ([1, 31] float32): Linear",
    );
  });

  it("names what log was not given", async () => {
    const logging = (name: unknown, value: unknown) =>
      Object.assign(new BoringModule(), {
        onTrainEpochEnd(this: BoringModule) {
          this.log(name as string, value as number);
        },
      });
    const batches = [tf.ones([1, 32])];
    await expect(fit({ maxEpochs: 1 }, logging("a", undefined), batches)).rejects.toThrow(
      'log("a") must be a number or a tensor of one element, got undefined.',
    );
    await expect(fit({ maxEpochs: 1 }, logging(Number.NaN, 1), batches)).rejects.toThrow(
      "log(name) must be the name of a metric, got NaN.",
    );
  });

  it("refuses options that do not exist or fit, and folders that cannot be written", async () => {
    expect(() => new Trainer({ maxEpoch: 3 } as never)).toThrow(
      'Trainer has no option "maxEpoch". Did you mean "maxEpochs"?',
    );
    expect(() => new Trainer({ maxEpochs: -2 })).toThrow(
      "Trainer.maxEpochs must be a whole number of at least -1, got -2.",
    );
    expect(() => new Trainer({ maxTime: { hour: 1 } as never })).toThrow(
      'Trainer.maxTime has no option "hour". Did you mean "hours"?',
    );
    const file = join(freshFolder(), "file");
    writeFileSync(file, "");
    const callbacks = [new ModelCheckpoint({ dirPath: join(file, "below") })];
    await expect(fit({ maxEpochs: 1, callbacks })).rejects.toThrow(
      "ModelCheckpoint.dirPath must be a folder that can be written to",
    );
    const rootDir = join(file, "below");
    const seen: string[] = [];
    const watch = new (class extends Callback {
      override onTrainBatchStart(): void {
        seen.push("step");
      }
      override teardown(): void {
        seen.push("teardown");
      }
    })();
    const logged = (logger: Logger) => fit({ maxEpochs: 1, logger, callbacks: [watch] });
    const refused = /could not be written: its folder lies in a file \(ENOTDIR\)\.$/;
    await expect(logged(new CSVLogger({ rootDir }))).rejects.toThrow(refused);
    await expect(logged(new TensorBoardLogger({ rootDir }))).rejects.toThrow(refused);
    await expect(logged(new CSVLogger({ rootDir, version: "x" }))).rejects.toThrow(refused);
    await expect(logged(new TensorBoardLogger({ rootDir, version: "x" }))).rejects.toThrow(/cannot be made: ENOTDIR/);
    // Before any step, and what was set up was taken down.
    expect(seen).toEqual(["teardown", "teardown", "teardown", "teardown"]);
    mkdirSync(join(folder, "empty"));
    await expect(fit({ limitTrainBatches: 0.01 })).rejects.toThrow(
      "Trainer.limitTrainBatches must be a share that gives at least one of 4 batches, got 0.01.",
    );
  });
});
