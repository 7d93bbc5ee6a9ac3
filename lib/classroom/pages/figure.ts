/** What a student's cell showed, as a picture in a page. In a picture nothing runs, and nothing is loaded. */
import { escapeHtml } from "../html.ts";
import type { Figure } from "../results/index.ts";

/** Pictures of one task, and the bytes of one: a page is to open on a phone. */
const mostFigures = 12;
const largestFigure = 4 * 2 ** 20;
/** Characters of a caption. */
const longestCaption = 1000;

/** The figures of a task; empty where there are none. */
export function figuresHtml(figures: readonly Figure[], task: string): string {
  const shown = figures.slice(0, mostFigures).map((figure, i) => figureHtml(figure, `Figure ${i + 1} of ${task}`));
  const left = figures.length - shown.length;
  return [...shown, ...(left > 0 ? [`<p class="soft small">${left} more figures are left out.</p>`] : [])].join("\n");
}

function figureHtml(figure: Figure, name: string): string {
  const address = dataAddress(figure);
  if (address === undefined) {
    return `<p class="soft small">${escapeHtml(name)} is left out: it is no picture, or larger than 4 MiB.</p>`;
  }
  const text = typeof figure.alt === "string" ? figure.alt.trim() : "";
  const said = text.length > longestCaption ? `${text.slice(0, longestCaption)}…` : text;
  const caption = said === "" ? "" : `<figcaption>${escapeHtml(said)}</figcaption>`;
  // Where a caption says it, the picture only needs a name.
  return `<figure><img src="${address}" alt="${escapeHtml(said === "" ? `${name}, made by your code` : name)}">${caption}</figure>`;
}

const beginnings: Readonly<Record<string, string>> = { "image/png": "iVBORw0KGgo", "image/jpeg": "/9j/" };

function dataAddress({ type, data }: Figure): string | undefined {
  if (typeof data !== "string" || data.length > largestFigure) {
    return undefined;
  }
  if (type === "image/svg+xml") {
    return /<svg[\s>]/.test(data) ? `data:image/svg+xml;base64,${Buffer.from(data).toString("base64")}` : undefined;
  }
  const clean = data.replace(/\s+/g, "");
  const begins = beginnings[type];
  return begins !== undefined && clean.startsWith(begins) && /^[A-Za-z0-9+/]+=*$/.test(clean)
    ? `data:${type};base64,${clean}`
    : undefined;
}
