/** The native functions of operations outside of networks' layers. */

type F = Float32Array;

/** They check types and lengths of all arrays and throw a TypeError for what does not fit. */
export interface NativeOperationFunctions {
  /** Fourier transforms of rows of n, forward or back (then divided by n). */
  fourier(re: F, im: F, toRe: F, toIm: F, rows: number, n: number, inverse: boolean): void;
  /** The root of the sum of squares. */
  hypot(a: F, b: F, y: F, n: number): void;
  /** The gradient of running products along the middle axis by x. */
  cumprodGrad(
    x: F,
    dy: F,
    dx: F,
    outer: number,
    middle: number,
    inner: number,
    exclusive: boolean,
    reverse: boolean,
  ): void;
}
