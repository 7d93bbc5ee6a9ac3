import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  Accuracy,
  AUROC,
  AveragePrecision,
  accuracy,
  auroc,
  averagePrecision,
  CalibrationError,
  ConfusionMatrix,
  calibrationError,
  calibrationFigure,
  confusionMatrix,
  Dice,
  F1Score,
  f1Score,
  JaccardIndex,
  jaccardIndex,
  MetricError,
  PrecisionRecallCurve,
  precision,
  precisionRecallFigure,
  ROC,
  recall,
  rocFigure,
  topKAccuracy,
} from "./index.ts";

type Averages = { micro: number; macro: number; weighted: number };
interface Case {
  name: string;
  numClasses: number;
  truth: number[];
  scores: number[][];
  present: number[];
  accuracy: number;
  precision: Averages;
  recall: Averages;
  f1: Averages;
  jaccard: Averages;
  f1None: number[];
  topK?: Record<string, number>;
  confusion: number[][];
  confusionTrue: number[][];
  confusionPredicted: number[][];
  curves: Record<
    string,
    {
      fpr: number[];
      tpr: number[];
      thresholds: number[];
      precision: number[];
      recall: number[];
      prThresholds: number[];
      auroc: number;
      averagePrecision: number;
    }
  >;
  aurocMicro: number;
  averagePrecisionMicro: number;
  aurocMacro?: number;
  aurocWeighted?: number;
  ece15: { l1: number; l2: number; max: number };
  ece4: { l1: number; l2: number; max: number };
}
const cases = JSON.parse(readFileSync(new URL("fixtures/metrics.json", import.meta.url), "utf8")) as Case[];

const close = (got: number, wanted: number): void => expect(got).toBeCloseTo(wanted, 9);
const allClose = (got: ArrayLike<number>, wanted: readonly number[], digits = 9): void => {
  expect(got.length).toBe(wanted.length);
  wanted.forEach((value, i) => {
    expect(got[i]).toBeCloseTo(value, digits);
  });
};

describe.each(cases)("as scikit-learn: $name", (c) => {
  const { numClasses, truth } = c;
  const scores = Float32Array.from(c.scores.flat());

  it("accuracy, precision, recall, F1 and IoU in every average", () => {
    close(accuracy(scores, truth, { numClasses }), c.accuracy);
    for (const average of ["micro", "macro", "weighted"] as const) {
      close(precision(scores, truth, { numClasses, average }), c.precision[average]);
      close(recall(scores, truth, { numClasses, average }), c.recall[average]);
      close(f1Score(scores, truth, { numClasses, average }), c.f1[average]);
      close(jaccardIndex(scores, truth, { numClasses, average }), c.jaccard[average]);
    }
    close(accuracy(scores, truth, { numClasses, average: "macro" }), c.recall.macro);
    const f1 = f1Score(scores, truth, { numClasses, average: "none" });
    allClose(
      c.present.map((index) => f1[index] as number),
      c.f1None,
    );
    expect([...f1].map((value, index) => (Number.isNaN(value) ? -1 : index)).filter((index) => index >= 0)).toEqual(
      c.present,
    );
  });

  it("top-k", () => {
    for (const [k, value] of Object.entries(c.topK ?? {})) {
      close(topKAccuracy(scores, truth, { numClasses, k: Number(k) }), value);
    }
    close(topKAccuracy(scores, truth, { numClasses, k: numClasses }), 1);
  });

  it("confusion matrix", () => {
    expect(confusionMatrix(scores, truth, { numClasses })).toEqual(c.confusion);
    confusionMatrix(scores, truth, { numClasses, normalize: "true" }).forEach((row, i) => {
      allClose(row, c.confusionTrue[i] as number[]);
    });
    confusionMatrix(scores, truth, { numClasses, normalize: "predicted" }).forEach((row, i) => {
      allClose(row, c.confusionPredicted[i] as number[]);
    });
    const shares = confusionMatrix(scores, truth, { numClasses, normalize: "all" });
    close(
      shares.flat().reduce((a, b) => a + b),
      1,
    );
  });

  it("curves and the areas under them", () => {
    const roc = new ROC({ numClasses });
    const pr = new PrecisionRecallCurve({ numClasses });
    roc.update(scores, truth);
    pr.update(scores, truth);
    const areas = auroc(scores, truth, { numClasses, average: "none" });
    const averages = averagePrecision(scores, truth, { numClasses, average: "none" });
    for (const [index, wanted] of Object.entries(c.curves)) {
      const got = roc.compute()[Number(index)] as ReturnType<ROC["compute"]>[number];
      allClose(got.fpr, wanted.fpr);
      allClose(got.tpr, wanted.tpr);
      allClose(got.thresholds.slice(1), wanted.thresholds, 6);
      expect(got.thresholds[0]).toBe(Number.POSITIVE_INFINITY);
      const line = pr.compute()[Number(index)] as ReturnType<PrecisionRecallCurve["compute"]>[number];
      allClose(line.precision, wanted.precision);
      allClose(line.recall, wanted.recall);
      allClose(line.thresholds, wanted.prThresholds, 6);
      close(areas[Number(index)] as number, wanted.auroc);
      close(averages[Number(index)] as number, wanted.averagePrecision);
    }
    for (let index = 0; index < numClasses; index++) {
      if (!(index in c.curves)) {
        expect(areas[index]).toBeNaN();
      }
    }
    close(auroc(scores, truth, { numClasses, average: "micro" }), c.aurocMicro);
    close(averagePrecision(scores, truth, { numClasses, average: "micro" }), c.averagePrecisionMicro);
    if (c.aurocMacro !== undefined) {
      close(auroc(scores, truth, { numClasses }), c.aurocMacro);
    }
    if (c.aurocWeighted !== undefined) {
      close(auroc(scores, truth, { numClasses, average: "weighted" }), c.aurocWeighted);
    }
  });

  it("calibration error", () => {
    for (const norm of ["l1", "l2", "max"] as const) {
      expect(calibrationError(scores, truth, { numClasses, norm })).toBeCloseTo(c.ece15[norm], 6);
      expect(calibrationError(scores, truth, { numClasses, norm, numBins: 4 })).toBeCloseTo(c.ece4[norm], 6);
    }
  });

  it("in batches of three as at once, and again after a reset", () => {
    for (const make of [
      () => new Accuracy({ numClasses }),
      () => new F1Score({ numClasses }),
      () => new JaccardIndex({ numClasses, average: "weighted" }),
      () => new AUROC({ numClasses, average: "micro" }),
      () => new AveragePrecision({ numClasses, average: "micro" }),
      () => new CalibrationError({ numClasses }),
    ]) {
      const whole = make();
      whole.update(scores, truth);
      const parts = make();
      for (let round = 0; round < 2; round++) {
        parts.reset();
        for (let at = 0; at < truth.length; at += 3) {
          const part = truth.slice(at, at + 3);
          const shape = [part.length, numClasses];
          parts.update(
            { shape, dataSync: () => scores.subarray(at * numClasses, (at + 3) * numClasses) },
            Int32Array.from(part),
          );
        }
        expect(parts.compute()).toBeCloseTo(whole.compute(), 12);
      }
    }
  });
});

