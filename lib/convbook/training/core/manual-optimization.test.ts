import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Linear } from "../../nn/index.ts";
import type { StateDict } from "../../tensor-data.ts";
import {
  Adam,
  Callback,
  GradientAccumulationScheduler,
  LearningRateMonitor,
  ModelCheckpoint,
  type Optimizer,
  SGD,
  StepLR,
  Trainer,
  TrainingModule,
} from "../index.ts";
import { BoringModule, randomBatches } from "../testing/boring.ts";
import { quiet } from "../testing/quiet.ts";

// Made by fixtures/make_manual.py with PyTorch.
type Weights = Record<string, number[] | number[][]>;
const fixture = JSON.parse(readFileSync(new URL("../fixtures/manual.json", import.meta.url), "utf8")) as {
  initial: Weights;
  batches: number[][][];
  after: Weights[];
};

const folder = mkdtempSync(join(tmpdir(), "convbook-manual-"));
beforeAll(() => tf.setBackend("cpu"));
afterAll(() => rmSync(folder, { recursive: true }));

/** A generator and a discriminator, trained as the fixture's script does it. */
class Gan extends TrainingModule<tf.Tensor2D> {
  override automaticOptimization = false;
  readonly generator = this.registerModule("generator", new Linear(3, 2));
  readonly discriminator = this.registerModule("discriminator", new Linear(2, 1));

  constructor() {
    super();
    const state: StateDict = new Map(
      Object.entries(fixture.initial).map(([key, value]) => {
        const data = Float32Array.from(value.flat());
        const shape = Array.isArray(value[0]) ? [value.length, value[0].length] : [value.length];
        return [key, { dtype: "float32", shape, data }];
      }),
    );
    this.loadStateDict(state);
  }

  forward(noise: tf.Tensor): tf.Tensor {
    return tf.tanh(this.generator.forward(noise));
  }

  trainingStep(batch: tf.Tensor2D, index: number): undefined {
    const [g, d] = [...this.optimizers()] as const;
    if (g === undefined || d === undefined) {
      throw new Error("There are two optimizers.");
    }
    const noise = tf.slice(batch, [0, 0], [-1, 3]);
    const real = tf.slice(batch, [0, 3], [-1, 2]);
    this.toggleOptimizer(g);
    const fake = this.forward(noise);
    g.zeroGrad();
    this.manualBackward(tf.mean(tf.square(fake)), { retainGraph: true });
    const fooled = tf.mean(tf.softplus(tf.neg(this.discriminator.forward(fake))));
    this.manualBackward(fooled);
    g.step();
    this.log("g_loss", fooled);
    this.toggleOptimizer(d);
    const known = tf.mean(tf.softplus(tf.neg(this.discriminator.forward(real))));
    const caught = tf.mean(tf.softplus(this.discriminator.forward(this.forward(noise))));
    this.manualBackward(tf.div(tf.add(known, caught), 2));
    if (index % 2 === 1) {
      this.clipGradients(d, 0.2);
      d.step();
      d.zeroGrad();
    }
    this.untoggleOptimizer();
  }

  configureOptimizers() {
    return [
      new SGD(this.generator.parameters(), { lr: 0.1, momentum: 0.9 }),
      new Adam(this.discriminator.parameters(), { lr: 0.05 }),
    ];
  }
}

const loader = {
  length: fixture.batches.length,
  *[Symbol.iterator]() {
    for (const rows of fixture.batches) {
      yield tf.tensor2d(rows);
    }
  },
};

const weightsOf = (module: TrainingModule): Record<string, number[]> =>
  Object.fromEntries([...module.stateDict()].map(([key, { data }]) => [key, [...(data as Float32Array)]]));

class Snapshots extends Callback {
  readonly weights: Record<string, number[]>[] = [];
  readonly tensors: number[] = [];
  override onTrainBatchEnd(_: Trainer, module: TrainingModule): void {
    this.weights.push(weightsOf(module));
  }
  override onTrainBatchStart(): void {
    this.tensors.push(tf.memory().numTensors);
  }
}

