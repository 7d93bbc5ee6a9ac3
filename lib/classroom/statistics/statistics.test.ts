import { expect, it } from "vitest";
import { failedCheck, resultOf, task } from "../results/testing/results.ts";
import { commonErrors, itemsOf } from "./items.ts";
import { correlation, deviation, quantile } from "./numbers.ts";

it("agrees with numpy", () => {
  // np.quantile(a, [0.25, 0.5, 0.95]), np.std(a, ddof=1), np.corrcoef(a, b)[0, 1]
  const a = [3, 1, 4, 1, 5, 9, 2, 6];
  const b = [2, 7, 1, 8, 2, 8, 1, 8];
  expect([0.25, 0.5, 0.95].map((at) => quantile(a, at))).toEqual([1.75, 3.5, 7.949999999999998]);
  expect(deviation(a)).toBeCloseTo(2.748376143938713, 12);
  expect(correlation(a, b)).toBeCloseTo(0.20965531907301216, 12);
  expect(correlation([1, 1], [1, 2])).toBeUndefined();
  expect(deviation([5])).toBe(0);
});

it("says of questions how hard they are, and how well they tell students apart", () => {
  const results = [0, 1, 2, 3, 4].map((i) =>
    resultOf(`s${i}`, [
      task("sharp", i >= 3 ? 2 : 0, 2),
      task("easy", 1, 1),
      task("rest", i, 4),
      task("essay", null, 3),
    ]),
  );
  const items = itemsOf(results);
  expect(items.map(({ id, count, difficulty, full, none }) => ({ id, count, difficulty, full, none }))).toEqual([
    { id: "sharp", count: 5, difficulty: 0.4, full: 0.4, none: 0.6 },
    { id: "easy", count: 5, difficulty: 1, full: 1, none: 0 },
    { id: "rest", count: 5, difficulty: 0.5, full: 0.2, none: 0.2 },
    { id: "essay", count: 0, difficulty: Number.NaN, full: 0, none: 0 },
  ]);
  // np.corrcoef([0, 0, 0, 2, 2], [1, 2, 3, 4, 5])[0, 1]
  expect(items[0]?.discrimination).toBeCloseTo(0.8660254037844386, 12);
  expect(items[1]?.discrimination).toBeUndefined();
  expect(itemsOf(results.slice(0, 4))[0]?.discrimination).toBeUndefined();
});

it("counts messages that differ in numbers only as one, by students", () => {
  const fails = (student: string, message: string, got: string) =>
    resultOf(student, [task("block", 0, 2, { reasons: [{ ...failedCheck, message, got }] })]);
  const errors = commonErrors([
    fails("ada", "has 96 of 1024 values off", "0.5"),
    fails("bo", "has 3 of 1024 values off", "0.7"),
    fails("cy", "has another shape", "[1]"),
    resultOf("di", [task("block", 0, 2, { status: "timeout" })]),
    resultOf("ed", [task("block", 2, 2)]),
  ]);
  expect(errors.map(({ check, message, students }) => [check, message, students])).toEqual([
    ["adds its input", "has 96 of 1024 values off", ["ada", "bo"]],
    ["adds its input", "has another shape", ["cy"]],
    ["", "timeout", ["di"]],
  ]);
});
