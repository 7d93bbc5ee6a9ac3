/** Compares what networks come to. */
import { expect } from "vitest";
import type { Numbers } from "./outcome.ts";

/** Expects the same, but for rounding: differences are shares of the largest value of their kind. */
export function expectAlike(got: Numbers, expected: Numbers, title: string): void {
  expect(Object.keys(got), title).toEqual(Object.keys(expected));
  // Gradients that cancel altogether, such as those of a bias before a normalisation, are rounding errors.
  const gradients = Object.entries(expected).filter(([name]) => name.startsWith("gradient"));
  const scale = Math.max(0, ...gradients.flatMap(([, values]) => [...values].map(Math.abs)));
  for (const [name, values] of Object.entries(expected)) {
    const most = Math.max(
      name.startsWith("gradient") ? Math.max(1e-6, 0.02 * scale) : 1e-2,
      ...[...values].map(Math.abs),
    );
    const worst = Math.max(...[...values].map((value, i) => Math.abs(value - (got[name]?.[i] as number))));
    expect(worst / most, `${name} of ${title}`).toBeLessThan(1e-4);
  }
}
