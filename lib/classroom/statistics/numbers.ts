/** Small statistics. */

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** A quantile, between the two nearest values where it falls between them; NaN of nothing. */
export function quantile(values: readonly number[], at: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const place = (sorted.length - 1) * at;
  const low = sorted[Math.floor(place)] ?? Number.NaN;
  const high = sorted[Math.ceil(place)] ?? Number.NaN;
  return low + (high - low) * (place - Math.floor(place));
}

/** The standard deviation of a sample; 0 of one value. */
export function deviation(values: readonly number[]): number {
  if (values.length < 2) {
    return 0;
  }
  const middle = mean(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / (values.length - 1));
}

/** Pearson's correlation; undefined where one of the two is always the same. */
export function correlation(a: readonly number[], b: readonly number[]): number | undefined {
  const [middleA, middleB] = [mean(a), mean(b)];
  let together = 0;
  let alone = 0;
  let other = 0;
  for (const [i, value] of a.entries()) {
    const [x, y] = [value - middleA, (b[i] ?? 0) - middleB];
    together += x * y;
    alone += x * x;
    other += y * y;
  }
  return alone > 1e-12 && other > 1e-12 ? together / Math.sqrt(alone * other) : undefined;
}
