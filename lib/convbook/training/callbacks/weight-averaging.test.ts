import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import "@tensorflow/tfjs-backend-cpu";
import { engine } from "@convbook/engine";
import * as tf from "@tensorflow/tfjs-core";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { loadCheckpointFile } from "../checkpointing/checkpoint-file.ts";
import {
  Callback,
  type Checkpoint,
  EMAWeightAveraging,
  ModelCheckpoint,
  Trainer,
  type TrainerOptions,
  WeightAveraging,
  type WeightAveragingOptions,
} from "../index.ts";
import { camelCase, differences, flat, noted, train, val, WithBackbone } from "../testing/backbone.ts";
import { quiet } from "../testing/quiet.ts";
import { makeSmall, weightsOf } from "../testing/small.ts";

const folder = mkdtempSync(join(tmpdir(), "convbook-averaging-"));
const freshFolder = () => mkdtempSync(join(folder, "run-"));
beforeAll(() => tf.setBackend("cpu"));
afterAll(() => rmSync(folder, { recursive: true }));

const makers = { WeightAveraging, EMAWeightAveraging } as const;

describe("averages of the weights, as PyTorch Lightning's", () => {
  it.each(
    noted.averaging.map(
      (run) => [`${run.name} ${JSON.stringify(run.options)} ${JSON.stringify(run.trainer)}`, run] as const,
    ),
  )("%s", async (_, run) => {
    const module = new WithBackbone(run.first, true);
    const callback = new makers[run.name as keyof typeof makers](camelCase(run.options));
    const dirPath = freshFolder();
    const saved: Checkpoint[] = [];
    class Save extends Callback {
      override async onValidationEnd(trainer: Trainer): Promise<void> {
        if (!trainer.isSanityChecking) {
          const path = join(dirPath, "saved.safetensors");
          await trainer.saveCheckpoint(path);
          saved.push(await loadCheckpointFile(path));
        }
      }
    }
    const options = camelCase(run.trainer) as TrainerOptions;
    await new Trainer({ ...quiet, ...options, maxEpochs: 3, callbacks: [callback, new Save()] }).fit(
      module,
      train,
      val,
    );
    // PyTorch 1.13, under which the fixture was made, leaves buffers alone that are not averaged; later ones copy them.
    const known = (state: Readonly<Record<string, readonly number[]>>) =>
      run.options.use_buffers === false
        ? Object.fromEntries(Object.entries(state).filter(([name]) => !/running|tracked/.test(name)))
        : state;
    expect(saved).toHaveLength(run.saved.length);
    for (const [i, wanted] of run.saved.entries()) {
      const state = saved[i]?.callbacks[run.name];
      expect(state?.numAveraged).toBe(wanted.averaged);
      if (wanted.averaged === 0) {
        // Lightning saves, and validates, what it began with: https://github.com/Lightning-AI/pytorch-lightning/issues/21724
        expect(differences(flat(saved[i]?.stateDict ?? new Map()), known(wanted.current))).toEqual([]);
        expect(state?.current).toBeUndefined();
        continue;
      }
      expect(differences(flat(saved[i]?.stateDict ?? new Map()), known(wanted.state))).toEqual([]);
      expect(differences(flat(state?.current as never), wanted.current)).toEqual([]);
    }
    expect(
      differences(
        { all: module.after.map(({ "head.bias": [bias = 0] = [] }) => bias) },
        { all: run.after.map(({ "head.bias": [bias = 0] = [] }) => bias) },
      ),
    ).toEqual([]);
    expect(differences(flat(module.stateDict()), known(run.last))).toEqual([]);
    if (run.options.use_buffers !== false) {
      // Validation saw the average, where there was one. Two batches are of the check before training.
      const averaged = [1, ...run.saved.map(({ averaged }) => averaged)];
      const isSeen = (_: number, i: number) => (averaged[Math.floor(i / val.length)] ?? 0) > 0;
      expect(differences({ all: module.losses.filter(isSeen) }, { all: run.losses.filter(isSeen) })).toEqual([]);
      const plain = new WithBackbone(run.first, true);
      await new Trainer({ ...quiet, ...options, maxEpochs: 3 }).fit(plain, train, val);
      const isPlain = (_: number, i: number) => !isSeen(_, i);
      expect(module.losses.filter(isPlain)).toEqual(plain.losses.filter(isPlain));
      plain.dispose();
    }
    module.dispose();
  });
});

