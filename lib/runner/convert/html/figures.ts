/** Outputs that are specs of figures: interactive where scripts run, with the bundle's static picture elsewhere. */
import { parseJsonText } from "../../notebook/json/index.ts";
import type { MimeBundle } from "../../notebook/types.ts";

export type FigureKind = "vega" | "vega-lite" | "plotly";

/** The kind of figure that a mimetype holds; any version of it. */
export function figureKind(mimetype: string): FigureKind | undefined {
  const match = /^application\/vnd\.(vega|vegalite|plotly)\.v\d+(\.\d+)*\+json$/.exec(mimetype);
  return match === null ? undefined : match[1] === "vegalite" ? "vega-lite" : (match[1] as FigureKind);
}

/** Plotly's traces that its smaller bundle draws. */
const cartesianTraces = new Set([
  "bar",
  "box",
  "contour",
  "heatmap",
  "histogram",
  "histogram2d",
  "histogram2dcontour",
  "image",
  "pie",
  "scatter",
  "scatterternary",
  "violin",
]);

/** Which script bundles a page needs for its figures. */
export class FigureNeeds {
  vega = false;
  plotly: "none" | "cartesian" | "full" = "none";

  add(kind: FigureKind, spec: unknown): void {
    if (kind !== "plotly") {
      this.vega = true;
    } else if (this.plotly !== "full") {
      this.plotly = traceTypes(spec).every((type) => cartesianTraces.has(type)) ? "cartesian" : "full";
    }
  }
}

function traceTypes(spec: unknown): string[] {
  const data = (spec as { data?: unknown } | null)?.data;
  return Array.isArray(data)
    ? data.map((trace) => String((trace as { type?: unknown } | null)?.type ?? "scatter"))
    : [];
}

/** What a figure shows, in words: its own description or title. */
export function figureDescription(spec: unknown): string | undefined {
  const { description, title, layout } = (spec ?? {}) as {
    description?: unknown;
    title?: unknown;
    layout?: { title?: unknown };
  };
  for (const candidate of [description, title, layout?.title]) {
    const text =
      typeof candidate === "object" && candidate !== null ? (candidate as { text?: unknown }).text : candidate;
    if (typeof text === "string" && text.trim() !== "") {
      return text.replace(/<[^>]*>/g, "").trim();
    }
  }
  return undefined;
}

/** The JSON of a mimetype; some kernels send it as text. */
export function jsonData(data: MimeBundle, mimetype: string): unknown {
  const value = data[mimetype];
  if (typeof value === "string" || (Array.isArray(value) && value.every((line) => typeof line === "string"))) {
    try {
      return parseJsonText(Array.isArray(value) ? value.join("") : value);
    } catch {
      return undefined;
    }
  }
  return value;
}
