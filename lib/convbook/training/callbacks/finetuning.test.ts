import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { BatchNorm1d, Linear, Sequential } from "../../nn/index.ts";
import {
  BackboneFinetuning,
  BaseFinetuning,
  CosineAnnealingLR,
  CosineAnnealingWarmRestarts,
  ExponentialLR,
  LambdaLR,
  LinearLR,
  ModelCheckpoint,
  MultiStepLR,
  OneCycleLR,
  SGD,
  StepLR,
  Trainer,
} from "../index.ts";
import { camelCase, differences, flat, noted, train, val, WithBackbone } from "../testing/backbone.ts";
import { BoringModule, randomBatches } from "../testing/boring.ts";
import { quiet } from "../testing/quiet.ts";

const folder = mkdtempSync(join(tmpdir(), "convbook-finetuning-"));
beforeAll(() => tf.setBackend("cpu"));
afterAll(() => rmSync(folder, { recursive: true }));

const optionsOf = ({ lambda_func: factor, ...options }: Readonly<Record<string, unknown>>) => ({
  ...camelCase(options),
  ...(factor !== undefined && { lambdaFunc: () => factor as number }),
});

describe("BackboneFinetuning, as PyTorch Lightning's", () => {
  it.each(noted.finetuning.map((run) => [JSON.stringify([run.options, run.takesAll]), run] as const))(
    "%s",
    async (_, run) => {
      const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
      try {
        const module = new WithBackbone(run.first, run.takesAll);
        const callbacks = [new BackboneFinetuning(optionsOf(run.options))];
        await new Trainer({ ...quiet, maxEpochs: 5, callbacks }).fit(module, train, val);
        const rates = (all: typeof run.rates) => ({ rates: all.flat().flatMap(([lr]) => lr) });
        expect(module.rates.map((groups) => groups.map(([, values]) => values))).toEqual(
          run.rates.map((groups) => groups.map(([, values]) => values)),
        );
        expect(differences(rates(module.rates), rates(run.rates))).toEqual([]);
        for (const [i, state] of run.after.entries()) {
          expect(differences(module.after[i] ?? {}, state), `epoch ${i}`).toEqual([]);
        }
        const isTold = run.takesAll || run.options.train_bn !== false;
        expect(warn.mock.calls.flat().some((text) => /belong to the optimizer already/.test(String(text)))).toBe(
          isTold,
        );
      } finally {
        warn.mockRestore();
      }
    },
  );
});

describe("BackboneFinetuning", () => {
  const [, sample] = noted.finetuning;
  const run = async (maxEpochs: number, ckptPath?: string, dirPath?: string) => {
    const module = new WithBackbone(sample?.first ?? {}, false);
    const saving =
      dirPath === undefined
        ? []
        : [new ModelCheckpoint({ dirPath, everyNTrainSteps: 1, saveTopK: -1, filename: "{step}" })];
    const callbacks = [new BackboneFinetuning({ unfreezeBackboneAtEpoch: 1 }), ...saving];
    await new Trainer({ ...quiet, maxEpochs, callbacks }).fit(module, train, val, { ckptPath });
    return module;
  };

  it("goes on bit for bit before, at and after the epoch at which the backbone is thawed", async () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    try {
      const dirPath = mkdtempSync(join(folder, "run-"));
      const whole = await run(4, undefined, dirPath);
      for (const step of [1, 3, 4, 6, 8, 11]) {
        const resumed = await run(4, join(dirPath, `step=${step}.safetensors`));
        expect(flat(resumed.stateDict()), `step ${step}`).toEqual(flat(whole.stateDict()));
        expect(resumed.rates).toEqual(whole.rates.slice(-resumed.rates.length || whole.rates.length));
        expect(resumed.parameters().every(({ requiresGrad }) => requiresGrad)).toBe(true);
      }
    } finally {
      warn.mockRestore();
    }
  });

  it("asks for a backbone, before anything is trained", async () => {
    const module = new BoringModule();
    const trainer = new Trainer({ ...quiet, maxEpochs: 1, callbacks: new BackboneFinetuning() });
    await expect(trainer.fit(module, randomBatches(1))).rejects.toThrow(
      "The field backbone of BoringModule must be a module, for BackboneFinetuning to freeze and thaw, got undefined.",
    );
  });

  it("leaves a frozen batch norm's running statistics alone where it is to be frozen too", () => {
    const layers = new Sequential(new Linear(3, 4), new BatchNorm1d(4));
    const [, norm] = layers.layers;
    const x = tf.tensor2d([1, 2, 3, 4, 5, 9], [2, 3]);
    BaseFinetuning.freeze(layers, { trainBn: false });
    expect(layers.parameters().some(({ requiresGrad }) => requiresGrad)).toBe(false);
    const before = flat(layers.stateDict());
    const frozen = layers.forward(x).dataSync();
    expect(flat(layers.stateDict())).toEqual(before);
    BaseFinetuning.makeTrainable([layers]);
    // Of the batch all the same.
    expect(layers.forward(x).dataSync()).toEqual(frozen);
    expect(norm?.numBatchesTracked?.value).toBe(1);
    BaseFinetuning.freeze([layers]);
    expect(
      layers
        .namedParameters()
        .filter(([, { requiresGrad }]) => requiresGrad)
        .map(([name]) => name),
    ).toEqual(["1.weight", "1.bias"]);
  });

  it("adds its group beside any schedule: no rate is lost", () => {
    const makers = [
      (optimizer: SGD) => new CosineAnnealingLR(optimizer, { tMax: 5 }),
      (optimizer: SGD) => new CosineAnnealingWarmRestarts(optimizer, { t0: 3 }),
      (optimizer: SGD) => new ExponentialLR(optimizer, { gamma: 0.9 }),
      (optimizer: SGD) => new LambdaLR(optimizer, { lrLambda: (epoch) => 1 / (1 + epoch) }),
      (optimizer: SGD) => new LinearLR(optimizer, { totalIters: 3 }),
      (optimizer: SGD) => new MultiStepLR(optimizer, { milestones: [1, 3] }),
      (optimizer: SGD) => new OneCycleLR(optimizer, { maxLr: 0.1, totalSteps: 10 }),
      (optimizer: SGD) => new StepLR(optimizer, { stepSize: 2 }),
    ];
    for (const make of makers) {
      const [head, backbone] = [new Linear(2, 2), new Linear(2, 2)];
      const optimizer = new SGD(head.parameters(), { lr: 0.1, momentum: 0.9 });
      const scheduler = make(optimizer);
      BaseFinetuning.unfreezeAndAddParamGroup(backbone, optimizer);
      const rate = (optimizer.paramGroups[0]?.lr ?? 0) / 10;
      expect(optimizer.paramGroups[1]?.lr, scheduler.constructor.name).toBe(rate);
      for (let i = 0; i < 4; i++) {
        scheduler.step();
        expect(
          optimizer.paramGroups.every(({ lr }) => Number.isFinite(lr) && lr > 0),
          scheduler.constructor.name,
        ).toBe(true);
      }
    }
  });
});
