/** A notebook as slides, by the cells' `slideshow.slide_type`, as Jupyter and nbconvert have it. Shown by reveal.js. */
import type { Cell, Notebook } from "../../notebook/types.ts";
import { revealAssets } from "./assets.ts";
import { escapeHtml } from "./escape.ts";
import { pageScript } from "./page-script.ts";
import { type RenderedNotebook, renderCells } from "./render-cells.ts";
import { pageStyle } from "./style.ts";
import { contentPolicy, type HtmlOptions, pageTitle, policyElements } from "./to-html.ts";

type SlideType = "slide" | "subslide" | "fragment" | "skip" | "notes" | "-";

const slideStyle = `
.reveal { font: inherit; color: inherit; } .reveal .slides { text-align: left; } .reveal .slides section { height: 100%; overflow-y: auto; padding: 1rem 2rem; }
.reveal h1, .reveal h2, .reveal h3 { margin-top: 0; } .reveal .progress { color: var(--accent); } .reveal .controls { color: var(--accent); }
.reveal .cell.code { margin: .8em 0; } .reveal .input .count { display: none; } .theme { position: fixed; top: .6rem; right: .6rem; z-index: 40; background: var(--paper) !important; }
body { overflow: hidden; } .reveal aside.notes { display: none; }
`;

const slideScript = `Reveal.initialize({ hash: true, width: 1100, height: 700, margin: 0.03, center: false, transition: "none" });`;

/**
 * Converts a notebook to one HTML file with slides. Where no cell says what it is, each heading of level 1 or 2 begins one.
 *
 * @param notebook The notebook with its outputs.
 * @returns The page's text.
 */
export async function toSlides(notebook: Notebook, options: HtmlOptions = {}): Promise<string> {
  const { scripts = "bundled", sanitize = true, theme = "auto", remoteImages = false } = options;
  const rendered = await renderCells(notebook, {
    scripts,
    sanitize,
    input: options.input ?? true,
    baseFolder: options.baseFolder,
    remoteImages,
    onWarning: options.onWarning,
  });
  const title = pageTitle(notebook, rendered.headings, options) ?? "Slides";
  const assets = [...rendered.assets, revealAssets.script];
  const inline = [...(scripts === "cdn" ? [] : assets.map((asset) => asset.text())), slideScript, pageScript];
  const remote = scripts === "cdn" ? assets.map((asset) => asset.cdn) : [];
  return `<!DOCTYPE html>
<html lang="${escapeHtml(String(notebook.metadata.language ?? "en"))}" data-theme="${theme}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="nbconvert-ts-runner">
${sanitize ? policyElements(contentPolicy(inline, remote, remoteImages)) : ""}<title>${escapeHtml(title)}</title>
<style>${revealAssets.style.text()}${pageStyle}${rendered.mathStyle}${slideStyle}</style>
</head>
<body>
<button class="theme" type="button" aria-label="Change the theme">◐</button>
<main class="reveal"><div class="slides">
${slides(rendered)}
</div></main>
${remote.map((url) => `<script src="${escapeHtml(url)}"></script>`).join("\n")}
${inline.map((text) => `<script>${text}</script>`).join("\n")}
</body>
</html>
`;
}

/** The cells in their sections: slides beside one another, subslides below their slide. */
function slides({ cells }: RenderedNotebook): string {
  const marked = cells.some(({ cell }) => slideType(cell) !== "-");
  /** Columns of slides of parts: what stands in a slide at once, and its fragments, each with what comes with it. */
  const columns: string[][][] = [];
  for (const { cell, html } of cells) {
    const type = marked ? slideType(cell) : beginsSection(html) ? "slide" : "-";
    if (type === "skip") {
      continue;
    }
    if (type === "slide" || columns.length === 0) {
      columns.push([[""]]);
    } else if (type === "subslide") {
      columns.at(-1)?.push([""]);
    }
    const slide = columns.at(-1)?.at(-1) as string[];
    if (type === "fragment") {
      slide.push("");
    }
    // A cell's own section would be a slide of its own, and is none among the speaker's notes either.
    const inner = html.replace(/^<section/, "<div").replace(/<\/section>$/, "</div>");
    slide[slide.length - 1] += type === "notes" ? `<aside class="notes">${inner}</aside>` : inner;
  }
  return columns
    .map((slides) => slides.map(([first, ...fragments]) => `${first}${fragments.map(fragment).join("")}`))
    .map((column) =>
      column.length === 1
        ? `<section>${column[0]}</section>`
        : `<section>${column.map((part) => `<section>${part}</section>`).join("\n")}</section>`,
    )
    .join("\n");
}

function fragment(html: string): string {
  return `<div class="fragment">${html}</div>`;
}

function slideType(cell: Cell): SlideType {
  const type = (cell.metadata.slideshow as { slide_type?: unknown } | undefined)?.slide_type;
  return typeof type === "string" && ["slide", "subslide", "fragment", "skip", "notes"].includes(type)
    ? (type as SlideType)
    : "-";
}

function beginsSection(html: string): boolean {
  return /^<section class="cell markdown"><h[12]/.test(html);
}
