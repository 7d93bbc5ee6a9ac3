import { expect, it } from "vitest";
import { CheckError } from "./check-error.ts";
import { grade, gradeType } from "./grade.ts";
import { gradeHtml } from "./grade-view.ts";
import { cellOf, failureOf } from "./reason.ts";

const passes = () => undefined;
const fails = () => {
  throw new CheckError("Not so", { got: "1", expected: "2" });
};

it("gives each check its share, as the weights say", async () => {
  const { points, maxPoints, reasons } = await grade(4, {
    "keeps the shape": passes,
    "adds its input": { weight: 2, run: async () => fails() },
    holds: () => false,
  });
  expect([points, maxPoints]).toEqual([1, 4]);
  expect(reasons).toEqual([
    { name: "keeps the shape", passed: true, points: 1, maxPoints: 1 },
    { name: "adds its input", passed: false, points: 0, maxPoints: 2, message: "Not so", got: "1", expected: "2" },
    { name: "holds", passed: false, points: 0, maxPoints: 1, message: "This does not hold" },
  ]);
});

it("gives all points where all pass, whatever the shares are rounded to", async () => {
  const { points, reasons } = await grade(1, { a: passes, b: passes, c: passes });
  expect(points).toBe(1);
  expect(reasons.map((reason) => reason.points)).toEqual([0.3333, 0.3333, 0.3333]);
});

it("shows its table with the names under their heading, and points as people write them", () => {
  const reasons = [{ name: "a", passed: true, points: 0.3333, maxPoints: 0.3333 }];
  expect(gradeHtml({ points: 0.3333, maxPoints: 1, reasons })).toBe(
    '<table><thead><tr><th></th><th style="text-align: left">Check</th><th>0.33 / 1</th></tr></thead>' +
      '<tbody><tr><td>✓ passed</td><td style="text-align: left">a</td><td>0.33 / 0.33</td></tr></tbody></table>',
  );
});

it("shows the points for convbook, for nbgrader and for people", async () => {
  const result = await grade(2, { "a < b & c": fails, b: passes });
  const show = Reflect.get(result, Symbol.for("Jupyter.display")) as () => Record<string, unknown>;
  const bundle = show();
  expect(bundle["text/plain"]).toBe("1");
  expect(bundle[gradeType]).toEqual({ points: 1, maxPoints: 2, reasons: result.reasons });
  expect(bundle["text/html"]).toContain("a &lt; b &amp; c<br><small>Not so<br>got: <code>1</code>");
  expect(Object.isFrozen(result) && Object.isFrozen(result.reasons) && Object.isFrozen(result.reasons[0])).toBe(true);
});

it("refuses points and weights that make no sense", async () => {
  await expect(grade(-1, { a: passes })).rejects.toThrow("grade: points must be a number of at least 0, got -1");
  await expect(grade(1, {})).rejects.toThrow("there must be a check whose weight is above 0");
  await expect(grade(1, { a: { weight: -1, run: passes }, b: { weight: 2, run: passes } })).rejects.toThrow(
    "none below",
  );
});

it("tells students the messages of their own errors, and none that the test could have made", () => {
  const thrown = (message: string, stack: string) => Object.assign(new TypeError(message), { stack });
  const inStudents = thrown("x is not iterable\nmore", "TypeError: x\n    at forward (In [2]:4:5)\n    at In [3]:1:1");
  const inTest = thrown("secret is not defined", "TypeError: secret\n    at check (In [3]:2:7)\n    at In [3]:1:1");
  const inLibrary = thrown(
    "shapes 2 and 3",
    "TypeError: x\n    at Object.add (/a/node_modules/tf/x.js:1:2)\n    at file:///a/b.js:3:4\n    at native:1:1\n    at f (In [2]:1:1)",
  );
  expect(failureOf(inStudents, "In [3]")).toEqual({ message: "Your code ended with TypeError: x is not iterable" });
  expect(failureOf(inLibrary, "In [3]")).toEqual({ message: "Your code ended with TypeError: shapes 2 and 3" });
  const hidden = "The check ended with TypeError: what your code gives cannot be used as the task asks";
  expect(failureOf(inTest, "In [3]")).toEqual({ message: hidden });
  expect(failureOf(thrown("secret", "TypeError: secret"), "In [3]")).toEqual({ message: hidden });
  expect(failureOf("secret", "In [3]")).toEqual({ message: "The code threw something that is no error" });
  const notDone = Object.assign(new Error("return x + F(x)"), { name: "NotDoneYet" });
  expect(failureOf(notDone, "In [3]")).toEqual({ message: "return x + F(x)" });
  expect(failureOf(thrown("x".repeat(1000), "at f (In [2]:1:1)"), "In [3]").message).toHaveLength(401);
});

it("knows cells from files", () => {
  expect(cellOf("Error: at x (y:1:2)\n    at f (/a/b.ts:1:2)\n    at async g (In [12]:3:4)")).toBe("In [12]");
  expect(cellOf("Error\n    at node:internal/x:1:2\n    at eval (<anonymous>:1:1)")).toBeUndefined();
});
