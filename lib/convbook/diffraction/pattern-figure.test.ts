import { describe, expect, it } from "vitest";
import { patternFigure, unitCell } from "./index.ts";

const iron = { cell: unitCell("cubic", { a: 2.8664 }), centring: "I" } as const;
const aluminium = { cell: unitCell("cubic", { a: 4.0494 }), centring: "F" } as const;

describe("patternFigure", () => {
  it("marks the reflections and says them in words", () => {
    const figure = patternFigure({ iron, aluminium }, { twoTheta: [20, 90] });
    const [, ticks] = figure.spec.layer as unknown as { data: { values: { name: string; hkl: string }[] } }[];
    const of = (name: string) => ticks?.data.values.filter((mark) => mark.name === name).map(({ hkl }) => hkl);
    expect(of("iron")).toEqual(["110", "200", "211"]);
    expect(of("aluminium")).toEqual(["111", "200", "220", "311", "222"]);
    expect(figure.alt).toContain("iron: 3 lines, strongest 1 1 0 at 44.7 degrees");
    expect(figure.alt).toContain("aluminium: 5 lines, strongest 1 1 1 at 38.5 degrees");
    const svg = figure.toSvg();
    for (const text of ["iron", "aluminium", "2θ in degrees", "311"]) {
      expect(svg).toContain(text);
    }
  });

  it("keeps the first pattern on top and weak lines unmarked", () => {
    const figure = patternFigure({ iron, aluminium }, { markFrom: 0.5 });
    const [curve, ticks] = figure.spec.layer as unknown as { data: { values: { name: string; y: number }[] } }[];
    const lowest = (name: string) =>
      Math.min(...(curve?.data.values ?? []).filter((point) => point.name === name).map(({ y }) => y));
    expect(lowest("iron")).toBeGreaterThan(1);
    expect(lowest("aluminium")).toBeLessThan(0.1);
    expect(ticks?.data.values.filter(({ name }) => name === "iron")).toHaveLength(1);
  });

  it("refuses to draw nothing", () => {
    expect(() => patternFigure({})).toThrow("patternFigure: crystals is empty");
  });
});
