/**
 * Shapes: small pure functions that check an input's shape and return the output's. Layers use the same function to run, to describe
 * themselves in a summary, and to say what is wrong. Image batches are [N, H, W, C], sequences [N, L, C].
 */

import { at } from "../arguments/at.ts";
import { checkInteger } from "../arguments/check.ts";
import { OptionError, ShapeError } from "./errors.ts";

export { checkGenerator, checkInteger, checkNumber, shapeOf, shapeOfAny, shapeOfNumbers } from "../arguments/check.ts";

/** A tensor's shape, in the order of TensorFlow.js (channels last). */
export type Shape = readonly number[];

/** One number for both dimensions, or [height, width]. */
export type Size2d = number | readonly [height: number, width: number];

/** Both numbers of a {@link Size2d}, checked. */
export function pair(owner: string, option: string, value: Size2d, minimum: number): [number, number] {
  const both = typeof value === "number" ? [value, value] : value;
  if (!Array.isArray(both) || both.length !== 2) {
    throw new OptionError(owner, option, value, "a whole number or a pair of them [height, width]");
  }
  return [checkInteger(owner, option, both[0], minimum), checkInteger(owner, option, both[1], minimum)];
}

/** Zeros (or for a max pool, minus infinity) put before and after a dimension. */
export type Padding = readonly [before: number, after: number];

/** A window that slides over one dimension. */
export interface Window {
  readonly kernel: number;
  readonly stride: number;
  readonly padding: Padding;
  readonly dilation: number;
  /** Whether the last window may begin inside the input or the leading padding and end beyond (pools only). */
  readonly ceil?: boolean;
}

/** How many places a window has on a dimension of `length`; 0 or less where it does not fit. */
export function windowCount(length: number, { kernel, stride, padding, dilation, ceil = false }: Window): number {
  const [before, after] = padding;
  const free = length + before + after - dilation * (kernel - 1) - 1;
  if (!ceil) {
    return Math.floor(free / stride) + 1;
  }
  const count = Math.ceil(free / stride) + 1;
  return (count - 1) * stride >= length + before ? count - 1 : count;
}

/** What an error names: how a layer is printed is worked out only then. */
interface Printable {
  toString(): string;
}

/** Shape after windows over the dimensions between the first and the last. */
export function windowedShape(
  layer: Printable,
  input: Shape,
  windows: readonly Window[],
  outChannels: number,
): number[] {
  const spatial = windows.map((window, i) => windowCount(at(input, i + 1), window));
  if (spatial.some((count) => count < 1)) {
    const reach = windows.map(({ kernel, dilation, padding: [before, after] }) =>
      Math.max(1, dilation * (kernel - 1) + 1 - before - after),
    );
    throw new ShapeError(`${layer}`, input, `each spatial dimension to be at least [${reach.join(", ")}]`);
  }
  return [at(input, 0), ...spatial, outChannels];
}

/** Requires `rank` dimensions and, where given, `channels` in the last. `letters` names the dimensions, as "N, H, W, C". */
export function checkChannelsLast(layer: Printable, input: Shape, letters: string, channels?: number): void {
  const rank = letters.split(",").length;
  const isChannelsLast = channels === undefined || input[rank - 1] === channels;
  if (input.length === rank && isChannelsLast) {
    return;
  }
  const expected = channels === undefined ? `[${letters}]` : `[${letters}] with C = ${channels}`;
  const atSecond =
    input.length === rank && input[1] === channels ? " (channels come last here; this looks like PyTorch's order)" : "";
  throw new ShapeError(`${layer}`, input, expected + atSecond);
}
