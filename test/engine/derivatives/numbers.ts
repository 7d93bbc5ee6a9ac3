/** Inputs at which functions are differentiated: the same every time, and never close to each other or to a kink. */
import type { Exact } from "./float64.ts";

const count = (shape: readonly number[]) => shape.reduce((product, n) => product * n, 1);

/** Numbers spread evenly over [low, high], shuffled. */
export function spread(shape: readonly number[], low: number, high: number, seed = 1): Exact {
  const n = count(shape);
  const order = Array.from({ length: n }, (_, i) => i).sort(
    (a, b) => Math.sin(7.3 * (a + 1) * seed) - Math.sin(7.3 * (b + 1) * seed),
  );
  return { values: order.map((place) => low + ((high - low) * (place + 0.5)) / n), shape };
}

/** Numbers of both signs and at least 0.3 away from zero. */
export function signed(shape: readonly number[], seed = 1): Exact {
  const { values } = spread(shape, 0.3, 1.7, seed);
  return { values: values.map((value, i) => ((i + seed) % 2 === 0 ? value : -value)), shape };
}
