/** A grade as a table in the notebook. */
import { escapeHtml } from "../html.ts";
import { pointsText } from "../pages/page.ts";
import type { Reason } from "../results/index.ts";

/** The table: a line a check, with what was got and expected under those that failed. */
export function gradeHtml(grade: {
  readonly points: number;
  readonly maxPoints: number;
  readonly reasons: readonly Reason[];
}): string {
  const rows = grade.reasons.map(({ name, passed, points, maxPoints, message, got, expected }) => {
    const details = [
      ...(message === undefined ? [] : [escapeHtml(message)]),
      ...(got === undefined ? [] : [`got: <code>${escapeHtml(got)}</code>`]),
      ...(expected === undefined ? [] : [`expected: <code>${escapeHtml(expected)}</code>`]),
    ];
    const below = details.length === 0 ? "" : `<br><small>${details.join("<br>")}</small>`;
    return `<tr><td>${passed ? "✓ passed" : "✗ failed"}</td><td style="text-align: left">${escapeHtml(name)}${below}</td><td>${pointsText(points)} / ${pointsText(maxPoints)}</td></tr>`;
  });
  return `<table><thead><tr><th></th><th style="text-align: left">Check</th><th>${pointsText(grade.points)} / ${pointsText(grade.maxPoints)}</th></tr></thead><tbody>${rows.join("")}</tbody></table>`;
}
