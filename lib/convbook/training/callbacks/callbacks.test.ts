import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs-core";
import { afterAll, beforeAll, describe, expect, expectTypeOf, it, vi } from "vitest";
import { Conv2d } from "../../nn/index.ts";
import { manualSeed } from "../../random/index.ts";
import { readEvents } from "../../tensorboard/index.ts";
import {
  Callback,
  ClassificationModule,
  ConfusedLogit,
  CSVLogger,
  type createOptimizer,
  FilterVisualizer,
  findLr,
  GradientAccumulationScheduler,
  LearningRateMonitor,
  LivePlot,
  ModelCheckpoint,
  StochasticWeightAveraging,
  TensorBoardLogger,
  Timer,
  Trainer,
} from "../index.ts";
import { BoringModule, randomBatches } from "../testing/boring.ts";
import { quiet } from "../testing/quiet.ts";
import { makeSmall, weightsOf } from "../testing/small.ts";

const folder = mkdtempSync(join(tmpdir(), "convbook-callbacks-"));
beforeAll(() => tf.setBackend("cpu"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Two batches of two tiny pictures. */
const pictures = () => ({
  length: 2,
  *[Symbol.iterator](): Iterator<[tf.Tensor, tf.Tensor]> {
    for (let i = 0; i < 2; i++) {
      yield [tf.randomNormal([2, 8, 8, 3], 0, 1, "float32", i + 1), tf.tensor1d([i, 2], "int32")];
    }
  },
});
const makeClassifier = () => {
  manualSeed(1);
  return new ClassificationModule({
    modelName: "ResNet",
    modelHparams: { numClasses: 3, numBlocks: [1], cHidden: [4] },
    optimizerHparams: { lr: 0.05 },
    schedulerHparams: { milestones: [1] },
  });
};

describe("callbacks", () => {
  it("LearningRateMonitor logs rates by epoch", async () => {
    const monitor = new LearningRateMonitor();
    await new Trainer({ ...quiet, maxEpochs: 3, callbacks: [monitor] }).fit(new BoringModule(), randomBatches(1));
    const rates = monitor.rates["lr-SGD"]?.map((rate) => Number(rate.toPrecision(6)));
    expect(rates).toEqual([0.1, 0.01, 0.001]);
  });

  it("GradientAccumulationScheduler changes the number of batches a step", async () => {
    const callback = new GradientAccumulationScheduler({ scheduling: { 0: 1, 1: 4 } });
    const { globalStep } = await new Trainer({ ...quiet, maxEpochs: 3, callbacks: [callback] }).fit(
      new BoringModule(),
      randomBatches(4),
    );
    expect(globalStep).toBe(4 + 1 + 1);
    expect(() => new GradientAccumulationScheduler({ scheduling: { 0: 0 } })).toThrow("to numbers of batches (from 1)");
  });

  it("Timer stops when its time is up", async () => {
    const timer = new Timer({ duration: 0.001 });
    const result = await new Trainer({ ...quiet, maxEpochs: 50, callbacks: [timer] }).fit(
      new BoringModule(),
      randomBatches(4),
    );
    expect(result.reason).toBe("the time of 0.001 s is up");
    expect(timer.timeElapsed()).toBeGreaterThan(0);
  });

  it("StochasticWeightAveraging leaves the mean of the epochs' weights", async () => {
    const { module, train } = makeSmall();
    const seen: number[][] = [];
    class Watch extends StochasticWeightAveraging {
      override onTrainEpochEnd(...args: Parameters<StochasticWeightAveraging["onTrainEpochEnd"]>): void {
        if (args[0].currentEpoch >= 2) {
          seen.push(weightsOf(module).slice(0, 48));
        }
        super.onTrainEpochEnd(...args);
      }
    }
    const callbacks = [new Watch({ swaLrs: 0.05, swaEpochStart: 2 })];
    await new Trainer({ ...quiet, maxEpochs: 5, callbacks }).fit(module, train as never);
    const mean = (seen[0] as number[]).map(
      (_, i) => seen.reduce((sum, one) => sum + (one[i] as number), 0) / seen.length,
    );
    expect(seen).toHaveLength(3);
    for (const [i, value] of weightsOf(module).slice(0, 48).entries()) {
      expect(value).toBeCloseTo(mean[i] as number, 5);
    }
  });

  it("StochasticWeightAveraging takes the rate over from a schedule that steps with the optimizer, and goes on when resumed", async () => {
    const rates: number[] = [];
    class Rates extends Callback {
      override onBeforeOptimizerStep(trainer: Trainer): void {
        rates.push(trainer.optimizers[0]?.paramGroups[0]?.lr as number);
      }
    }
    const run = async (maxEpochs: number, ckptPath?: string, format: "safetensors" | "ckpt" = "safetensors") => {
      const { module, train } = makeSmall();
      const callbacks = [
        new StochasticWeightAveraging({
          swaLrs: 0.01,
          swaEpochStart: 3,
          annealingEpochs: 2,
          annealingStrategy: "linear",
        }),
        new Rates(),
        new ModelCheckpoint({ dirPath: join(folder, "swa"), saveTopK: -1, filename: "{epoch}", format }),
      ];
      const trainer = new Trainer({ ...quiet, maxEpochs, callbacks });
      await trainer.fit(module, train as never, undefined, { ckptPath });
      return weightsOf(module);
    };
    const whole = await run(6);
    // Five batches an epoch; the schedule of one cycle has its say in the first three epochs.
    const before = rates[15 - 1] as number;
    expect(new Set(rates.slice(0, 15)).size).toBe(15);
    const halfway = rates[15] as number;
    expect(halfway).toBeLessThan(before);
    expect(rates.slice(15)).toEqual([...Array(5).fill(halfway), ...Array(10).fill(0.01)]);
    rates.length = 0;
    expect(await run(6, join(folder, "swa", "epoch=3.safetensors"))).toEqual(whole);
    expect(rates).toEqual(Array(10).fill(0.01));
    expect(await run(6, undefined, "ckpt")).toEqual(whole);
    expect(await run(6, join(folder, "swa", "epoch=3.ckpt"))).toEqual(whole);
  });

  it("LivePlot, FilterVisualizer and ConfusedLogit show figures", async () => {
    const output = vi.spyOn(process.stdout, "write").mockImplementation(() => true);
    try {
      const module = makeClassifier();
      const plot = new LivePlot({ metrics: ["train_loss", "val_acc"], interval: 0 });
      const shown: number[] = [];
      const dirPath = join(folder, "filters");
      const callbacks = [
        plot,
        new FilterVisualizer({ dirPath }),
        new ConfusedLogit({ topK: 2, onResult: ({ confusions }) => shown.push(confusions.length) }),
      ];
      await new Trainer({ ...quiet, maxEpochs: 2, callbacks }).fit(module, pictures(), pictures());
      expect(plot.history.train_loss?.x).toEqual([1, 2, 3, 4]);
      expect(plot.history.val_acc?.x).toEqual([2, 4]);
      expect(shown).toEqual([2, 2]);
      expect(readdirSync(dirPath).sort()).toEqual(["model.input_net.0-epoch-0.png", "model.input_net.0-epoch-1.png"]);
      const every = join(folder, "every");
      const all = new FilterVisualizer({ dirPath: every, layers: "all", filters: { mode: "green" } });
      await new Trainer({ ...quiet, maxEpochs: 1, callbacks: [all] }).fit(module, pictures());
      const names = module.namedModules().flatMap(([name, each]) => (each instanceof Conv2d ? [name] : []));
      expect(names.length).toBeGreaterThan(1);
      expect(readdirSync(every).sort()).toEqual(names.map((name) => `${name}-epoch-0.png`).sort());
      const none = new Trainer({ ...quiet, callbacks: [new FilterVisualizer({ layers: ["model.nothing"] })] });
      await expect(none.fit(module, pictures())).rejects.toThrow(
        "FilterVisualizer.layers must be the name of a convolution",
      );
      expect(() => new FilterVisualizer({ layer: "a", layers: "all" })).toThrow("left out where layer is given");
      expect(() => new FilterVisualizer({ layers: "some" as never })).toThrow('"all" or a list of names');
      const wrong = new Trainer({ ...quiet, callbacks: [new FilterVisualizer({ layer: "model.nothing" })] });
      await expect(wrong.fit(module, pictures())).rejects.toThrow(
        "FilterVisualizer.layer must be the name of a convolution (model.input_net.0",
      );
    } finally {
      output.mockRestore();
    }
  });
});

describe("loggers", () => {
  it("write CSV, hyper-parameters and TensorBoard files", async () => {
    const rootDir = join(folder, "logs");
    const tensorboard = new TensorBoardLogger({ rootDir, name: "x" });
    const csv = new CSVLogger({ rootDir, name: "x", version: tensorboard.version });
    const module = makeClassifier();
    await new Trainer({ ...quiet, logger: [tensorboard, csv], maxEpochs: 2, logEveryNSteps: 1 }).fit(
      module,
      pictures(),
      pictures(),
    );
    const [head, ...rows] = readFileSync(csv.path, "utf8").trim().split("\n");
    expect(head).toBe("epoch,step,train_loss,val_acc,val_loss,train_acc");
    expect(rows.map((row) => row.split(",").slice(0, 2).join())).toEqual([
      "0,0",
      "0,1",
      "0,1",
      "0,1",
      "1,2",
      "1,3",
      "1,3",
      "1,3",
    ]);
    expect(readFileSync(join(csv.logDir, "hparams.yaml"), "utf8")).toContain("modelName: ResNet");
    const events = readdirSync(csv.logDir).find((name) => name.startsWith("events.out.tfevents")) as string;
    const tags = new Set<string>();
    for (const event of readEvents(join(csv.logDir, events))) {
      for (const tag of ["train_loss", "val_acc", "epoch"]) {
        if (JSON.stringify(event).includes(`"${tag}"`)) {
          tags.add(tag);
        }
      }
    }
    expect([...tags].sort()).toEqual(["epoch", "train_loss", "val_acc"]);
    const again = new CSVLogger({ rootDir, name: "x" });
    expect(again.version).toBe("version_1");
  });

  it("keep what an earlier process wrote of the same run (https://github.com/Lightning-AI/pytorch-lightning/issues/19432)", () => {
    const rootDir = join(folder, "kept");
    const log = (...rows: Record<string, number>[]) => {
      const csv = new CSVLogger({ rootDir, name: "x", version: "one" });
      for (const [step, row] of rows.entries()) {
        csv.logMetrics(row, step);
      }
      csv.finalize();
      return readFileSync(csv.path, "utf8");
    };
    log({ epoch: 0, "a,b": 1 });
    expect(log({ epoch: 1, "a,b": 2 })).toBe('epoch,step,"a,b"\n0,0,1\n1,0,2\n');
    const wider = 'epoch,step,"a,b",c\n0,0,1,\n1,0,2,\n2,0,,3\n';
    expect(log({ epoch: 2, c: 3 })).toBe(wider);
    // A process was killed while it wrote, or something else wrote the file.
    writeFileSync(join(rootDir, "x/one/metrics.csv"), 'step,c\r\n7,"8,5"\r\n9');
    expect(log({ epoch: 3, c: 4 })).toBe('epoch,step,c\n,7,"8,5"\n,9,\n3,0,4\n');
  });

  it("take a number when they are asked for it, so that other ranks' take none", () => {
    const rootDir = join(folder, "asked");
    const [first, second] = [new TensorBoardLogger({ rootDir }), new CSVLogger({ rootDir })];
    expect(existsSync(rootDir)).toBe(false);
    expect([second.version, first.version, second.version]).toEqual(["version_0", "version_1", "version_0"]);
    expect(second.path).toBe(join(rootDir, "convbook_logs/version_0/metrics.csv"));
  });
});

describe("ClassificationModule", () => {
  it("comes back from its checkpoint with the same predictions", async () => {
    const module = makeClassifier();
    const callbacks = [new ModelCheckpoint({ dirPath: join(folder, "classifier") })];
    const { bestModelPath, metrics } = await new Trainer({ ...quiet, maxEpochs: 1, callbacks }).fit(
      module,
      pictures(),
      pictures(),
    );
    expect(Object.keys(metrics).sort()).toEqual(["train_acc", "train_loss", "val_acc", "val_loss"]);
    const loaded = await ClassificationModule.loadFromCheckpoint(bestModelPath as string);
    expect(loaded.hparams).toEqual(module.hparams);
    const trainer = new Trainer(quiet);
    const [first] = await trainer.test(module, pictures(), { verbose: false });
    const [second] = await trainer.test(loaded, pictures(), { verbose: false });
    expect(second).toEqual(first);
  });

  it("has names that editors can offer, and takes others", () => {
    type Named = Required<ConstructorParameters<typeof ClassificationModule>[0]>;
    expectTypeOf<Extract<Named["modelName"], "DenseNet">>().toEqualTypeOf<"DenseNet">();
    expectTypeOf<Extract<Named["optimizerName"], "RMSprop">>().toEqualTypeOf<"RMSprop">();
    expectTypeOf<Extract<Named["schedulerName"], "StepLR">>().toEqualTypeOf<"StepLR">();
    expectTypeOf<string>().toExtend<Named["modelName"]>();
    expectTypeOf<Parameters<typeof createOptimizer>[0]>().extract<"Muon">().toEqualTypeOf<"Muon">();
  });

  it("says what is wrong with hyper-parameters", () => {
    expect(() => new ClassificationModule({ modelName: "Resnet" })).toThrow("ResNet");
    expect(() => new ClassificationModule({})).toThrow(
      "ClassificationModule.modelName must be the name of a model, unless a model is given, got undefined.",
    );
    expect(() => new ClassificationModule({ modelName: "ResNet", x: Number.NaN } as never)).toThrow(
      "hparams.x must be a value that JSON can hold, got NaN.",
    );
  });
});

describe("findLr", () => {
  it("finds where the loss falls and puts everything back", async () => {
    const { module, train } = makeSmall();
    const before = weightsOf(module);
    const found = await findLr(module, train as never, { steps: 30, maxLr: 10 });
    expect(found.lrs[0]).toBeCloseTo(1e-6, 10);
    expect(found.losses.length).toBeGreaterThan(20);
    expect(found.suggestion()).toBeGreaterThan(1e-6);
    expect(weightsOf(module)).toEqual(before);
  });
});

describe("progress", () => {
  it("is shown of every verb, with and without a known length", async () => {
    const lines: string[] = [];
    const write = vi.spyOn(process.stderr, "write").mockImplementation((text) => lines.push(String(text)) > 0);
    const log = vi.spyOn(console, "log").mockImplementation(() => {});
    const trainer = new Trainer({ ...quiet, enableProgressBar: true, maxEpochs: 1, limitPredictBatches: 1 });
    const unknown = { [Symbol.iterator]: () => pictures()[Symbol.iterator]() };
    const module = makeClassifier();
    try {
      await trainer.fit(module, pictures(), pictures());
      await trainer.test(module, pictures());
      await trainer.test(module, unknown);
      tf.dispose(await trainer.predict(module, pictures()));
    } finally {
      write.mockRestore();
      log.mockRestore();
      module.dispose();
    }
    const shown = lines.map((line) => line.replace(/, \d+:\d\d.*?(, train_loss.*)?\n/, "$1"));
    expect(shown).toEqual([
      expect.stringMatching(/^Epoch 0: 100 % █{20} 2\/2 steps, train_loss [\d.]+, val_acc [\d.]+, train_acc [\d.]+$/),
      "Testing: 100 % ████████████████████ 2/2 steps",
      "Testing: 2 steps",
      "Predicting: 100 % ████████████████████ 1/1 steps",
    ]);
  });
});
