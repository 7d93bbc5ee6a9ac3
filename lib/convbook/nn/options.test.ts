/** Options that a layer does not have are refused by name, also where no type checker has looked. */
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import { describe, expect, it } from "vitest";
import * as nn from "./index.ts";

const cases: Readonly<
  Record<string, [make: (options: never) => unknown, options: object, name: string, nearest?: string]>
> = {
  CrossEntropyLoss: [(o) => new nn.CrossEntropyLoss(o), { sizeAverage: true }, "sizeAverage"],
  BCEWithLogitsLoss: [(o) => new nn.BCEWithLogitsLoss(o), { sizeAverage: true }, "sizeAverage"],
  MSELoss: [(o) => new nn.MSELoss(o), { reductions: "sum" }, "reductions", "reduction"],
  MaxPool2d: [(o) => new nn.MaxPool2d(2, o), { dilation: 2 }, "dilation"],
  MaxPool1d: [(o) => new nn.MaxPool1d(2, o), { countIncludePad: false }, "countIncludePad"],
  AvgPool2d: [(o) => new nn.AvgPool2d(2, o), { divisorOverride: 3 }, "divisorOverride"],
  Conv2d: [(o) => new nn.Conv2d(1, 1, o), { kernelSize: 3, paddingMode: "circular" }, "paddingMode", "padding"],
  Conv1d: [(o) => new nn.Conv1d(1, 1, o), { kernelSize: 3, kernel_size: 3 }, "kernel_size", "kernelSize"],
  BatchNorm2d: [(o) => new nn.BatchNorm2d(2, o), { epsilon: 0.1 }, "epsilon", "eps"],
  GroupNorm: [(o) => new nn.GroupNorm(1, 2, o), { bias: false }, "bias"],
  LayerNorm: [(o) => new nn.LayerNorm(2, o), { elementwiseAffine: false }, "elementwiseAffine", "affine"],
  Linear: [(o) => new nn.Linear(1, 1, o), { dtype: "float64" }, "dtype"],
  Dropout: [(o) => new nn.Dropout(0.5, o), { inplace: true }, "inplace"],
  Upsample: [(o) => new nn.Upsample(o), { scaleFactor: 2, size: 4 }, "size"],
};

it.each(Object.entries(cases))("%s", (owner, [make, options, name, nearest]) => {
  const hint = nearest === undefined ? " Options: " : ` Did you mean "${nearest}"?`;
  const expected = `${owner} has no option "${name}".${hint}`;
  expect(() => make(options as never)).toThrow(nn.UnknownOptionError);
  expect(() => make(options as never)).toThrow(expected);
});

it.each([null, 3, "sum", ["sum"]])("names options that are %o", (options) => {
  expect(() => new nn.MSELoss(options as never)).toThrow(
    `MSELoss: options must be an object with reduction, got ${JSON.stringify(options)}.`,
  );
});

it.each<[owner: string, make: (options: object, more: never) => unknown]>([
  ["MaxPool2d", (options, more) => new nn.MaxPool2d(2, options, more)],
  ["AvgPool2d", (options, more) => new nn.AvgPool2d(2, options, more)],
  ["MaxPool1d", (options, more) => new nn.MaxPool1d(2, options, more)],
  ["AvgPool1d", (options, more) => new nn.AvgPool1d(2, options, more)],
  ["MSELoss", (options, more) => new nn.MSELoss(options, more)],
  ["HuberLoss", (options, more) => new nn.HuberLoss(options, more)],
])("%s names arguments behind its options", (owner, make) => {
  expect(() => make({}, 1 as never)).toThrow(`${owner}: the arguments must be no more than`);
  expect(make({}, undefined as never)).toBeInstanceOf(nn.Module);
});

describe("losses name what they were not given", () => {
  const logits = tf.zeros([2, 3]);
  it.each([
    [undefined, "undefined"],
    [null, "null"],
    [[1, 2], "[1,2]"],
    [Number.NaN, "NaN"],
  ])("%o", (value, got) => {
    const bad = value as never;
    const text = (what: string) => `${what} must be a tensor, got ${got}.`;
    expect(() => new nn.CrossEntropyLoss().forward(bad, tf.zeros([2]))).toThrow(
      `CrossEntropyLoss(): ${text("logits")}`,
    );
    expect(() => new nn.CrossEntropyLoss().forward(logits, bad)).toThrow(`CrossEntropyLoss(): ${text("target")}`);
    for (const Loss of [nn.MSELoss, nn.BCELoss, nn.BCEWithLogitsLoss]) {
      expect(() => new Loss().forward(bad, logits)).toThrow(`${Loss.name}(): ${text("input")}`);
      expect(() => new Loss().forward(logits, bad)).toThrow(`${Loss.name}(): ${text("target")}`);
    }
  });
});
