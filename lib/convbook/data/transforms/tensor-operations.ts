/**
 * The operations of {@link ./operations.ts} as torchvision makes them of uint8 tensors rather than of Pillow's images: in float32, each step
 * rounded. AugMix works on tensors, whatever it is given. The bytes are those of PyTorch on processors with AVX2.
 */
import { found } from "../../arguments/found.ts";
import type { ImageData8 } from "../sample.ts";
import { type AffineParameters, affineMatrix } from "./affine.ts";
import { equalize, posterize, solarize } from "./color.ts";
import type { OperationName } from "./operations.ts";
import { imageShape, roundHalfEven } from "./transform.ts";

/** How what comes in from outside looks. */
export interface TensorOperationOptions {
  readonly interpolation: "nearest" | "bilinear";
  /** 0 to 255 in every channel; undefined is black, without the second blending at the border that a number brings. */
  readonly fill: number | undefined;
}

type Change = (image: ImageData8, strength: number, options: TensorOperationOptions) => ImageData8;

const f = Math.fround;

/** The operations that differ from those of Pillow's images by a rounding or by more, and those that do not. */
const changes: Partial<Record<OperationName, Change>> = {
  ShearX: (image, s, options) => moved(image, { shear: [degrees(Math.atan(s)), 0] }, options, upperLeft(image)),
  ShearY: (image, s, options) => moved(image, { shear: [0, degrees(Math.atan(s))] }, options, upperLeft(image)),
  TranslateX: (image, s, options) => moved(image, { translate: [Math.trunc(s), 0] }, options),
  TranslateY: (image, s, options) => moved(image, { translate: [0, Math.trunc(s)] }, options),
  Rotate: (image, s, options) => moved(image, { angle: -s }, options),
  Brightness: (image, s) => blend(image, 1 + s, () => 0),
  Color: saturated,
  Contrast: (image, s) => {
    const grey = luma(image);
    const mean = f(grey.reduce((sum, value) => sum + value, 0) / grey.length);
    return blend(image, 1 + s, () => mean);
  },
  Sharpness: sharpened,
  Posterize: posterize,
  Solarize: solarize,
  AutoContrast: autocontrast,
  Equalize: equalize,
};

/** Makes one change of an image. @param strength in the operation's own unit: degrees, pixels, bits, or a part */
export function applyTensorOperation(
  image: ImageData8,
  name: OperationName,
  strength: number,
  options: TensorOperationOptions,
): ImageData8 {
  return found(changes[name], `Operation ${name}`)(image, strength, options);
}

const degrees = (radians: number): number => (radians * 180) / Math.PI;

/** The picture's corner, seen from its centre. */
function upperLeft(image: ImageData8): readonly [number, number] {
  const [height, width] = imageShape(image);
  return [-0.5 * width, -0.5 * height];
}

/** a * b + c, rounded once. */
const fma = (a: number, b: number, c: number): number => f(a * b + c);

/** The image seen through a matrix whose origin is the image's centre: `affine_grid` and `grid_sample`. */
function moved(
  image: ImageData8,
  parameters: AffineParameters,
  options: TensorOperationOptions,
  center: readonly [number, number] = [0, 0],
): ImageData8 {
  const [height, width, channels] = imageShape(image);
  const matrix = affineMatrix(center, parameters);
  const [a, b, c] = [0, 1, 2].map((i) => f(f(matrix[i] ?? 0) / f(0.5 * width))) as [number, number, number];
  const [d, e, g] = [3, 4, 5].map((i) => f(f(matrix[i] ?? 0) / f(0.5 * height))) as [number, number, number];
  const sample = options.interpolation === "bilinear" ? bilinear : nearest;
  const data = new Uint8Array(image.data.length);
  for (let i = 0; i < height; i++) {
    const y = i - 0.5 * height + 0.5;
    for (let j = 0; j < width; j++) {
      const x = j - 0.5 * width + 0.5;
      const oldX = f(f(f(fma(y, b, f(x * a)) + c) + 1) * (0.5 * width) - 0.5);
      const oldY = f(f(f(fma(y, e, f(x * d)) + g) + 1) * (0.5 * height) - 0.5);
      sample(image, oldX, oldY, options.fill, data, (i * width + j) * channels);
    }
  }
  return { dtype: "uint8", shape: image.shape, data };
}

function nearest(
  image: ImageData8,
  oldX: number,
  oldY: number,
  fill: number | undefined,
  to: Uint8Array,
  at: number,
): void {
  const [height, width, channels] = imageShape(image);
  const [x, y] = [roundHalfEven(oldX), roundHalfEven(oldY)];
  const inside = x >= 0 && x < width && y >= 0 && y < height;
  for (let k = 0; k < channels; k++) {
    to[at + k] = inside ? (image.data[(y * width + x) * channels + k] ?? 0) : (fill ?? 0);
  }
}

