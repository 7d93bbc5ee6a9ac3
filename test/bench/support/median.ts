/** The middle of some numbers. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

/** An estimate and the interval that holds it with a probability of 95 %. */
export interface Estimate {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/**
 * The median of measurements, and by the bootstrap how far it can be relied on: medians of as many measurements drawn from them with replacement,
 * the 2.5th and the 97.5th percentile of 2,000 such draws. The draws are the same each time.
 */
export function medianWithInterval(values: readonly number[]): Estimate {
  let state = 1;
  // Lehmer's generator (Park and Miller 1988): good enough to draw by.
  const random = () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
  const medians = Array.from({ length: 2000 }, () =>
    median(values.map(() => values[Math.floor(random() * values.length)] as number)),
  ).sort((a, b) => a - b);
  return { value: median(values), low: medians[50] ?? Number.NaN, high: medians[1949] ?? Number.NaN };
}
