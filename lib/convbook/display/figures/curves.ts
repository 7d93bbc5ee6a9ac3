/** Curves over steps or epochs. */

import { DisplayError, wrongArgument } from "../errors.ts";
import type { JsonValue } from "../mime.ts";
import type { Named } from "../named.ts";
import { lineColor, seriesColor } from "../theme.ts";
import { VegaLiteFigure } from "../vega-lite.ts";
import { figureOptions } from "./options.ts";
import { describeSeries, type SeriesData, smooth, thin, toSeries } from "./series.ts";

/** What every ready-made figure takes. */
export interface FigureOptions {
  readonly title?: string;
  /** Names of the axes, with their units. */
  readonly xLabel?: string;
  readonly yLabel?: string;
  /** Size of the plotting area in pixels. */
  readonly width?: number;
  readonly height?: number;
  /** Alternative text; without it the figure describes itself. */
  readonly alt?: string;
}

/** How {@link curves} draws. */
export interface CurvesOptions extends FigureOptions {
  /** Curves by name; in a Map where names are whole numbers, whose order an object does not keep. */
  readonly series: Named<SeriesData>;
  /** From 0 (none) to below 1: an exponential moving average over the faint raw curve. */
  readonly smoothing?: number;
  /** Curves to compare with, grey and dashed: what guessing gives, what was published. */
  readonly references?: Named<SeriesData>;
  readonly logX?: boolean;
  readonly logY?: boolean;
  /** Limits of the y axis; from the data without it. */
  readonly yDomain?: readonly [number, number];
  /** Mark every point; by default where a curve has at most 30. */
  readonly markers?: boolean;
  /** Longer curves are thinned to about as many points, keeping every peak. */
  readonly maxPoints?: number;
}

/**
 * One or more curves with a legend; clicking a name there singles it out.
 *
 * @throws DisplayError where there is no series, lengths differ, or `smoothing` is out of range
 * @example
 * display(curves({series: {train: trainLosses, validation: valLosses}, xLabel: "epoch", yLabel: "loss"}));
 */
export function curves(options: CurvesOptions): VegaLiteFigure {
  const {
    series: given,
    references = {},
    title,
    xLabel = "step",
    yLabel = "",
    width = 480,
    height = 260,
    smoothing = 0,
    logX = false,
    logY = false,
    yDomain,
    markers,
    maxPoints = 500,
    alt,
  } = figureOptions("curves", options);
  if (typeof smoothing !== "number" || !(smoothing >= 0 && smoothing < 1)) {
    throw wrongArgument("curves", "smoothing", smoothing, "a number from 0 up to, not including, 1");
  }
  const series = toSeries("curves", "series", given);
  if (series.length === 0) {
    throw new DisplayError("curves: series is empty; expected at least one, as {name: [numbers]}");
  }
  const compared = toSeries("curves", "references", references);
  const names = [...series, ...compared].map(({ name }) => name);
  const values: JsonValue[] = [];
  for (const one of [...series, ...compared]) {
    const smoothed = smoothing > 0 && !compared.includes(one) ? { ...one, y: smooth(one.y, smoothing) } : undefined;
    for (const [kind, curve] of [
      ["raw", one],
      ["smoothed", smoothed],
    ] as const) {
      if (!curve) {
        continue;
      }
      const points = thin(curve, maxPoints);
      for (let i = 0; i < points.y.length; i++) {
        values.push({
          series: one.name,
          kind: compared.includes(one) ? "reference" : kind,
          x: finite(points.x[i] ?? 0, logX),
          y: finite(points.y[i] ?? 0, logY),
        });
      }
    }
  }
  const showMarkers = markers ?? series.every(({ y }) => y.length <= 30);
  const whole = series.every(({ x }) => x.every((value) => Number.isInteger(value)));
  const several = names.length > 1;
  const color: JsonValue = {
    field: "series",
    type: "nominal",
    scale: {
      domain: names,
      ...(compared.length > 0 ? { range: names.map((_, i) => colorAt(i, series.length)) } : {}),
    },
    sort: names,
    title: null,
    legend: several ? { orient: "right", symbolType: "stroke" } : null,
  };
  const x: JsonValue = {
    field: "x",
    type: "quantitative",
    title: xLabel,
    scale: { ...(logX ? { type: "log", nice: false } : { zero: false, nice: true }) },
    // Steps and epochs are counted: no tick at half an epoch.
    axis: {
      labelOverlap: "greedy",
      ...(whole && !logX ? { tickMinStep: 1, format: ",d" } : {}),
      ...(logX ? { format: logFormat(series.map(({ x: values }) => values)) } : {}),
    },
  };
  const y: JsonValue = {
    field: "y",
    type: "quantitative",
    title: yLabel,
    ...(logY ? { axis: { format: logFormat(series.map(({ y: values }) => values)) } } : {}),
    scale: { ...(logY ? { type: "log" } : { zero: false }), ...(yDomain ? { domain: [...yDomain] } : {}) },
  };
  // Only where limits were given can anything lie outside of them; else a cut would halve the markers at the border.
  const clip = yDomain !== undefined;
  const picked = { param: "picked", empty: true };
  const tooltip: JsonValue = [
    { field: "series", type: "nominal", title: "curve" },
    { field: "x", type: "quantitative", title: xLabel },
    { field: "y", type: "quantitative", title: yLabel || "value", format: ".4~g" },
  ];
  const layer = (kind: string, mark: JsonValue, strength: number, withPicker: boolean): JsonValue => ({
    ...(withPicker
      ? { params: [{ name: "picked", select: { type: "point", fields: ["series"] }, bind: "legend" }] }
      : {}),
    transform: [{ filter: { field: "kind", equal: kind } }],
    mark,
    encoding: { x, y, color, opacity: { condition: { ...picked, value: strength }, value: 0.08 }, tooltip },
  });
  const line = { type: "line", clip, ...(showMarkers ? { point: { size: 36 } } : {}) };
  const layers =
    smoothing > 0
      ? [layer("smoothed", line, 1, true), layer("raw", { type: "line", strokeWidth: 1, clip }, 0.3, false)]
      : [layer("raw", line, 1, true)];
  if (compared.length > 0) {
    layers.push(layer("reference", { type: "line", strokeDash: [5, 4], strokeWidth: 1.5, clip }, 1, false));
  }
  const text =
    alt ??
    `Line chart${title ? ` "${title}"` : ""} of ${yLabel || "values"} over ${xLabel}: ${series.map(describeSeries).join("; ")}.`;
  return new VegaLiteFigure(
    { ...(title ? { title } : {}), width, height, data: { values }, layer: layers },
    { alt: text },
  );
}

/** Powers of ten where a logarithmic axis has very small or very large numbers, plain numbers elsewhere. */
function logFormat(columns: readonly ArrayLike<number>[]): string {
  const shown = columns.flatMap((values) => Array.from(values)).filter((value) => value > 0 && Number.isFinite(value));
  return shown.every((value) => value >= 0.005 && value < 1e5) ? "~g" : "~e";
}

/** What is compared with comes after the series, and is grey. */
function colorAt(index: number, series: number): string {
  return index < series ? seriesColor(index) : lineColor;
}

/** JSON has no NaN; a logarithmic axis has no zero. Both are gaps in a curve. */
function finite(value: number, log: boolean): number | null {
  return Number.isFinite(value) && !(log && value <= 0) ? value : null;
}
