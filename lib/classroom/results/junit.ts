/** Results as JUnit XML: a test suite a student, a test case a task. */
import type { Result, TaskResult } from "./result.ts";

/**
 * The report's text.
 *
 * @param results Each is read when its turn comes, so that a large class takes no memory.
 */
export function junit(results: readonly (() => Result)[]): string {
  const suites = results.map((read) => suite(read()));
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="class">\n${suites.join("\n")}\n</testsuites>\n`;
}

function suite({ student, assignment, tasks, points, maxPoints, findings }: Result): string {
  const count = { failures: 0, errors: 0, skipped: 0 };
  const cases = tasks.map((task) => {
    const body = bodyOf(task, count);
    const name = `${task.title} (${task.points ?? "?"} of ${task.maxPoints})`;
    return `    <testcase classname="${escapeXml(student)}" name="${escapeXml(name)}" time="${task.seconds.toFixed(3)}">${body}</testcase>`;
  });
  const told = findings
    .map(({ kind, cell, message }) => `${kind}${cell === null ? "" : ` ${cell}`}: ${message}`)
    .join("\n");
  const output = told === "" ? [] : [`    <system-out>${escapeXml(told)}</system-out>`];
  const attributes = `tests="${tasks.length}" failures="${count.failures}" errors="${count.errors}" skipped="${count.skipped}"`;
  return [
    `  <testsuite name="${escapeXml(`${assignment}: ${student}, ${points} of ${maxPoints}`)}" ${attributes}>`,
    ...cases,
    ...output,
    "  </testsuite>",
  ].join("\n");
}

function bodyOf({ status, reasons }: TaskResult, count: { failures: number; errors: number; skipped: number }): string {
  const text = reasons
    .filter(({ passed }) => !passed)
    .map(({ name, message }) => (message === undefined ? name : `${name}: ${message}`))
    .join("\n");
  switch (status) {
    case "passed":
      return "";
    case "manual":
    case "notRun":
      count.skipped++;
      return `<skipped message="${status === "manual" ? "a person gives the points" : "it did not run"}"/>`;
    case "error":
    case "timeout":
      count.errors++;
      return `<error type="${status}" message="${escapeXml(text.split("\n")[0] ?? "")}">${escapeXml(text)}</error>`;
    default:
      count.failures++;
      return `<failure type="${status}" message="${escapeXml(text.split("\n")[0] ?? "")}">${escapeXml(text)}</failure>`;
  }
}

/** Text for XML; characters that XML 1.0 does not have are left out. */
function escapeXml(text: string): string {
  return text
    .replace(/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu, "")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
