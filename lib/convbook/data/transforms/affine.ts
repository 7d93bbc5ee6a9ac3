/**
 * Turning, moving, scaling and shearing images as the Pillow library does (src/libImaging/Geometry.c): for each new pixel the place
 * in the old image is computed, and what lies outside is filled.
 */
import type { ImageData8 } from "../sample.ts";
import type { Interpolation } from "./resample.ts";
import { imageShape } from "./transform.ts";

/** [a, b, c, d, e, f]: the new pixel (x, y) shows the old place (ax + by + c, dx + ey + f). */
export type AffineMatrix = readonly [number, number, number, number, number, number];

/** How {@link affineMatrix} changes an image: angles in degrees, translations in pixels. */
export interface AffineParameters {
  readonly angle?: number;
  readonly translate?: readonly [x: number, y: number];
  readonly scale?: number;
  readonly shear?: readonly [x: number, y: number];
}

/** The matrix of a rotation, shear and scaling about a centre and a translation, from new places to old ones. */
export function affineMatrix(
  [cx, cy]: readonly [x: number, y: number],
  { angle = 0, translate: [tx, ty] = [0, 0], scale = 1, shear: [shearX, shearY] = [0, 0] }: AffineParameters,
): AffineMatrix {
  const rotation = radians(angle);
  const sx = radians(shearX);
  const sy = radians(shearY);
  const a = Math.cos(rotation - sy) / Math.cos(sy);
  const b = (-Math.cos(rotation - sy) * Math.tan(sx)) / Math.cos(sy) - Math.sin(rotation);
  const c = Math.sin(rotation - sy) / Math.cos(sy);
  const d = (-Math.sin(rotation - sy) * Math.tan(sx)) / Math.cos(sy) + Math.cos(rotation);
  const [m0, m1, m3, m4] = [d / scale, -b / scale, -c / scale, a / scale];
  return [m0, m1, m0 * (-cx - tx) + m1 * (-cy - ty) + cx, m3, m4, m3 * (-cx - tx) + m4 * (-cy - ty) + cy];
}

/** The matrix of a rotation about the image's centre, counter-clockwise, as Pillow's `Image.rotate` has it. */
export function rotationMatrix(width: number, height: number, angle: number): AffineMatrix {
  const turn = -radians(angle);
  const cos = Math.round(Math.cos(turn) * 1e15) / 1e15;
  const sin = Math.round(Math.sin(turn) * 1e15) / 1e15;
  const [cx, cy] = [width / 2, height / 2];
  return [cos, sin, cos * -cx + sin * -cy + cx, -sin, cos, -sin * -cx + cos * -cy + cy];
}

/**
 * The image seen through a matrix, in its old size.
 * @param interpolation "nearest" or "bilinear"
 * @param fill what every channel shows outside
 */
export function transformAffine(
  image: ImageData8,
  matrix: AffineMatrix,
  interpolation: Exclude<Interpolation, "bicubic">,
  fill: number,
): ImageData8 {
  const data = new Uint8Array(image.data.length);
  if (fill !== 0) {
    data.fill(fill);
  }
  if (interpolation === "bilinear") {
    bilinear(image, matrix, data);
  } else if (matrix[1] === 0 && matrix[3] === 0) {
    scaled(image, matrix, data);
  } else {
    fixed(image, matrix, data);
  }
  return { dtype: "uint8", shape: image.shape, data };
}

function radians(degrees: number): number {
  return (degrees * Math.PI) / 180;
}

function copyPixel(image: ImageData8, x: number, y: number, to: Uint8Array, target: number): void {
  const [height, width, channels] = imageShape(image);
  if (x < 0 || x >= width || y < 0 || y >= height) {
    return;
  }
  const from = (y * width + x) * channels;
  for (let c = 0; c < channels; c++) {
    to[target + c] = image.data[from + c] ?? 0;
  }
}

/** Without rotation or shear: rows and columns are found one by one. */
function scaled(image: ImageData8, [a, , c, , e, f]: AffineMatrix, to: Uint8Array): void {
  const [height, width, channels] = imageShape(image);
  const place = (position: number): number => (position < 0 ? -1 : Math.trunc(position));
  let oldY = f + e * 0.5;
  for (let y = 0; y < height; y++, oldY += e) {
    let oldX = c + a * 0.5;
    for (let x = 0; x < width; x++, oldX += a) {
      copyPixel(image, place(oldX), place(oldY), to, (y * width + x) * channels);
    }
  }
}

/** In integers of 16 bits after the point. */
function fixed(image: ImageData8, [a, b, c, d, e, f]: AffineMatrix, to: Uint8Array): void {
  const [height, width, channels] = imageShape(image);
  const fix = (x: number): number => Math.floor(x * 65536 + 0.5);
  const [fixA, fixB, fixD, fixE] = [fix(a), fix(b), fix(d), fix(e)];
  const startX = fix(c + a * 0.5 + b * 0.5);
  const startY = fix(f + d * 0.5 + e * 0.5);
  for (let y = 0; y < height; y++) {
    let oldX = startX + y * fixB;
    let oldY = startY + y * fixE;
    for (let x = 0; x < width; x++, oldX += fixA, oldY += fixD) {
      copyPixel(image, Math.floor(oldX / 65536), Math.floor(oldY / 65536), to, (y * width + x) * channels);
    }
  }
}

function bilinear(image: ImageData8, [a, b, c, d, e, f]: AffineMatrix, to: Uint8Array): void {
  const [height, width, channels] = imageShape(image);
  const from = image.data;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const oldX = a * (x + 0.5) + b * (y + 0.5) + c;
      const oldY = d * (x + 0.5) + e * (y + 0.5) + f;
      if (oldX < 0 || oldX >= width || oldY < 0 || oldY >= height) {
        continue;
      }
      const left = Math.floor(oldX - 0.5);
      const top = Math.floor(oldY - 0.5);
      const dx = oldX - 0.5 - left;
      const dy = oldY - 0.5 - top;
      const x0 = Math.max(0, left) * channels;
      const x1 = Math.min(width - 1, left + 1) * channels;
      const upper = Math.max(0, top) * width * channels;
      const lower = Math.min(height - 1, top + 1) * width * channels;
      for (let k = 0; k < channels; k++) {
        const above = mix(from[upper + x0 + k] ?? 0, from[upper + x1 + k] ?? 0, dx);
        const below = mix(from[lower + x0 + k] ?? 0, from[lower + x1 + k] ?? 0, dx);
        to[(y * width + x) * channels + k] = Math.trunc(mix(above, below, dy));
      }
    }
  }
}

function mix(a: number, b: number, share: number): number {
  return a + (b - a) * share;
}
