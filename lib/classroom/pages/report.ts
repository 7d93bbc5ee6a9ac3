/** The page that a teacher gets: how the class did, which questions were hard, what went wrong, what it took, who wrote alike. */
import { escapeHtml } from "../html.ts";
import type { Result } from "../results/index.ts";
import { similarPairs } from "../similarity/similar.ts";
import { groupBy } from "../statistics/group.ts";
import { commonErrors, itemsOf } from "../statistics/items.ts";
import { deviation, mean, quantile } from "../statistics/numbers.ts";
import { histogram } from "./chart.ts";
import { memoryText, page, pointsColumn, pointsText, secondsText } from "./page.ts";

/** Lines of a table: a page is for reading. */
const mostErrors = 25;
const mostPairs = 20;

/**
 * The overview of a class, a section for each assignment. It runs nothing and loads nothing.
 *
 * @param results Results of any assignments.
 */
export function reportPage(results: readonly Result[]): string {
  const assignments = groupBy(results, ({ assignment }) => assignment);
  const sections = [...assignments].map(([name, own]) => assignmentHtml(name, own));
  return page(`Report: ${[...assignments.keys()].join(", ")}`, sections.join("\n"), { wide: true });
}

function assignmentHtml(name: string, results: readonly Result[]): string {
  return [
    `<h1>${escapeHtml(name)}</h1>`,
    overview(results),
    questions(results),
    errors(results),
    findings(results),
    resources(results),
    alike(results),
    students(results),
  ].join("\n");
}

function overview(results: readonly Result[]): string {
  const points = results.map((result) => result.points);
  const max = Math.max(...results.map(({ maxPoints }) => maxPoints));
  const open = results.filter(({ status }) => status === "needsManual").length;
  const failed = results.filter(({ status }) => status === "failed").length;
  const facts: [string, string][] = [
    ["Submissions", String(results.length)],
    ["Mean", `${pointsText(mean(points))} of ${pointsText(max)}`],
    ["Median", pointsText(quantile(points, 0.5))],
    ["Standard deviation", pointsText(deviation(points))],
    ...(open > 0 ? [["Wait for a person", String(open)] as [string, string]] : []),
    ...(failed > 0 ? [["Not graded to the end", String(failed)] as [string, string]] : []),
  ];
  const bins = Array.from({ length: 10 }, (_, i) => ({
    label: `${i * 10}–${(i + 1) * 10} %`,
    tick: String(i * 10),
    count: points.filter((value) => Math.min(9, Math.max(0, Math.floor((10 * value) / (max || 1)))) === i).length,
  }));
  const list = facts.map(([term, value]) => `<div><dt>${term}</dt><dd>${value}</dd></div>`).join("");
  const waiting = open > 0 ? `<p class="soft small">What a person has not graded yet counts as 0 here.</p>` : "";
  return `<dl class="facts">${list}</dl>\n${waiting}${histogram(bins, "Submissions by their share of all points", "each column from its number to the next, in percent")}`;
}

function questions(results: readonly Result[]): string {
  const items = itemsOf(results);
  const means = pointsColumn(items.map(({ meanPoints }) => meanPoints));
  const most = pointsColumn(items.map(({ maxPoints }) => maxPoints));
  const rows = items.map((item, i) => {
    const { title, count, difficulty, discrimination, full, none, medianSeconds } = item;
    const cells =
      count === 0
        ? ["–", "–", "–", "–", "–", "–"]
        : [
            means[i] ?? "",
            percent(difficulty),
            discrimination === undefined ? "–" : discrimination.toFixed(2).replace("-", "−"),
            percent(full),
            percent(none),
            escapeHtml(secondsText(medianSeconds)),
          ];
    return [escapeHtml(title), most[i] ?? "", ...cells];
  });
  const head = ["Question", "Points", "Mean", "Solved", "Tells apart", "All points", "No points", "Median time"];
  return `<section><h2>Questions</h2>
<p class="soft small">“Solved” is the mean share of the points. “Tells apart” is the correlation with the points of all other questions: below 0.2, who did well elsewhere did hardly better here.</p>
${table(head, rows, { keyed: true })}</section>`;
}

function errors(results: readonly Result[]): string {
  const all = commonErrors(results);
  const rows = all.slice(0, mostErrors).map(({ task, check, message, got, expected, students: who }) => {
    const example =
      got === undefined
        ? ""
        : `<br><span class="soft small">such as <samp>${escapeHtml(cut(got))}</samp>${expected === undefined ? "" : `, expected <samp>${escapeHtml(cut(expected))}</samp>`}</span>`;
    const name = check === "" ? "" : `<strong>${escapeHtml(check)}</strong>${message === "" ? "" : ": "}`;
    return [
      `${name}${escapeHtml(cut(message))}${example}`,
      escapeHtml(task),
      String(who.length),
      percent(who.length / results.length),
    ];
  });
  const more = all.length > mostErrors ? `<p class="soft small">and ${all.length - mostErrors} that are rarer</p>` : "";
  return `<section><h2>What went wrong</h2>${rows.length === 0 ? "<p>Nothing.</p>" : table(["Check", "Question", "Students", "Share"], rows, { from: 2 })}${more}</section>`;
}

