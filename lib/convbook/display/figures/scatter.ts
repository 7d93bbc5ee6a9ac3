/** Points with names: accuracy against parameters, and the like. */

import { checkTexts } from "../checks.ts";
import { DisplayError, wrongArgument } from "../errors.ts";
import type { JsonObject, JsonValue } from "../mime.ts";
import { formatNumber } from "../text.ts";
import { VegaLiteFigure } from "../vega-lite.ts";
import type { FigureOptions } from "./curves.ts";
import { fillAndStroke, needsDistinction } from "./distinction.ts";
import { labelSides, labelSize, placeLabels, scalePadding } from "./labels.ts";
import { logAxis } from "./log-axis.ts";
import { figureOptions } from "./options.ts";

export interface ScatterPoint {
  readonly x: number;
  readonly y: number;
  /** Written beside the point. */
  readonly label?: string;
  /** Points of one series share a colour and a shape. */
  readonly series?: string;
}

export interface ScatterOptions extends FigureOptions {
  readonly points: readonly ScatterPoint[];
  readonly logX?: boolean;
  readonly logY?: boolean;
  /** d3 formats of the axes, for example ".0%" or "~s". */
  readonly xFormat?: string;
  readonly yFormat?: string;
}

/**
 * A scatter plot.
 *
 * @throws DisplayError where there are no points, or one has no finite x or y
 * @example
 * display(scatter({points: [{x: 272_378, y: 0.9106, label: "ResNet"}], xLabel: "parameters", yLabel: "accuracy", yFormat: ".1%"}));
 */
export function scatter(options: ScatterOptions): VegaLiteFigure {
  const {
    points,
    title,
    xLabel = "x",
    yLabel = "y",
    width = 480,
    height = 300,
    logX = false,
    logY = false,
    xFormat,
    yFormat,
    alt,
  } = figureOptions("scatter", options, { points: true, logX: true, logY: true, xFormat: true, yFormat: true });
  checkTexts("scatter", { xFormat, yFormat });
  if (!Array.isArray(points)) {
    throw wrongArgument("scatter", "points", points, "a list of {x, y}");
  }
  if (points.length === 0) {
    throw new DisplayError("scatter: points is empty; expected at least one {x, y}");
  }
  points.forEach((point, index) => {
    for (const axis of ["x", "y"] as const) {
      if (!Number.isFinite(point?.[axis])) {
        throw new DisplayError(`scatter: points[${index}].${axis} is ${point?.[axis]}; expected a finite number`);
      }
    }
    checkTexts("scatter", { [`points[${index}].label`]: point.label, [`points[${index}].series`]: point.series });
  });
  const logarithms = {
    x: logX ? logAxis([points.map(({ x }) => x)]) : undefined,
    y: logY ? logAxis([points.map(({ y }) => y)]) : undefined,
  };
  const scaleOf = (axis: "x" | "y") => ({
    log: logarithms[axis] !== undefined,
    domain: logarithms[axis]?.scale.domain as readonly [number, number] | undefined,
  });
  const sides = placeLabels(points, { width, height, x: scaleOf("x"), y: scaleOf("y") });
  const values: JsonValue[] = points.map(({ x, y, label = "", series = "" }, i) => ({
    x,
    y,
    label,
    series,
    side: sides[i] ?? 0,
  }));
  const names = [...new Set(points.map(({ series = "" }) => series))];
  // A legend beside points that carry the same names would say everything twice.
  const said = points.every(({ label, series = "" }) => label === series);
  const legend: JsonValue = names.length > 1 && !said ? { orient: "right" } : null;
  const color: JsonObject = {
    field: "series",
    type: "nominal",
    scale: { domain: names },
    sort: names,
    title: null,
    legend,
  };
  // After eight, colours and shapes come round again: hollow then.
  const distinct = needsDistinction(names.length);
  const axis = (field: "x" | "y", name: string, format?: string): JsonValue => {
    const logarithmic = logarithms[field];
    const { values: ticks, ...labels } = logarithmic?.axis ?? {};
    const own = format
      ? { ...(ticks === undefined ? {} : { values: ticks }), format }
      : { values: ticks ?? null, ...labels };
    return {
      field,
      type: "quantitative",
      title: name,
      scale: { ...(logarithmic?.scale ?? { zero: false, nice: true }), padding: scalePadding },
      ...(format || logarithmic ? { axis: own } : {}),
    };
  };
  const position = { x: axis("x", xLabel, xFormat), y: axis("y", yLabel, yFormat) };
  const tooltip: JsonValue = [
    ...(points.some(({ label }) => label) ? [{ field: "label", type: "nominal", title: "name" }] : []),
    { field: "x", type: "quantitative", title: xLabel, ...(xFormat ? { format: xFormat } : {}) },
    { field: "y", type: "quantitative", title: yLabel, ...(yFormat ? { format: yFormat } : {}) },
  ];
  const described = points
    .slice(0, 12)
    .map(({ x, y, label, series }) => `${label || series || "point"} at ${formatNumber(x)}, ${formatNumber(y)}`)
    .join("; ");
  const more = points.length > 12 ? ` and ${points.length - 12} more` : "";
  const text = alt ?? `Scatter plot${title ? ` "${title}"` : ""} of ${yLabel} against ${xLabel}: ${described}${more}.`;
  return new VegaLiteFigure(
    {
      ...(title ? { title } : {}),
      width,
      height,
      data: { values },
      layer: [
        {
          mark: { type: "point", filled: true, size: 90, opacity: 0.95, ...(distinct ? { strokeWidth: 2 } : {}) },
          encoding: { ...position, ...(distinct ? fillAndStroke(color, names) : { color }), shape: color, tooltip },
        },
        ...[...new Set(sides)].map((side): JsonValue => {
          const { align, baseline, dx, dy } = labelSides[side] ?? labelSides[0];
          return {
            transform: [{ filter: { field: "side", equal: side } }],
            mark: { type: "text", align, baseline, dx, dy, fontSize: labelSize },
            encoding: { ...position, text: { field: "label", type: "nominal" } },
          };
        }),
      ],
    },
    { alt: text },
  );
}
