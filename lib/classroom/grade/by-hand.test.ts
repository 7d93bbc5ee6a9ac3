/** Points by hand when a submission is graded again. */
import { expect, it } from "vitest";
import { resultOf, task } from "../results/testing/results.ts";
import { keptByHand } from "./by-hand.ts";

const open = () => task("why", null, 2, { kind: "manual", status: "manual" });
const answered = (text: string) => [{ cell: "why", source: text, type: "markdown" as const }];

it("stay with their comments for an answer that is the same", () => {
  const before = resultOf("ada", [task("a", 1, 3), { ...open(), points: 1.5, comment: "Nearly." }], {
    answers: answered("x + F(x)"),
  });
  const fresh = resultOf("ada", [task("a", 3, 3), open()], { answers: answered("x + F(x)") });
  const kept = keptByHand(fresh, before);
  expect(kept.tasks[1]).toMatchObject({ points: 1.5, comment: "Nearly." });
  expect([kept.points, kept.status, kept.findings]).toEqual([4.5, "graded", []]);
});

it("are told, and not given, for another answer", () => {
  const before = resultOf("ada", [{ ...open(), points: 2 }], { answers: answered("x + F(x)") });
  const fresh = resultOf("ada", [open()], { answers: answered("F(x)") });
  const kept = keptByHand(fresh, before);
  expect([kept.points, kept.status]).toEqual([0, "needsManual"]);
  expect(kept.findings).toEqual([
    {
      kind: "changed",
      cell: "why",
      message: "A person gave 2 of 2 points for an earlier answer; it is another one now.",
    },
  ]);
});
