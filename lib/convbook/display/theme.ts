/**
 * One look for all figures. A picture does not know whether the page around it is light or dark (an SVG in an <img> sees the system's
 * setting, not the notebook's), so the background stays transparent and text and lines take greys that stand out on both.
 */
import type { JsonObject } from "./mime.ts";

/** Text: contrast 4.6 on white, 4.1 on JupyterLab's dark background #111. */
export const textColor = "#757575";
/** Axis lines and ticks. */
export const lineColor = "#8a8a8a";
/** Grid lines: faint on both. */
export const gridColor = "rgba(128,128,128,0.22)";
/**
 * Series colours: Okabe and Ito's palette for colour-blind readers (https://jfly.uni-koeln.de/color/), each moved in lightness until its contrast is at
 * least 3 on white and on #111.
 */
export const seriesColors = ["#2b83c6", "#d95f02", "#159a78", "#b863a0", "#a08400", "#3d9fd0", "#8c6bd0", "#7f7f7f"];
/** The colour of the series of this number; after the last colour comes the first. */
export function seriesColor(series: number): string {
  return seriesColors[series % seriesColors.length] ?? textColor;
}

/** What is right and what is wrong: blue and vermilion differ for every kind of colour vision, green and red do not. */
export const rightColor = "#2b83c6";
export const wrongColor = "#d95f02";
/** From nothing to much; opaque, so that text on a cell can rely on what is behind it. */
export const sequentialColors = ["#f1f6fb", "#cfe1f2", "#94c4df", "#4a98c9", "#1764ab", "#08306b"];
/** Below zero, zero, above. */
export const divergingColors = ["#b35806", "#f1a340", "#fee0b6", "#f7f7f7", "#c6dbef", "#5aa0d0", "#08519c"];
/** Also told apart by shape. */
export const seriesShapes = [
  "circle",
  "square",
  "triangle-up",
  "diamond",
  "cross",
  "triangle-down",
  "triangle-right",
  "triangle-left",
];

export const fontFamily = "system-ui, -apple-system, 'Segoe UI', Roboto, Helvetica, Arial, 'DejaVu Sans', sans-serif";

/** Vega-Lite's `config` with the colours above. */
export const vegaLiteConfig: JsonObject = {
  background: "transparent",
  font: fontFamily,
  view: { stroke: null },
  title: { color: textColor, fontSize: 14, fontWeight: 600, anchor: "start", offset: 10, subtitleColor: textColor },
  axis: {
    labelColor: textColor,
    titleColor: textColor,
    labelFontSize: 11,
    titleFontSize: 12,
    titleFontWeight: "normal",
    titlePadding: 8,
    domainColor: lineColor,
    tickColor: lineColor,
    gridColor,
  },
  legend: { labelColor: textColor, titleColor: textColor, labelFontSize: 12, titleFontSize: 12, symbolStrokeWidth: 2 },
  header: { labelColor: textColor, titleColor: textColor },
  text: { color: textColor },
  range: { category: seriesColors, symbol: seriesShapes, heatmap: sequentialColors, ramp: sequentialColors },
  line: { strokeWidth: 2 },
  point: { filled: true, size: 60 },
  boxplot: { rule: { color: lineColor }, ticks: false },
  bar: { color: seriesColor(0) },
};
