/** Figures written for Plotly: interactive where the frontend knows it, a picture everywhere else. */
import { checkOptions, checkTexts } from "./checks.ts";
import { wrongArgument } from "./errors.ts";
import {
  displaySymbol,
  type JsonObject,
  type JsonValue,
  type MimeBundle,
  type MimeMetadata,
  metadataSymbol,
  objectIn,
  type Showable,
} from "./mime.ts";
import { plotlyToVegaLite } from "./plotly-static.ts";
import { type StaticPicture, staticPicture } from "./static-picture.ts";
import { escapeXml } from "./text.ts";
import { fontFamily, gridColor, lineColor, seriesColors, textColor } from "./theme.ts";
import { vegaLite } from "./vega-lite.ts";

/** The MIME type that JupyterLab (with Plotly's extension), VS Code and Colab render. */
export const plotlyMime = "application/vnd.plotly.v1+json";

/** A trace: https://plotly.com/javascript/reference/. Typed arrays may stand for arrays. */
export type PlotlyTrace = { readonly type?: string; readonly name?: string; readonly [key: string]: unknown };
export type PlotlyLayout = { readonly [key: string]: unknown };

export interface PlotlyOptions {
  /** What the figure shows, in a sentence, for readers who do not see it. */
  readonly alt?: string;
  readonly config?: JsonObject;
  /** An SVG document that stands for kinds of which no static picture can be drawn here. */
  readonly picture?: string;
}

/**
 * A figure that displays as a Plotly chart, a picture and its alternative text. Plotly itself draws only in a browser, so the static picture is drawn by
 * Vega for the kinds that both know (scatter, bar, histogram, heatmap, box), also in several panels; for any other kind it is the picture given, or a note that names the traces.
 */
export class PlotlyFigure implements Showable {
  readonly data: readonly JsonObject[];
  readonly layout: JsonObject;
  readonly config: JsonObject;
  readonly alt: string;
  readonly #instead: string | undefined;
  #picture: StaticPicture | undefined;

  constructor(data: readonly PlotlyTrace[], layout: PlotlyLayout = {}, options: PlotlyOptions = {}) {
    if (!Array.isArray(data)) {
      throw wrongArgument("plotly", "data", data, "an array of traces");
    }
    for (const [name, value] of Object.entries({ layout, "options.config": options?.config ?? {} })) {
      if (typeof value !== "object" || value === null || Array.isArray(value)) {
        throw wrongArgument("plotly", name, value, "an object");
      }
    }
    checkOptions("plotly", options, ["alt", "config", "picture"]);
    const { alt, config = {}, picture } = options;
    checkTexts("plotly", { alt, picture });
    this.data = data.map((trace, index) => {
      if (trace === null || typeof trace !== "object") {
        throw wrongArgument("plotly", `data[${index}]`, trace, "a trace: an object");
      }
      return objectIn(toJson(trace));
    });
    this.layout = themed(objectIn(toJson(layout)));
    this.config = { responsive: true, displaylogo: false, ...config };
    this.alt = alt ?? describe(this.data, this.layout);
    this.#instead = picture;
  }

  /** The static picture as an SVG document. */
  toSvg(): string {
    const spec = plotlyToVegaLite(this.data, this.layout);
    return spec ? vegaLite(spec, { alt: this.alt }).toSvg() : (this.#instead ?? note(this.data, this.alt));
  }

  [displaySymbol](): MimeBundle {
    return {
      [plotlyMime]: { data: this.data, layout: this.layout, config: this.config },
      ...this.#static().bundle,
      "text/plain": this.alt,
    };
  }

  [metadataSymbol](): MimeMetadata {
    return this.#static().metadata;
  }

  #static(): StaticPicture {
    this.#picture ??= staticPicture(this.toSvg(), this.alt);
    return this.#picture;
  }
}

/**
 * A figure from Plotly traces and a layout.
 *
 * @throws DisplayError where `data` is no array of objects, `layout` no object or `alt` no text
 * @example
 * display(plotly([{type: "scatter", x: [1, 2], y: [3, 4], name: "loss"}], {title: {text: "Loss"}}, {alt: "The loss rises from 3 to 4"}));
 */
export function plotly(data: readonly PlotlyTrace[], layout?: PlotlyLayout, options?: PlotlyOptions): PlotlyFigure {
  return new PlotlyFigure(data, layout, options);
}

/** Typed arrays become arrays, what JSON cannot hold becomes null. */
function toJson(value: unknown): JsonValue {
  if (value === null || value === undefined) {
    return null;
  }
  if (typeof value === "number") {
    return Number.isFinite(value) ? value : null;
  }
  if (typeof value === "bigint") {
    return Number(value);
  }
  if (typeof value === "string" || typeof value === "boolean") {
    return value;
  }
  if (value instanceof Date) {
    return value.toISOString();
  }
  if (Array.isArray(value)) {
    return value.map(toJson);
  }
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) {
    return Array.from(value as unknown as ArrayLike<number>, toJson);
  }
  if (typeof value === "object") {
    const out: { [key: string]: JsonValue } = {};
    for (const [key, item] of Object.entries(value)) {
      if (item !== undefined) {
        out[key] = toJson(item);
      }
    }
    return out;
  }
  return String(value);
}

function themed(layout: JsonObject): JsonObject {
  const axis = (own: JsonValue | undefined): JsonValue => ({
    gridcolor: gridColor,
    zerolinecolor: gridColor,
    linecolor: lineColor,
    automargin: true,
    ...objectIn(own),
  });
  const others = Object.keys(layout).filter((name) => /^[xy]axis[1-9]\d*$/.test(name));
  return {
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    colorway: seriesColors,
    ...layout,
    font: { family: fontFamily, color: textColor, ...objectIn(layout.font) },
    xaxis: axis(layout.xaxis),
    yaxis: axis(layout.yaxis),
    ...Object.fromEntries(others.map((name) => [name, axis(layout[name])])),
  };
}

/** The text of Plotly's titles, which are strings or {text}. */
export function titleText(title: JsonValue | undefined): string {
  if (typeof title === "string") {
    return title;
  }
  const { text } = objectIn(title);
  return typeof text === "string" ? text : "";
}

function describe(data: readonly JsonObject[], layout: JsonObject): string {
  const traces = data.map((trace) => `${trace.name ?? "unnamed"} (${trace.type ?? "scatter"})`);
  const title = titleText(layout.title);
  return `Plotly figure${title ? ` "${title}"` : ""} with ${traces.length === 1 ? "1 trace" : `${traces.length} traces`}: ${traces.join(", ")}`;
}

function note(data: readonly JsonObject[], alt: string): string {
  const lines = [
    "This Plotly figure is drawn by an interactive page only.",
    ...data.slice(0, 8).map((trace) => `• ${trace.name ?? "unnamed trace"}: ${trace.type ?? "scatter"}`),
    ...(data.length > 8 ? [`… and ${data.length - 8} more`] : []),
  ];
  const height = 20 * lines.length + 16;
  const text = lines.map((line, i) => `<text x="12" y="${24 + 20 * i}">${escapeXml(line)}</text>`).join("");
  return `<svg xmlns="http://www.w3.org/2000/svg" width="460" height="${height}" viewBox="0 0 460 ${height}" role="img" aria-label="${escapeXml(alt)}" style="max-width:100%;height:auto" font-family="${fontFamily}" font-size="13" fill="${textColor}"><rect x="0.5" y="0.5" width="459" height="${height - 1}" rx="4" fill="none" stroke="${lineColor}" stroke-dasharray="4 3"/>${text}</svg>`;
}