describe("what they take", () => {
  it("classes instead of scores, pixels, and targets to leave out", () => {
    expect(accuracy([0, 1, 1], [0, 1, 0], { numClasses: 2 })).toBeCloseTo(2 / 3, 12);
    const mask = { shape: [1, 2, 2], dataSync: () => Int32Array.of(1, 1, 0, 0) };
    expect(new Dice({ numClasses: 2, average: "none" })).toBeInstanceOf(F1Score);
    expect([...f1Score(mask, Int32Array.of(1, 0, 0, 0), { numClasses: 2, average: "none" })]).toEqual([0.8, 2 / 3]);
    expect(accuracy([0, 1, 1], [0, 255, 0], { numClasses: 2, ignoreIndex: 255 })).toBe(0.5);
    expect(confusionMatrix([0, 1, 1], [0, 255, 0], { numClasses: 2, ignoreIndex: 255 })).toEqual([
      [1, 1],
      [0, 0],
    ]);
    expect(precision([0, 0], [1, 0], { numClasses: 2, average: "none", zeroDivision: 1 })).toEqual(
      Float64Array.of(0.5, 1),
    );
  });

  it("scores of class 1 alone where there are two classes", () => {
    expect(auroc([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1], { numClasses: 2 })).toBe(0.75);
    const roc = new ROC({ numClasses: 2 });
    roc.update([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1]);
    expect(roc.compute()).toHaveLength(1);
  });

  it("a NaN score never wins", () => {
    expect(accuracy([Number.NaN, 0.1, 0.2], [2], { numClasses: 3 })).toBe(1);
    expect(topKAccuracy([Number.NaN, 0.1, 0.2], [0], { numClasses: 3, k: 2 })).toBe(0);
  });

  it("nothing gives no number", () => {
    expect(new Accuracy({ numClasses: 2 }).compute()).toBeNaN();
    expect(new CalibrationError({ numClasses: 2 }).compute()).toBeNaN();
  });
});

