/** The native functions on integers, booleans and places. */

type F = Float32Array;
type I = Int32Array;
type B = Uint8Array;

/** They check types and lengths of all arrays and throw a TypeError for what does not fit. */
export interface NativeArrayFunctions {
  intBinary(op: number, a: I, b: I, y: I, description: I): void;
  intUnary(op: number, x: I, y: I, n: number): void;
  intCompare(op: number, a: I, b: I, y: B, description: I): void;
  intReduce(op: number, x: I, y: I, outer: number, middle: number, inner: number): void;
  byteBinary(op: number, a: B, b: B, y: B, description: I): void;
  byteNot(x: B, y: B, n: number): void;
  byteReduce(all: boolean, x: B, y: B, outer: number, middle: number, inner: number): void;
  classify(kind: number, x: F, y: B, n: number): void;
  /** Running sums or products along the middle axis; x and y of one type. */
  scan(
    x: F | I,
    y: F | I,
    outer: number,
    middle: number,
    inner: number,
    product: boolean,
    exclusive: boolean,
    reverse: boolean,
  ): void;
  /** The k largest of each row of n, NaN first. */
  topK(x: F | I, y: F | I, indices: I, rows: number, n: number, k: number): void;
  /** A bit of `axes` for each axis to reverse. */
  reverse(x: F | I | B, y: F | I | B, elementBytes: number, shape: I, axes: number): void;
  /** Adds rows of x to the indexed rows of y, or replaces those; the width is in elements, in bytes when replacing. */
  scatter(x: F | I | B, indices: I, y: F | I | B, count: number, rows: number, width: number, replace: boolean): void;
}