function bilinear(
  image: ImageData8,
  oldX: number,
  oldY: number,
  fill: number | undefined,
  to: Uint8Array,
  at: number,
): void {
  const [height, width, channels] = imageShape(image);
  const [left, top] = [Math.floor(oldX), Math.floor(oldY)];
  const [right, below] = [f(oldX - left), f(oldY - top)];
  const [rest, above] = [f(1 - right), f(1 - below)];
  const corners = [
    [left, top, f(rest * above)],
    [left + 1, top, f(right * above)],
    [left, top + 1, f(rest * below)],
    [left + 1, top + 1, f(right * below)],
  ] as const;
  const inside = corners.map(([x, y]) => x >= 0 && x < width && y >= 0 && y < height);
  const blended = (value: (x: number, y: number) => number): number => {
    let sum = 0;
    for (const [i, [x, y, weight]] of corners.entries()) {
      sum = fma(inside[i] ? value(x, y) : 0, weight, sum);
    }
    return sum;
  };
  const covered = fill === undefined ? 1 : blended(() => 1);
  for (let k = 0; k < channels; k++) {
    const seen = blended((x, y) => image.data[(y * width + x) * channels + k] ?? 0);
    to[at + k] = roundHalfEven(fill === undefined ? seen : f(f(seen * covered) + f(f(1 - covered) * fill)));
  }
}

function saturated(image: ImageData8, strength: number): ImageData8 {
  const channels = imageShape(image)[2];
  if (channels === 1) {
    return image;
  }
  const grey = luma(image);
  return blend(image, 1 + strength, (i) => grey[Math.trunc(i / 3)] ?? 0);
}

function sharpened(image: ImageData8, strength: number): ImageData8 {
  const [height, width, channels] = imageShape(image);
  if (height <= 2 || width <= 2) {
    return image;
  }
  const from = image.data;
  const smooth = from.slice();
  const row = width * channels;
  const [one, five] = [f(1 / 13), f(5 / 13)];
  for (let y = 1; y < height - 1; y++) {
    for (let i = y * row + channels; i < (y + 1) * row - channels; i++) {
      let sum = 0;
      for (let above = i - row; above <= i + row; above += row) {
        for (let next = above - channels; next <= above + channels; next += channels) {
          sum = fma(from[next] ?? 0, next === i ? five : one, sum);
        }
      }
      smooth[i] = roundHalfEven(sum);
    }
  }
  return blend(image, 1 + strength, (i) => smooth[i] ?? 0);
}

function autocontrast(image: ImageData8): ImageData8 {
  const channels = imageShape(image)[2];
  const data = image.data.slice();
  for (let c = 0; c < channels; c++) {
    let [low, high] = [255, 0];
    for (let i = c; i < data.length; i += channels) {
      low = Math.min(low, data[i] ?? 0);
      high = Math.max(high, data[i] ?? 0);
    }
    if (high > low) {
      const scale = f(f(1 / (high - low)) * 255);
      for (let i = c; i < data.length; i += channels) {
        data[i] = Math.min(255, Math.trunc(f(((data[i] ?? 0) - low) * scale)));
      }
    }
  }
  return { dtype: "uint8", shape: image.shape, data };
}

/** The mixture ratio * image + (1 - ratio) * other, cut off after the point. */
function blend(image: ImageData8, ratio: number, other: (i: number) => number): ImageData8 {
  const [own, rest] = [f(ratio), f(1 - ratio)];
  const data = new Uint8Array(image.data.length);
  for (let i = 0; i < data.length; i++) {
    const mixed = f(f(own * (image.data[i] ?? 0)) + f(rest * other(i)));
    data[i] = Math.max(0, Math.min(255, Math.trunc(mixed)));
  }
  return { dtype: "uint8", shape: image.shape, data };
}

/** The grey of every pixel, by the weights of ITU-R 601-2. */
function luma(image: ImageData8): Uint8Array {
  const [height, width, channels] = imageShape(image);
  if (channels === 1) {
    return image.data;
  }
  const [red, green, blue] = [f(0.2989), f(0.587), f(0.114)];
  const grey = new Uint8Array(height * width);
  for (let p = 0, i = 0; p < grey.length; p++, i += 3) {
    const [r = 0, g = 0, b = 0] = [image.data[i], image.data[i + 1], image.data[i + 2]];
    grey[p] = Math.trunc(f(f(f(red * r) + f(green * g)) + f(blue * b)));
  }
  return grey;
}
