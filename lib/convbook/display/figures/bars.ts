/** Bars: one number a name. */

import { checkTexts } from "../checks.ts";
import { DisplayError, shortly } from "../errors.ts";
import type { JsonObject, JsonValue } from "../mime.ts";
import { type Named, namedEntries } from "../named.ts";
import { formatNumber, textWidth } from "../text.ts";
import { VegaLiteFigure } from "../vega-lite.ts";
import type { FigureOptions } from "./curves.ts";
import { fillAndStroke, needsDistinction } from "./distinction.ts";
import { checkDomain, figureOptions } from "./options.ts";

export interface BarsOptions extends FigureOptions {
  /** Numbers by name, or several series of them: `{validation: {ResNet: 0.91}, test: {ResNet: 0.90}}`; a Map where names are whole numbers. */
  readonly values: Named<number> | Named<Named<number>>;
  /** Bars from left to right; upright without it. */
  readonly horizontal?: boolean;
  /** d3 format of the numbers on the bars and the axis. */
  readonly format?: string;
  /** Limits of the value axis; bars begin at zero unless it says otherwise. */
  readonly domain?: readonly [number, number];
}

const isNamed = (value: unknown): value is Named<unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * A bar chart, in the order given.
 *
 * @throws DisplayError where there are no values or one is not a finite number
 * @example
 * display(bars({values: {cat: 0.93, dog: 0.05, deer: 0.02}, yLabel: "probability", format: ".0%", horizontal: true}));
 */
export function bars(options: BarsOptions): VegaLiteFigure {
  const {
    values,
    title,
    xLabel = "",
    yLabel = "",
    width,
    height,
    horizontal = false,
    format = ".4~g",
    domain,
    alt,
  } = figureOptions("bars", options, { values: true, horizontal: true, format: true, domain: true });
  checkTexts("bars", { format });
  checkDomain("bars", "domain", domain);
  const entries: [string, unknown][] = namedEntries<unknown>("bars", "values", values);
  if (entries.length === 0) {
    throw new DisplayError("bars: values is empty; expected numbers by name");
  }
  const rows: { series: string; name: string; value: number }[] = [];
  for (const [key, value] of entries) {
    const isSeries = isNamed(value);
    for (const [name, number] of isSeries ? namedEntries("bars", "values", value) : ([[key, value]] as const)) {
      if (typeof number !== "number" || !Number.isFinite(number)) {
        throw new DisplayError(`bars: values: "${name}" is ${shortly(number)}; expected a finite number`);
      }
      rows.push({ series: isSeries ? key : "", name, value: number });
    }
  }
  const names = [...new Set(rows.map(({ name }) => name))];
  const series = [...new Set(rows.map((row) => row.series))];
  const several = series.length > 1;
  // So many names stand upright, in smaller letters, and bars are as wide as they are high.
  const crowded = names.length > 30;
  const tilted = !horizontal && !crowded && names.length > 8 && names.some((name) => name.length > 6);
  const longest = tilted || crowded ? 0 : Math.max(...names.map((name) => textWidth(name, 11)));
  const nameAxis: JsonValue = {
    field: "name",
    type: "nominal",
    sort: names,
    title: xLabel || null,
    scale: { paddingInner: several ? 0.25 : 0.3 },
    axis: {
      labelAngle: tilted ? -40 : crowded && !horizontal ? -90 : 0,
      ...(crowded ? { labelFontSize: 9, labelLimit: 160 } : {}),
      ticks: false,
    },
  };
  const valueAxis: JsonValue = {
    field: "value",
    type: "quantitative",
    title: yLabel || null,
    scale: domain ? { domain: [...domain] } : { zero: true },
    axis: { format },
    stack: null,
  };
  const color: JsonObject = {
    field: "series",
    type: "nominal",
    scale: { domain: series },
    sort: series,
    title: null,
    legend: several ? { orient: "top" } : null,
  };
  // After eight series colours come round again: hollow bars then.
  const distinct = needsDistinction(series.length);
  const offset: JsonValue = { field: "series", type: "nominal", sort: series };
  const position: { [key: string]: JsonValue } = horizontal
    ? { y: nameAxis, x: valueAxis, ...(several ? { yOffset: offset } : {}) }
    : { x: nameAxis, y: valueAxis, ...(several ? { xOffset: offset } : {}) };
  const wide = horizontal ? (several ? 20 * series.length + 8 : 26) : Math.max(52 * series.length, longest + 14);
  const band = crowded ? Math.max(11, 5 * series.length + 3) : wide;
  const length = Math.max(160, band * names.length);
  const tooltip: JsonValue = [
    ...(several ? [{ field: "series", type: "nominal", title: "series" }] : []),
    { field: "name", type: "nominal", title: xLabel || "name" },
    { field: "value", type: "quantitative", title: yLabel || "value", format },
  ];
  const described = rows
    .slice(0, 20)
    .map((row) => `${row.series ? `${row.series} ` : ""}${row.name} ${formatNumber(row.value)}`);
  const text =
    alt ??
    `Bar chart${title ? ` "${title}"` : ""}${yLabel ? ` of ${yLabel}` : ""}: ${described.join(", ")}${rows.length > 20 ? ", …" : ""}.`;
  return new VegaLiteFigure(
    {
      ...(title ? { title } : {}),
      width: width ?? (horizontal ? 360 : crowded ? length : Math.min(900, length)),
      height: height ?? (horizontal ? Math.max(60, band * names.length) : 240),
      data: { values: rows },
      layer: [
        {
          mark: { type: "bar", cornerRadiusEnd: 2, clip: true, ...(distinct ? { strokeWidth: 1.5 } : {}) },
          encoding: { ...position, ...(distinct ? fillAndStroke(color, series) : { color }), tooltip },
        },
        ...(rows.length <= 24
          ? [
              {
                mark: horizontal
                  ? { type: "text", align: "left", baseline: "middle", dx: 4 }
                  : { type: "text", baseline: "bottom", dy: -3 },
                encoding: { ...position, text: { field: "value", type: "quantitative", format } },
              },
            ]
          : []),
      ],
    },
    { alt: text },
  );
}