describe("averages of the weights", () => {
  const run = async (options: {
    maxEpochs: number;
    ckptPath?: string;
    callbacks?: Callback[];
    signal?: AbortSignal;
  }) => {
    const { module, train, val } = makeSmall();
    const { maxEpochs, ckptPath, signal, callbacks = [] } = options;
    const average = new EMAWeightAveraging({ decay: 0.8 });
    const trainer = new Trainer({ ...quiet, maxEpochs, callbacks: [average, ...callbacks] });
    const result = await trainer.fit(module, train as never, val as never, { ckptPath, signal });
    return { result, weights: weightsOf(module), module, trainer };
  };

  it.each(["safetensors", "ckpt"] as const)("go on bit for bit from each step's checkpoint, as .%s", async (format) => {
    const dirPath = freshFolder();
    const whole = await run({ maxEpochs: 2 });
    const saving = new ModelCheckpoint({ dirPath, everyNTrainSteps: 1, saveTopK: -1, filename: "{step}", format });
    expect((await run({ maxEpochs: 2, callbacks: [saving] })).weights).toEqual(whole.weights);
    for (const step of [1, 4, 5, 9]) {
      const ckptPath = join(dirPath, `step=${step}.${format}`);
      const resumed = await run({ maxEpochs: 2, ckptPath });
      expect(resumed.weights, ckptPath).toEqual(whole.weights);
      expect(resumed.result.metrics).toEqual(whole.result.metrics);
    }
  });

  it("go on after an interrupt in the middle of validation, which leaves what was trained", async () => {
    const dirPath = freshFolder();
    const whole = await run({ maxEpochs: 3 });
    const controller = new AbortController();
    class Stop extends Callback {
      override onValidationBatchEnd(trainer: Trainer): void {
        if (trainer.currentEpoch === 1) {
          controller.abort();
        }
      }
    }
    const callbacks = [new Stop(), new ModelCheckpoint({ dirPath })];
    const stopped = await run({ maxEpochs: 3, callbacks, signal: controller.signal });
    expect(stopped.result.status).toBe("interrupted");
    const { lastModelPath: ckptPath = "" } = stopped.result;
    const { stateDict, callbacks: states } = await loadCheckpointFile(ckptPath);
    expect(flat(states.EMAWeightAveraging?.current as never)).toEqual(flat(stopped.module.stateDict()));
    expect(flat(stateDict)).not.toEqual(flat(stopped.module.stateDict()));
    expect((await run({ maxEpochs: 3, ckptPath })).weights).toEqual(whole.weights);
  });

  it("are what weights alone are saved of, and what is evaluated by itself later", async () => {
    const dirPath = freshFolder();
    const callbacks = [new ModelCheckpoint({ dirPath, saveWeightsOnly: true, filename: "weights" })];
    const { module, trainer } = await run({ maxEpochs: 2, callbacks });
    const { stateDict } = await loadCheckpointFile(join(dirPath, "weights.safetensors"));
    expect(flat(stateDict)).toEqual(flat(module.stateDict()));
    const { val } = makeSmall();
    const before = weightsOf(module);
    const [metrics] = await trainer.validate(module, val as never, { verbose: false });
    expect(metrics?.val_loss).toBe(trainer.callbackMetrics.val_loss);
    expect(weightsOf(module)).toEqual(before);
  });

  it("leave what was trained where they never began, and say so", async () => {
    const plain = makeSmall();
    const dirPath = freshFolder();
    await new Trainer({ ...quiet, maxEpochs: 2 }).fit(plain.module, plain.train as never, plain.val as never);
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    try {
      for (const ckptPath of [undefined, join(dirPath, "first.safetensors")]) {
        const { module, train, val } = makeSmall();
        const average = new EMAWeightAveraging({ updateStartingAtStep: 1000 });
        const saving = new ModelCheckpoint({ dirPath, filename: "first", everyNTrainSteps: 7 });
        const callbacks = ckptPath === undefined ? [average, saving] : [average];
        await new Trainer({ ...quiet, maxEpochs: 2, callbacks }).fit(module, train as never, val as never, {
          ckptPath,
        });
        expect(weightsOf(module)).toEqual(weightsOf(plain.module));
      }
      const line =
        "EMAWeightAveraging never took weights into its average in 10 steps: the module keeps those that were trained.";
      expect(warn.mock.calls.flat()).toEqual([line, line]);
    } finally {
      warn.mockRestore();
    }
  });

  it("begin with the weights of a checkpoint that has none, and say so", async () => {
    const dirPath = freshFolder();
    const { module, train, val } = makeSmall();
    const saving = new ModelCheckpoint({ dirPath });
    await new Trainer({ ...quiet, maxEpochs: 1, callbacks: saving }).fit(module, train as never, val as never);
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    try {
      await run({ maxEpochs: 2, ckptPath: saving.bestModelPath ?? "" });
      expect(warn.mock.calls.flat()).toEqual([
        "The checkpoint was saved without EMAWeightAveraging: the average and what is trained both begin with its weights.",
      ]);
    } finally {
      warn.mockRestore();
    }
  });

  it.skipIf(!engine.available)(
    "are the same on the native engine, whose optimizers change memory in place",
    async () => {
      const [, , , ema] = noted.averaging;
      await tf.setBackend("native");
      try {
        const module = new WithBackbone(ema?.first ?? {}, true);
        const callbacks = new EMAWeightAveraging({ decay: 0.9 });
        await new Trainer({ ...quiet, maxEpochs: 3, callbacks }).fit(module, train, val);
        expect(differences(flat(module.stateDict()), ema?.last ?? {})).toEqual([]);
        expect(differences({ losses: module.losses }, { losses: ema?.losses ?? [] })).toEqual([]);
        module.dispose();
      } finally {
        await tf.setBackend("cpu");
      }
    },
  );

  it("free their memory, also of a fit that fails", async () => {
    const { module, train, val } = makeSmall();
    let avgFn: NonNullable<WeightAveragingOptions["avgFn"]> = (average) => average;
    const callbacks = [new WeightAveraging({ avgFn: (...args) => avgFn(...args) })];
    const trainer = new Trainer({ ...quiet, maxEpochs: 1, callbacks });
    const fit = () => trainer.fit(module, train as never, val as never);
    await fit();
    const { numTensors } = tf.memory();
    await fit();
    expect(tf.memory().numTensors).toBe(numTensors);
    avgFn = () => tf.zeros([3]);
    await expect(fit()).rejects.toThrow(
      /^WeightAveraging.avgFn must be a function that gives a tensor of shape \[6, 8\], got \[3\]\./,
    );
    avgFn = (average) => average;
    await fit();
    expect(tf.memory().numTensors).toBe(numTensors);
  });

  it("refuse what they cannot use", () => {
    expect(() => new EMAWeightAveraging({ decay: 1.5 })).toThrow(
      "EMAWeightAveraging.decay must be a number from 0 to 1, got 1.5.",
    );
    expect(() => new EMAWeightAveraging({ updateEvery: 2 } as never)).toThrow('Did you mean "updateEveryNSteps"?');
  });
});
