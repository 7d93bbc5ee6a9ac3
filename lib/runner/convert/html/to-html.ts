/** A notebook as one HTML file that needs nothing else. */
import { createHash } from "node:crypto";
import type { Notebook } from "../../notebook/types.ts";
import { escapeHtml } from "./escape.ts";
import { type Heading, linkTo } from "./headings.ts";
import { pageScript } from "./page-script.ts";
import { renderCells } from "./render-cells.ts";
import { pageStyle } from "./style.ts";

export interface HtmlOptions {
  /** The page's title; default: the notebook's own, its first heading, or its name. */
  readonly title?: string | undefined;
  /** What the notebook is called, such as its file; default "Notebook". */
  readonly name?: string | undefined;
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
  /**
   * Folder of the notebook: pictures, sounds and films in it that the text shows are put into the page, up to 20 MiB each. Nothing
   * outside of it is read, whatever leads there.
   */
  readonly baseFolder?: string | undefined;
  /**
   * Whether a cleaned page may load pictures, sounds and films from addresses (`https://…`). Default false: who opens it sends
   * no request to anybody; in the place of a picture stands its text with its address.
   */
  readonly remoteImages?: boolean | undefined;
  /**
   * Is told, once for each, of pictures, sounds and films that are missing, of what else keeps them out of the page, and of
   * references to equations that there are not.
   */
  readonly onWarning?: ((message: string) => void) | undefined;
}

const sun = `<svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" aria-hidden="true"><circle cx="12" cy="12" r="4.5"/><path d="M12 2v2.5M12 19.5V22M2 12h2.5M19.5 12H22M4.9 4.9l1.8 1.8M17.3 17.3l1.8 1.8M4.9 19.1l1.8-1.8M17.3 6.7l1.8-1.8"/></svg>`;

/**
 * Converts a notebook to one HTML page: formulas, coloured code, pictures and figures are all in it.
 *
 * @param notebook The notebook with its outputs.
 * @returns The page's text.
 */
export async function toHtml(notebook: Notebook, options: HtmlOptions = {}): Promise<string> {
  const { scripts = "bundled", sanitize = true, theme = "auto", toc = true, remoteImages = false } = options;
  const { cells, headings, assets, mathStyle } = await renderCells(notebook, {
    scripts,
    sanitize,
    input: options.input ?? true,
    baseFolder: options.baseFolder,
    remoteImages,
    onWarning: options.onWarning,
  });
  const title = pageTitle(notebook, headings, options) ?? "Notebook";
  const contents = toc ? tableOfContents(headings) : "";
  const inline = [...(scripts === "bundled" ? assets.map((asset) => asset.text()) : []), pageScript];
  const remote = scripts === "cdn" ? assets.map((asset) => asset.cdn) : [];
  const style = `${pageStyle}${mathStyle}`;
  return `<!DOCTYPE html>
<html lang="${escapeHtml(String(notebook.metadata.language ?? "en"))}" data-theme="${theme}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="nbconvert-ts-runner">
${sanitize ? policyElements(contentPolicy(inline, remote, remoteImages)) : ""}<title>${escapeHtml(title)}</title>
<style>${style}</style>
</head>
<body>
<a class="skip" href="#page:content">Skip to the content</a>
<div class="page${contents === "" ? " no-toc" : ""}">
<header class="bar"><span class="about">${escapeHtml(about(notebook))}</span><button class="theme" type="button" aria-label="Change the theme">${sun}</button></header>
${contents}
<main id="page:content">
${cells.map(({ html }) => html).join("\n")}
</main>
</div>
${remote.map((url) => `<script src="${escapeHtml(url)}"></script>`).join("\n")}
${inline.map((text) => `<script>${text}</script>`).join("\n")}
</body>
</html>
`;
}

/** The title that was given, the one in the notebook's metadata, its first heading that says something, or its name. */
export function pageTitle(
  notebook: Notebook,
  headings: readonly Heading[],
  { title, name }: HtmlOptions,
): string | undefined {
  const own = notebook.metadata.title;
  const heading = headings.find(({ text }) => text !== "")?.text;
  return title ?? (typeof own === "string" && own.trim() !== "" ? own : (heading ?? name));
}

function about(notebook: Notebook): string {
  const { kernelspec, language_info: info } = notebook.metadata;
  return String(kernelspec?.display_name ?? info?.name ?? "");
}

/** The elements of a cleaned page's head that keep requests from being sent: those for names of hosts that it links to, too. */
export function policyElements(policy: string): string {
  return `<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta http-equiv="x-dns-prefetch-control" content="off">
<meta name="referrer" content="no-referrer">
`;
}

/** Only the page's own scripts run, whatever got past the cleaning; nothing is sent anywhere, and fetched only what may be. */
export function contentPolicy(inline: readonly string[], remote: readonly string[], remoteImages: boolean): string {
  const hashes = inline.map((text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`);
  return [
    "default-src 'none'",
    `script-src ${[...hashes, ...remote].join(" ")}`,
    "style-src 'unsafe-inline'",
    `img-src data: blob:${remoteImages ? " https: http:" : ""}`,
    `media-src data:${remoteImages ? " https: http:" : ""}`,
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
    html += `<li><a href="${escapeHtml(linkTo(heading.id))}">${escapeHtml(heading.text)}</a>`;
    depth = level;
  }
  html += `</li></ul>`.repeat(depth);
  return `<nav class="toc" aria-label="Table of contents"><details open><summary>Contents</summary>${html}</details></nav>`;
}
