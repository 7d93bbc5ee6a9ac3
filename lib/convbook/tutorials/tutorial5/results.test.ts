import { describe, expect, it } from "vitest";
import type { Evaluation } from "../../evaluation/index.ts";
import { modelNames, publishedTable } from "./published.ts";
import { compareWithPublished, type TutorialResult } from "./results.ts";

const evaluation = (right: number, total: number) =>
  ({ accuracy: right / total, total, correct: right, predictions: [], confidences: [] }) as unknown as Evaluation;

/** Results with as many right as published, of some validation and test images; with those of one network changed. */
function resultsOf(
  images: { val: number; test: number },
  changed: { val?: number; test?: number } = {},
): TutorialResult[] {
  return modelNames.map((name): TutorialResult => {
    const of = (split: "val" | "test") => {
      const usual = Math.round(publishedTable[name][split] * images[split]);
      return evaluation(name === "ResNetPreAct" ? (changed[split] ?? usual) : usual, images[split]);
    };
    const { parameters } = publishedTable[name];
    return { name, weights: "tutorial", parameters, validation: of("val"), test: of("test") };
  });
}

describe("compareWithPublished", () => {
  it("draws no conclusion that a hundred images cannot carry", () => {
    // 34 of 43 are three standard errors below the published 91.80 %: of eight such numbers, nothing to worry about.
    const text = compareWithPublished(resultsOf({ val: 43, test: 85 }, { val: 34 }));
    expect(text).toMatch(/^All 8 accuracies lie within what chance allows/);
    expect(text).toContain("With 43 images an accuracy has a standard error of 4.6 points");
    expect(text).toContain("not which network is better");
    expect(text).not.toContain("differ");
  });

  it("tells a network that is broken from a few images", () => {
    const text = compareWithPublished(resultsOf({ val: 43, test: 85 }, { test: 9 }));
    expect(text).toMatch(/^1 of the 8 accuracies are \*\*further from the published ones than chance explains\*\*/);
    expect(text).toContain("- ResNetPreAct, test: 10.59 %, published 91.07 %");
  });

  it("wants every digit from all images", () => {
    const all = { val: 5_000, test: 10_000 };
    expect(compareWithPublished(resultsOf(all))).toBe("All 8 accuracies **equal the published ones in every digit**.");
    expect(compareWithPublished(resultsOf(all, { test: 9_106 }))).toBe(
      "1 of the 8 accuracies **differ from the published ones**:\n\n- ResNetPreAct, test: 91.06 %, published 91.07 %",
    );
  });

  it("knows exact chances: a single image, none right, all right", () => {
    expect(compareWithPublished(resultsOf({ val: 1, test: 1 }, { val: 0, test: 0 }))).toMatch(/^All 8/);
    expect(compareWithPublished(resultsOf({ val: 60, test: 60 }, { val: 60, test: 60 }))).toMatch(/^All 8/);
  });
});
