import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { describe, expect, it } from "vitest";
import {
  Activation,
  BatchNorm2d,
  Conv2d,
  Flatten,
  Linear,
  MaxPool2d,
  ReLU,
  Sequential,
  ShapeError,
  SiLU,
  summary,
  Tanh,
} from "./index.ts";

const model = () =>
  new Sequential(
    new Conv2d(1, 4, { kernelSize: 3, padding: 1 }),
    new BatchNorm2d(4),
    new ReLU(),
    new MaxPool2d(2),
    new Sequential(new Flatten(), new Linear(64, 10)),
  );

describe("summary", () => {
  it("prints names, types, shapes, parameters and FLOPs", () => {
    expect(`${summary(model(), { inputShape: [2, 8, 8, 1] })}`).toBe(
      [
        "Name     Type         Output shape  Parameters   FLOPs",
        "------------------------------------------------------",
        "(model)  Sequential   [2, 10]              698  11,776",
        "  0      Conv2d       [2, 8, 8, 4]          40   9,216",
        "  1      BatchNorm2d  [2, 8, 8, 4]           8       0",
        "  2      ReLU         [2, 8, 8, 4]           0       0",
        "  3      MaxPool2d    [2, 4, 4, 4]           0       0",
        "  4      Sequential   [2, 10]              650   2,560",
        "    0    Flatten      [2, 64]                0       0",
        "    1    Linear       [2, 10]              650   2,560",
        "------------------------------------------------------",
        "Parameters: 698, of which trainable: 698",
        "FLOPs (2 a multiply-add) for an input of [2, 8, 8, 1]: 11,776",
      ].join("\n"),
    );
  });

  it("leaves modes, statistics and memory as they were", () => {
    const net = model();
    const inner = net.getSubmodule("1").eval();
    const before = tf.memory().numTensors;
    const state = JSON.stringify([...net.stateDict()].map(([name, value]) => [name, [...value.data].map(Number)]));
    summary(net, { inputShape: [2, 8, 8, 1] });
    expect(net.training).toBe(true);
    expect(inner.training).toBe(false);
    expect(net.modules().some((module) => module.hasForwardHooks)).toBe(false);
    expect(tf.memory().numTensors).toBe(before);
    expect(JSON.stringify([...net.stateDict()].map(([name, value]) => [name, [...value.data].map(Number)]))).toBe(
      state,
    );
  });

  it("limits the depth, counts frozen parameters apart, and shows HTML in a notebook", () => {
    const net = model();
    net.getSubmodule("4").requiresGrad_(false);
    const table = summary(net, { inputShape: [1, 8, 8, 1], depth: 1 });
    expect(table.rows.length).toBe(6);
    expect([table.parameters, table.trainable]).toEqual([698, 48]);
    const show = (table as unknown as Record<symbol, () => Record<string, string>>)[Symbol.for("Jupyter.display")];
    const bundle = show?.call(table);
    expect(bundle?.["text/plain"]).toBe(`${table}`);
    expect(bundle?.["text/html"]).toContain("<td");
  });

  it("estimates memory and the largest batch within it", () => {
    const table = summary(model(), { inputShape: [2, 8, 8, 1] });
    expect(table.activationBytesPerSample).toBe(4 * (256 * 3 + 64 + 64 + 10));
    const bytes = table.estimateMemory({ batchSize: 100 });
    expect(table.largestBatch(bytes)).toBe(100);
    expect(table.largestBatch(bytes - 1)).toBe(99);
    expect(table.largestBatch(10)).toBe(0);
    expect(table.largestBatch(bytes, { training: false })).toBeGreaterThan(100);
  });

  it("names the layer that the input does not fit, and restores the model all the same", () => {
    const net = model();
    expect(() => summary(net, { inputShape: [1, 6, 6, 1] })).toThrow(ShapeError);
    expect(() => summary(net, { inputShape: [1, 6, 6, 1] })).toThrow(
      "Linear(64, 10) was given an input of shape [1, 36]",
    );
    expect(net.modules().some((module) => module.hasForwardHooks)).toBe(false);
    expect(() => summary(net, { inputShape: [] })).toThrow("inputShape");
  });

  it("shows subclasses under their own names, also those of activations; where a class has none, the one above", () => {
    class Swishier extends SiLU {}
    class Clipped extends Activation {
      constructor() {
        super("relu6");
      }
    }
    class Pointwise extends Conv2d {
      constructor(channels: number) {
        super(channels, channels, { kernelSize: 1 });
      }
    }
    class Net extends Sequential {}
    const unnamed = (() => class extends Tanh {})();
    const net = new Net(new Pointwise(2), new Swishier(), new Clipped(), new unnamed(), new Activation("relu6"));
    const names = ["Net", "Pointwise", "Swishier", "Clipped", "Tanh", "ReLU6"];
    expect(summary(net, { inputShape: [1, 2, 2, 2] }).rows.map(({ type }) => type)).toEqual(names);
    expect(`${net}`.match(/\w+(?=\()/g)).toEqual(names);
    expect(() => new Pointwise(0)).toThrow("Pointwise: inChannels must be");
    expect(() => net.forward(tf.ones([1, 2, 2, 3]))).toThrow("Pointwise(2, 2, kernelSize=1) was given an input");
    expect(() => new Swishier().forward(tf.ones([1], "int32"))).toThrow("Swishier(): the input must be");
  });
});
