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
    const largest = Math.max(...[...values].map(Math.abs));
    // What is left of a sum that cancels is as exact as its terms are large, which are those of all other gradients.
    const cancels = name.endsWith("bias") && largest < 1e-5 * scale;
    const share = cancels ? 0.1 : 0.02;
    const most = Math.max(name.startsWith("gradient") ? Math.max(1e-6, share * scale) : 1e-2, largest);
    const worst = Math.max(...[...values].map((value, i) => Math.abs(value - (got[name]?.[i] as number))));
    expect(worst / most, `${name} of ${title}`).toBeLessThan(1e-4);
  }
}
