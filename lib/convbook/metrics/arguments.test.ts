/** What metrics say to arguments that are missing or of another kind. */
import { describe, expect, it } from "vitest";
import * as metrics from "./index.ts";

type Constructor = new (options: unknown) => metrics.Metric<unknown>;

const classes = ["Accuracy", "F1Score", "Precision", "Recall", "JaccardIndex", "ConfusionMatrix", "AUROC"].concat([
  "AveragePrecision",
  "ROC",
  "PrecisionRecallCurve",
  "CalibrationError",
]);
const types = metrics as unknown as Record<string, Constructor>;

describe.each(classes)("%s", (name) => {
  const make = (options: unknown) => new (types[name] as Constructor)(options);

  it.each([undefined, null, 3])("names options that are %s", (options) => {
    const text = `${name}: options is ${options}; expected an object such as { numClasses: 10 }`;
    expect(() => make(options)).toThrow(new metrics.MetricError(text));
  });

  it.each([
    [undefined, "undefined"],
    [null, "null"],
    [1, "1"],
    [{}, "an object without a length"],
  ])("names targets and predictions that are %s", (value, got) => {
    const metric = make({ numClasses: 2 });
    const text = (what: string) => `${name}: ${what} is ${got}; expected an array of numbers or a tensor`;
    expect(() => metric.update([0.5, 0.5], value as never)).toThrow(new metrics.MetricError(text("targets")));
    expect(() => metric.update(value as never, [1])).toThrow(new metrics.MetricError(text("predictions")));
  });
});

it("names a k and options that topKAccuracy was not given", () => {
  const call = metrics.topKAccuracy as (...args: unknown[]) => number;
  expect(() => call([0, 1], [0])).toThrow("topKAccuracy: options is undefined; expected an object such as");
  expect(() => call([0, 1], [0], { numClasses: 2 })).toThrow(
    "topKAccuracy: k is undefined; expected an integer from 1 to",
  );
});
