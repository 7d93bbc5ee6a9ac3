/** What happens when, for many options of the Trainer: event by event as in PyTorch Lightning. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Linear } from "../nn/index.ts";
import {
  EarlyStopping,
  GradientAccumulationScheduler,
  LearningRateMonitor,
  type Logger,
  type Metrics,
  ModelCheckpoint,
  type ModelCheckpointOptions,
  type OptimizerConfig,
  type SchedulerConfig,
  SGD,
  StepLR,
  Trainer,
  TrainingModule,
} from "./index.ts";
import { quiet } from "./testing/quiet.ts";

interface Run {
  readonly options: Readonly<Record<string, unknown>>;
  readonly events: string;
  readonly globalStep: number;
  readonly epochs: number;
  readonly files: readonly string[];
  readonly best: string;
}
// Made by fixtures/make_flags.py with PyTorch Lightning.
const fixture = JSON.parse(readFileSync(new URL("./fixtures/flags.json", import.meta.url), "utf8")) as {
  train: number;
  val: number;
  runs: Run[];
};

const folder = mkdtempSync(join(tmpdir(), "convbook-flags-"));
beforeAll(() => tf.setBackend("cpu"));
afterAll(() => rmSync(folder, { recursive: true }));

class Memory implements Logger {
  readonly name = "memory";
  readonly version = "0";
  readonly #events: string[];
  constructor(events: string[]) {
    this.#events = events;
  }
  logMetrics(metrics: Metrics, step: number): void {
    const names = Object.keys(metrics).filter((name) => name !== "epoch");
    this.#events.push(`log at ${step}: ${names.sort().join(" ")}`);
  }
}

/** The module of the fixture's script. */
class Module extends TrainingModule<tf.Tensor> {
  readonly layer = this.registerModule("layer", new Linear(2, 1));
  readonly #events: string[];
  readonly #scheduler: Omit<SchedulerConfig, "scheduler">;
  readonly #stopAt: number | undefined;
  readonly #values: readonly number[];
  #validations = -1;
  constructor(
    events: string[],
    scheduler: Omit<SchedulerConfig, "scheduler">,
    stopAt: number | undefined,
    values: readonly number[],
  ) {
    super();
    this.#values = values;
    this.#events = events;
    this.#scheduler = scheduler;
    this.#stopAt = stopAt;
  }
  forward(x: tf.Tensor): tf.Tensor {
    return this.layer.forward(x);
  }
  override onTrainEpochStart(): void {
    this.#events.push(`epoch ${this.currentEpoch}`);
  }
  trainingStep(batch: tf.Tensor, index: number): tf.Tensor {
    this.#events.push(`train ${index}`);
    this.log("train_loss", 1);
    this.log("train_mean", 1, { onStep: false, onEpoch: true });
    return tf.mean(this.forward(batch));
  }
  override optimizerStep(...args: Parameters<TrainingModule["optimizerStep"]>): void {
    super.optimizerStep(...args);
    this.#events.push("step");
  }
  override lrSchedulerStep(...args: Parameters<TrainingModule["lrSchedulerStep"]>): void {
    super.lrSchedulerStep(...args);
    this.#events.push("schedule");
  }
  override onTrainBatchEnd(): void {
    if (this.trainer.progress.totalBatch === this.#stopAt) {
      this.trainer.shouldStop = true;
    }
  }
  override onTrainEpochEnd(): void {
    this.#events.push("epoch ends");
  }
  override onValidationStart(): void {
    this.#events.push(this.trainer.isSanityChecking ? "sanity check" : "validation");
    if (!this.trainer.isSanityChecking) {
      this.#validations++;
    }
  }
  override validationStep(_batch: tf.Tensor, index: number): void {
    this.#events.push(`validate ${index}`);
    this.log("val_loss", 1);
    this.log("falling", 1 - this.currentEpoch / 8);
    // Python's list takes its last value at -1, too.
    if (this.#values.length > 0) {
      this.log("value", this.#values.at(Math.min(this.#validations, this.#values.length - 1)) as number);
    }
  }
  configureOptimizers(): OptimizerConfig {
    const optimizer = new SGD(this.parameters(), { lr: 0.1 });
    return { optimizer, lrScheduler: { scheduler: new StepLR(optimizer, { stepSize: 1 }), ...this.#scheduler } };
  }
}

const loader = (count: number, isSized: boolean) => ({
  ...(isSized ? { length: count } : {}),
  *[Symbol.iterator]() {
    for (let i = 0; i < count; i++) {
      yield tf.ones([1, 2]);
    }
  },
});

/** The same options in our spelling. */
function camelCase<T>(options: unknown): T {
  return Object.fromEntries(
    Object.entries(options as object).map(([key, value]) => [
      key.replace("dirpath", "dirPath").replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
      value,
    ]),
  ) as T;
}

async function run(given: Run["options"]): Promise<Omit<Run, "options">> {
  const { stop_at, sized = true, val_loaders = 1, values = [], scheduler = { interval: "epoch" }, ...more } = given;
  const { checkpoint, early, accumulation, monitor, ...options } = more;
  const dirPath = mkdtempSync(join(folder, "run-"));
  const events: string[] = [];
  const module = new Module(events, scheduler as SchedulerConfig, stop_at as number | undefined, values as number[]);
  const saving =
    checkpoint === undefined
      ? undefined
      : new ModelCheckpoint({ ...camelCase<ModelCheckpointOptions>(checkpoint), dirPath, format: "ckpt" });
  const trainer = new Trainer({
    ...quiet,
    logger: new Memory(events),
    callbacks: [
      ...(saving === undefined ? [] : [saving]),
      ...(early === undefined ? [] : [new EarlyStopping({ monitor: "value", ...camelCase<object>(early) })]),
      ...(accumulation === undefined ? [] : [new GradientAccumulationScheduler({ scheduling: accumulation as never })]),
      ...(monitor === undefined ? [] : [new LearningRateMonitor(camelCase(monitor))]),
    ],
    ...camelCase(options),
  });
  const vals = Array.from({ length: val_loaders as number }, () => loader(fixture.val, sized as boolean));
  const result = await trainer.fit(module, loader(fixture.train, sized as boolean), vals);
  module.dispose();
  const last = Number(events.findLast((event) => event.startsWith("train "))?.slice(6) ?? Number.NaN);
  return {
    events: events.join(" | "),
    globalStep: result.globalStep,
    // Lightning also counts an epoch that was broken off.
    epochs: result.epochs + (last + 1 < Math.min(fixture.train, trainer.numTrainingBatches) ? 1 : 0),
    files: readdirSync(dirPath, { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ckpt"))
      .sort(),
    best: saving?.bestModelPath === undefined ? "" : relative(dirPath, saving.bestModelPath),
  };
}

/** Where ours differ, with good reason. */
const different: Readonly<Record<string, Partial<Run>>> = {
  // The metric is not known before the epoch's validation. Lightning then forgets the save that was due, ours makes up for it.
  '{"max_epochs":2,"checkpoint":{"monitor":"falling","every_n_train_steps":3,"save_top_k":-1}}': {
    files: ["epoch=0-step=7.ckpt", "epoch=1-step=12.ckpt", "epoch=1-step=9.ckpt"],
    best: "epoch=0-step=7.ckpt",
  },
  // Nor is that of a training epoch before its end. Lightning saves with the epoch's before, from the second on.
  '{"max_epochs":4,"checkpoint":{"monitor":"train_mean","mode":"max","save_top_k":2,"every_n_train_steps":7}}': {
    files: ["epoch=0-step=7.ckpt", "epoch=1-step=14.ckpt"],
    best: "epoch=0-step=7.ckpt",
  },
};

describe("as in PyTorch Lightning", () => {
  it.each(fixture.runs.map((each) => [JSON.stringify(each.options), each] as const))("%s", async (title, wanted) => {
    const { options, ...expected } = wanted;
    // Saves are told by the files that are there in the end: ours are written in the background.
    const events = expected.events
      .split(" | ")
      .filter((event) => !event.startsWith("save "))
      .join(" | ");
    expect(await run(options)).toEqual({ ...expected, events, ...different[title] });
  });
});
