/** The error function of a number and its inverse, for truncated normal distributions. */

/**
 * x with erf(x) = y, to float32's precision; ±∞ for ±1.
 *
 * Coefficients: Giles, "Approximating the erfinv function" (GPU Computing Gems, 2011), single precision. Weights are drawn with it by the million, so its
 * polynomials are written out.
 */
export function erfinv(y: number): number {
  if (Math.abs(y) >= 1) {
    return y * Number.POSITIVE_INFINITY;
  }
  const w = -Math.log((1 - y) * (1 + y));
  return y * (w < 5 ? central(w - 2.5) : outer(Math.sqrt(w) - 3));
}

function central(t: number): number {
  const high = (((2.81022636e-8 * t + 3.43273939e-7) * t - 3.5233877e-6) * t - 4.39150654e-6) * t + 2.1858087e-4;
  return (((high * t - 1.25372503e-3) * t - 4.17768164e-3) * t + 2.46640727e-1) * t + 1.50140941;
}

function outer(t: number): number {
  const high = (((-2.00214257e-4 * t + 1.00950558e-4) * t + 1.34934322e-3) * t - 3.67342844e-3) * t + 5.73950773e-3;
  return (((high * t - 7.6224613e-3) * t + 9.43887047e-3) * t + 1.00167406) * t + 2.83297682;
}

/** The error function, by the series without cancellation (Abramowitz and Stegun 7.1.6). */
export function erf(x: number): number {
  if (Math.abs(x) > 6) {
    return Math.sign(x);
  }
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}
