import { describe, expect, test } from "vitest";
import { Generator } from "../../random/index.ts";
import { type Crystal, lorentzPolarisation, powderPattern, unitCell } from "./index.ts";

describe("a powder pattern", () => {
  const crystal: Crystal = { cell: unitCell("cubic", { a: 4.0494 }), centring: "F" };

  test("has its peaks at the lines' angles, of the width that is asked for", () => {
    const pattern = powderPattern(crystal, { points: 8501, fwhm: 0.2 });
    const angle = (i: number): number => 5 + i * 0.01;
    const top = pattern.indexOf(1);
    expect(angle(top)).toBeCloseTo(38.47, 1);
    const half = pattern.slice(top - 100, top + 100).filter((value) => value > 0.5).length * 0.01;
    expect(half).toBeCloseTo(0.2, 1);
  });

  test("has a background and counting noise, the same for the same seed", () => {
    const quiet = powderPattern(crystal, { background: 0.5 });
    expect(Math.min(...quiet)).toBeGreaterThan(0.33);
    expect(Math.max(...quiet)).toBeCloseTo(1, 3);
    const noisy = () => powderPattern(crystal, { background: 0.5, counts: 1000, generator: new Generator(4) });
    expect(noisy()).toEqual(noisy());
    const errors = noisy().map(
      (value, i) => (value - (quiet[i] as number)) / Math.sqrt((quiet[i] as number) / 1.5 / 1000),
    );
    const spread = Math.sqrt(errors.reduce((sum, error) => sum + error * error, 0) / errors.length);
    expect(spread).toBeGreaterThan(0.9);
    expect(spread).toBeLessThan(1.1);
  });

  test("falls with the Lorentz and polarisation factors", () => {
    expect(lorentzPolarisation(90)).toBeCloseTo(1 / (0.5 * Math.SQRT1_2), 12);
    expect(lorentzPolarisation(20)).toBeGreaterThan(lorentzPolarisation(60));
  });

  test.each<[string, () => unknown, string]>([
    [
      "points",
      () => powderPattern({ cell: unitCell("cubic", { a: 4 }), centring: "P" }, { points: 1 }),
      "A powder pattern's points is a whole number of at least 2; got 1.",
    ],
  ])("refuses a wrong %s", (_, call, message) => {
    expect(call).toThrow(RangeError);
    expect(call).toThrow(message);
  });
});