describe("a module that optimizes by itself", () => {
  it("trains two networks in turns as PyTorch does and leaks nothing", async () => {
    const module = new Gan();
    const snapshots = new Snapshots();
    const trainer = new Trainer({ ...quiet, maxEpochs: 1, callbacks: [snapshots] });
    const { globalStep, metrics } = await trainer.fit(module, loader);
    for (const [i, expected] of fixture.after.entries()) {
      for (const [key, values] of Object.entries(expected)) {
        const got = snapshots.weights[i]?.[key] as number[];
        for (const [j, value] of values.flat().entries()) {
          expect(got[j], `batch ${i}, ${key}[${j}]`).toBeCloseTo(value, 5);
        }
      }
    }
    // Six steps of the one, three of the other.
    expect(globalStep).toBe(9);
    expect(metrics.g_loss).toBeGreaterThan(0);
    // Even batches begin with one pending pair of gradients less.
    const [even, odd] = [0, 1].map((rest) => snapshots.tensors.filter((_, i) => i > 1 && i % 2 === rest));
    expect(new Set(even).size).toBe(1);
    expect(new Set(odd).size).toBe(1);
    module.dispose();
  });

  it("goes on from any batch bit for bit, with gradients that wait", async () => {
    const whole = new Gan();
    await new Trainer({ ...quiet, maxEpochs: 1 }).fit(whole, loader);
    const saving = new ModelCheckpoint({ dirPath: folder, everyNTrainSteps: 1, saveTopK: -1, filename: "{step}" });
    await new Trainer({ ...quiet, maxEpochs: 1, callbacks: [saving] }).fit(new Gan(), loader);
    for (const step of [1, 3, 4]) {
      const resumed = new Gan();
      const ckptPath = join(folder, `step=${step}.safetensors`);
      const { globalStep } = await new Trainer({ ...quiet, maxEpochs: 1 }).fit(resumed, loader, undefined, {
        ckptPath,
      });
      expect(globalStep).toBe(9);
      expect(weightsOf(resumed), ckptPath).toEqual(weightsOf(whole));
    }
  });

  it("calls the hooks of a backward pass and a step in Lightning's order", async () => {
    const called: string[] = [];
    class Listening extends Callback {
      override onBeforeBackward(): void {
        called.push("Callback.onBeforeBackward");
      }
      override onAfterBackward(): void {
        called.push("Callback.onAfterBackward");
      }
      override onBeforeOptimizerStep(): void {
        called.push("Callback.onBeforeOptimizerStep");
      }
      override onBeforeZeroGrad(): void {
        called.push("Callback.onBeforeZeroGrad");
      }
    }
    class Manual extends BoringModule {
      override automaticOptimization = false;
      override trainingStep(batch: tf.Tensor): tf.Tensor {
        const loss = this.loss(batch);
        const optimizer = this.optimizers();
        optimizer.zeroGrad();
        this.manualBackward(loss);
        optimizer.step();
        called.push("trainingStep");
        return loss;
      }
      override onBeforeBackward(): void {
        called.push("onBeforeBackward");
      }
      override backward(loss: tf.Tensor): void {
        super.backward(loss);
        called.push("backward");
      }
      override onAfterBackward(): void {
        called.push("onAfterBackward");
      }
      override onBeforeOptimizerStep(_: Optimizer): void {
        called.push("onBeforeOptimizerStep");
      }
      override lrSchedulerStep(): void {
        called.push("lrSchedulerStep");
      }
    }
    const module = new Manual();
    const before = weightsOf(module);
    await new Trainer({ ...quiet, maxEpochs: 1, callbacks: [new Listening()] }).fit(module, randomBatches(2));
    const batch = [
      ...["Callback.onBeforeBackward", "onBeforeBackward", "backward", "Callback.onAfterBackward", "onAfterBackward"],
      ...["Callback.onBeforeOptimizerStep", "onBeforeOptimizerStep", "trainingStep"],
    ];
    expect(called).toEqual([...batch, ...batch]);
    expect(weightsOf(module)).not.toEqual(before);
  });

  it("steps its schedulers itself, and the rates of all its optimizers are logged", async () => {
    class Scheduled extends Gan {
      override configureOptimizers() {
        const optimizers = [
          new SGD(this.generator.parameters(), { lr: 0.1 }),
          new SGD(this.discriminator.parameters(), { lr: 0.05 }),
        ];
        return [optimizers, [new StepLR(optimizers[1] as SGD, { stepSize: 1 })]] as never;
      }
      override trainingStep(batch: tf.Tensor2D, index: number): undefined {
        super.trainingStep(batch, index);
        if (index === 3) {
          this.lrSchedulers()[0]?.step();
        }
      }
    }
    const monitor = new LearningRateMonitor({ loggingInterval: "step" });
    await new Trainer({ ...quiet, maxEpochs: 1, logEveryNSteps: 1, callbacks: [monitor] }).fit(new Scheduled(), loader);
    expect(monitor.rates["lr-SGD"]).toEqual([0.1, 0.1, 0.1, 0.1, 0.1, 0.1]);
    expect(monitor.rates["lr-SGD-1"]?.map((rate) => Math.round(rate * 1e6) / 1e6)).toEqual([
      0.05, 0.05, 0.05, 0.05, 0.005, 0.005,
    ]);
  });
});

