/** Stopping, steps, schedules and logged values, where users of PyTorch Lightning reported that they went wrong. Each title names the report. */
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Linear } from "../nn/index.ts";
import {
  EarlyStopping,
  findLr,
  type OptimizerConfig,
  ReduceLROnPlateau,
  SGD,
  StepLR,
  Trainer,
  type TrainerOptions,
} from "./index.ts";
import { batches, Noting, weights } from "./testing/noting.ts";
import { quiet } from "./testing/quiet.ts";

beforeEach(() => tf.setBackend("cpu"));
afterEach(() => {
  vi.restoreAllMocks();
});

const address = (number: number) => `https://github.com/Lightning-AI/pytorch-lightning/issues/${number}`;

async function fit(module: Noting, options: TrainerOptions, train = 4, val = 2) {
  const trainer = new Trainer({ ...quiet, numSanityValSteps: 0, maxEpochs: 100, ...options });
  const result = await trainer.fit(module, batches(train) as never, batches(val) as never);
  return { trainer, result };
}

describe("EarlyStopping", () => {
  const stopping = (patience: number) => new EarlyStopping({ monitor: "val_loss", patience });

  it(`waits for as many checks as its patience is, after the best one (${address(1751)})`, async () => {
    // Better in epoch 3, and never again.
    const module = new Noting((validation) => (validation < 4 ? 10 - validation : 50));
    const { result } = await fit(module, { callbacks: stopping(8) });
    expect(result.epochs).toBe(3 + 1 + 8);
    expect(result.reason).toContain("did not improve in the last 8 checks");
  });

  it(`counts validations, not epochs, and misses no metric between them (${address(9151)}, ${address(1901)}, ${address(6113)})`, async () => {
    const module = new Noting(() => 1);
    const { result } = await fit(module, { callbacks: stopping(3), checkValEveryNEpoch: 10 });
    expect(module.validations.map(({ epoch }) => epoch)).toEqual([9, 19, 29, 39]);
    expect(result.epochs).toBe(40);
  });

  it(`counts every validation within an epoch once (${address(17736)})`, async () => {
    const module = new Noting(() => 1);
    const { result } = await fit(module, { callbacks: stopping(3), checkValEveryNEpoch: 2, valCheckInterval: 2 });
    // Two in each second epoch: the first is the best, the three behind it are not better.
    expect(module.validations.map(({ step }) => step)).toEqual([6, 8, 14, 16]);
    expect(result.globalStep).toBe(16);
  });

  it(`stops the same however many batches an epoch has (${address(3789)})`, async () => {
    for (const count of [3, 1100]) {
      const module = new Noting((validation) => (validation < 2 ? 2 - validation : 3));
      const { result } = await fit(module, { callbacks: stopping(2) }, count, 1);
      expect([result.epochs, result.globalStep]).toEqual([4, 4 * count]);
    }
  });
});

describe("a minimum of training", () => {
  const early = () => new EarlyStopping({ monitor: "val_loss", patience: 2 });

  it(`of steps ends at that step, when it was to be stopped (${address(4154)})`, async () => {
    const { result } = await fit(new Noting(), { callbacks: early(), minSteps: 18 });
    expect([result.epochs, result.globalStep]).toEqual([4, 18]);
  });

  it(`of epochs has one validation an epoch, and epochs of their length (${address(15708)}, ${address(18308)}, ${address(7634)})`, async () => {
    const module = new Noting();
    const { result } = await fit(module, { callbacks: early(), minEpochs: 6 });
    expect(module.validations.map(({ step }) => step)).toEqual([4, 8, 12, 16, 20, 24]);
    expect([result.epochs, result.globalStep]).toEqual([6, 24]);
  });
});

describe("the optimizer's steps", () => {
  it(`take an epoch's last batches, too (${address(4653)}, ${address(1549)})`, async () => {
    const module = new Noting();
    const { result } = await fit(module, { maxEpochs: 2, accumulateGradBatches: 4 }, 6);
    expect(module.trained.map(([, , step]) => step)).toEqual([0, 0, 0, 0, 1, 1, 2, 2, 2, 2, 3, 3]);
    expect(result.globalStep).toBe(4);
  });

  it(`are counted alike in every epoch (${address(2817)}, ${address(2242)})`, async () => {
    const module = new Noting();
    await fit(module, { maxEpochs: 3, accumulateGradBatches: 2 });
    expect(module.validations.map(({ step }) => step)).toEqual([2, 4, 6]);
  });

  it(`come at the end of an epoch that has fewer batches than one takes (${address(21808)})`, async () => {
    const module = new Noting();
    const { result } = await fit(module, { maxEpochs: 3, accumulateGradBatches: 8 });
    expect(result.globalStep).toBe(3);
  });
});