describe("what they refuse", () => {
  it.each<[string, () => unknown, string]>([
    [
      "a label out of range",
      () => accuracy([0, 1], [0, 2], { numClasses: 2 }),
      "Accuracy: targets[1] is 2; expected a class from 0 to 1",
    ],
    [
      "a negative label",
      () => recall([0], [-1], { numClasses: 2 }),
      "Recall: targets[0] is -1; expected a class from 0 to 1",
    ],
    [
      "a prediction out of range",
      () => accuracy([0, 7], [0, 1], { numClasses: 2 }),
      "Accuracy: predictions[1] is 7; expected a class from 0 to 1",
    ],
    [
      "a probability for a class",
      () => precision([0.7], [1], { numClasses: 2 }),
      "Precision: predictions[0] is 0.7; expected a class from 0 to 1",
    ],
    [
      "top-k above the classes",
      () => topKAccuracy([0, 1], [0], { numClasses: 2, k: 5 }),
      "topKAccuracy: k is 5; expected an integer from 1 to numClasses (2)",
    ],
    [
      "top-k of classes",
      () => topKAccuracy([0, 1], [0, 1], { numClasses: 3, k: 2 }),
      "Accuracy with topK 2: 2 scores for 2 targets; expected 2 x 3 classes = 6",
    ],
    [
      "a wrong number",
      () => accuracy([0, 1, 2], [0, 1], { numClasses: 3 }),
      "Accuracy: 3 predictions for 2 targets; expected 2 classes or 2 x 3 scores",
    ],
    [
      "classes on the wrong axis",
      () => accuracy({ shape: [3, 2], dataSync: () => new Float32Array(6) }, [0, 1], { numClasses: 3 }),
      "Accuracy: scores have shape [3, 2]; expected the classes (3) along the last axis",
    ],
    [
      "one class",
      () => new ConfusionMatrix({ numClasses: 1 }),
      "ConfusionMatrix: numClasses is 1; expected an integer from 2 up",
    ],
    [
      "an unknown average",
      () => new F1Score({ numClasses: 2, average: "mikro" as never }),
      'F1Score: average is "mikro"; expected one of micro, macro, weighted, none',
    ],
    [
      "logits for a calibration",
      () => calibrationError([2, -1], [0], { numClasses: 2 }),
      "CalibrationError: predictions[0][0] is 2; expected a probability (apply softmax to logits)",
    ],
    [
      "shares that are none",
      () => calibrationError([0.2, 0.3], [0], { numClasses: 2 }),
      "CalibrationError: the probabilities of example 0 add up to 0.500; expected 1",
    ],
    [
      "NaN in a curve",
      () => auroc([Number.NaN], [1], { numClasses: 2 }),
      "AUROC: the score at index 0 is NaN; expected a number",
    ],
    [
      "a curve of nothing",
      () => new ROC({ numClasses: 2 }).compute(),
      "ROC: nothing to compute from; call update first",
    ],
  ])("%s", (_name, act, message) => {
    expect(act).toThrow(MetricError);
    expect(act).toThrow(message);
  });

  it("a batch that is refused changes nothing", () => {
    const metric = new Accuracy({ numClasses: 2 });
    metric.update([0], [0]);
    expect(() => metric.update([1, 1], [1, 9])).toThrow(MetricError);
    expect(metric.compute()).toBe(1);
  });
});

describe("figures", () => {
  const { numClasses, truth, scores, curves } = cases[0] as Case;
  const c0 = curves[0] as Case["curves"][string];
  it("of ROC, precision and recall, calibration and confusion", () => {
    const roc = new ROC({ numClasses });
    const pr = new PrecisionRecallCurve({ numClasses });
    const calibration = new CalibrationError({ numClasses });
    const confusion = new ConfusionMatrix({ numClasses });
    for (const metric of [roc, pr, calibration, confusion]) {
      metric.update(Float32Array.from(scores.flat()), truth);
    }
    expect(rocFigure(roc.compute()).alt).toContain(`Area under the curve: class 0 ${c0.auroc.toFixed(3)}, class 1 `);
    expect(precisionRecallFigure(pr.compute()[0] as never, { labels: ["cat"] }).alt).toBe(
      `Precision over recall. Average precision: cat ${c0.averagePrecision.toFixed(3)}.`,
    );
    expect(calibrationFigure(calibration.bins()).alt).toMatch(/^Calibration: at \d+ % confidence \d+ % right, /);
    expect(calibrationFigure(calibration.bins()).toSvg()).toContain(">perfectly calibrated</text>");
    expect(confusion.toFigure({ labels: Array.from({ length: 10 }, (_, i) => `c${i}`) }).alt).toMatch(
      /of 10 classes: \d+ of 48 right/,
    );
    expect(() => rocFigure(roc.compute(), { labels: ["a"] })).toThrow("rocFigure: 1 labels for 10 curves");
    expect(() => calibrationFigure([])).toThrow("calibrationFigure: all bins are empty; update the metric first");
  });
});
