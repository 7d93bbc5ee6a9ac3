/** Names that are whole numbers, as of classes, keep the order in which they were given; JavaScript's objects would sort them. */
import { describe, expect, it } from "vitest";
import { patternFigure, unitCell } from "../diffraction/index.ts";
import { precisionRecallFigure, rocFigure } from "../metrics/index.ts";
import { Linear, ReLU, Sequential } from "../nn/index.ts";
import { bars, curves, histogram, table, type VegaLiteFigure } from "./index.ts";

/** The places of some names in a text, in order. */
const placed = (text: string, ...names: string[]) =>
  names
    .map((name) => [name, text.indexOf(name)] as const)
    .sort(([, a], [, b]) => a - b)
    .map(([name]) => name);
const domain = (figure: VegaLiteFigure) => JSON.stringify(figure.spec).match(/"domain":(\["[^\]]*\])/)?.[1];

describe("by whole numbers", () => {
  const labels = ["10", "9", "b", "2"];
  const byName = <T>(of: (i: number) => T) => new Map(labels.map((name, i) => [name, of(i)]));
  const inOrder = '["10","9","b","2"]';

  it("curves, with what they are compared with", () => {
    const figure = curves({
      series: byName((i) => [i, i + 1]),
      references: new Map([
        ["7", [1, 2]],
        ["3", [1, 2]],
      ]),
    });
    expect(domain(figure)).toBe('["10","9","b","2","7","3"]');
  });

  it("bars and their series", () => {
    expect(placed(bars({ values: byName((i) => i) }).alt, "10 0", "9 1", "b 2", "2 3")).toEqual([
      "10 0",
      "9 1",
      "b 2",
      "2 3",
    ]);
    const several = bars({
      values: new Map([
        ["2", { a: 1 }],
        ["1", { a: 2 }],
      ]),
    });
    expect(domain(several)).toBe('["2","1"]');
  });

  it("histograms", () => {
    expect(domain(histogram({ values: byName((i) => [i, i + 1]) }))).toBe(inOrder);
  });

  it("patterns", () => {
    const crystal = { cell: unitCell("cubic", { a: 4 }), centring: "P" } as const;
    const { alt } = patternFigure(
      new Map([
        ["10", crystal],
        ["9", crystal],
      ]),
    );
    expect(placed(alt, "10", "9")).toEqual(["10", "9"]);
  });

  it("tables' columns", () => {
    const shown = table([{ 2: "x", 1: "y" }], {
      columns: new Map([
        ["2", "10"],
        ["1", "9"],
      ]),
    });
    expect(`${shown}`.split("\n")[0]?.trim().split(/\s+/)).toEqual(["10", "9"]);
  });

  it("curves of classifiers: each area goes with its own label", () => {
    const good = { fpr: [0, 0, 1], tpr: [0, 1, 1], thresholds: [2, 1, 0] } as never;
    const bad = { fpr: [0, 1, 1], tpr: [0, 0, 1], thresholds: [2, 1, 0] } as never;
    const roc = rocFigure([good, bad], { labels: ["10", "9"] });
    expect(roc.alt).toContain("Area under the curve: 10 1.000, 9 0.000.");
    expect(domain(roc)).toBe('["10","9","guessing"]');
    const sharp = { precision: [1, 1], recall: [1, 0], thresholds: [0] } as never;
    const blunt = { precision: [0, 1], recall: [1, 0], thresholds: [0] } as never;
    expect(precisionRecallFigure([sharp, blunt], { labels: ["10", "9"] }).alt).toMatch(/: 10 1\.000, 9 0\.000\.$/);
    expect(() => rocFigure([good, bad], { labels: ["a", "a"] })).toThrow(
      'rocFigure: labels has "a" twice; expected one name a curve',
    );
  });

  it("layers: a Map keeps their order, an object that cannot is refused", () => {
    const [first, second] = [new Linear(3, 2), new ReLU()];
    const net = new Sequential(
      new Map<string, Linear | ReLU>([
        ["1", first],
        ["0", second],
      ]),
    );
    expect([net.at(0), net.at(1)]).toEqual([first, second]);
    expect([...net.stateDict().keys()]).toEqual(["1.weight", "1.bias"]);
    expect(() => new Sequential({ head: first, 0: second })).toThrow(
      `Sequential: a layer's name must be no whole number in an object, which would put it first; a Map keeps the order, got "0".`,
    );
  });
});
