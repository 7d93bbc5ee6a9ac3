/** What ModelCheckpoint keeps, under which names, where users of PyTorch Lightning reported that it did not. Each title names the report. */
import "@tensorflow/tfjs-backend-cpu";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { EarlyStopping, ModelCheckpoint, type ModelCheckpointOptions, Trainer, type TrainerOptions } from "./index.ts";
import { batches, Noting } from "./testing/noting.ts";
import { quiet } from "./testing/quiet.ts";

let folder: string;
beforeEach(async () => {
  await tf.setBackend("cpu");
  folder = mkdtempSync(join(tmpdir(), "convbook-reported-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const address = (number: number) => `https://github.com/Lightning-AI/pytorch-lightning/issues/${number}`;
const saved = () => readdirSync(folder).sort();

/** Four batches an epoch; validation gives the scores, one an epoch. */
async function fit(saving: ModelCheckpointOptions, scores: readonly number[], options: TrainerOptions = {}) {
  const callbacks = new ModelCheckpoint({ dirPath: folder, ...saving });
  const trainer = new Trainer({ ...quiet, numSanityValSteps: 0, maxEpochs: scores.length, callbacks, ...options });
  const module = new Noting((_, epoch) => scores[epoch] as number);
  await trainer.fit(module, batches(4) as never, batches(2) as never);
  return callbacks;
}

describe("a ModelCheckpoint", () => {
  it(`keeps the best, not the first (${address(19844)})`, async () => {
    const options = { monitor: "val_loss", mode: "max", saveTopK: 3, filename: "{epoch}" } as const;
    const callback = await fit(options, [0.1, 0.2, 0.3, 0.6, 0.4, 0.5]);
    expect(saved()).toEqual([3, 4, 5].map((epoch) => `epoch=${epoch}.safetensors`));
    expect([basename(callback.bestModelPath as string), callback.bestModelScore]).toEqual(["epoch=3.safetensors", 0.6]);
  });

  it(`that keeps all knows the best (${address(2586)})`, async () => {
    const callback = await fit({ monitor: "val_loss", saveTopK: -1, filename: "{epoch}" }, [3, 1, 2]);
    expect(saved()).toHaveLength(3);
    expect([basename(callback.bestModelPath as string), callback.bestModelScore]).toEqual(["epoch=1.safetensors", 1]);
  });

  it("of one name writes one file (https://github.com/Lightning-AI/pytorch-lightning/pull/4861)", async () => {
    const callback = await fit({ monitor: "val_loss", filename: "model" }, [3, 2, 1, 4]);
    expect(saved()).toEqual(["model.safetensors"]);
    expect(existsSync(callback.bestModelPath as string)).toBe(true);
    expect(callback.bestModelScore).toBe(1);
  });

  it(`leaves alone what it has not written (${address(5173)})`, async () => {
    writeFileSync(join(folder, "epoch=7.safetensors"), "somebody else's");
    writeFileSync(join(folder, "notes.txt"), "mine");
    await fit({ monitor: "val_loss", filename: "{epoch}" }, [3, 2, 1]);
    expect(saved()).toEqual(["epoch=2.safetensors", "epoch=7.safetensors", "notes.txt"]);
  });

  it(`takes no name of another callback's that is about to be written (${address(2908)})`, async () => {
    const make = (monitor: string) => new ModelCheckpoint({ dirPath: folder, monitor, filename: "model" });
    const callbacks = [make("val_loss"), make("train_loss")];
    const trainer = new Trainer({ ...quiet, numSanityValSteps: 0, maxEpochs: 2, callbacks });
    await trainer.fit(new Noting((_, epoch) => 2 - epoch), batches(4) as never, batches(2) as never);
    expect(saved()).toEqual(["model-v1.safetensors", "model.safetensors"]);
    expect(callbacks.map(({ bestModelPath }) => basename(bestModelPath as string))).toEqual([
      "model.safetensors",
      "model-v1.safetensors",
    ]);
  });

  it(`counts what lies in folders of its pattern when training goes on (${address(5173)})`, async () => {
    const make = () => new ModelCheckpoint({ dirPath: folder, monitor: "val_loss", filename: "best/{epoch}" });
    const last = join(folder, "step=8.safetensors");
    for (const [maxEpochs, ckptPath] of [[2], [4, last]] as const) {
      const whole = new ModelCheckpoint({ dirPath: folder, filename: "{step}", saveTopK: -1 });
      const trainer = new Trainer({ ...quiet, numSanityValSteps: 0, maxEpochs, callbacks: [make(), whole] });
      const module = new Noting((_, epoch) => 4 - epoch);
      await trainer.fit(module, batches(4) as never, batches(2) as never, { ckptPath });
    }
    expect(readdirSync(join(folder, "best"))).toEqual(["epoch=3.safetensors"]);
  });

  it("saves nothing of an evaluation by itself (https://github.com/Lightning-AI/pytorch-lightning/pull/4948)", async () => {
    const saving = new ModelCheckpoint({ dirPath: folder, monitor: "val_loss", saveTopK: -1, filename: "{epoch}" });
    const stopping = new EarlyStopping({ monitor: "val_loss" });
    const every = { checkValEveryNEpoch: 2, callbacks: [saving, stopping] };
    const trainer = new Trainer({ ...quiet, ...every, numSanityValSteps: 0, maxEpochs: 3 });
    const module = new Noting();
    await trainer.fit(module, batches(4) as never, batches(2) as never);
    await trainer.validate(module, batches(2) as never, { verbose: false });
    expect(saved()).toEqual(["epoch=1.safetensors"]);
    // One validation of the fit, which is the best so far.
    expect([stopping.waitCount, stopping.bestScore]).toEqual([0, 1]);
  });

  it(`has one last (${address(11451)})`, async () => {
    await fit({ monitor: "val_loss", saveLast: true, filename: "{epoch}" }, [1, 2, 3]);
    expect(saved()).toEqual(["epoch=0.safetensors", "last.safetensors"]);
  });

  it(`has a last when it saves every few epochs only (https://github.com/vislearn/FFF/issues/4)`, async () => {
    await fit({ saveLast: true, everyNEpochs: 2, filename: "{epoch}" }, [1, 2, 3, 4, 5]);
    expect(saved()).toEqual(["epoch=3.safetensors", "last.safetensors"]);
  });

  it(`saves within its folder, whatever the pattern begins with (${address(4808)})`, async () => {
    await fit({ filename: "/{epoch}-{val_loss:.2f}" }, [1]);
    expect(saved()).toEqual(["epoch=0-val_loss=1.00.safetensors"]);
  });

  it(`counts the optimizer's steps, from 1 (${address(7496)})`, async () => {
    await fit({ everyNTrainSteps: 3, saveTopK: -1, filename: "{step}" }, [1, 1, 1]);
    expect(saved()).toEqual([12, 3, 6, 9].map((step) => `step=${step}.safetensors`));
  });

  it(`saves each of those steps once, however many batches one takes (${address(17903)})`, async () => {
    await fit({ everyNTrainSteps: 1, saveTopK: -1, filename: "{step}" }, [1, 1], { accumulateGradBatches: 2 });
    expect(saved()).toEqual([1, 2, 3, 4].map((step) => `step=${step}.safetensors`));
  });

  it(`saves at the end of every epoch, also of a long one (${address(12240)})`, async () => {
    await fit({ monitor: "train_loss_epoch", saveTopK: -1, filename: "{epoch}" }, [1, 1, 1], { limitValBatches: 0 });
    expect(saved()).toEqual([0, 1, 2].map((epoch) => `epoch=${epoch}.safetensors`));
  });

  it(`keeps the best of an epoch's validations, whenever they come (${address(1764)}, ${address(8190)})`, async () => {
    const scores = [5, 4, 3, 6, 2, 7];
    const callbacks = new ModelCheckpoint({ dirPath: folder, monitor: "val_loss", filename: "{step}-{val_loss:.0f}" });
    const trainer = new Trainer({ ...quiet, numSanityValSteps: 0, maxEpochs: 3, valCheckInterval: 2, callbacks });
    const module = new Noting((validation) => scores[validation] as number);
    await trainer.fit(module, batches(4) as never, batches(2) as never);
    expect(saved()).toEqual(["step=10-val_loss=2.safetensors"]);
    expect(callbacks.bestModelScore).toBe(2);
  });

  it(`judges by the mean of a validation, not by its last batch (${address(4216)})`, async () => {
    class Both extends Noting {
      override validationStep(_batch: tf.Tensor, index: number): undefined {
        // Better in the mean of the first epoch, and in the last batch of the second.
        const values = this.trainer.currentEpoch === 0 ? [1, 5] : [9, 2];
        this.log("score", values[index] as number, { onStep: true, onEpoch: true });
      }
    }
    const callbacks = new ModelCheckpoint({ dirPath: folder, monitor: "score", filename: "{epoch}" });
    const trainer = new Trainer({ ...quiet, numSanityValSteps: 0, maxEpochs: 2, callbacks });
    await trainer.fit(new Both(), batches(4) as never, batches(2) as never);
    expect([saved(), callbacks.bestModelScore]).toEqual([["epoch=0.safetensors"], 3]);
  });
});