describe("what cannot be meant", () => {
  const fit = (step: (module: Manual, batch: tf.Tensor) => void, options: object = {}) =>
    new Trainer({ ...quiet, maxEpochs: 1, ...options }).fit(new Manual(step), randomBatches(1));
  class Manual extends BoringModule {
    override automaticOptimization = false;
    readonly #run: (module: Manual, batch: tf.Tensor) => void;
    constructor(run: (module: Manual, batch: tf.Tensor) => void) {
      super();
      this.#run = run;
    }
    override trainingStep(batch: tf.Tensor): never {
      return this.#run(this, batch) as never;
    }
  }
  const nothing = () => {};

  it("is told: the Trainer's clipping and accumulation", async () => {
    await expect(fit(nothing, { gradientClipValue: 1 })).rejects.toThrow(
      "Trainer.gradientClipValue must be left out for Manual, whose automaticOptimization is false; it calls " +
        "this.clipGradients(optimizer, value, algorithm), got 1.",
    );
    await expect(fit(nothing, { accumulateGradBatches: 2 })).rejects.toThrow(
      "Trainer.accumulateGradBatches must be 1 for Manual, whose automaticOptimization is false",
    );
    const callbacks = [new GradientAccumulationScheduler({ scheduling: { 0: 2 } })];
    await expect(fit(nothing, { callbacks })).rejects.toThrow(
      "Manual.automaticOptimization must be true with a GradientAccumulationScheduler, got false.",
    );
  });

  it("is told: one graph twice, and a graph whose parameters have changed", async () => {
    await expect(
      fit((module, batch) => {
        const loss = module.loss(batch);
        module.manualBackward(loss);
        module.manualBackward(loss);
      }),
    ).rejects.toThrow(/manualBackward went through \w+ before.*retainGraph: true/);
    await expect(
      fit((module, batch) => {
        const [first, second] = [module.loss(batch), module.loss(batch)];
        module.manualBackward(first);
        module.optimizers().step();
        module.manualBackward(second);
      }),
    ).rejects.toThrow(/of a parameter as it was before an optimizer's step/);
  });

  it("is told: a loss that is no number, a hook that waits, an optimizer that is several", async () => {
    await expect(fit((module, batch) => module.manualBackward(tf.div(module.loss(batch), 0)))).rejects.toMatchObject({
      name: "NonFiniteError",
      message: expect.stringContaining("The loss became Infinity in epoch 0, batch 0"),
    });
    class Waiting extends Callback {
      override async onBeforeBackward(): Promise<void> {}
    }
    await expect(
      fit((module, batch) => module.manualBackward(module.loss(batch)), { callbacks: [new Waiting()] }),
    ).rejects.toThrow("onBeforeBackward must be synchronous while a module optimizes by itself");
    class Careless extends Gan {
      override trainingStep(): undefined {
        this.optimizers().step();
      }
    }
    await expect(new Trainer({ ...quiet, maxEpochs: 1 }).fit(new Careless(), loader)).rejects.toThrow(
      'What optimizers() returns must be taken apart, as in const [first, second] = this.optimizers(), got "2 optimizers".',
    );
  });

  it("is told: optimizing by hand without having said so", async () => {
    class Undecided extends BoringModule {
      override trainingStep(batch: tf.Tensor): tf.Tensor {
        const loss = this.loss(batch);
        this.manualBackward(loss);
        return loss;
      }
    }
    await expect(new Trainer({ ...quiet, maxEpochs: 1 }).fit(new Undecided(), randomBatches(1))).rejects.toThrow(
      "Undecided.automaticOptimization must be false for a module that calls manualBackward, got true.",
    );
    class Several extends Gan {
      override automaticOptimization = true;
    }
    await expect(new Trainer({ ...quiet, maxEpochs: 1 }).fit(new Several(), loader)).rejects.toThrow(
      "one optimizer, unless the module sets automaticOptimization to false",
    );
  });
});
