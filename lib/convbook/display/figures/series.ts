/** Series of numbers as figures take them, and what is said about them in words. */
import { DisplayError, shortly } from "../errors.ts";
import { type Named, namedEntries } from "../named.ts";
import { formatNumber } from "../text.ts";

/** One number a point: an array, a typed array, anything with a length and numbers. */
export type Numbers = ArrayLike<number>;

/** A curve's points: y alone (x counts from 0), or x and y of the same length. */
export type SeriesData = Numbers | { readonly x: Numbers; readonly y: Numbers };

/** Whether something is a list, of numbers as it is hoped. */
export function isNumbers(value: unknown): value is Numbers {
  return Array.isArray(value) || (ArrayBuffer.isView(value) && "length" in value);
}

export interface Series {
  readonly name: string;
  readonly x: Float64Array;
  readonly y: Float64Array;
}

/** Checks and copies what a caller gave for an argument. */
export function toSeries(figure: string, argument: string, given: Named<SeriesData>): Series[] {
  const entries = namedEntries(figure, argument, given);
  return entries.map(([name, data]) => {
    const isPoints = typeof data === "object" && data !== null && "y" in data;
    const y = isPoints ? data.y : data;
    const x = isPoints ? data.x : undefined;
    if (!isNumbers(y) || (x !== undefined && !isNumbers(x))) {
      throw new DisplayError(
        `${figure}: ${argument} "${name}" is ${shortly(data)}; expected an array of numbers, or {x, y}`,
      );
    }
    if (x && x.length !== y.length) {
      throw new DisplayError(`${figure}: ${argument} "${name}" has ${x.length} x values and ${y.length} y values`);
    }
    const series = { name, x: new Float64Array(y.length), y: new Float64Array(y.length) };
    for (let i = 0; i < y.length; i++) {
      series.y[i] = Number(y[i]);
      series.x[i] = x ? Number(x[i]) : i;
    }
    return series;
  });
}

/**
 * At most about `limit` points with the same outline: the first and last point, and of each stretch between its lowest and its highest.
 * A peak is never lost, as it would be by taking every n-th point.
 */
export function thin(series: Series, limit: number): Series {
  const n = series.y.length;
  if (n <= limit) {
    return series;
  }
  const stretches = Math.max(1, Math.floor(limit / 2) - 1);
  const kept = [0];
  for (let s = 0; s < stretches; s++) {
    const from = 1 + Math.floor((s * (n - 2)) / stretches);
    const to = 1 + Math.floor(((s + 1) * (n - 2)) / stretches);
    let low = from;
    let high = from;
    for (let i = from; i < to; i++) {
      const value = series.y[i] ?? 0;
      if (value < (series.y[low] ?? 0)) {
        low = i;
      }
      if (value > (series.y[high] ?? 0)) {
        high = i;
      }
    }
    if (to > from) {
      kept.push(Math.min(low, high));
    }
    if (to > from && low !== high) {
      kept.push(Math.max(low, high));
    }
  }
  kept.push(n - 1);
  return {
    name: series.name,
    x: Float64Array.from(kept, (i) => series.x[i] ?? 0),
    y: Float64Array.from(kept, (i) => series.y[i] ?? 0),
  };
}

/**
 * Exponential moving average without the bias of its start (as TensorBoard's slider draws it): weight 0 leaves the values alone, 0.9 averages over about
 * ten. Non-finite values are passed through and left out of the average.
 */
export function smooth(y: Float64Array, weight: number): Float64Array {
  if (!(weight >= 0 && weight < 1)) {
    throw new DisplayError(`smoothing is ${weight}; expected a number from 0 up to, not including, 1`);
  }
  const out = new Float64Array(y.length);
  let last = 0;
  let seen = 0;
  for (let i = 0; i < y.length; i++) {
    const value = y[i] ?? 0;
    if (!Number.isFinite(value)) {
      out[i] = value;
      continue;
    }
    last = last * weight + (1 - weight) * value;
    seen++;
    out[i] = last / (1 - weight ** seen);
  }
  return out;
}

/** A curve in words: where it ends, and its lowest and highest value. */
export function describeSeries(series: Series): string {
  let low = -1;
  let high = -1;
  let last = -1;
  for (let i = 0; i < series.y.length; i++) {
    const value = series.y[i] ?? 0;
    if (!Number.isFinite(value)) {
      continue;
    }
    if (low < 0 || value < (series.y[low] ?? 0)) {
      low = i;
    }
    if (high < 0 || value > (series.y[high] ?? 0)) {
      high = i;
    }
    last = i;
  }
  if (last < 0) {
    return `${series.name}: no values`;
  }
  const at = (i: number) => formatNumber(series.y[i] ?? 0);
  return `${series.name} ends at ${at(last)} (lowest ${at(low)}, highest ${at(high)})`;
}
