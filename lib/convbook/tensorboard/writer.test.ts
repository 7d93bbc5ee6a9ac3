import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { afterAll, describe, expect, it } from "vitest";
import { Conv2d, Module, Sequential } from "../nn/index.ts";
import type { SummaryValue, TensorBoardEvent } from "./events.ts";
import { makeHistogram } from "./histogram.ts";
import { readEvents, scalars } from "./reader.ts";
import { SummaryWriter } from "./writer.ts";

const folder = mkdtempSync(join(tmpdir(), "writer-"));
afterAll(() => rmSync(folder, { recursive: true }));
const freshFolder = (): string => mkdtempSync(join(folder, "run-"));

const python = "/usr/bin/python3";
const hasProtobuf = (() => {
  if (process.env.CI) {
    return true;
  }
  try {
    execFileSync(python, ["-c", "import google.protobuf"], { stdio: "ignore" });
    return true;
  } catch {
    console.log("Google's protobuf library is missing; its tests are left out. Install Debian's python3-protobuf.");
    return false;
  }
})();

/** A convolution whose output is added to its input. */
class Net extends Module<[x: tf.Tensor4D], tf.Tensor4D> {
  readonly conv = this.registerModule(
    "input",
    new Sequential({ conv: new Conv2d(3, 3, { kernelSize: 3, padding: 1, bias: false }) }),
  );
  forward(x: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => tf.add(x, this.conv.forward(x)));
  }
}

/** One of everything. */
function writeAll(): string {
  const dir = freshFolder();
  using writer = new SummaryWriter(dir);
  writer.addScalar("loss/train", 0.1, 3, 1600000000.25);
  writer.addScalar("odd", Number.NaN, 2 ** 40, 1);
  writer.addScalar("negative", -1.5, -7, 2);
  writer.addHistogram("weights", Float32Array.of(-1, 0, 0, 0.5, 2, Number.NaN), 4, 3);
  writer.addImage("picture", { shape: [1, 2, 3], data: Uint8Array.of(255, 0, 0, 0, 255, 0) }, 5, { wallTime: 4 });
  writer.addText("note", "**größer** than\nthis", 6, 5);
  writer.addHparams(
    { lr: 0.1, optimizer: "SGD", nesterov: true, blocks: [3, 3, 3] },
    { "val/acc": 0.9, "loss/train": 1 },
    { wallTime: 6 },
  );
  const input = tf.zeros([1, 4, 4, 3]);
  const net = new Net();
  writer.addGraph(net, input, 7);
  tf.dispose(input);
  net.dispose();
  return writer.path;
}