function findings(results: readonly Result[]): string {
  const rows = results.flatMap(({ student, findings: own }) =>
    own.map(({ kind, message }) => ({ student, kind, message })),
  );
  if (rows.length === 0) {
    return "";
  }
  const grouped = groupBy(rows, ({ kind }) => kind);
  const lines = [...grouped].map(([kind, own]) => {
    const who = [...new Set(own.map(({ student }) => student))];
    return [escapeHtml(kind), escapeHtml(cut(own[0]?.message ?? "")), String(who.length), escapeHtml(names(who))];
  });
  return `<section><h2>What was found in the files</h2>${table(["Kind", "Such as", "Students", "Who"], lines, { from: 2, to: 3 })}</section>`;
}

function resources(results: readonly Result[]): string {
  const used = results.flatMap(({ student, used: own }) => (own === undefined ? [] : [{ student, ...own }]));
  if (used.length === 0) {
    return "";
  }
  const row = (name: string, values: readonly number[], text: (value: number) => string, of: "seconds" | "memory") => {
    const worst = used.reduce((a, b) => (b[of] > a[of] ? b : a));
    return [
      name,
      text(quantile(values, 0.5)),
      text(quantile(values, 0.95)),
      text(worst[of]),
      escapeHtml(worst.student),
    ];
  };
  const rows = [
    row(
      "Time",
      used.map(({ seconds }) => seconds),
      secondsText,
      "seconds",
    ),
    row(
      "Memory",
      used.map(({ memory }) => memory),
      memoryText,
      "memory",
    ),
  ];
  return `<section><h2>Time and memory</h2>${table(["", "Median", "95 of 100 below", "Most", "Whose"], rows, { to: 4 })}</section>`;
}

function alike(results: readonly Result[]): string {
  if (!results.some(({ answers }) => answers !== undefined)) {
    return "";
  }
  const pairs = similarPairs(results);
  const rows = pairs
    .slice(0, mostPairs)
    .map(({ students: [a, b], share, shared }) => [escapeHtml(a), escapeHtml(b), percent(share), String(shared)]);
  const none = "<p>No two submissions share half of what they wrote.</p>";
  const more =
    pairs.length > mostPairs ? `<p class="soft small">and ${pairs.length - mostPairs} pairs that share less</p>` : "";
  return `<section><h2>Alike</h2>
<p class="soft small">Code that two students share in one order, whatever its names and layout, without what the assignment gave and what half of the class has. It is a hint where to look: short tasks have few solutions, and people work together. It proves nothing.</p>
${rows.length === 0 ? none : table(["Student", "and", "Shared", "Passages"], rows, { from: 2 })}${more}</section>`;
}

function students(results: readonly Result[]): string {
  const states: Readonly<Record<string, string>> = {
    graded: "",
    needsManual: "waits for a person",
    failed: "not graded to the end",
  };
  const texts = pointsColumn(results.map(({ points }) => points));
  const rows = results.map(({ student, maxPoints, status, used, findings: own }, i) => [
    escapeHtml(student),
    `${texts[i]} / ${pointsText(maxPoints)}`,
    used === undefined ? "–" : secondsText(used.seconds),
    used === undefined ? "–" : memoryText(used.memory),
    [states[status] ?? "", own.length > 0 ? `${own.length} ${own.length === 1 ? "finding" : "findings"}` : ""]
      .filter((part) => part !== "")
      .join(", "),
  ]);
  return `<section><h2>Students</h2>${table(["Student", "Points", "Time", "Memory", ""], rows, { to: 4, keyed: true })}</section>`;
}

/** How a table is set. */
interface TableOptions {
  /** The first column of numbers; default 1. */
  readonly from?: number;
  /** The column behind the last one of numbers; default: there is none. */
  readonly to?: number;
  /** Whether the first column stays where a phone scrolls the others. */
  readonly keyed?: boolean;
}

function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  { from = 1, to = head.length, keyed = false }: TableOptions = {},
): string {
  const align = (i: number) => (i >= from && i < to ? ' class="n"' : "");
  const body = rows.map((row) => `<tr>${row.map((cell, i) => `<td${align(i)}>${cell}</td>`).join("")}</tr>`);
  const heads = head.map((name, i) =>
    name === "" ? `<td${align(i)}></td>` : `<th scope="col"${align(i)}>${name}</th>`,
  );
  return `<div class="scroll" tabindex="0" role="region" aria-label="Table"><table${keyed ? ' class="keyed"' : ""}><thead><tr>${heads.join("")}</tr></thead><tbody>${body.join("")}</tbody></table></div>`;
}

function percent(share: number): string {
  return Number.isFinite(share) ? `${Math.round(100 * share)} %` : "–";
}

function cut(text: string): string {
  const longest = 240;
  return text.length > longest ? `${text.slice(0, longest)}…` : text;
}

function names(who: readonly string[]): string {
  const most = 6;
  return who.length > most ? `${who.slice(0, most).join(", ")} and ${who.length - most} more` : who.join(", ");
}
