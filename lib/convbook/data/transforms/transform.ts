/** What a transform is, and the checks that transforms share. */
import { describeValue } from "../../arguments/describe.ts";
import { OptionError } from "../../arguments/option-error.ts";
import type { Generator } from "../../random/index.ts";
import type { TensorData } from "../../tensor-data.ts";
import type { FloatData, ImageData8 } from "../sample.ts";

/** A transform as data, from which another thread builds it anew. */
export interface TransformSpec {
  /** The transform's class, by its name in this library. */
  readonly name: string;
  /** The arguments of its constructor. */
  readonly args: readonly unknown[];
}

/**
 * Changes a sample's image or array. What is random in it draws from `generator` alone, in the order in which torchvision
 * draws, so that the same seed gives the same pictures.
 */
export interface Transform {
  /** Gives the changed data; never changes what it is given. */
  apply(data: TensorData, generator?: Generator): TensorData;
  /** How to build it on another thread; without it, samples are made on the main thread. */
  toSpec?(): TransformSpec | undefined;
}

/** A height and a width in pixels, or one number for both. */
export type Size = number | readonly [height: number, width: number];

/**
 * Refuses what is no transform; null and undefined stand for none and for the default.
 *
 * @throws {OptionError} naming the option
 */
export function checkTransform(owner: string, transform: Transform | null | undefined): void {
  if (transform === undefined || transform === null || typeof transform.apply === "function") {
    return;
  }
  throw new OptionError(owner, "transform", transform, "a transform: an object with apply(data)");
}

/** @throws {OptionError} unless the data is a tensor's */
function requireTensor(name: string, data: TensorData): void {
  if (!Array.isArray(data?.shape)) {
    throw new OptionError(name, "data", data, "tensor data { dtype, shape, data }");
  }
}

/** @throws {RangeError} unless the data is an image of eight-bit numbers [height, width, 1 or 3] */
export function asImage(name: string, data: TensorData): ImageData8 {
  requireTensor(name, data);
  const { dtype, shape } = data;
  if (dtype === "uint8" && shape.length === 3 && (shape[2] === 1 || shape[2] === 3)) {
    return data;
  }
  const hint = dtype === "float32" ? " It stands before ToTensor." : "";
  throw new RangeError(
    `${name} takes an image, uint8 [height, width, 1 or 3]; got ${dtype} [${shape.join(", ")}].${hint}`,
  );
}

/** @throws {RangeError} unless the data is float32 [height, width, channels] */
export function asFloatImage(name: string, data: TensorData): FloatData {
  requireTensor(name, data);
  const { dtype, shape } = data;
  if (dtype === "float32" && shape.length === 3) {
    return data;
  }
  const hint = dtype === "uint8" ? " It stands after ToTensor." : "";
  throw new RangeError(`${name} takes float32 [height, width, channels]; got ${dtype} [${shape.join(", ")}].${hint}`);
}

/** Height, width and channels of an image. */
export function imageShape(image: {
  readonly shape: readonly number[];
}): [height: number, width: number, channels: number] {
  const [height = 0, width = 0, channels = 0] = image.shape;
  return [height, width, channels];
}

/** @throws {RangeError} unless size is one or two whole positive numbers */
export function parseSize(name: string, size: Size): readonly [height: number, width: number] {
  const pair: readonly [number, number] = typeof size === "number" ? [size, size] : size;
  if (!Array.isArray(pair) || pair.length !== 2 || pair.some((side) => !Number.isInteger(side) || side < 1)) {
    throw new RangeError(`${name}'s size is a whole number of pixels or [height, width]; got ${describeValue(size)}.`);
  }
  return pair;
}

/** @throws {RangeError} unless p is within [0, 1] */
export function parseProbability(name: string, p: number): number {
  if (typeof p === "number" && p >= 0 && p <= 1) {
    return p;
  }
  throw new RangeError(`${name}'s p is a probability from 0 to 1; got ${describeValue(p)}.`);
}

/** @throws {RangeError} unless range is two finite numbers, at least `least`, in order */
export function parseRange(
  name: string,
  what: string,
  range: readonly [number, number],
  least = Number.NEGATIVE_INFINITY,
): readonly [number, number] {
  if (
    Array.isArray(range) &&
    range.length === 2 &&
    range.every((end) => Number.isFinite(end) && end >= least) &&
    range[0] <= range[1]
  ) {
    return [range[0], range[1]];
  }
  const bound = least === Number.NEGATIVE_INFINITY ? "" : `${least} <= `;
  throw new RangeError(
    `${name}'s ${what} is a range [low, high] with ${bound}low <= high; got ${describeValue(range)}.`,
  );
}

/** Rounds halves to the even neighbour, as Python's `round` does, on which torchvision's sizes rest. */
export function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  if (rest !== 0.5) {
    return Math.round(x);
  }
  return floor % 2 === 0 ? floor : floor + 1;
}
