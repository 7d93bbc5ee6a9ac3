/** Tensors as files of images, as tfjs-node's `tf.node.encodePng` and `tf.node.encodeJpeg`. */
import type * as tf from "@tensorflow/tfjs-core";
import { encodePng as encodePixels, type Pixels } from "../display/png.ts";
import { loadJpegEncoder } from "./jpeg-encoder.ts";

/**
 * Encodes an image as a PNG.
 *
 * @param image [height, width, channels], values from 0 to 255; what stands behind the point is cut off. 1 channel is grey, 2 grey and alpha,
 *   3 colours, 4 colours and alpha. It is not disposed of.
 * @returns the file's bytes
 * @throws RangeError where the shape or a value is another
 */
export async function encodePng(image: tf.Tensor3D): Promise<Uint8Array> {
  return encodePixels(await pixelsOf("encodePng", image, [1, 2, 3, 4]));
}

/**
 * Encodes an image as a JPEG.
 *
 * @param image [height, width, 1 or 3], values from 0 to 255; what stands behind the point is cut off. It is not disposed of.
 * @param format "" for what the channels say; "grayscale" or "rgb" to have that checked
 * @param quality from 0 to 100
 * @param progressive whether it appears coarse first
 * @param _optimizeSize tfjs-node's choice of a smaller file, which is made always here
 * @param chromaDownsampling whether colours have half the resolution
 * @param densityUnit of the two that follow: per inch ("in") or centimetre ("cm")
 * @returns the file's bytes
 * @throws RangeError where an argument, the shape or a value is another
 */
export async function encodeJpeg(
  image: tf.Tensor3D,
  format: "" | "grayscale" | "rgb" = "",
  quality = 95,
  progressive = false,
  _optimizeSize = false,
  chromaDownsampling = true,
  densityUnit: "in" | "cm" = "in",
  xDensity = 300,
  yDensity = 300,
): Promise<Uint8Array> {
  const known = { "": [1, 3], grayscale: [1], rgb: [3] };
  if (!Object.hasOwn(known, format)) {
    throw invalid("format", JSON.stringify(format), '"", "grayscale" or "rgb"');
  }
  if (!(quality >= 0 && quality <= 100)) {
    throw invalid("quality", quality, "a number from 0 to 100");
  }
  if (densityUnit !== "in" && densityUnit !== "cm") {
    throw invalid("densityUnit", JSON.stringify(densityUnit), '"in" or "cm"');
  }
  for (const [name, density] of Object.entries({ xDensity, yDensity })) {
    if (!Number.isInteger(density) || density < 1 || density > 65535) {
      throw invalid(name, density, "an integer from 1 to 65535");
    }
  }
  const { width, height, channels, data } = await pixelsOf("encodeJpeg", image, known[format]);
  if (width > 65535 || height > 65535) {
    throw invalid("the size", `${height} x ${width}`, "at most 65535 x 65535");
  }
  const rgba = new Uint8Array(width * height * 4).fill(255);
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) {
      rgba[4 * i + c] = data[channels * i + (channels === 1 ? 0 : c)] ?? 0;
    }
  }
  const encode = await loadJpegEncoder();
  const bytes = encode(rgba, width, height, {
    quality,
    grey: channels === 1,
    progressive,
    subsample: chromaDownsampling,
  });
  // The JFIF header comes first, and has the density at a place of its own.
  bytes[13] = densityUnit === "in" ? 1 : 2;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  view.setUint16(14, xDensity);
  view.setUint16(16, yDensity);
  return bytes;
}

function invalid(name: string, got: unknown, expected: string): RangeError {
  return new RangeError(`encodeJpeg: ${name} is ${got}, expected ${expected}.`);
}

async function pixelsOf(name: string, image: tf.Tensor3D, channels: readonly number[]): Promise<Pixels> {
  const [height, width, depth] = image.shape;
  if (image.shape.length !== 3 || !channels.includes(depth) || height === 0 || width === 0) {
    throw new RangeError(
      `${name}: the image's shape is [${image.shape.join(", ")}], expected [height, width, ${channels.join(" or ")}].`,
    );
  }
  const values = await image.data();
  for (const [i, value] of values.entries()) {
    if (!(value >= 0 && value < 256)) {
      const place = [Math.floor(i / depth / width), Math.floor(i / depth) % width, i % depth];
      throw new RangeError(`${name}: the image is ${value} at [${place.join(", ")}], expected values from 0 to 255.`);
    }
  }
  return { width, height, channels: depth as Pixels["channels"], data: Uint8Array.from(values) };
}
