/** JUnit XML: a test suite a notebook, a test case a cell, by the names that people know. */

import type { NotebookOutcome } from "../run/run-many.ts";
import { shownPath } from "../run/run-many.ts";
import { problemsOf } from "./format.ts";

/** The report's text. */
export function junitReport(outcomes: readonly NotebookOutcome[], fileLine: FileLine = () => undefined): string {
  const suites = outcomes.map((outcome) => suite(outcome, (index, line) => fileLine(outcome.path, index, line)));
  const sum = (pick: (entry: (typeof suites)[number]) => number) =>
    suites.reduce((total, entry) => total + pick(entry), 0);
  return `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="notebooks" tests="${sum((s) => s.tests)}" failures="${sum((s) => s.failures)}" errors="${sum((s) => s.errors)}" skipped="${sum((s) => s.skipped)}" time="${sum((s) => s.time).toFixed(3)}">
${suites.map((entry) => entry.xml).join("\n")}
</testsuites>
`;
}

/** Where in a notebook's file a cell's line is. */
export type FileLine = (path: string, index: number, line: number) => number | undefined;

function suite(outcome: NotebookOutcome, fileLine: (index: number, line: number) => number | undefined) {
  const { path, result, error } = outcome;
  const shown = shownPath(path);
  const problems = problemsOf(outcome, fileLine);
  const cases: string[] = [];
  const count = { failures: 0, errors: 0, skipped: 0 };
  if (result === undefined) {
    const body =
      error !== undefined
        ? `<error message="${escapeXml(problems[0]?.title ?? "")}" type="${escapeXml(error.name)}">${escapeXml(error.message)}</error>`
        : outcome.status === "cached"
          ? ""
          : "<skipped/>";
    count.errors += error === undefined ? 0 : 1;
    count.skipped += body === "<skipped/>" ? 1 : 0;
    cases.push(
      `    <testcase classname="${escapeXml(shown)}" name="the notebook" file="${escapeXml(shown)}" time="${outcome.seconds.toFixed(3)}">${body}</testcase>`,
    );
  }
  for (const cell of result?.cells ?? []) {
    const own = problems.filter((problem) => problem.number === cell.number);
    let body = own
      .map(
        (problem) =>
          `<failure message="${escapeXml(problem.title)}" type="${escapeXml(cell.failure?.name ?? "OutputDiffers")}">${escapeXml(`${problem.details}\n    at ${shown}${problem.fileLine === undefined ? "" : `:${problem.fileLine}`} (cell ${cell.number}${problem.line === undefined ? "" : `, line ${problem.line}`})`)}</failure>`,
      )
      .join("");
    if (own.length > 0) {
      count.failures++;
    } else if (cell.status === "skipped" || cell.status === "not-run") {
      count.skipped++;
      const reason = outcome.status === "passed" ? "the notebook ended before it" : "a cell before it failed";
      body = cell.status === "not-run" ? `<skipped message="${reason}"/>` : "<skipped/>";
    }
    const line = fileLine(cell.index, cell.failure?.line ?? 1);
    cases.push(
      `    <testcase classname="${escapeXml(shown)}" name="${escapeXml(`cell ${cell.number}: ${cell.name}`)}" file="${escapeXml(shown)}"${line === undefined ? "" : ` line="${line}"`} time="${cell.seconds.toFixed(3)}">${body}</testcase>`,
    );
  }
  const attributes = `tests="${cases.length}" failures="${count.failures}" errors="${count.errors}" skipped="${count.skipped}" time="${outcome.seconds.toFixed(3)}"`;
  return {
    ...count,
    tests: cases.length,
    time: outcome.seconds,
    xml: `  <testsuite name="${escapeXml(shown)}" ${attributes}>\n${cases.join("\n")}\n  </testsuite>`,
  };
}

/** Text for XML; characters that XML 1.0 does not have at all are left out. */
export function escapeXml(text: string): string {
  let clean = "";
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    const allowed =
      code === 9 ||
      code === 10 ||
      code === 13 ||
      (code >= 0x20 && code <= 0xd7ff) ||
      (code >= 0xe000 && code <= 0xfffd) ||
      code >= 0x10000;
    clean += allowed ? character : "";
  }
  return clean.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
