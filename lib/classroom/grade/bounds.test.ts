import { expect, it } from "vitest";
import type { Answer, Finding } from "../results/index.ts";
import { task } from "../results/testing/results.ts";
import { bounded, boundedAnswers, boundedFindings, boundedTasks } from "./bounds.ts";

it("cuts what is no message any more", () => {
  expect(bounded("short")).toBe("short");
  expect(bounded("x".repeat(3e6))).toHaveLength(2001);
  const reason = { name: "n".repeat(5000), message: "m".repeat(5000), passed: false, points: 0, maxPoints: 1 };
  const [first] = boundedTasks([task("a", 0, 1, { reasons: [reason] })]);
  expect(first?.reasons[0]?.name).toHaveLength(2001);
  expect(first?.reasons[0]?.message).toHaveLength(2001);
});

it("tells the first findings of each kind, however many there are of another", () => {
  const errors = Array.from({ length: 1500 }, (_, i): Finding => ({ kind: "error", cell: null, message: `${i}` }));
  const found = boundedFindings([...errors, { kind: "forged", cell: "a", message: "A grade." }]);
  expect(found).toHaveLength(102);
  expect(found.slice(-2)).toEqual([
    { kind: "forged", cell: "a", message: "A grade." },
    { kind: "error", cell: null, message: "There are 1400 more of this kind." },
  ]);
});

it("keeps pictures as long as there is room for them", () => {
  const figure = (megabytes: number) => ({ type: "image/png" as const, data: "i".repeat(megabytes * 2 ** 20) });
  const tasks = Array.from({ length: 20 }, (_, i) => task(`${i}`, 1, 1, { figures: [figure(2), figure(1)] }));
  expect(boundedTasks(tasks).flatMap(({ figures = [] }) => figures)).toHaveLength(16);
  expect(boundedTasks([task("a", 1, 1)])[0]).toEqual(task("a", 1, 1));
});

it("keeps answers to the assignment before what students added", () => {
  const own = (source: string, cell: string | null = null): Answer => ({ cell, type: "code", source });
  const long = "x".repeat(10 * 2 ** 20);
  const all = [own(long), own(long), own("a", "square"), { ...own("b"), task: "essay" }];
  expect(boundedAnswers(all)).toEqual({ answers: [all[0], all[2], all[3]], left: 1 });
  const many = boundedAnswers([...Array.from({ length: 300_000 }, () => own("")), own("a", "square")]);
  expect(many.answers).toHaveLength(10_000);
  expect(many.answers.at(-1)).toEqual(own("a", "square"));
});
