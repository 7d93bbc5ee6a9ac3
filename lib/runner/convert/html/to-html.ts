/** A notebook as one HTML file that needs nothing else. */
import { createHash } from "node:crypto";
import { type Cell, type CodeCell, joinLines, type Notebook, tagsOf } from "../../notebook/types.ts";
import { katexStyle, plotlyScripts, type ScriptAsset, vegaScripts } from "./assets.ts";
import { escapeHtml } from "./escape.ts";
import { FigureNeeds } from "./figures.ts";
import { loadLanguages } from "./highlight.ts";
import { type Heading, MarkdownRenderer } from "./markdown.ts";
import { type OutputContext, renderOutputs } from "./outputs.ts";
import { pageScript } from "./page-script.ts";
import { pageStyle } from "./style.ts";

export interface HtmlOptions {
  /** The page's title; default: the notebook's own, or its first heading. */
  readonly title?: string | undefined;
  /**
   * Where the scripts of figures come from: "bundled" puts them into the page, "cdn" fetches them when it is opened,
   * "none" leaves figures as pictures. Default "bundled".
   */
  readonly scripts?: "bundled" | "cdn" | "none" | undefined;
  /** Whether HTML in cells and outputs is cleaned of what could run. Default true; false only for what you trust. */
  readonly sanitize?: boolean | undefined;
  /** "auto" follows the reader's system. Default "auto". */
  readonly theme?: "auto" | "light" | "dark" | undefined;
  /** Whether there is a table of contents. Default true. */
  readonly toc?: boolean | undefined;
  /** Whether the code is shown. Default true. */
  readonly input?: boolean | undefined;
  /** Folder of the notebook: pictures in it that the text shows are put into the page. */
  readonly baseFolder?: string | undefined;
}

const sun = `<svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" aria-hidden="true"><circle cx="12" cy="12" r="4.5"/><path d="M12 2v2.5M12 19.5V22M2 12h2.5M19.5 12H22M4.9 4.9l1.8 1.8M17.3 17.3l1.8 1.8M4.9 19.1l1.8-1.8M17.3 6.7l1.8-1.8"/></svg>`;

/**
 * Converts a notebook to one HTML page: formulas, coloured code, pictures and figures are all in it.
 *
 * @param notebook The notebook with its outputs.
 * @returns The page's text.
 */
export async function toHtml(notebook: Notebook, options: HtmlOptions = {}): Promise<string> {
  const { scripts = "bundled", sanitize = true, theme = "auto", toc = true } = options;
  const language = notebookLanguage(notebook);
  const highlight = await loadLanguages([language, "json", ...fenceLanguages(notebook)]);
  const markdown = new MarkdownRenderer({ highlight, sanitize, baseFolder: options.baseFolder });
  const needs = new FigureNeeds();
  const context: OutputContext = { markdown, highlight, needs, sanitize, interactive: scripts !== "none" };
  const cells = notebook.cells
    .map((cell) => renderCell(cell, language, context, options.input ?? true))
    .filter((html) => html !== "");
  const title = options.title ?? notebook.metadata.title ?? markdown.headings[0]?.text ?? "Notebook";
  const contents = toc ? tableOfContents(markdown.headings) : "";
  const assets = assetsFor(needs);
  const inline = [...(scripts === "bundled" ? assets.map((asset) => asset.text()) : []), pageScript];
  const remote = scripts === "cdn" ? assets.map((asset) => asset.cdn) : [];
  const style = `${pageStyle}${markdown.usesMath ? katexStyle() : ""}`;
  return `<!DOCTYPE html>
<html lang="${escapeHtml(String(notebook.metadata.language ?? "en"))}" data-theme="${theme}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="nbconvert-ts-runner">
${sanitize ? `<meta http-equiv="Content-Security-Policy" content="${policy(inline, remote)}">\n` : ""}<title>${escapeHtml(title)}</title>
<style>${style}</style>
</head>
<body>
<a class="skip" href="#content">Skip to the content</a>
<div class="page${contents === "" ? " no-toc" : ""}">
<header class="bar"><span class="about">${escapeHtml(about(notebook))}</span><button class="theme" type="button" aria-label="Change the theme">${sun}</button></header>
${contents}
<main id="content">
${cells.map(wrapTables).join("\n")}
</main>
</div>
${remote.map((url) => `<script src="${escapeHtml(url)}"></script>`).join("\n")}
${inline.map((text) => `<script>${text}</script>`).join("\n")}
</body>
</html>
`;
}

/** The name of the grammar for a notebook's code. */
export function notebookLanguage(notebook: Notebook): string {
  const { language_info: info, kernelspec } = notebook.metadata;
  return String(info?.name ?? kernelspec?.language ?? "").toLowerCase();
}

