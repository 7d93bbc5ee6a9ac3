/** GitHub Actions: annotations at the cell's line, and a summary of the job in Markdown. */
import { type NotebookOutcome, shownPath } from "../run/run-many.ts";
import { mebibytes, placeOf, problemsOf, seconds, slowestCells, tally } from "./format.ts";
import type { FileLine } from "./junit.ts";

/** Workflow commands, one line a problem. */
export function githubAnnotations(
  outcomes: readonly NotebookOutcome[],
  fileLine: FileLine = () => undefined,
): string[] {
  return outcomes.flatMap((outcome) =>
    problemsOf(outcome, (index, line) => fileLine(outcome.path, index, line)).map((problem) => {
      const path = shownPath(problem.path);
      const properties = [
        `file=${escapeProperty(path)}`,
        problem.fileLine === undefined ? undefined : `line=${problem.fileLine}`,
        `title=${escapeProperty(placeOf({ ...problem, path }))}`,
      ].filter((part) => part !== undefined);
      return `::error ${properties.join(",")}::${escapeData(problem.title === problem.details ? problem.title : `${problem.title}\n${problem.details}`)}`;
    }),
  );
}

function escapeData(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}

const icons: Readonly<Record<string, string>> = { passed: "✅", cached: "✅", "not-run": "⏭️", different: "≠" };

/** A job summary in GitHub's Markdown. */
export function markdownSummary(outcomes: readonly NotebookOutcome[]): string {
  const lines = [
    `## Notebooks: ${tally(outcomes)}`,
    "",
    "| | Notebook | Cells | Time | Peak memory |",
    "|---|---|--:|--:|--:|",
    ...outcomes.map((outcome) => {
      const { status, path, result } = outcome;
      const passed = result?.cells.filter((cell) => cell.status === "passed").length;
      const peak = Math.max(0, ...(result?.cells ?? []).map((cell) => cell.peakMemory ?? 0));
      const cells = result === undefined ? "" : `${passed}/${result.cells.length}`;
      return `| ${icons[status] ?? "❌"} ${status} | ${escapeCell(shownPath(path))} | ${cells} | ${seconds(outcome.seconds)} | ${peak === 0 ? "" : mebibytes(peak)} |`;
    }),
  ];
  for (const outcome of outcomes) {
    for (const problem of problemsOf(outcome, () => undefined)) {
      const place = placeOf({ ...problem, path: shownPath(problem.path) });
      const fence = fenceFor(problem.details);
      lines.push(
        "",
        `### ${escapeCell(place)}${problem.name === "" ? "" : `: \`${problem.name.replaceAll("`", "'")}\``}`,
        "",
        fence,
        problem.details,
        fence,
      );
    }
  }
  const slow = slowestCells(outcomes, 5);
  if (slow.length > 0) {
    lines.push("", "<details><summary>Slowest cells</summary>", "", "| Time | Cell |", "|--:|---|");
    lines.push(
      ...slow.map(
        ({ path, cell }) =>
          `| ${seconds(cell.seconds)} | ${escapeCell(`${shownPath(path)}, cell ${cell.number}: ${cell.name}`)} |`,
      ),
    );
    lines.push("", "</details>");
  }
  return `${lines.join("\n")}\n`;
}

function escapeCell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ").replaceAll("<", "&lt;");
}

/** A fence longer than any in the text. */
function fenceFor(text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  return "`".repeat(longest + 1);
}
