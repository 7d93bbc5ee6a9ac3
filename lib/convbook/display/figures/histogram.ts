/** Distributions. */

import { DisplayError, shortly } from "../errors.ts";
import type { JsonObject, JsonValue } from "../mime.ts";
import { type Named, namedEntries } from "../named.ts";
import { formatNumber } from "../text.ts";
import { VegaLiteFigure } from "../vega-lite.ts";
import type { FigureOptions } from "./curves.ts";
import { fillAndStroke, needsDistinction } from "./distinction.ts";
import { checkDomain, figureOptions } from "./options.ts";
import { isNumbers, type Numbers } from "./series.ts";

export interface HistogramOptions extends FigureOptions {
  /** Numbers, or several named sets of them, drawn over one another with the same bins; a Map where names are whole numbers. */
  readonly values: Numbers | Named<Numbers>;
  /** How many bins of equal width. */
  readonly bins?: number;
  /** Limits of the values; what lies outside is left out and said so in the alternative text. */
  readonly domain?: readonly [number, number];
  /** Shares of each set instead of counts, so that sets of different sizes compare. */
  readonly density?: boolean;
}

/**
 * A histogram; the numbers are counted here, so a million weights make a figure of a few kilobytes.
 *
 * @throws DisplayError where there are no finite values or `bins` is no positive integer
 * @example
 * display(histogram({values: weights, bins: 60, xLabel: "weight"}));
 */
export function histogram(options: HistogramOptions): VegaLiteFigure {
  const {
    values,
    bins = 40,
    domain,
    density = false,
    title,
    xLabel = "value",
    yLabel = density ? "share" : "count",
    width = 420,
    height = 220,
    alt,
  } = figureOptions("histogram", options, { values: true, bins: true, domain: true, density: true });
  if (!Number.isInteger(bins) || bins < 1) {
    throw new DisplayError(`histogram: bins is ${bins}; expected a positive integer`);
  }
  checkDomain("histogram", "domain", domain);
  const sets: [string, Numbers][] = isNumbers(values) ? [["", values]] : namedEntries("histogram", "values", values);
  const wrong = sets.find(([, numbers]) => !isNumbers(numbers));
  if (wrong !== undefined) {
    const [name, given] = wrong;
    throw new DisplayError(`histogram: values: "${name}" is ${shortly(given)}; expected an array of numbers`);
  }
  const names = sets.map(([name]) => name);
  const [low, high] = domain ?? range(sets.map(([, numbers]) => numbers));
  if (!(low <= high)) {
    throw new DisplayError("histogram: there are no finite values");
  }
  const width0 = high > low ? (high - low) / bins : 1;
  const start = high > low ? low : low - bins / 2;
  const rows: JsonValue[] = [];
  const described: string[] = [];
  for (const [name, numbers] of sets) {
    const counts = new Float64Array(bins);
    let kept = 0;
    let sum = 0;
    let squares = 0;
    for (let i = 0; i < numbers.length; i++) {
      const value = Number(numbers[i]);
      if (!(value >= low && value <= high)) {
        continue;
      }
      const bin = Math.min(bins - 1, Math.max(0, Math.floor((value - start) / width0)));
      counts[bin] = (counts[bin] ?? 0) + 1;
      kept++;
      sum += value;
      squares += value * value;
    }
    const mean = sum / kept;
    const deviation = Math.sqrt(Math.max(0, squares / kept - mean * mean));
    const outside = numbers.length - kept;
    described.push(
      `${name ? `${name}: ` : ""}${formatNumber(kept)} values, mean ${formatNumber(mean)}, standard deviation ${formatNumber(deviation)}${outside > 0 ? `, ${formatNumber(outside)} outside of the axis or not finite` : ""}`,
    );
    counts.forEach((count, bin) => {
      rows.push({
        series: name,
        from: start + bin * width0,
        to: start + (bin + 1) * width0,
        count: density ? count / Math.max(1, kept) : count,
      });
    });
  }
  const several = names.length > 1;
  const color: JsonObject = {
    field: "series",
    type: "nominal",
    scale: { domain: names },
    sort: names,
    title: null,
    legend: several ? { orient: "right" } : null,
  };
  const text = alt ?? `Histogram${title ? ` "${title}"` : ""} of ${xLabel}: ${described.join("; ")}.`;
  return new VegaLiteFigure(
    {
      ...(title ? { title } : {}),
      width,
      height,
      data: { values: rows },
      mark: { type: "bar", binSpacing: several ? 0 : 0.5, opacity: several ? 0.55 : 1 },
      encoding: {
        x: { field: "from", bin: { binned: true }, type: "quantitative", title: xLabel, axis: { tickCount: 8 } },
        x2: { field: "to" },
        y: { field: "count", type: "quantitative", title: yLabel, stack: null },
        ...(needsDistinction(names.length) ? fillAndStroke(color, names) : { color }),
        tooltip: [
          ...(several ? [{ field: "series", type: "nominal", title: "set" }] : []),
          { field: "from", type: "quantitative", format: ".4~g" },
          { field: "to", type: "quantitative", format: ".4~g" },
          { field: "count", type: "quantitative", title: yLabel, format: ".4~g" },
        ],
      },
    },
    { alt: text },
  );
}

function range(sets: readonly Numbers[]): [number, number] {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const numbers of sets) {
    for (let i = 0; i < numbers.length; i++) {
      const value = Number(numbers[i]);
      if (!Number.isFinite(value)) {
        continue;
      }
      if (value < low) {
        low = value;
      }
      if (value > high) {
        high = value;
      }
    }
  }
  return [low, high];
}
