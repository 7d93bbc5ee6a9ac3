import { describe, expect, test } from "vitest";
import { unitCell } from "./index.ts";

describe("a unit cell", () => {
  test.each<[string, () => unknown, string]>([
    [
      "cell",
      () => unitCell("triclinic", { a: 4, b: 5, c: 6, alpha: 30, beta: 40, gamma: 120 }),
      "No cell has the sides 4, 5, 6 and the angles 30, 40, 120.",
    ],
    ["missing side", () => unitCell("tetragonal", { a: 4 }), "A tetragonal cell needs c."],
  ])("refuses a wrong %s", (_, call, message) => {
    expect(call).toThrow(RangeError);
    expect(call).toThrow(message);
  });
});
