/**
 * Gamma and beta numbers, drawn as PyTorch's CPU code draws them (`torch._standard_gamma`, `torch._sample_dirichlet`):
 * G. Marsaglia, W. W. Tsang, "A Simple Method for Generating Gamma Variables", ACM TOMS 26 (2000).
 */
import { defaultGenerator, type Generator } from "./generator.ts";
import type { RandomOptions } from "./tensors.ts";

/** PyTorch writes this constant of the method as a float32. */
const SQUEEZE = Math.fround(0.0331);

/**
 * One number of the gamma distribution with the given shape and scale 1.
 * @throws {RangeError} when alpha is negative or not finite
 */
export function gamma(alpha: number, { generator = defaultGenerator }: RandomOptions = {}): number {
  if (!(alpha >= 0) || !Number.isFinite(alpha)) {
    throw new RangeError(`gamma's alpha is a finite number >= 0; got ${alpha}.`);
  }
  if (alpha === 0) {
    return 0;
  }
  // Below 1 the method does not hold; a power of a uniform number brings the result down from alpha + 1.
  const scale = alpha < 1 ? (1 - generator.uniformDouble()) ** (1 / alpha) : 1;
  const d = (alpha < 1 ? alpha + 1 : alpha) - Math.fround(1 / 3);
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const [x, y] = positive(c, generator);
    const v = y * y * y;
    const u = 1 - generator.uniformDouble();
    const xx = x * x;
    if (u < 1 - SQUEEZE * xx * xx || Math.log(u) < 0.5 * xx + d * (1 - v + Math.log(v))) {
      return scale * d * v;
    }
  }
}

/** Draws normal numbers x until y = 1 + cx is positive. */
function positive(c: number, generator: Generator): [x: number, y: number] {
  for (;;) {
    const x = generator.normal();
    const y = 1 + c * x;
    if (y > 0) {
      return [x, y];
    }
  }
}

/** The shares that PyTorch gives lie within these: neither nothing nor all. */
const LEAST = 2 ** -126;
const MOST = 1 - 2 ** -24;

/**
 * Shares of the Dirichlet distribution, float32 numbers whose sum is 1: `torch._sample_dirichlet(torch.tensor(alphas))`.
 * @param alphas one number for each share
 * @throws {RangeError} when there are none, or one is not finite and positive
 */
export function dirichlet(alphas: readonly number[], options: RandomOptions = {}): number[] {
  if (alphas.length === 0 || !alphas.every((alpha) => alpha > 0)) {
    throw new RangeError(`dirichlet's alphas are finite positive numbers; got [${alphas.join(", ")}].`);
  }
  const parts = alphas.map((alpha) => gamma(Math.fround(alpha), options));
  const sum = parts.reduce((total, part) => total + part, 0);
  return parts.map((part) => Math.min(MOST, Math.max(LEAST, Math.fround(part / sum))));
}

/**
 * One number of the beta distribution, from 0 to 1: what `torch._sample_dirichlet(torch.tensor([a, b]))[0]` gives.
 * @throws {RangeError} when a or b is not a finite positive number
 */
export function beta(a: number, b: number, options: RandomOptions = {}): number {
  if (!(a > 0 && b > 0)) {
    throw new RangeError(`beta's parameters are finite positive numbers; got ${a} and ${b}.`);
  }
  const [first = 0] = dirichlet([a, b], options);
  return first;
}