describe.runIf(hasProtobuf)("as Google's protobuf library reads it", () => {
  const script = fileURLToPath(new URL("fixtures/event_files.py", import.meta.url));

  it("has every field as TensorBoard's .proto files define it, and right checksums", () => {
    const dumped = JSON.parse(
      execFileSync(python, [script, "dump", writeAll()], { encoding: "utf8" }).replaceAll("NaN", '"NaN"'),
    ) as Record<string, unknown>[];
    const summary = (wall_time: number, step: number, value: unknown): object => ({
      wall_time,
      ...(step === 0 ? {} : { step }),
      summary: { value: [value] },
    });
    const hparams = (wall_time: number, tag: string, content: object): object =>
      summary(wall_time, 0, { tag, metadata: { plugin_data: { plugin_name: "hparams" } }, hparams: content });
    const s = (text: string): string => Buffer.from(text).toString("base64");
    const shapes = (...list: number[][]): object => ({
      key: "_output_shapes",
      value: { list: { shape: list.map((shape) => ({ dim: shape.map((size) => ({ size })) })) } },
    });
    expect(dumped[0]).toEqual({ wall_time: expect.any(Number), file_version: "brain.Event:2" });
    expect(dumped.slice(1)).toEqual([
      summary(1600000000.25, 3, { tag: "loss/train", simple_value: Math.fround(0.1) }),
      summary(1, 2 ** 40, { tag: "odd", simple_value: "NaN" }),
      summary(2, -7, { tag: "negative", simple_value: -1.5 }),
      summary(3, 4, {
        tag: "weights",
        histo: {
          min: -1,
          max: 2,
          num: 5,
          sum: 1.5,
          sum_squares: 5.25,
          bucket_limit: expect.any(Array),
          bucket: [0, 1, 0, 2, 0, 1, 0, 1, 0],
        },
      }),
      summary(4, 5, {
        tag: "picture",
        image: { height: 1, width: 2, colorspace: 3, encoded_image_string: expect.stringMatching(/^iVBORw0KGgo/) },
      }),
      summary(5, 6, {
        tag: "note/text_summary",
        tensor: { dtype: 7, tensor_shape: { dim: [{ size: 1 }] }, string_val: [s("**größer** than\nthis")] },
        metadata: { plugin_data: { plugin_name: "text" } },
      }),
      hparams(6, "_hparams_/experiment", {
        experiment: {
          hparam_infos: [
            { name: "lr", type: 3 },
            { name: "optimizer", type: 1 },
            { name: "nesterov", type: 2 },
            { name: "blocks", type: 1 },
          ],
          metric_infos: [{ name: { tag: "val/acc" } }, { name: { tag: "loss/train" } }],
        },
      }),
      hparams(6, "_hparams_/session_start_info", {
        session_start_info: {
          hparams: [
            { key: "lr", value: { number_value: 0.1 } },
            { key: "optimizer", value: { string_value: "SGD" } },
            { key: "nesterov", value: { bool_value: true } },
            { key: "blocks", value: { string_value: "[3,3,3]" } },
          ],
          start_time_secs: 6,
        },
      }),
      hparams(6, "_hparams_/session_end_info", { session_end_info: { status: 1, end_time_secs: 6 } }),
      summary(6, 0, { tag: "val/acc", simple_value: Math.fround(0.9) }),
      {
        wall_time: 7,
        graph_def: {
          node: [
            { name: "input", op: "IO Node", attr: [shapes([1, 4, 4, 3])] },
            {
              name: "Net/Sequential[input]/Conv2d[conv]",
              op: "Conv2d",
              input: ["input"],
              attr: [
                { key: "inChannels", value: { i: 3 } },
                { key: "outChannels", value: { i: 3 } },
                { key: "kernelSize", value: { s: s("[3, 3]") } },
                {
                  key: "module",
                  value: { s: s(String(new Conv2d(3, 3, { kernelSize: 3, padding: 1, bias: false }))) },
                },
                { key: "weight", value: { s: s("[3, 3, 3, 3]") } },
                shapes([1, 4, 4, 3]),
              ],
            },
            {
              name: "Net/Add",
              op: "Add",
              input: ["input", "Net/Sequential[input]/Conv2d[conv]"],
              attr: [shapes([1, 4, 4, 3])],
            },
            { name: "output", op: "IO Node", input: ["Net/Add"], attr: [shapes([1, 4, 4, 3])] },
          ],
          versions: { producer: 22 },
        },
      },
    ]);
  });

  it("counts a histogram as numpy does with the same limits", () => {
    const values = Float64Array.from({ length: 3000 }, (_, i) => Math.sin(i * 12.9898) * 10 ** ((i % 13) - 8));
    const { bucketLimits, buckets, ...moments } = makeHistogram(values);
    const program = `
import json, sys, numpy as np
values, limits = (np.array(part) for part in json.load(sys.stdin))
counts, _ = np.histogram(values, bins=np.concatenate([[-np.inf], limits]))
print(json.dumps([counts.tolist(), values.min(), values.max(), values.sum(), (values ** 2).sum()]))`;
    const input = JSON.stringify([[...values], bucketLimits]);
    const [counts, min, max, sum, squares] = JSON.parse(
      execFileSync(python, ["-c", program], { input, encoding: "utf8" }),
    ) as [number[], number, number, number, number];
    expect(buckets).toEqual(counts);
    expect(moments.num).toBe(3000);
    expect([moments.min, moments.max]).toEqual([min, max]);
    expect(moments.sum).toBeCloseTo(sum, 6);
    expect(moments.sumSquares / squares).toBeCloseTo(1, 12);
  });
});

