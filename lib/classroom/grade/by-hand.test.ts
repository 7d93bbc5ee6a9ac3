/** Points by hand when a submission is graded again. */
import { join } from "node:path";
import { expect, it } from "vitest";
import { checkedResult } from "../results/check.ts";
import { answerTo, withTasks } from "../results/index.ts";
import { failedCheck, resultOf, task } from "../results/testing/results.ts";
import { readAssignmentNotebook } from "../source/index.ts";
import { cellWith, folderWith, notebookOf, roles } from "../testing/notebooks.ts";
import { keptByHand } from "./by-hand.ts";
import { restore } from "./restore.ts";

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

it("stay where an answer is the same but for blanks and ends of lines, whether it ran or not", () => {
  const before = resultOf("ada", [{ ...open(), points: 2 }], { answers: answered("x\n+ F(x)") });
  const blanks = resultOf("ada", [open()], { answers: answered("x \r\n\r\n+ F(x)\n") });
  expect(keptByHand(blanks, before).points).toBe(2);
  const notRun = task("why", 0, 2, { kind: "manual", status: "notRun", reasons: [failedCheck] });
  const failed = resultOf("ada", [notRun], { answers: answered("x\n+ F(x)"), status: "failed" });
  const kept = keptByHand(failed, before);
  expect(kept.tasks).toEqual([{ ...open(), points: 2 }]);
  // And are known as a person's the next time.
  expect(keptByHand(blanks, kept).points).toBe(2);
});

it("are told, and not given, for another answer, and come back with the first one", () => {
  const before = resultOf("ada", [{ ...open(), points: 2, comment: "Yes." }], { answers: answered("x + F(x)") });
  const fresh = (text: string) => resultOf("ada", [open()], { answers: answered(text) });
  const kept = keptByHand(fresh("F(x)"), before);
  expect([kept.points, kept.status]).toEqual([0, "needsManual"]);
  const findings = [
    {
      kind: "changed",
      cell: "why",
      message: "Needs grading again: a person gave 2 of 2 points for an earlier answer, and it is another one now.",
    },
  ];
  expect(kept.findings).toEqual(findings);
  expect(kept.tasks[0]?.earlier).toEqual({ points: 2, maxPoints: 2, comment: "Yes.", answer: "x + F(x)" });
  expect(checkedResult(JSON.parse(JSON.stringify(kept)), "result.json")).toEqual(kept);
  const third = keptByHand(fresh("F(x) + x"), kept);
  expect(third.findings).toEqual(findings);
  const back = keptByHand(fresh("x + F(x)"), third);
  expect(back).toMatchObject({ points: 2, status: "graded", findings: [] });
  expect(back.tasks[0]).toEqual({ ...open(), points: 2, comment: "Yes." });
});

it("are told where there is no answer any more", () => {
  const before = resultOf("ada", [{ ...open(), points: 2 }], { answers: answered("x + F(x)") });
  const untouched = task("why", 0, 2, { kind: "manual", status: "notDone" });
  const kept = keptByHand(resultOf("ada", [untouched], { answers: answered("YOUR ANSWER HERE") }), before);
  expect([kept.points, kept.status]).toEqual([0, "graded"]);
  expect(kept.findings.map(({ message }) => message)).toEqual([
    "A person gave 2 of 2 points for an earlier answer; there is none now.",
  ]);
});

it("are none where a program gave the nothing of an answer that was not there yet", () => {
  const untouched = task("why", 0, 2, { kind: "manual", status: "notDone" });
  const before = resultOf("ada", [untouched], { answers: answered("YOUR ANSWER HERE") });
  const fresh = resultOf("ada", [open()], { answers: answered("x + F(x)") });
  expect(keptByHand(fresh, before)).toEqual(fresh);
});

it("of a task depend on the cells that the student put behind it", () => {
  const asked = cellWith("markdown", "Measure it.", {
    ...roles.readonly("why"),
    locked: false,
    task: true,
    points: 2,
  });
  const next = cellWith("code", "next();", roles.solution("next"));
  const grader = readAssignmentNotebook(join(folderWith({ "a.ipynb": notebookOf([asked, next]) }), "a.ipynb"));
  const written = (...own: string[]) =>
    resultOf("ada", [open()], {
      answers: restore(
        notebookOf([asked, ...own.map((text) => cellWith("code", text)), next, cellWith("code", "of next")]),
        grader,
        undefined,
      ).answers,
    });
  const first = written("time(1);", "plot();");
  expect(answerTo(first, "why")).toBe("time(1);\n\nplot();");
  const before = withTasks(first, [{ ...open(), points: 1 }]);
  expect(keptByHand(written("time(1);", "plot();"), before).points).toBe(1);
  expect(keptByHand(written("time(2);", "plot();"), before).findings).toHaveLength(1);
});
