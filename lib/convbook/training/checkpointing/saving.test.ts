/** What checkpoints say of themselves and when validation comes, where users of PyTorch Lightning were misled. */
import "@tensorflow/tfjs-backend-cpu";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { afterEach, beforeEach, expect, it } from "vitest";
import { Linear } from "../../nn/index.ts";
import { ModelCheckpoint } from "../callbacks/index.ts";
import { TrainingModule } from "../core/training-module.ts";
import { SGD } from "../optimizers/index.ts";
import { Trainer } from "../trainer.ts";

let folder: string;
beforeEach(async () => {
  await tf.setBackend("cpu");
  folder = mkdtempSync(join(tmpdir(), "convbook-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const options = {
  ...{ enableProgressBar: false, enableModelSummary: false, logger: false as const, numSanityValSteps: 0 },
};

const rows = (length: number) => ({
  length,
  *[Symbol.iterator]() {
    for (let i = 0; i < length; i++) {
      yield tf.fill([2, 4], 0.1);
    }
  },
});

class Scored extends TrainingModule<tf.Tensor> {
  readonly layer = this.registerModule("layer", new Linear(4, 1));
  readonly validated: number[] = [];
  readonly #score: (validation: number, epoch: number) => number;
  #count = 0;

  constructor(score: (validation: number, epoch: number) => number) {
    super();
    this.#score = score;
  }

  forward(x: tf.Tensor): tf.Tensor {
    return this.layer.forward(x as tf.Tensor2D);
  }

  trainingStep(batch: tf.Tensor): tf.Scalar {
    return tf.mean(tf.square(this.forward(batch))) as tf.Scalar;
  }

  override validationStep(): undefined {
    this.validated.push(this.trainer.globalStep);
    this.log("val_loss", tf.scalar(this.#score(++this.#count, this.trainer.currentEpoch)));
  }

  override testStep(): undefined {}

  configureOptimizers(): SGD {
    return new SGD(this.parameters(), { lr: 0.1 });
  }
}

it("`last` knows the best that is there when it is there (https://github.com/Lightning-AI/pytorch-lightning/issues/2680)", async () => {
  const scores = [3, 2, 1, 5, 4];
  const module = () => new Scored((_, epoch) => scores[epoch] as number);
  const saving = () => new ModelCheckpoint({ dirPath: folder, monitor: "val_loss", saveTopK: 1, saveLast: true });
  const first = saving();
  await new Trainer({ ...options, maxEpochs: 3, callbacks: first }).fit(module(), rows(2) as never, rows(1) as never);
  const again = saving();
  const trainer = new Trainer({ ...options, maxEpochs: 5, callbacks: again });
  await trainer.fit(module(), rows(2) as never, rows(1) as never, { ckptPath: "last" });
  expect([again.bestModelPath, again.bestModelScore]).toEqual([first.bestModelPath, 1]);
  expect(existsSync(again.bestModelPath as string)).toBe(true);
  await trainer.test(module(), rows(1) as never, { ckptPath: "best" });
});

it.each([null, 1])(
  "weights are judged by their own validation, not by the one before (https://github.com/Lightning-AI/pytorch-lightning/issues/20185), checkValEveryNEpoch %j",
  async (checkValEveryNEpoch) => {
    const saving = new ModelCheckpoint({
      ...{ dirPath: folder, monitor: "val_loss", mode: "max", saveTopK: -1, everyNTrainSteps: 2 },
      filename: "{step}-{val_loss:.0f}",
    });
    const trainer = new Trainer({
      ...options,
      maxEpochs: 1,
      valCheckInterval: 2,
      checkValEveryNEpoch,
      callbacks: saving,
    });
    await trainer.fit(new Scored((validation) => validation), rows(8) as never, rows(1) as never);
    expect(readdirSync(folder).sort()).toEqual(
      [2, 4, 6, 8].map((step) => `step=${step}-val_loss=${step / 2}.safetensors`),
    );
    expect(basename(saving.bestModelPath as string)).toBe("step=8-val_loss=4.safetensors");
  },
);

it("an interval beyond an epoch counts batches of all epochs, as Lightning's does, and adds none at an epoch's end", async () => {
  const module = new Scored(() => 1);
  const trainer = new Trainer({
    ...{ ...options, maxEpochs: 4, valCheckInterval: 7, checkValEveryNEpoch: null, enableCheckpointing: false },
  });
  await trainer.fit(module, rows(5) as never, rows(1) as never);
  expect(module.validated).toEqual([7, 14]);
});

it("a loader that gives no batches is no training", async () => {
  const fit = (loader: unknown, more = {}) =>
    new Trainer({ ...options, maxEpochs: 4, enableCheckpointing: false, ...more }).fit(
      new Scored(() => 1),
      loader as never,
    );
  const expected =
    "The training loader must be something that gives at least one batch, each time that it is iterated over";
  const before = tf.memory().numTensors;
  await expect(fit(rows(3)[Symbol.iterator]())).rejects.toThrow(
    `${expected}, got "which gave none in epoch 1: a generator gives its batches once only".`,
  );
  await expect(fit(rows(0))).rejects.toThrow(`${expected}, got "which has none".`);
  await expect(fit(rows(0)[Symbol.iterator]())).rejects.toThrow(`${expected}, got "which gave none".`);
  const once = await fit(rows(3)[Symbol.iterator](), { maxEpochs: 1 });
  expect(once).toMatchObject({ epochs: 1, globalStep: 3 });
  // What is left are the weights of four modules.
  expect(tf.memory().numTensors - before).toBeLessThanOrEqual(8);
});

it("a validation loader that is used up is no validation", async () => {
  const trainer = new Trainer({ ...options, maxEpochs: 2, enableCheckpointing: false });
  await expect(trainer.fit(new Scored(() => 1), rows(2) as never, rows(1)[Symbol.iterator]() as never)).rejects.toThrow(
    "The validation loader must be something that gives at least one batch, each time that it is iterated over, got " +
      '"which gave none: a generator gives its batches once only".',
  );
});

it("batches in a list are there after they were trained on, and in the next epoch", async () => {
  const batches = [tf.fill([2, 4], 0.1), tf.fill([2, 4], 0.2)];
  const before = tf.memory().numTensors;
  const module = new Scored(() => 0);
  const result = await new Trainer({ ...options, enableCheckpointing: false, maxEpochs: 3 }).fit(
    module,
    batches as never,
  );
  expect(result).toMatchObject({ status: "completed", globalStep: 6 });
  expect(batches.map((batch) => batch.isDisposed)).toEqual([false, false]);
  module.dispose();
  tf.dispose(batches);
  expect(tf.memory().numTensors).toBeLessThanOrEqual(before);
});