/** Its schedule watches a metric at every step. */
class Watching extends Noting {
  readonly #monitor: string;
  readonly #interval: "step" | "epoch";
  constructor(monitor: string, interval: "step" | "epoch") {
    super(() => 1);
    this.#monitor = monitor;
    this.#interval = interval;
  }
  override configureOptimizers(): OptimizerConfig {
    const optimizer = new SGD(this.parameters(), { lr: 0.1 });
    const scheduler = new ReduceLROnPlateau(optimizer, { patience: 1 });
    return { optimizer, lrScheduler: { scheduler, interval: this.#interval, monitor: this.#monitor } };
  }
}

describe("a schedule that watches a metric", () => {
  it(`says which metrics there are when there is no such one (${address(1156)}, ${address(20829)})`, async () => {
    await expect(fit(new Watching("val/loss", "epoch"), { maxEpochs: 2 })).rejects.toThrow(/"?val\/loss"?.*val_loss/);
    await expect(fit(new Watching("val_loss", "step"), { maxEpochs: 2 })).rejects.toThrow(/val_loss.*train_loss/);
  });

  it(`is given validation's of the same epoch (${address(1598)}, ${address(673)})`, async () => {
    const module = new Watching("val_loss", "epoch");
    const { trainer } = await fit(module, { maxEpochs: 4 });
    // The first is the best, the second may be no better, and after the third the rate falls.
    expect(trainer.optimizers[0]?.paramGroups[0]?.lr).toBeCloseTo(0.01, 8);
  });
});

describe("what configureOptimizers returns", () => {
  const fitWith = (configure: (optimizer: SGD) => unknown, options: TrainerOptions = {}) => {
    class Configured extends Noting {
      override configureOptimizers(): OptimizerConfig {
        return configure(new SGD(this.parameters(), { lr: 0.1 })) as OptimizerConfig;
      }
    }
    return fit(new Configured(), { maxEpochs: 2, ...options });
  };
  const falling = (optimizer: SGD) => new StepLR(optimizer, { stepSize: 1 });
  const plateau = (optimizer: SGD) => new ReduceLROnPlateau(optimizer, { patience: 0 });

  it.each([
    [
      { lr_scheduler: 1 },
      `What configureOptimizers returns has no option "lr_scheduler". Did you mean "lrScheduler"? Options: optimizer, lrScheduler.`,
    ],
    [
      { scheduler: 1 },
      `What configureOptimizers returns has no option "scheduler". Did you mean "lrScheduler"? Options: optimizer, lrScheduler.`,
    ],
  ])(`has no key that would be passed over (${address(5066)}, ${address(11128)}): %j`, async (config, message) => {
    await expect(fitWith((optimizer) => ({ optimizer, ...config }))).rejects.toThrow(message);
  });

  it("has schedulers with known keys, of an optimizer that takes steps (https://github.com/Lightning-AI/pytorch-lightning/pull/3587)", async () => {
    const configure = (lrScheduler: (optimizer: SGD) => unknown) =>
      fitWith((optimizer) => ({ optimizer, lrScheduler: lrScheduler(optimizer) }));
    await expect(configure((optimizer) => ({ scheduler: falling(optimizer), freqency: 3 }))).rejects.toThrow(
      `The scheduler's configuration has no option "freqency". Did you mean "frequency"?`,
    );
    await expect(configure((optimizer) => [falling(optimizer)])).rejects.toThrow(
      "The scheduler must be a scheduler or { scheduler, interval, frequency, monitor, strict, name }, got [an instance of StepLR].",
    );
    const other = new SGD([new Linear(1, 1).weight], { lr: 1 });
    await expect(configure(() => falling(other))).rejects.toThrow(
      'The scheduler must be one of an optimizer that configureOptimizers returns, got "a StepLR of another optimizer".',
    );
  });

  it("may say that a schedule waits for its metric (https://github.com/Lightning-AI/pytorch-lightning/pull/3587)", async () => {
    const warn = vi.spyOn(console, "warn").mockReturnValue();
    const { trainer } = await fitWith(
      (optimizer) => ({
        optimizer,
        lrScheduler: { scheduler: plateau(optimizer), monitor: "val_loss", strict: false },
      }),
      { maxEpochs: 4, checkValEveryNEpoch: 2 },
    );
    expect(warn.mock.calls).toEqual([
      ['ReduceLROnPlateau monitors "val_loss", which is not logged yet: the rates stay as they are.'],
    ]);
    // Nothing after the first epoch, the best after the second, the same value after the third and the fourth.
    expect(trainer.optimizers[0]?.paramGroups[0]?.lr).toBeCloseTo(0.001, 8);
  });
});

/** Logs values that its test says, from validation's batches. */
class Logging extends Noting {
  readonly #values: readonly number[];
  readonly #options: object;
  constructor(values: readonly number[], options: object = {}) {
    super();
    this.#values = values;
    this.#options = options;
  }
  override validationStep(_batch: tf.Tensor, index: number): undefined {
    this.log("value", this.#values[index] as number, this.#options);
  }
}

describe("a value logged in every batch", () => {
  const validate = async (module: Noting, loader: unknown) => {
    const trainer = new Trainer({ ...quiet });
    const [metrics] = await trainer.validate(module, loader as never, { verbose: false });
    return metrics;
  };
  const rows = (...sizes: number[]) => ({
    length: sizes.length,
    *[Symbol.iterator]() {
      for (const size of sizes) {
        yield tf.ones([size, 4]);
      }
    },
  });

  it(`is reported as the mean of all samples, not of the last batch (${address(2924)}, ${address(4141)}, ${address(5539)})`, async () => {
    const metrics = await validate(new Logging([0.7, 0.8, 0.9], { onEpoch: true }), rows(256, 256, 10));
    expect(metrics?.value).toBeCloseTo((256 * 0.7 + 256 * 0.8 + 10 * 0.9) / 522, 6);
  });

  it("is added up as it is, whatever the batch's size (https://github.com/Lightning-AI/pytorch-lightning/pull/9791)", async () => {
    const metrics = await validate(new Logging([1, 2, 3], { reduce: "sum" }), rows(8, 8, 4));
    expect(metrics?.value).toBe(6);
  });

  it(`is weighed by the rows of a dictionary's tensors, not by their number (${address(3668)})`, async () => {
    const dictionaries = {
      length: 2,
      *[Symbol.iterator]() {
        for (const size of [6, 2]) {
          yield { a: tf.ones([size, 4]), b: tf.ones([size, 4]) };
        }
      },
    };
    const metrics = await validate(new Logging([1, 2]), dictionaries);
    expect(metrics?.value).toBeCloseTo((6 * 1 + 2 * 2) / 8, 6);
  });
});

/** What loggers are told. */
class Remembering {
  readonly name = "remembering";
  readonly version = "";
  readonly told: [step: number, metrics: object][] = [];
  logMetrics({ epoch: _, ...metrics }: Record<string, number>, step: number): void {
    this.told.push([step, metrics]);
  }
}

describe("loggers", () => {
  const toldOf = async (module: Noting, options: TrainerOptions = {}) => {
    const logger = new Remembering();
    await fit(module, { maxEpochs: 1, logEveryNSteps: 1, logger, ...options }, 2);
    return logger.told.filter(([, metrics]) => !Object.keys(metrics).some((name) => name.startsWith("train")));
  };

  it(`are told what validation logs by step, at the number of its batch (${address(2102)}, ${address(4488)})`, async () => {
    const module = new Logging([5, 7], { onStep: true, onEpoch: true });
    expect(await toldOf(module, { maxEpochs: 2 })).toEqual([
      [0, { value_step: 5 }],
      [1, { value_step: 7 }],
      [1, { value_epoch: 6 }],
      [2, { value_step: 5 }],
      [3, { value_step: 7 }],
      [3, { value_epoch: 6 }],
    ]);
  });

  it(`are told a step that is logged as such (${address(788)}, ${address(4102)})`, async () => {
    class Counting extends Noting {
      override validationStep(_batch: tf.Tensor, index: number): undefined {
        this.log("value", index);
        this.log("step", this.trainer.currentEpoch + 10);
      }
    }
    expect(await toldOf(new Counting(), { maxEpochs: 2 })).toEqual([
      [10, { value: 0.5 }],
      [11, { value: 0.5 }],
    ]);
  });

  it("are told what is logged when training starts", async () => {
    class Starting extends Noting {
      override onTrainStart(): void {
        this.log("started", 3);
      }
    }
    const logger = new Remembering();
    await fit(new Starting(), { maxEpochs: 2, logger });
    expect(logger.told.flatMap(([, metrics]) => ("started" in metrics ? [metrics.started] : []))).toEqual([3]);
  });

  it.each([
    [{ on_step: true }, 'log("value") has no option "on_step". Did you mean "onStep"?'],
    [{ batchSize: -1 }, 'log("value").batchSize must be a number of at least 0, got -1.'],
    [{ batchSize: Number.NaN }, 'log("value").batchSize must be a number of at least 0, got NaN.'],
  ])("are told nothing of what makes no sense: %j", async (options, message) => {
    await expect(toldOf(new Logging([1, 2], options))).rejects.toThrow(message);
  });

  it("are told numbers only", async () => {
    const text = tf.scalar("text", "string") as never;
    await expect(toldOf(new Logging([text]))).rejects.toThrow(
      'log("value") must be a number or a tensor of one number, got "a tensor of string".',
    );
  });
});

describe("findLr", () => {
  it(`leaves the module as it was, and finds the same again (${address(6675)}, ${address(9672)})`, async () => {
    const module = new Noting();
    const before = weights(module);
    const first = await findLr(module, batches(4) as never, { steps: 20, maxLr: 10 });
    expect(weights(module)).toEqual(before);
    const second = await findLr(module, batches(4) as never, { steps: 20, maxLr: 10 });
    expect([second.lrs, second.losses]).toEqual([first.lrs, first.losses]);
  });

  it(`changes nothing of the training that follows (${address(12670)}, ${address(14824)})`, async () => {
    const [plain, searched] = [new Noting(), new Noting()];
    await findLr(searched, batches(4) as never, { steps: 20, maxLr: 10 });
    await fit(plain, { maxEpochs: 2 });
    await fit(searched, { maxEpochs: 2 });
    expect(weights(searched)).toEqual(weights(plain));
  });
});
