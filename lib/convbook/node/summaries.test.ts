import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { selectBackend } from "../backend/index.ts";
import { readEvents, scalars } from "../tensorboard/index.ts";
import * as node from "./index.ts";

let folder: string;
beforeEach(async () => {
  await selectBackend();
  folder = await mkdtemp(join(tmpdir(), "convbook-node-"));
});
afterEach(() => rm(folder, { recursive: true }));

describe("summaryFileWriter", () => {
  test("writes numbers, tensors of one number and histograms", async () => {
    const writer = node.summaryFileWriter(join(folder, "run"));
    writer.scalar("loss", 0.5, 1);
    writer.scalar("loss", tf.scalar(0.25), 2);
    writer.histogram("weights", tf.tensor2d([1, 2, 3, 4], [2, 2]), 2);
    writer.flush();
    const [file] = await readdir(join(folder, "run"));
    expect(file).toMatch(/^events\.out\.tfevents\..+\.v2$/);
    const curve = await scalars(join(folder, "run"));
    expect(curve.get("loss")?.map(({ step, value }) => [step, value])).toEqual([
      [1, 0.5],
      [2, 0.25],
    ]);
    const values = [];
    for await (const event of readEvents(join(folder, "run", file as string))) {
      values.push(...(event.values ?? []));
    }
    expect(values.find(({ tag }) => tag === "weights")).toMatchObject({
      histogram: { num: 4, sum: 10, min: 1, max: 4 },
    });
  });

  test("one writer a folder, however it is called", async () => {
    const writer = node.summaryFileWriter(join(folder, "run"));
    expect(node.summaryFileWriter(join(folder, "other", "..", "run"))).toBe(writer);
    expect(await readdir(join(folder, "run"))).toHaveLength(1);
  });

  test("maxQueue records are written without a flush", async () => {
    const writer = node.summaryFileWriter(join(folder, "run"), 3);
    for (const step of [1, 2]) {
      writer.scalar("a", step, step);
    }
    expect((await scalars(join(folder, "run"))).get("a")).toBeUndefined();
    writer.scalar("a", 3, 3);
    expect((await scalars(join(folder, "run"))).get("a")).toHaveLength(3);
  });

  test("what is no folder or no number is refused", () => {
    expect(() => node.summaryFileWriter("")).toThrow('summaryFileWriter: logdir is "", expected the name of a folder.');
    const writer = node.summaryFileWriter(join(folder, "run"));
    expect(() => writer.scalar("a", tf.zeros([2]) as tf.Scalar, 1)).toThrow(
      'scalar: "a" has the shape [2], expected one number.',
    );
  });
});

describe("tensorBoard", () => {
  async function fit(args?: node.TensorBoardCallbackArgs): Promise<tf.History> {
    const model = tf.sequential();
    model.add(tf.layers.dense({ name: `layer${Math.random()}`, units: 1, inputShape: [2] }));
    model.compile({ optimizer: "sgd", loss: "meanSquaredError", metrics: ["mae"] });
    const [xs, ys] = [tf.randomNormal([12, 2], 0, 1, "float32", 1), tf.randomNormal([12, 1], 0, 1, "float32", 2)];
    return model.fit(xs, ys, {
      epochs: 3,
      batchSize: 4,
      validationSplit: 1 / 3,
      verbose: 0,
      callbacks: node.tensorBoard(folder, args),
    });
  }
  const tags = async (run: string) => [...(await scalars(join(folder, run))).keys()].sort();

  test("writes what fit says, an epoch a step, into two runs", async () => {
    const { history } = await fit();
    expect((await readdir(folder)).sort()).toEqual(["train", "val"]);
    for (const run of ["train", "val"]) {
      const curves = await scalars(join(folder, run));
      expect(await tags(run)).toEqual(["epoch_loss", "epoch_mae"]);
      for (const metric of ["loss", "mae"]) {
        const said = history[run === "val" ? `val_${metric}` : metric] as number[];
        expect(curves.get(`epoch_${metric}`)?.map(({ step, value }) => [step, value])).toEqual(
          said.map((value, i) => [i + 1, Math.fround(value)]),
        );
      }
    }
  });

  test("batches and weights, where they are asked for", async () => {
    await fit({ updateFreq: "batch", histogramFreq: 2 });
    expect(await tags("train")).toEqual(["batch_loss", "batch_mae", "epoch_loss", "epoch_mae"]);
    expect(await tags("val")).toEqual(["epoch_loss", "epoch_mae"]);
    // 8 images to train with, 2 batches an epoch.
    const curve = (await scalars(join(folder, "train"))).get("batch_loss");
    expect(curve?.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6]);
    const [file] = await readdir(join(folder, "train"));
    const histograms = [];
    for await (const { step, values } of readEvents(join(folder, "train", file as string))) {
      for (const { tag } of values ?? []) {
        if (tag.startsWith("layer")) {
          histograms.push([tag.split("/")[1], step]);
        }
      }
    }
    expect(histograms).toEqual([
      ["kernel", 0],
      ["bias", 0],
      ["kernel", 2],
      ["bias", 2],
    ]);
  });

  test("options that are none are refused by name", () => {
    expect(() => node.tensorBoard(folder, { updateFreq: "step" as never })).toThrow(
      'tensorBoard: updateFreq is "step", expected "batch" or "epoch".',
    );
    expect(() => node.tensorBoard(folder, { histogramFreq: -1 })).toThrow(
      "tensorBoard: histogramFreq is -1, expected an integer, at least 0.",
    );
  });
});