function fenceLanguages(notebook: Notebook): string[] {
  return notebook.cells
    .filter((cell) => cell.cell_type === "markdown")
    .flatMap((cell) => [...joinLines(cell.source).matchAll(/^(?:```|~~~)([\w+-]+)/gm)].map((match) => match[1] ?? ""));
}

function hasTag(cell: Cell, name: string): boolean {
  return tagsOf(cell).some((tag) => tag.replaceAll("_", "-") === name);
}

function renderCell(cell: Cell, language: string, context: OutputContext, showInput: boolean): string {
  if (hasTag(cell, "remove-cell")) {
    return "";
  }
  if (cell.cell_type === "markdown") {
    return `<section class="cell markdown">${context.markdown.render(joinLines(cell.source), cell.attachments)}</section>`;
  }
  if (cell.cell_type === "raw") {
    return renderRaw(cell, context);
  }
  return renderCode(cell, language, context, showInput);
}

/** Raw cells say what they are for; only what is meant for HTML, or for nothing in particular, is shown. */
function renderRaw(cell: Cell, context: OutputContext): string {
  const format = cell.metadata.format ?? cell.metadata.raw_mimetype;
  const source = joinLines(cell.source);
  if (format === "text/html") {
    return context.sanitize ? "" : source;
  }
  if (format === "text/markdown") {
    return `<section class="cell markdown">${context.markdown.render(source)}</section>`;
  }
  return format === undefined && source.trim() !== ""
    ? `<section class="cell raw"><pre>${escapeHtml(source)}</pre></section>`
    : "";
}

function renderCode(cell: CodeCell, language: string, context: OutputContext, showInput: boolean): string {
  const source = joinLines(cell.source);
  const { source_hidden, outputs_hidden } = (cell.metadata.jupyter ?? {}) as {
    source_hidden?: unknown;
    outputs_hidden?: unknown;
  };
  let input = "";
  if (showInput && !hasTag(cell, "remove-input") && source.trim() !== "") {
    const count =
      cell.execution_count === null
        ? ""
        : `<span class="count" aria-label="Cell number ${cell.execution_count}">[${cell.execution_count}]</span>`;
    input = `<div class="input">${count}${context.highlight(source, cellLanguage(source, language))}</div>`;
    if (source_hidden === true || hasTag(cell, "hide-input") || hasTag(cell, "hide-cell")) {
      input = `<details class="hidden-part"><summary>Show the code</summary>${input}</details>`;
    }
  }
  let outputs = "";
  if (!hasTag(cell, "remove-output") && cell.outputs.length > 0) {
    outputs = `<div class="outputs">${input === "" ? "" : tookText(cell)}${renderOutputs(cell, context)}</div>`;
    if (
      outputs_hidden === true ||
      cell.metadata.collapsed === true ||
      hasTag(cell, "hide-output") ||
      hasTag(cell, "hide-cell")
    ) {
      outputs = `<details class="hidden-part"><summary>Show the output</summary>${outputs}</details>`;
    }
  }
  return input + outputs === "" ? "" : `<section class="cell code">${input}${outputs}</section>`;
}

/** A cell magic says what language the cell is in. */
function cellLanguage(source: string, language: string): string {
  const magic = /^%%(\w+)/.exec(source)?.[1];
  return magic === undefined
    ? language
    : ({
        bash: "bash",
        sh: "bash",
        javascript: "javascript",
        js: "javascript",
        html: "html",
        latex: "latex",
        python: "python",
      }[magic] ?? language);
}

/** Shown from this many seconds on: shorter times tell a reader nothing. */
const worthShowing = 0.5;

function tookText(cell: CodeCell): string {
  const seconds = (cell.metadata.measured as { seconds?: unknown } | undefined)?.seconds;
  if (typeof seconds !== "number" || seconds < worthShowing) {
    return "";
  }
  const text =
    seconds < 60 ? `${seconds.toFixed(1)} s` : `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
  return `<span class="took" title="How long the cell ran">${text}</span>`;
}

function about(notebook: Notebook): string {
  const { kernelspec, language_info: info } = notebook.metadata;
  return String(kernelspec?.display_name ?? info?.name ?? "");
}

/** Wide tables scroll on their own and not the page. */
function wrapTables(html: string): string {
  return html.replace(/<table\b[\s\S]*?<\/table>/g, (table) => `<div class="table">${table}</div>`);
}

function assetsFor(needs: FigureNeeds): ScriptAsset[] {
  return [...(needs.vega ? vegaScripts : []), ...(needs.plotly === "none" ? [] : [plotlyScripts[needs.plotly]])];
}

/** Only the page's own scripts run, whatever got past the cleaning; nothing is sent anywhere. */
function policy(inline: readonly string[], remote: readonly string[]): string {
  const hashes = inline.map((text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`);
  return [
    "default-src 'none'",
    `script-src ${[...hashes, ...remote].join(" ")}`,
    "style-src 'unsafe-inline'",
    "img-src data: blob: https: http:",
    "media-src data: https:",
    "font-src data:",
    "connect-src data:",
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
}

function tableOfContents(headings: readonly Heading[]): string {
  const shown = headings.filter((heading) => heading.level <= 3 && heading.text !== "");
  if (shown.length < 3) {
    return "";
  }
  const top = Math.min(...shown.map((heading) => heading.level));
  // A single first heading is the title and not a section.
  const isTitle = shown.filter((heading) => heading.level === top).length === 1 && shown[0]?.level === top;
  const entries = isTitle ? shown.slice(1) : shown;
  const first = Math.min(...entries.map((heading) => heading.level));
  let html = "";
  let depth = 0;
  for (const heading of entries) {
    const level = Math.min(heading.level - first + 1, depth + 1);
    if (level > depth) {
      html += "<ul>".repeat(level - depth);
    } else {
      html += `</li>${"</ul></li>".repeat(depth - level)}`;
    }
    html += `<li><a href="#${heading.slug}">${escapeHtml(heading.text)}</a>`;
    depth = level;
  }
  html += `</li></ul>`.repeat(depth);
  return `<nav class="toc" aria-label="Table of contents"><details open><summary>Contents</summary>${html}</details></nav>`;
}
