/** Models of every kind can be drawn, and the picture has all of their convolutions: as many as are called. */
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, expect, it } from "vitest";
import * as nn from "../nn/index.ts";
import { Cifar100ResNet, createModel, defaultResnetConfig, Fots, ResnetClassifier } from "./index.ts";

beforeAll(async () => {
  await tf.setBackend("cpu");
});

/** How often convolutions stand in the outline of a diagram, those in what is repeated as often as it is. */
function convolutions(outline: string): number {
  const times: { indent: number; count: number }[] = [];
  let sum = 0;
  for (const line of outline.split("\n")) {
    const indent = line.length - line.trimStart().length;
    while ((times.at(-1)?.indent ?? -1) >= indent) {
      times.pop();
    }
    const count = Number(/(?<!,) × (\d+)(:|$|, (other|the same))/.exec(line)?.[1] ?? 1);
    const all = times.reduce((product, each) => product * each.count, count);
    sum += all * (line.match(/\bConv\dd /g)?.length ?? 0);
    times.push({ indent, count });
  }
  return sum;
}

const images = [1, 32, 32, 3];
const narrow = { planes: 4, numClasses: 3 };
const { skipInit } = nn.init;

const models: [name: string, build: () => nn.AnyModule, inputShape: readonly number[]][] = [
  ["GoogleNet", () => createModel("GoogleNet", {}), images],
  ["ResNet", () => createModel("ResNet", {}), images],
  ["ResNetPreAct", () => createModel("ResNetPreAct", {}), images],
  ["DenseNet", () => createModel("DenseNet", {}), images],
  ["Cifar100ResNet", () => new Cifar100ResNet({ width: 4 }), images],
  ["mobilenet_v2", () => createModel("mobilenet_v2", { numClasses: 3 }), images],
  ["resnet18", () => createModel("resnet18", narrow), images],
  ["resnet101", () => createModel("resnet101", narrow), images],
  ["Fots", () => new Fots({ backbone: { ...narrow } }), images],
  ["ResnetClassifier", () => new ResnetClassifier({ ...defaultResnetConfig, outputDim: 3 }), [1, 1700, 1]],
];

it.each(models)("%s", (_, build, inputShape) => {
  const model = skipInit(build);
  const chart = nn.diagram(model, { inputShape, depth: 99 });
  let calls = 0;
  const hooks = model
    .modules()
    .filter((module) => module instanceof nn.Conv2d || module instanceof nn.Conv1d)
    .map((module) =>
      module.registerForwardHook(() => {
        calls++;
        return undefined;
      }),
    );
  model.eval();
  tf.tidy(() => void model.forward(tf.zeros([...inputShape])));
  for (const remove of hooks) {
    remove();
  }
  expect(convolutions(String(chart))).toBe(calls);
  expect(calls).toBeGreaterThan(0);
  model.dispose();
});
