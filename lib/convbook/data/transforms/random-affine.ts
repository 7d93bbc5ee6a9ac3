/** Random rotations and affine changes, drawn as torchvision draws them. */

import { checkGenerator, isNumber } from "../../arguments/check.ts";
import { describeValue } from "../../arguments/describe.ts";
import { refuseUnknownOptions } from "../../arguments/options.ts";
import { defaultGenerator, type Generator } from "../../random/index.ts";
import type { TensorData } from "../../tensor-data.ts";
import type { ImageData8 } from "../sample.ts";
import { affineMatrix, rotationMatrix, transformAffine } from "./affine.ts";
import { asImage, imageShape, parseRange, roundHalfEven, type Transform, type TransformSpec } from "./transform.ts";

export interface RandomRotationOptions {
  readonly interpolation?: "nearest" | "bilinear";
  /** What the corners show, 0 to 255 in every channel. */
  readonly fill?: number;
}

/** Turns the image about its centre, counter-clockwise: `torchvision.transforms.RandomRotation`. */
export class RandomRotation implements Transform {
  readonly degrees: readonly [number, number];
  readonly #options: Required<RandomRotationOptions>;

  /**
   * @param degrees a range of angles, or a number d for -d to d
   * @throws {RangeError} when the degrees, interpolation or fill are not as described
   */
  constructor(degrees: number | readonly [number, number], options: RandomRotationOptions = {}) {
    refuseUnknownOptions("RandomRotation", options, ["interpolation", "fill"]);
    this.degrees = parseDegrees("RandomRotation", "degrees", degrees);
    this.#options = parseOptions("RandomRotation", options);
  }

  apply(data: TensorData, generator: Generator = defaultGenerator): ImageData8 {
    checkGenerator("RandomRotation", generator);
    const image = asImage("RandomRotation", data);
    return rotate(image, generator.uniform(this.degrees[0], this.degrees[1]), this.#options);
  }

  toSpec(): TransformSpec {
    return { name: "RandomRotation", args: [this.degrees, this.#options] };
  }
}

export interface RandomAffineOptions extends RandomRotationOptions {
  /** Largest translations, as parts of the width and the height. */
  readonly translate?: readonly [x: number, y: number];
  /** Range of scales. */
  readonly scale?: readonly [number, number];
  /** Degrees of shear: a number d for -d to d along x, a range along x, or ranges along x and y. */
  readonly shear?: number | readonly number[];
}

/** Turns, moves, scales and shears the image about its centre: `torchvision.transforms.RandomAffine`. */
export class RandomAffine implements Transform {
  readonly degrees: readonly [number, number];
  readonly #options: RandomAffineOptions;
  readonly #parsed: Required<RandomRotationOptions>;
  readonly #shear: Shear | undefined;

  /**
   * @param degrees a range of angles (clockwise, as torchvision has it), or a number d for -d to d
   * @throws {RangeError} when an argument is not as described
   */
  constructor(degrees: number | readonly [number, number], options: RandomAffineOptions = {}) {
    refuseUnknownOptions("RandomAffine", options, ["translate", "scale", "shear", "interpolation", "fill"]);
    const { translate, scale, shear } = options;
    this.degrees = parseDegrees("RandomAffine", "degrees", degrees);
    this.#parsed = parseOptions("RandomAffine", options);
    const isPair = Array.isArray(translate) && translate.length === 2;
    if (translate !== undefined && !(isPair && translate.every((part) => isNumber(part, 0, 1)))) {
      throw new RangeError(`RandomAffine's translate is two parts from 0 to 1; got ${describeValue(translate)}.`);
    }
    if (scale !== undefined) {
      parseRange("RandomAffine", "scale", scale, Number.MIN_VALUE);
    }
    this.#shear = shear === undefined ? undefined : parseShear(shear);
    this.#options = { ...options };
  }

  apply(data: TensorData, generator: Generator = defaultGenerator): ImageData8 {
    checkGenerator("RandomAffine", generator);
    const image = asImage("RandomAffine", data);
    const [height, width] = imageShape(image);
    const { translate, scale } = this.#options;
    const shear = this.#shear;
    const angle = generator.uniform(this.degrees[0], this.degrees[1]);
    const move = (part: number, side: number): number => roundHalfEven(generator.uniform(-part * side, part * side));
    const moved =
      translate === undefined ? ([0, 0] as const) : ([move(translate[0], width), move(translate[1], height)] as const);
    const factor = scale === undefined ? 1 : generator.uniform(scale[0], scale[1]);
    const shearX = shear === undefined ? 0 : generator.uniform(...shear.x);
    const shearY = shear?.y === undefined ? 0 : generator.uniform(...shear.y);
    const matrix = affineMatrix([width * 0.5, height * 0.5], {
      angle,
      translate: moved,
      scale: factor,
      shear: [shearX, shearY],
    });
    return transformAffine(image, matrix, this.#parsed.interpolation, this.#parsed.fill);
  }

  toSpec(): TransformSpec {
    return { name: "RandomAffine", args: [this.degrees, this.#options] };
  }
}

/** Turns an image by an angle in degrees, with Pillow's short cuts for right angles. */
export function rotate(
  image: ImageData8,
  degrees: number,
  { interpolation, fill }: Required<RandomRotationOptions>,
): ImageData8 {
  const [height, width] = imageShape(image);
  const angle = ((degrees % 360) + 360) % 360;
  if (angle === 0) {
    return image;
  }
  return transformAffine(image, rotationMatrix(width, height, angle), interpolation, fill);
}

function parseDegrees(
  name: string,
  what: string,
  degrees: number | readonly [number, number],
): readonly [number, number] {
  if (typeof degrees !== "number") {
    return parseRange(name, what, degrees);
  }
  if (!(degrees >= 0) || !Number.isFinite(degrees)) {
    throw new RangeError(`${name}'s ${what} is a number >= 0 or a range [low, high]; got ${describeValue(degrees)}.`);
  }
  return [-degrees, degrees];
}

/** Ranges of angles along both axes. */
interface Shear {
  readonly x: readonly [low: number, high: number];
  readonly y?: readonly [low: number, high: number];
}

function parseShear(shear: number | readonly number[]): Shear {
  if (typeof shear === "number") {
    return { x: parseDegrees("RandomAffine", "shear", shear) };
  }
  const [a, b, c, d]: readonly number[] = Array.isArray(shear) ? shear : [];
  if (a !== undefined && b !== undefined && shear.length === 2) {
    return { x: parseRange("RandomAffine", "shear", [a, b]) };
  }
  if (a !== undefined && b !== undefined && c !== undefined && d !== undefined && shear.length === 4) {
    return { x: parseRange("RandomAffine", "shear", [a, b]), y: parseRange("RandomAffine", "shear", [c, d]) };
  }
  throw new RangeError(`RandomAffine's shear is a number, or 2 or 4 numbers; got ${describeValue(shear)}.`);
}

function parseOptions(
  name: string,
  { interpolation = "nearest", fill = 0 }: RandomRotationOptions,
): Required<RandomRotationOptions> {
  if (interpolation !== "nearest" && interpolation !== "bilinear") {
    throw new RangeError(`${name}'s interpolation is "nearest" or "bilinear"; got ${describeValue(interpolation)}.`);
  }
  if (!Number.isInteger(fill) || fill < 0 || fill > 255) {
    throw new RangeError(`${name}'s fill is an integer from 0 to 255; got ${describeValue(fill)}.`);
  }
  return { interpolation, fill };
}
