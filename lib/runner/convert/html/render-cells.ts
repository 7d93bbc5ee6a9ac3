/** The cells of a notebook as HTML, and what a page with them needs. */
import { type Cell, type CodeCell, joinLines, type Notebook, tagsOf } from "../../notebook/types.ts";
import { katexStyle, plotlyScripts, type ScriptAsset, vegaScripts } from "./assets.ts";
import { Equations } from "./equations.ts";
import { escapeHtml } from "./escape.ts";
import { FigureNeeds } from "./figures.ts";
import { type Heading, Headings } from "./headings.ts";
import { type Highlight, loadLanguages } from "./highlight.ts";
import { MarkdownRenderer } from "./markdown.ts";
import { Media } from "./media.ts";
import { type OutputContext, renderOutputs } from "./outputs.ts";
import { sanitizeHtml } from "./sanitize.ts";

export interface RenderOptions {
  readonly scripts: "bundled" | "cdn" | "none";
  readonly sanitize: boolean;
  readonly input: boolean;
  readonly baseFolder: string | undefined;
  readonly remoteImages: boolean;
  readonly onWarning: ((message: string) => void) | undefined;
}

export interface RenderedNotebook {
  /** The cells that are shown, in their order. */
  readonly cells: readonly { readonly cell: Cell; readonly html: string }[];
  readonly headings: readonly Heading[];
  /** Scripts that the figures need. */
  readonly assets: readonly ScriptAsset[];
  /** Styles that the formulas need; empty where there are none. */
  readonly mathStyle: string;
}

/** Renders all cells. */
export async function renderCells(notebook: Notebook, options: RenderOptions): Promise<RenderedNotebook> {
  const language = notebookLanguage(notebook);
  const highlight = await loadLanguages([language, "json", ...fenceLanguages(notebook), ...magicLanguages(notebook)]);
  const render = (equations: Equations) => renderOnce(notebook, options, { language, highlight, equations });
  const equations = new Equations();
  const first = render(equations);
  // References may come before their equations: those are all known now.
  const { warnings, ...rendered } = equations.incomplete ? render(new Equations(equations)) : first;
  for (const warning of warnings) {
    options.onWarning?.(warning);
  }
  return rendered;
}

interface RenderTools {
  readonly language: string;
  readonly highlight: Highlight;
  readonly equations: Equations;
}

function renderOnce(
  notebook: Notebook,
  options: RenderOptions,
  { language, highlight, equations }: RenderTools,
): RenderedNotebook & { readonly warnings: readonly string[] } {
  const { sanitize, baseFolder, remoteImages } = options;
  const warnings: string[] = [];
  const media = new Media({ baseFolder, remote: remoteImages, onWarning: (message) => warnings.push(message) });
  const headings = new Headings();
  const markdown = new MarkdownRenderer({ highlight, sanitize, media, equations, headings });
  const needs = new FigureNeeds();
  const context: OutputContext = {
    markdown,
    media,
    highlight,
    needs,
    sanitize,
    interactive: options.scripts !== "none",
  };
  const page = headings.place(
    notebook.cells.map((cell) => wrapTables(renderCell(cell, language, context, options.input))),
  );
  const cells = notebook.cells
    .map((cell, index) => ({ cell, html: page.pieces[index] ?? "" }))
    .filter(({ html }) => html !== "");
  const assets = [
    ...(needs.vega ? vegaScripts : []),
    ...(needs.plotly === "none" ? [] : [plotlyScripts[needs.plotly]]),
  ];
  warnings.push(...equations.problems);
  return { cells, headings: page.headings, assets, mathStyle: markdown.usesMath ? katexStyle() : "", warnings };
}

/** The name of the grammar for a notebook's code. */
export function notebookLanguage(notebook: Notebook): string {
  const { language_info: info, kernelspec } = notebook.metadata;
  return String(info?.name ?? kernelspec?.language ?? "").toLowerCase();
}

function magicLanguages(notebook: Notebook): string[] {
  return notebook.cells
    .flatMap((cell) => (cell.cell_type === "code" ? [cellLanguage(joinLines(cell.source), "")] : []))
    .filter((name) => name !== "");
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
    return context.sanitize
      ? sanitizeHtml(source, (tree) => context.media.place(tree, cell.attachments))
      : context.media.embed(source, cell.attachments);
  }
  if (format === "text/markdown") {
    return `<section class="cell markdown">${context.markdown.render(source, cell.attachments)}</section>`;
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
  // What links to a cell from elsewhere, as a site does.
  const id = typeof cell.id === "string" ? ` id="cell-${escapeHtml(cell.id)}"` : "";
  return input + outputs === "" ? "" : `<section class="cell code"${id}>${input}${outputs}</section>`;
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

/** Wide tables scroll on their own and not the page. */
function wrapTables(html: string): string {
  return html.replace(/<table\b[\s\S]*?<\/table>/g, (table) => `<div class="table">${table}</div>`);
}
