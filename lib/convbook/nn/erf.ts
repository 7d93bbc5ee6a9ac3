/** The error function of a number and its inverse, for truncated normal distributions. */

/** Coefficients of Giles, "Approximating the erfinv function" (GPU Computing Gems, 2011), single precision, highest power first. */
const central = [
  2.81022636e-8, 3.43273939e-7, -3.5233877e-6, -4.39150654e-6, 2.1858087e-4, -1.25372503e-3, -4.17768164e-3,
  2.46640727e-1, 1.50140941,
];
const outer = [
  -2.00214257e-4, 1.00950558e-4, 1.34934322e-3, -3.67342844e-3, 5.73950773e-3, -7.6224613e-3, 9.43887047e-3, 1.00167406,
  2.83297682,
];

/** x with erf(x) = y, to float32's precision; ±∞ for ±1. */
export function erfinv(y: number): number {
  if (Math.abs(y) >= 1) {
    return y * Number.POSITIVE_INFINITY;
  }
  const w = -Math.log((1 - y) * (1 + y));
  const [coefficients, at] = w < 5 ? [central, w - 2.5] : [outer, Math.sqrt(w) - 3];
  let sum = 0;
  for (const coefficient of coefficients) {
    sum = sum * at + coefficient;
  }
  return y * sum;
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