describe("as our own reader reads it", () => {
  it("gives everything back", () => {
    const events = [...readEvents(writeAll())];
    const byTag = new Map(
      events.flatMap((event) => event.values.map((value) => [value.tag, { event, value }] as const)),
    );
    const at = (tag: string): { event: TensorBoardEvent; value: SummaryValue } =>
      byTag.get(tag) as { event: TensorBoardEvent; value: SummaryValue };
    expect(events[0]?.fileVersion).toBe("brain.Event:2");
    expect(at("loss/train")).toMatchObject({
      event: { step: 3, wallTime: 1600000000.25 },
      value: { kind: "scalar", value: Math.fround(0.1) },
    });
    expect(at("odd").value).toMatchObject({ value: Number.NaN });
    expect(at("negative").event.step).toBe(-7);
    expect(at("weights").value).toMatchObject({ kind: "histogram", histogram: { num: 5, sum: 1.5 } });
    expect(at("picture").value).toMatchObject({ kind: "image", image: { width: 2, height: 1, colorspace: 3 } });
    expect(at("note/text_summary").value).toMatchObject({
      kind: "tensor",
      pluginName: "text",
      tensor: { shape: [1], data: ["**größer** than\nthis"] },
    });
    expect(at("_hparams_/experiment").value).toMatchObject({
      hparams: {
        part: "experiment",
        hparams: ["lr", "optimizer", "nesterov", "blocks"],
        metrics: ["val/acc", "loss/train"],
      },
    });
    expect(at("_hparams_/session_start_info").value).toMatchObject({
      hparams: {
        part: "start",
        startTime: 6,
        hparams: new Map<string, unknown>([
          ["lr", 0.1],
          ["optimizer", "SGD"],
          ["nesterov", true],
          ["blocks", "[3,3,3]"],
        ]),
      },
    });
    expect(at("_hparams_/session_end_info").value).toMatchObject({ hparams: { part: "end", status: 1 } });
    expect(events.some((event) => (event.graphBytes ?? 0) > 50)).toBe(true);
  });

  it("is readable while the writer is at work, and other runs get folders of their own", () => {
    const dir = freshFolder();
    using writer = new SummaryWriter(dir);
    for (let step = 0; step < 3000; step++) {
      writer.addScalar("loss", step, step);
    }
    const seen = scalars(dir).get("loss")?.length ?? 0;
    expect(seen).toBeGreaterThan(0);
    expect(seen).toBeLessThan(3000);
    writer.addScalars("acc", { train: 0.9, val: 0.8 }, 1);
    writer.flush();
    expect(scalars(dir).get("loss")).toHaveLength(3000);
    expect(
      readdirSync(dir)
        .filter((name) => name.startsWith("acc_"))
        .sort(),
    ).toEqual(["acc_train", "acc_val"]);
    expect(scalars(join(dir, "acc_val")).get("acc")?.[0]?.value).toBeCloseTo(0.8, 6);
  });

  it("writes what waits when the process ends without closing", () => {
    const dir = freshFolder();
    const module = new URL("writer.ts", import.meta.url).href;
    const program = `
      const { SummaryWriter } = await import(${JSON.stringify(module)});
      new SummaryWriter(${JSON.stringify(dir)}).addScalar("loss", 1, 1);`;
    const script = join(dir, "run.mts");
    writeFileSync(script, program);
    execFileSync(process.execPath, ["--import", import.meta.resolve("tsx"), script]);
    expect(scalars(dir).get("loss")).toHaveLength(1);
  });
});

describe("what cannot be written", () => {
  it("says so", () => {
    const blocked = join(folder, "file");
    writeFileSync(blocked, "");
    expect(() => new SummaryWriter(join(blocked, "run"))).toThrow(/cannot be made: (ENOTDIR|EEXIST)/);
    const writer = new SummaryWriter(freshFolder());
    expect(() => writer.addScalar("loss", 1, 0.5)).toThrow('the step of "loss" is 0.5; expected an integer');
    writer.close();
    writer.close();
    expect(() => writer.addScalar("loss", 1, 1)).toThrow("the writer is closed");
  });

  it("leaves no exit listener behind", () => {
    const listeners = process.listenerCount("exit");
    const writer = new SummaryWriter(freshFolder());
    expect(process.listenerCount("exit")).toBe(listeners + 1);
    writer.close();
    expect(process.listenerCount("exit")).toBe(listeners);
  });
});

it("an empty histogram is empty", () => {
  expect(makeHistogram([])).toMatchObject({ num: 0, buckets: [0] });
  expect(makeHistogram([Number.NaN])).toMatchObject({ num: 0 });
  expect(makeHistogram([0])).toMatchObject({ min: 0, max: 0, num: 1, buckets: [0, 1, 0] });
});
