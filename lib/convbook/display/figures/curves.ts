/** Curves over steps or epochs. */

import { checkWhole } from "../checks.ts";
import { DisplayError, wrongArgument } from "../errors.ts";
import type { JsonObject, JsonValue } from "../mime.ts";
import type { Named } from "../named.ts";
import { lineColor, seriesColor } from "../theme.ts";
import { VegaLiteFigure } from "../vega-lite.ts";
import { dashesOf, needsDistinction, seriesFill, seriesShape } from "./distinction.ts";
import { logAxis } from "./log-axis.ts";
import { checkDomain, figureOptions } from "./options.ts";
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
  /** Limits of the x axis; without it they are round numbers that hold the data. */
  readonly xDomain?: readonly [number, number];
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
    xDomain,
    yDomain,
    markers,
    maxPoints = 500,
    alt,
  } = figureOptions("curves", options, {
    series: true,
    smoothing: true,
    references: true,
    logX: true,
    logY: true,
    xDomain: true,
    yDomain: true,
    markers: true,
    maxPoints: true,
  });
  if (typeof smoothing !== "number" || !(smoothing >= 0 && smoothing < 1)) {
    throw wrongArgument("curves", "smoothing", smoothing, "a number from 0 up to, not including, 1");
  }
  checkWhole("curves", { maxPoints }, 4);
  checkDomain("curves", "xDomain", xDomain);
  checkDomain("curves", "yDomain", yDomain);
  const series = toSeries("curves", "series", given);
  if (series.length === 0) {
    throw new DisplayError("curves: series is empty; expected at least one, as {name: [numbers]}");
  }
  const compared = toSeries("curves", "references", references);
  const names = [...series, ...compared].map(({ name }) => name);
  // Colours come round again: dashes and markers tell the curves apart, with and without them.
  const distinct = needsDistinction(series.length);
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
      const isMarked = distinct && kind === (smoothing > 0 ? "smoothed" : "raw") && !compared.includes(one);
      const marked = isMarked ? markedPoints(points.y.length, series.indexOf(one), series.length) : undefined;
      for (let i = 0; i < points.y.length; i++) {
        values.push({
          series: one.name,
          kind: compared.includes(one) ? "reference" : kind,
          x: finite(points.x[i] ?? 0, logX),
          y: finite(points.y[i] ?? 0, logY),
          ...(marked?.has(i) ? { marked: true } : {}),
        });
      }
    }
  }
  const showMarkers = !distinct && (markers ?? series.every(({ y }) => y.length <= 30));
  const whole = series.every(({ x }) => x.every((value) => Number.isInteger(value)));
  const several = names.length > 1;
  const legend: JsonValue = several
    ? {
        orient: "right",
        ...(distinct
          ? { symbolSize: 80 }
          : { symbolType: "stroke", ...(compared.length > 0 ? { symbolSize: 400 } : {}) }),
      }
    : null;
  const channel = (range: readonly JsonValue[] | undefined, shown: JsonValue): JsonObject => ({
    field: "series",
    type: "nominal",
    scale: { domain: names, ...(range === undefined ? {} : { range: [...range] }) },
    sort: names,
    title: null,
    legend: shown,
  });
  const colors = names.map((_, i) => colorAt(i, series.length));
  // One legend for lines and markers: it shows the markers, and no dashes, which would chew them.
  const color: JsonObject = distinct
    ? { stroke: channel(colors, legend) }
    : {
        color: channel(compared.length > 0 ? colors : undefined, legend),
        // Without markers the legend can show what is dashed.
        ...(compared.length > 0
          ? {
              strokeDash: channel(
                names.map((_, i) => dashAt(i, series.length)),
                legend,
              ),
            }
          : {}),
      };
  const marker = {
    fill: channel(
      names.map((_, i) => (i < series.length ? seriesFill(i) : lineColor)),
      legend,
    ),
    stroke: channel(colors, legend),
    shape: channel(
      names.map((_, i) => (i < series.length ? seriesShape(i) : "stroke")),
      legend,
    ),
  };
  const logarithmicX = logX
    ? logAxis(
        [...series, ...compared].map((each) => each.x),
        { exact: true, domain: xDomain },
      )
    : undefined;
  const logarithmicY = logY
    ? logAxis(
        [...series, ...compared].map((each) => each.y),
        { domain: yDomain },
      )
    : undefined;
  const x: JsonValue = {
    field: "x",
    type: "quantitative",
    title: xLabel,
    scale: logarithmicX?.scale ?? (xDomain ? { domain: [...xDomain], nice: false } : { zero: false, nice: true }),
    // Steps and epochs are counted: no tick at half an epoch.
    axis: {
      labelOverlap: "greedy",
      ...(whole && !logX ? { tickMinStep: 1, format: ",d" } : {}),
      ...logarithmicX?.axis,
    },
  };
  const y: JsonValue = {
    field: "y",
    type: "quantitative",
    title: yLabel,
    ...(logarithmicY ? { axis: logarithmicY.axis } : {}),
    scale: logarithmicY?.scale ?? { zero: false, ...(yDomain ? { domain: [...yDomain] } : {}) },
  };
  // Only where limits were given can anything lie outside of them; else a cut would halve the markers at the border.
  const isOutside = (values: ArrayLike<number>, domain: readonly [number, number] | undefined) =>
    domain !== undefined && Array.from(values).some((value) => value < domain[0] || value > domain[1]);
  const clip = [...series, ...compared].some((each) => isOutside(each.x, xDomain) || isOutside(each.y, yDomain));
  const picked = { param: "picked", empty: true };
  const tooltip: JsonValue = [
    { field: "series", type: "nominal", title: "curve" },
    { field: "x", type: "quantitative", title: xLabel },
    { field: "y", type: "quantitative", title: yLabel || "value", format: ".4~g" },
  ];
  const layer = (filter: JsonValue, mark: JsonObject, strength: number, withPicker: boolean): JsonValue => ({
    ...(withPicker
      ? { params: [{ name: "picked", select: { type: "point", fields: ["series"] }, bind: "legend" }] }
      : {}),
    transform: [{ filter }],
    mark,
    encoding: { x, y, ...color, opacity: { condition: { ...picked, value: strength }, value: 0.08 }, tooltip },
  });
  const ofKind = (kind: string): JsonObject => ({ field: "kind", equal: kind });
  // Curves of one dash are a layer each: as a channel, dashes would be drawn around the legend's markers, too.
  const lines = (kind: string, mark: JsonObject, strength: number, withPicker: boolean): JsonValue[] =>
    distinct
      ? dashesOf(series.length).map(({ dash, from, to }, i) => {
          const names = series.slice(from, to).map(({ name }) => name);
          const filter = { and: [ofKind(kind), { field: "series", oneOf: names }] };
          return layer(filter, { ...mark, strokeDash: dash }, strength, withPicker && i === 0);
        })
      : [layer(ofKind(kind), mark, strength, withPicker)];
  const line = { type: "line", clip, ...(showMarkers ? { point: { size: 36 } } : {}) };
  const layers =
    smoothing > 0
      ? [...lines("smoothed", line, 1, true), ...lines("raw", { type: "line", strokeWidth: 1, clip }, 0.3, false)]
      : lines("raw", line, 1, true);
  if (distinct) {
    layers.push({
      transform: [{ filter: { field: "marked", equal: true } }],
      mark: { type: "point", filled: true, size: 56, strokeWidth: 1.5, clip },
      encoding: { x, y, ...marker, opacity: { condition: { ...picked, value: 1 }, value: 0.08 }, tooltip },
    });
  }
  if (compared.length > 0) {
    const mark = { type: "line", ...(distinct ? { strokeDash: [5, 4] } : {}), strokeWidth: 1.5, clip };
    layers.push(layer(ofKind("reference"), mark, 1, false));
  }
  const text =
    alt ??
    `Line chart${title ? ` "${title}"` : ""} of ${yLabel || "values"} over ${xLabel}: ${series.map(describeSeries).join("; ")}.`;
  return new VegaLiteFigure(
    { ...(title ? { title } : {}), width, height, data: { values }, layer: layers },
    { alt: text },
  );
}

/** Patterns of what is compared with. */
const referenceDashes: readonly (readonly number[])[] = [
  [5, 4],
  [2, 2],
  [9, 3, 2, 3],
];

/** About eight points of a curve, each curve's elsewhere, so that markers do not lie on one another; all of a short one. */
function markedPoints(length: number, series: number, count: number): Set<number> {
  const step = Math.max(1, Math.ceil(length / 8));
  const first = Math.floor((series * step) / count) % step;
  return new Set(Array.from({ length: Math.ceil((length - first) / step) }, (_, i) => first + i * step));
}

/** What is compared with comes after the series, and is grey. */
function colorAt(index: number, series: number): string {
  return index < series ? seriesColor(index) : lineColor;
}

/** Series are solid; what is compared with is dashed, each its own way. */
function dashAt(index: number, series: number): number[] {
  return index < series ? [1, 0] : [...(referenceDashes[(index - series) % referenceDashes.length] ?? [1, 0])];
}

/** JSON has no NaN; a logarithmic axis has no zero. Both are gaps in a curve. */
function finite(value: number, log: boolean): number | null {
  return Number.isFinite(value) && !(log && value <= 0) ? value : null;
}
