/** The page that a student gets: points, what failed and why, what a person wrote, and the student's own plots. */
import { escapeHtml } from "../html.ts";
import { type Finding, type Reason, type Result, type TaskResult, titlesOf } from "../results/index.ts";
import { groupBy } from "../statistics/group.ts";
import { firstLine } from "../values.ts";
import { figuresHtml } from "./figure.ts";
import { bar, page, pointsText } from "./page.ts";

/**
 * A page that needs nothing else and runs nothing. All that it says stands in the result; of tests that is what they say of themselves, and no code.
 *
 * @param result A submission, graded.
 * @param name What the student is called; the result's id unless given.
 * @returns The page's text.
 */
export function feedbackPage(result: Result, name: string = result.student): string {
  const open = result.tasks.filter(({ points }) => points === null);
  const openPoints = open.reduce((sum, { maxPoints }) => sum + maxPoints, 0);
  const total = `${pointsText(result.points)} of ${pointsText(result.maxPoints)}`;
  const names = titlesOf(result.tasks);
  const titles = new Map(result.tasks.map(({ id }, i) => [id, names[i] ?? id]));
  const body = [
    `<header>
<p class="who">${escapeHtml(name)}</p>
<h1>${escapeHtml(result.assignment)}</h1>
<p class="total"><strong>${pointsText(result.points)}</strong> <span>of ${pointsText(result.maxPoints)} points</span></p>
${bar(result.points, result.maxPoints)}
${open.length > 0 ? `<p class="soft">Still to be given by a person: ${pointsText(openPoints)}.</p>` : ""}
${result.status === "failed" ? `<p>Your submission could not be graded to its end.</p>` : ""}
</header>`,
    findingsHtml(result.findings, titles),
    ...result.tasks.map((task) => taskHtml({ ...task, title: titles.get(task.id) ?? task.title })),
    provenanceHtml(result),
  ];
  return page(`${result.assignment}: ${total} points`, body.filter((part) => part !== "").join("\n"));
}

/** A page is for reading. */
const mostFindings = 30;

/** @param titles What the tasks are called, by their ids: a cell is named by its task, else by its own id. */
function findingsHtml(findings: readonly Finding[], titles: ReadonlyMap<string, string>): string {
  if (findings.length === 0) {
    return "";
  }
  // What follows a first line is for whoever grades: what a kernel said before it ended.
  const grouped = groupBy(findings, ({ message }) => firstLine(message));
  const items = [...grouped].slice(0, mostFindings).map(([message, own]) => {
    const cells = new Set(own.flatMap(({ cell }) => (cell === null ? [] : [titles.get(cell) ?? cell])));
    const where = cells.size === 0 ? "" : `<strong>${escapeHtml([...cells].join(", "))}:</strong> `;
    return `<li>${where}${escapeHtml(shortened(message))}</li>`;
  });
  const left = grouped.size - items.length;
  if (left > 0) {
    items.push(`<li>and ${left} more</li>`);
  }
  return `<aside class="notes" aria-label="What was found in your file"><strong>In your file</strong><ul>${items.join("")}</ul></aside>`;
}

const statusTexts: Readonly<Record<TaskResult["status"], string>> = {
  passed: "",
  partly: "",
  failed: "",
  error: "The cell ended with an error.",
  timeout: "The time was up before this was done.",
  notDone: "Not done yet.",
  missing: "The cell is not in your notebook.",
  notRun: "This did not run, because something before it ended the run.",
  manual: "A person looks at this.",
};

function taskHtml(task: TaskResult): string {
  const { title, points, maxPoints, reasons } = task;
  const status = points === null || task.kind === "automatic" ? (statusTexts[task.status] ?? "") : "";
  const shown = `${points === null ? "–" : pointsText(points)} / ${pointsText(maxPoints)}`;
  const spoken = points === null ? "not graded yet, of" : `${pointsText(points)} of`;
  return `<section>
<div class="head"><h2>${escapeHtml(title)}</h2><span class="points ${gradeClass(task)}"><span aria-hidden="true">${shown}</span><span class="hidden">${spoken} ${pointsText(maxPoints)} points</span></span></div>
${status === "" ? "" : `<p class="soft">${status}</p>`}
${reasons.length === 0 ? "" : `<ul class="checks">${reasons.map(reasonHtml).join("")}</ul>`}
${commentHtml(task.comment)}
${figuresHtml(task.figures ?? [], title)}
</section>`;
}

function gradeClass({ points, maxPoints }: TaskResult): string {
  if (points === null || maxPoints === 0) {
    return "";
  }
  return points >= maxPoints ? "good" : points > 0 ? "part" : "bad";
}

function reasonHtml(reason: Reason): string {
  const { name, passed, points, maxPoints, message, got, expected } = reason;
  const rows = [
    ["What you gave", got],
    ["Expected", expected],
  ].flatMap(([term, value]) =>
    value === undefined ? [] : [`<dt>${term}</dt><dd><samp>${escapeHtml(shortened(value))}</samp></dd>`],
  );
  const list = rows.length === 0 ? "" : `<dl>${rows.join("")}</dl>`;
  const text = message === undefined ? "" : `<p>${escapeHtml(shortened(message))}</p>`;
  const why = passed || (text === "" && list === "") ? "" : `<div class="why">${text}${list}</div>`;
  const share = maxPoints > 0 ? `<span class="soft">${pointsText(points)} / ${pointsText(maxPoints)}</span>` : "";
  return `<li class="${passed ? "passed" : "failed"}"><div class="check"><span><span class="hidden">${passed ? "Passed: " : "Failed: "}</span>${escapeHtml(name)}</span>${share}</div>${why}</li>`;
}

/** A message is a sentence; what is longer came from somewhere else. */
function shortened(text: string): string {
  const longest = 1000;
  return text.length > longest ? `${text.slice(0, longest)}…` : text;
}

function commentHtml(comment: string | undefined): string {
  return comment === undefined || comment.trim() === ""
    ? ""
    : `<blockquote class="comment"><cite>Comment</cite>${escapeHtml(comment.trim())}</blockquote>`;
}

/** What the grade depends on, by which a student and a teacher can see that they speak of the same file. */
function provenanceHtml({ provenance }: Result): string {
  if (provenance === undefined) {
    return "";
  }
  const { submission, variant, seed, versions } = provenance;
  const rows: [string, unknown][] = [
    ["Your file (SHA-256)", submission],
    ["Variant", variant ?? undefined],
    ["Seed", seed],
    [
      "Versions",
      versions &&
        Object.entries(versions)
          .map(([name, version]) => `${name} ${version}`)
          .join(", "),
    ],
  ];
  const list = rows.flatMap(([term, value]) =>
    value === undefined || value === "" ? [] : [`<dt>${term}</dt><dd>${escapeHtml(String(value))}</dd>`],
  );
  return list.length === 0
    ? ""
    : `<details><summary>What this grade depends on</summary><dl>${list.join("")}</dl></details>`;
}
