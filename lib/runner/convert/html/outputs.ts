/** A cell's outputs as HTML: of each bundle the richest kind that can be shown. */
import { stringifyJson } from "../../notebook/json/index.ts";
import { type CodeCell, joinLines, type MimeBundle, type Output } from "../../notebook/types.ts";
import { ansiToHtml } from "./ansi.ts";
import { escapeHtml, scriptJson } from "./escape.ts";
import { type FigureNeeds, figureDescription, figureKind, jsonData } from "./figures.ts";
import type { Highlight } from "./highlight.ts";
import type { MarkdownRenderer } from "./markdown.ts";
import type { Media } from "./media.ts";
import { sanitizeHtml, showsSomething } from "./sanitize.ts";
import { svgDataUri } from "./svg.ts";

export interface OutputContext {
  readonly markdown: MarkdownRenderer;
  readonly media: Media;
  readonly highlight: Highlight;
  readonly needs: FigureNeeds;
  readonly sanitize: boolean;
  /** Whether figures may become interactive. */
  readonly interactive: boolean;
}

/** All outputs of a cell. */
export function renderOutputs(cell: CodeCell, context: OutputContext): string {
  return cell.outputs.map((output) => renderOutput(output, context)).join("\n");
}

function renderOutput(output: Output, context: OutputContext): string {
  switch (output.output_type) {
    case "stream":
      return `<pre class="stream ${output.name === "stderr" ? "stderr" : "stdout"}" tabindex="0">${ansiToHtml(joinLines(output.text))}</pre>`;
    case "error": {
      const traceback = output.traceback.map((line) => joinLines(line)).join("\n");
      const text = traceback.trim() === "" ? `${output.ename}: ${output.evalue}` : traceback;
      return `<pre class="error" role="alert" tabindex="0">${ansiToHtml(text)}</pre>`;
    }
    case "display_data":
    case "execute_result":
      return renderBundle(output.data ?? {}, output.metadata ?? {}, context, output.output_type === "execute_result");
    default:
      return "";
  }
}

type Metadata = Readonly<Record<string, unknown>>;

function renderBundle(data: MimeBundle, metadata: Metadata, context: OutputContext, isResult: boolean): string {
  const figure = Object.keys(data).find(
    (mimetype) => figureKind(mimetype) !== undefined && typeof jsonData(data, mimetype) === "object",
  );
  if (figure !== undefined) {
    return renderFigure(figure, data, metadata, context);
  }
  const kinds = Object.keys(data);
  // Kernels leave nothing where something was to be updated later.
  return kinds.length === 0
    ? ""
    : (renderStatic(data, metadata, context, isResult) ??
        `<p class="unknown">An output that cannot be shown here (${escapeHtml(kinds.join(", "))})</p>`);
}

function renderFigure(mimetype: string, data: MimeBundle, metadata: Metadata, context: OutputContext): string {
  const kind = figureKind(mimetype) as NonNullable<ReturnType<typeof figureKind>>;
  const spec = jsonData(data, mimetype);
  const description = figureDescription(spec);
  const { "text/html": _, ...rest } = data;
  const fallback =
    renderStatic(rest, description === undefined ? metadata : { alt: description, ...metadata }, context, false) ?? "";
  if (!context.interactive) {
    return `<figure class="figure">${fallback}</figure>`;
  }
  context.needs.add(kind, spec);
  const label = escapeHtml(description ?? "Figure");
  return `<figure class="figure" data-figure="${kind}" aria-label="${label}"><script type="application/json">${scriptJson(spec)}</script><div class="static">${fallback}</div><div class="live" hidden></div></figure>`;
}

/** The bundle without scripts: markup, formula, picture, JSON or text, in the order in which Jupyter prefers them. */
function renderStatic(
  data: MimeBundle,
  metadata: Metadata,
  context: OutputContext,
  isResult: boolean,
): string | undefined {
  const text = (mimetype: string) => joinLines(data[mimetype]);
  if (data["text/html"] !== undefined) {
    const html = context.sanitize
      ? sanitizeHtml(text("text/html"), (tree) => context.media.place(tree))
      : context.media.embed(text("text/html"));
    if (showsSomething(html) || (!context.sanitize && html.trim() !== "")) {
      return `<div class="html">${html}</div>`;
    }
  }
  if (data["text/markdown"] !== undefined) {
    return `<div class="markdown">${context.markdown.render(text("text/markdown"))}</div>`;
  }
  if (data["image/svg+xml"] !== undefined) {
    return image("image/svg+xml", svgDataUri(text("image/svg+xml")), data, metadata);
  }
  if (data["text/latex"] !== undefined) {
    return `<div class="markdown">${context.markdown.render(displayMath(text("text/latex")))}</div>`;
  }
  for (const mimetype of ["image/png", "image/jpeg", "image/webp", "image/gif"]) {
    if (data[mimetype] !== undefined) {
      return image(
        mimetype,
        `data:${mimetype};base64,${text(mimetype).replace(/[^A-Za-z0-9+/=]/g, "")}`,
        data,
        metadata,
      );
    }
  }
  if (data["application/json"] !== undefined) {
    return context.highlight(stringifyJson(jsonData(data, "application/json"), "  "), "json");
  }
  if (data["text/plain"] !== undefined) {
    return `<pre class="${isResult ? "result" : "plain"}" tabindex="0">${ansiToHtml(text("text/plain"))}</pre>`;
  }
  return undefined;
}

/** TeX as a kernel sends it, with its delimiters or without. */
function displayMath(tex: string): string {
  return /^\s*(\$|\\begin)/.test(tex) ? tex : `$$\n${tex}\n$$`;
}

function image(mimetype: string, src: string, data: MimeBundle, metadata: Metadata): string {
  const own = (metadata[mimetype] ?? {}) as Metadata;
  const size = ["width", "height"]
    .map((name) => ({ name, value: own[name] ?? metadata[name] }))
    .filter(({ value }) => typeof value === "number" || (typeof value === "string" && /^\d+$/.test(value)))
    .map(({ name, value }) => ` ${name}="${value}"`)
    .join("");
  return `<img class="picture" src="${src}" alt="${escapeHtml(altText(data, metadata, own))}"${size} loading="lazy">`;
}

/** What a picture shows, in words: the author's, else the bundle's own text. */
function altText(data: MimeBundle, metadata: Metadata, own: Metadata): string {
  const given = own.alt ?? metadata.alt;
  if (typeof given === "string") {
    return given;
  }
  const plain = joinLines(data["text/plain"]).trim();
  // Matplotlib's "<Figure size 640x480 with 1 Axes>" says nothing that a reader needs.
  return plain === "" || /^<[^>]*>$/.test(plain) ? "Figure made by this cell" : plain.slice(0, 300);
}
