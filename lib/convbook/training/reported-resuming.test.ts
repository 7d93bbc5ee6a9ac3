/** Going on from a checkpoint, where users of PyTorch Lightning reported that it went wrong. Each title names the report. */
import "@tensorflow/tfjs-backend-cpu";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  CosineAnnealingLR,
  ModelCheckpoint,
  type OptimizerConfig,
  SGD,
  Trainer,
  type TrainerOptions,
} from "./index.ts";
import { batches, Noting, weights } from "./testing/noting.ts";
import { quiet } from "./testing/quiet.ts";

let folder: string;
beforeEach(async () => {
  await tf.setBackend("cpu");
  folder = mkdtempSync(join(tmpdir(), "convbook-reported-"));
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

const address = (number: number) => `https://github.com/Lightning-AI/pytorch-lightning/issues/${number}`;

interface Fit {
  readonly options?: TrainerOptions;
  readonly saving?: ConstructorParameters<typeof ModelCheckpoint>[0];
  readonly ckptPath?: string;
  readonly module?: Noting;
}

/** Five batches an epoch, and three of validation, by a new Trainer as another process would have it. */
async function fit({ options = {}, saving = {}, ckptPath, module = new Noting() }: Fit) {
  const callbacks = new ModelCheckpoint({ dirPath: folder, ...saving });
  const trainer = new Trainer({ ...quiet, numSanityValSteps: 0, maxEpochs: 2, callbacks, ...options });
  const result = await trainer.fit(module, batches(5) as never, batches(3) as never, { ckptPath });
  return { module, trainer, callbacks, result };
}

describe("going on", () => {
  it(`"last" finds what an earlier process saved (${address(14466)})`, async () => {
    await fit({ saving: { saveLast: true } });
    const { module } = await fit({ saving: { saveLast: true }, options: { maxEpochs: 3 }, ckptPath: "last" });
    expect(module.trained[0]).toEqual([2, 0, 10]);
    expect(module.trained).toHaveLength(5);
  });

  it(`from a run that is complete trains nothing, and leaves its checkpoint as it is (${address(4184)})`, async () => {
    const first = await fit({ saving: { saveLast: true } });
    const before = readdirSync(folder).map((name) => [name, readFileSync(join(folder, name)).toString("base64")]);
    const again = await fit({ saving: { saveLast: true }, ckptPath: "last" });
    expect(again.module.trained).toEqual([]);
    expect([again.result.epochs, again.result.globalStep]).toEqual([2, 10]);
    expect(weights(again.module)).toEqual(weights(first.module));
    expect(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name)).toString("base64")])).toEqual(
      before,
    );
  });

  it(`from an epoch's end begins the next one, with no step too many (${address(850)}, ${address(19403)}, ${address(19367)})`, async () => {
    const { callbacks } = await fit({ options: { maxEpochs: 1 } });
    const { module, result } = await fit({ ckptPath: callbacks.bestModelPath as string });
    expect(module.trained).toEqual([0, 1, 2, 3, 4].map((batch) => [1, batch, 5 + batch]));
    expect(result.globalStep).toBe(10);
  });

  it(`validates once an epoch, at its end, with all batches (${address(11504)}, ${address(20288)}, ${address(19549)})`, async () => {
    const everyStep = { everyNTrainSteps: 1, saveTopK: -1, filename: "{step}" } as const;
    await fit({ saving: everyStep });
    for (const step of [3, 4, 5, 8]) {
      const { module } = await fit({ saving: everyStep, ckptPath: join(folder, `step=${step}.safetensors`) });
      // What was saved at step 5 was saved before the validation of that step.
      const ends = [5, 10].filter((end) => end >= step);
      expect(module.validations, `${step}`).toEqual(ends.map((end) => ({ step: end, epoch: end / 5 - 1, batches: 3 })));
    }
  });

  it(`maxSteps at an epoch's end is where the next run begins (${address(19617)})`, async () => {
    const saving = { saveLast: true };
    await fit({ saving, options: { maxEpochs: -1, maxSteps: 5 } });
    const { module, result } = await fit({ saving, options: { maxEpochs: -1, maxSteps: 10 }, ckptPath: "last" });
    expect(module.trained).toEqual([0, 1, 2, 3, 4].map((batch) => [1, batch, 5 + batch]));
    expect(result.globalStep).toBe(10);
    const whole = await fit({ saving: { dirPath: join(folder, "whole") }, options: { maxEpochs: -1, maxSteps: 10 } });
    expect(weights(module)).toEqual(weights(whole.module));
  });

  it(`a missing checkpoint is an error, not a new beginning (https://github.com/Lightning-AI/pytorch-lightning/pull/7075)`, async () => {
    await expect(fit({ ckptPath: join(folder, "none.ckpt") })).rejects.toThrow("there is no such file");
  });

  it(`saves the checkpoints that it would have saved, and keeps no more than it may (${address(5173)})`, async () => {
    const saving = { monitor: "val_loss", saveTopK: 2, filename: "{epoch}", saveLast: true };
    const falling = () => new Noting((_, epoch) => 10 - epoch);
    await fit({ saving, module: falling(), options: { maxEpochs: 3 } });
    expect(readdirSync(folder).sort()).toEqual(["epoch=1.safetensors", "epoch=2.safetensors", "last.safetensors"]);
    await fit({ saving, module: falling(), options: { maxEpochs: 5 }, ckptPath: "last" });
    expect(readdirSync(folder).sort()).toEqual(["epoch=3.safetensors", "epoch=4.safetensors", "last.safetensors"]);
  });

  it(`a cosine schedule goes on where it was (${address(5455)})`, async () => {
    class Cosine extends Noting {
      readonly rates: number[] = [];
      override configureOptimizers(): OptimizerConfig {
        const optimizer = new SGD(this.parameters(), { lr: 0.1 });
        return { optimizer, lrScheduler: new CosineAnnealingLR(optimizer, { tMax: 6 }) };
      }
      override onTrainEpochStart(): void {
        this.rates.push(this.trainer.optimizers[0]?.paramGroups[0]?.lr as number);
      }
    }
    const rates = async (module: Cosine, maxEpochs: number, ckptPath?: string) => {
      await fit({ module, saving: { saveLast: true }, options: { maxEpochs }, ...(ckptPath && { ckptPath }) });
      return module.rates;
    };
    const begun = await rates(new Cosine(), 2);
    const resumed = await rates(new Cosine(), 5, "last");
    const wanted = [0, 1, 2, 3, 4].map((epoch) => (0.1 * (1 + Math.cos((Math.PI * epoch) / 6))) / 2);
    for (const [i, rate] of [...begun, ...resumed].entries()) {
      expect(rate, `epoch ${i}`).toBeCloseTo(wanted[i] as number, 8);
    }
  });
});
