/** Results as grading writes them, for tests. */
import type { Reason, Result, TaskResult } from "../result.ts";

/** A picture of one pixel. */
export const pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/** A drawing that would run a script if it were part of the page. */
export const drawing = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 320 120"><script>document.title = "ran"</script><rect width="320" height="120" fill="#fff"/><polyline fill="none" stroke="#0a5fc4" stroke-width="3" points="10,15 60,52 110,70 160,84 210,92 260,98 310,101"/></svg>`;

/** A check that failed, as `grade` tells it. */
export const failedCheck: Reason = {
  name: "adds its input",
  passed: false,
  points: 0,
  maxPoints: 2,
  message: "The block's output has 96 of 1024 values further from what is expected than the tolerance allows",
  got: "0.731 at [0, 2, 1, 3]",
  expected: "0.75 ± 0.00075",
};

export function task(id: string, points: number | null, maxPoints: number, more: Partial<TaskResult> = {}): TaskResult {
  return {
    id,
    title: id,
    kind: points === null ? "manual" : "automatic",
    maxPoints,
    points,
    status: points === null ? "manual" : points >= maxPoints ? "passed" : points > 0 ? "partly" : "failed",
    reasons: [],
    seconds: 0.5,
    ...more,
  };
}

/** A result of these tasks. */
export function resultOf(student: string, tasks: readonly TaskResult[], more: Partial<Result> = {}): Result {
  return {
    version: 1,
    assignment: "Residual blocks",
    student,
    status: tasks.some(({ points }) => points === null) ? "needsManual" : "graded",
    points: tasks.reduce((sum, { points }) => sum + (points ?? 0), 0),
    maxPoints: tasks.reduce((sum, { maxPoints }) => sum + maxPoints, 0),
    tasks,
    findings: [],
    used: { seconds: 12.5, memory: 420 * 2 ** 20 },
    provenance: {
      submission: "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8",
      grader: "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
      variant: "b",
      seed: 7,
      versions: { convbook: "0.1.0", node: "20.19.0" },
      machine: { system: "linux", processor: "x64", threads: 1 },
      limits: { timeout: 60, network: false },
      isolation: ["No network: a namespace of its own."],
    },
    ...more,
  };
}

/** One of everything that a page can show. */
export function fullResult(): Result {
  return resultOf(
    "ada",
    [
      task("The residual block", 2, 4, {
        reasons: [
          { name: "keeps the shape", passed: true, points: 1, maxPoints: 1 },
          failedCheck,
          { name: "learns everywhere", passed: true, points: 1, maxPoints: 1 },
        ],
        figures: [
          { type: "image/svg+xml", data: drawing, alt: "Loss against steps: from 2.3 to 0.4 in 200 steps" },
          { type: "image/png", data: pixel },
        ],
      }),
      task("Counting parameters", 3, 3, { reasons: [{ name: "counts", passed: true, points: 3, maxPoints: 3 }] }),
      task("Pre-activation", 0, 2, {
        status: "notDone",
        reasons: [{ name: "normalizes first", passed: false, points: 0, maxPoints: 2, message: "return x + F(x)" }],
      }),
      task("Why are shortcuts identities?", 1.5, 2, {
        kind: "manual",
        comment:
          "The gradient argument is right.\nSay, too, what a convolution in the shortcut would cost <in parameters>.",
      }),
      task("What would you try next?", null, 1),
    ],
    {
      findings: [
        { kind: "changed", cell: "tests-1", message: 'The cell "tests-1" is locked and was changed; it was restored.' },
      ],
    },
  );
}
