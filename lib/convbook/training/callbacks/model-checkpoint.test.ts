/** What ModelCheckpoint refuses before anything is trained, and what `last` is. */
import "@tensorflow/tfjs-backend-cpu";
import { lstatSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, unlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Linear } from "../../nn/index.ts";
import { TrainingModule } from "../core/training-module.ts";
import { SGD } from "../optimizers/index.ts";
import { Trainer } from "../trainer.ts";
import { ModelCheckpoint, type ModelCheckpointOptions } from "./index.ts";

let folder: string;
beforeEach(async () => {
  await tf.setBackend("cpu");
  folder = mkdtempSync(join(tmpdir(), "convbook-"));
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

/** Its validation gives the scores, one an epoch. */
class Scored extends TrainingModule<tf.Tensor> {
  layer = new Linear(4, 1);
  readonly #scores: readonly number[];
  constructor(scores: readonly number[]) {
    super();
    this.#scores = scores;
  }
  forward(x: tf.Tensor): tf.Tensor {
    return this.layer.forward(x);
  }
  trainingStep(batch: tf.Tensor): tf.Scalar {
    return tf.mean(tf.square(this.forward(batch)));
  }
  override validationStep(): undefined {
    this.log("val_loss", tf.scalar(this.#scores[this.trainer.currentEpoch] as number));
  }
  configureOptimizers(): SGD {
    return new SGD(this.parameters(), { lr: 0.1 });
  }
}

const quiet = { enableProgressBar: false, enableModelSummary: false, logger: false as const, numSanityValSteps: 0 };

async function fit(options: ModelCheckpointOptions, scores: readonly number[], more = {}): Promise<ModelCheckpoint> {
  const saving = new ModelCheckpoint({ dirPath: folder, filename: "{epoch}", ...options });
  const batch = () => [tf.ones([2, 4])] as never;
  const trainer = new Trainer({ ...quiet, maxEpochs: scores.length, callbacks: saving });
  await trainer.fit(new Scored(scores), batch(), batch(), more);
  return saving;
}

describe("what is wrong is said by the constructor", () => {
  const pattern = 'text with the names of metrics in pairs of braces, such as "{epoch:02d}-{val_acc:.3f}"';
  it.each([
    [{ filename: "{epoch" }, `ModelCheckpoint.filename must be ${pattern}, got "{epoch".`],
    [{ filename: "{}" }, `ModelCheckpoint.filename must be ${pattern}, got "{}".`],
    [{ filename: "runs/" }, 'ModelCheckpoint.filename must be the name of a file, got "runs/".'],
    [{ filename: "{epoch:q}" }, "ModelCheckpoint.filename, {epoch:q} must be a format such as"],
    [{ saveLast: "yes" }, 'ModelCheckpoint.saveLast must be true, false or "link", got "yes".'],
    [{ saveLast: 1 }, 'ModelCheckpoint.saveLast must be true, false or "link", got 1.'],
    [{ autoInsertMetricName: "false" }, 'ModelCheckpoint.autoInsertMetricName must be true or false, got "false".'],
    [{ saveOnTrainEpochEnd: null }, "ModelCheckpoint.saveOnTrainEpochEnd must be true or false, got null."],
    [{ verbose: 0 }, "ModelCheckpoint.verbose must be true or false, got 0."],
  ])("%j", (options, message) => {
    expect(() => new ModelCheckpoint(options as never)).toThrow(message);
  });
});

it("a metric that nobody logs counts as 0, as in Lightning, and is warned of once", async () => {
  const warn = vi.spyOn(console, "warn").mockReturnValue();
  await fit({ filename: "{epoch}-{val_los:.1f}", saveTopK: -1 }, [3, 2]);
  expect(readdirSync(folder).sort()).toEqual(["epoch=0-val_los=0.0.safetensors", "epoch=1-val_los=0.0.safetensors"]);
  const message =
    'ModelCheckpoint.filename: "val_los" is not logged, so that names say 0 for it. Did you mean "val_loss"? Known: epoch, step, val_loss.';
  expect(warn.mock.calls.filter(([text]) => String(text).startsWith("ModelCheckpoint"))).toEqual([[message]]);
});

// As PyTorch Lightning's ModelCheckpoint._link_checkpoint.
// As Lightning: before the first validation nobody can have logged its metrics, and "last" is saved all the same.
it("a run that ends before its first validation ends well, and says that nothing is kept by the metric", async () => {
  const warn = vi.spyOn(console, "warn").mockReturnValue();
  const saving = new ModelCheckpoint({ dirPath: folder, monitor: "val_loss", saveLast: true });
  const batches = [tf.ones([2, 4]), tf.ones([2, 4]), tf.ones([2, 4])] as never;
  const trainer = new Trainer({ ...quiet, maxEpochs: 5, maxSteps: 2, callbacks: saving });
  const { status } = await trainer.fit(new Scored([1]), batches, [tf.ones([2, 4])] as never);
  expect(status).toBe("completed");
  expect(warn.mock.calls.join("\n")).toContain(
    'ModelCheckpoint monitors "val_loss", which is not known before the first validation: no checkpoint is kept by it until then.',
  );
  expect(readdirSync(folder)).toEqual(["last.safetensors"]);
});

it("`last` of another run in the same folder stays, as in Lightning", async () => {
  const names = () => readdirSync(folder).filter((name) => name.startsWith("last"));
  await fit({ saveLast: true, saveTopK: 0 }, [1]);
  const before = readFileSync(join(folder, "last.safetensors"));
  const second = await fit({ saveLast: true, saveTopK: 0 }, [1, 1]);
  expect(second.lastModelPath).toBe(join(folder, "last-v1.safetensors"));
  expect(readFileSync(join(folder, "last.safetensors"))).toEqual(before);
  // What goes on from it replaces it.
  const third = await fit({ saveLast: true, saveTopK: 0 }, [1, 1, 1], { ckptPath: "last" });
  expect(third.lastModelPath).toBe(second.lastModelPath);
  expect(names()).toEqual(["last-v1.safetensors", "last.safetensors"]);
  // In another format it is another file.
  const fourth = await fit({ saveLast: true, saveTopK: 0, format: "ckpt" }, [1, 1, 1, 1], { ckptPath: "last" });
  expect(fourth.lastModelPath).toBe(join(folder, "last.ckpt"));
});

describe('saveLast: "link"', () => {
  const last = () => join(folder, "last.safetensors");

  it("is a relative link to the newest checkpoint that is kept", async () => {
    const saving = await fit({ monitor: "val_loss", saveLast: "link" }, [3, 1, 2]);
    expect(readdirSync(folder).sort()).toEqual(["epoch=1.safetensors", "last.safetensors"]);
    expect(readlinkSync(last())).toBe("epoch=1.safetensors");
    expect(saving.lastModelPath).toBe(last());
  });

  it("never points to what was deleted, whichever is kept", async () => {
    await fit({ monitor: "val_loss", saveTopK: 2, saveLast: "link" }, [5, 4, 3, 2]);
    expect(readdirSync(folder).sort()).toEqual(["epoch=2.safetensors", "epoch=3.safetensors", "last.safetensors"]);
    expect(readlinkSync(last())).toBe("epoch=3.safetensors");
  });

  it("follows the newest where nothing is monitored, and training goes on from it", async () => {
    await fit({ saveLast: "link", format: "ckpt" }, [1, 1]);
    expect(readlinkSync(join(folder, "last.ckpt"))).toBe("epoch=1.ckpt");
    const saving = await fit({ saveLast: "link", format: "ckpt" }, [1, 1, 1], { ckptPath: "last" });
    expect(readlinkSync(join(folder, "last.ckpt"))).toBe("epoch=2.ckpt");
    expect(saving.bestModelPath).toBe(join(folder, "epoch=2.ckpt"));
  });

  it("is a file where no others are kept", async () => {
    await fit({ saveTopK: 0, saveLast: "link" }, [1]);
    expect(lstatSync(last()).isSymbolicLink()).toBe(false);
    expect(readdirSync(folder)).toEqual(["last.safetensors"]);
  });

  it("gives way to a file of its own, and leaves alone what it pointed to", async () => {
    await fit({ saveTopK: -1, saveLast: "link" }, [1]);
    const before = readFileSync(join(folder, "epoch=0.safetensors"));
    await fit({ saveTopK: -1, saveLast: true }, [1, 1], { ckptPath: "last" });
    expect(lstatSync(last()).isSymbolicLink()).toBe(false);
    expect(readFileSync(join(folder, "epoch=0.safetensors"))).toEqual(before);
  });

  it("that leads nowhere is no checkpoint to go on from", async () => {
    const warn = vi.spyOn(console, "warn").mockReturnValue();
    await fit({ saveLast: "link" }, [1]);
    unlinkSync(join(folder, "epoch=0.safetensors"));
    const saving = await fit({ saveLast: "link" }, [1], { ckptPath: "last" });
    expect(warn.mock.calls.join("\n")).toContain('ckptPath "last": there is no checkpoint yet');
    expect(saving.lastModelPath).toBe(last());
  });
});
