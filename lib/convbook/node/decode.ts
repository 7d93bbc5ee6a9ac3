/** Images of bytes as tensors, as tfjs-node's `tf.node.decodeImage` and its kin: at once, without a promise. */
import jpegDecoder from "@jsquash/jpeg/codec/dec/mozjpeg_dec.js";
import * as tf from "@tensorflow/tfjs-core";
import { decodePng as decodePixels, PngError } from "nbconvert-ts-runner/png";
import { DataError } from "../data/error.ts";
import { decodeBmp as decodeBmpColours } from "../data/formats/bmp.ts";
import { decodeImage as decodeColours } from "../data/formats/image.ts";
import { decodeJpeg as decodeJpegColours, jpegComponents, loadJpegDecoderNow } from "../data/formats/jpeg.ts";
import { type Fail, sizeCheck } from "../data/formats/limits.ts";

/** How messages call what has no name. */
const image = "The image";

/**
 * Decodes a PNG, JPEG or BMP, told by its first bytes.
 *
 * @param contents the whole file
 * @param channels 1 for grey, 3 for colours, 4 with alpha (PNG); 0, the default, for as many as the image has
 * @param dtype only "int32" is supported, as in tfjs-node
 * @returns int32 [height, width, channels], from 0 to 255
 * @throws DataError where the image is broken, too large or of another kind; TypeError and RangeError for other arguments
 */
export function decodeImage(contents: Uint8Array, channels = 0, dtype = "int32"): tf.Tensor3D {
  checkContents("decodeImage", contents);
  checkDtype("decodeImage", dtype);
  if (contents[0] === 0x89 && contents[1] === 0x50) {
    return decodePng(contents, channels);
  }
  if (contents[0] === 0xff && contents[1] === 0xd8) {
    return decodeJpeg(contents, channels);
  }
  if (contents[0] === 0x42 && contents[1] === 0x4d) {
    return decodeBmp(contents, channels);
  }
  if (contents[0] === 0x47 && contents[1] === 0x49) {
    // There it would be all pictures of the file.
    throw new DataError("format", `${image} is a GIF image, which is not read here; convert it to PNG.`);
  }
  checkChannels("decodeImage", channels, [0, 3]);
  const { data, shape } = decodeColours(contents, image);
  return toTensor(data, shape, 3);
}

/**
 * Decodes a PNG of any kind; of 16 bits a channel the upper eight are kept.
 *
 * @param contents the whole file
 * @param channels 0: as many as the image has (1 grey, 2 grey and alpha, 3 colours, 4 colours and alpha; a palette's image has 3 or 4); 1, 3 or 4
 * @param dtype only "int32"
 * @returns int32 [height, width, channels]
 */
export function decodePng(contents: Uint8Array, channels = 0, dtype = "int32"): tf.Tensor3D {
  checkContents("decodePng", contents);
  checkChannels("decodePng", channels, [0, 1, 3, 4]);
  checkDtype("decodePng", dtype);
  const fail: Fail = (message, cause) => {
    throw new DataError("format", `${image} is not a PNG image that can be read: ${message}.`, { cause });
  };
  try {
    const { width, height, data } = decodePixels(contents, { channels: 4, checkSize: sizeCheck(fail, {}) });
    const wanted = channels === 0 ? pngChannels(contents) : channels;
    return toTensor(pick(data, 4, wanted), [height, width], wanted);
  } catch (error) {
    if (!(error instanceof PngError)) {
      throw error;
    }
    return fail(error.message, error);
  }
}

/**
 * Decodes a JPEG; its orientation is not looked at.
 *
 * @param contents the whole file
 * @param channels 0: 1 where the image is grey, else 3; 1 or 3. A colour image is made grey from its colours, which may be a step or two
 *   from its own brightness.
 * @param ratio only 1: images are not made smaller while they are decoded
 * @returns int32 [height, width, channels]
 */
export function decodeJpeg(contents: Uint8Array, channels = 0, ratio = 1): tf.Tensor3D {
  checkContents("decodeJpeg", contents);
  checkChannels("decodeJpeg", channels, [0, 1, 3]);
  if (ratio !== 1) {
    throw new RangeError(`decodeJpeg: ratio is ${ratio}, expected 1; tf.image.resizeBilinear makes images smaller.`);
  }
  loadJpegDecoderNow(jpegDecoder as Parameters<typeof loadJpegDecoderNow>[0]);
  const { data, shape } = decodeJpegColours(contents, image);
  const wanted = channels === 0 ? (jpegComponents(contents) === 1 ? 1 : 3) : channels;
  return toTensor(pick(data, 3, wanted), shape, wanted);
}

/**
 * Decodes a BMP that is not compressed; transparency is dropped.
 *
 * @param contents the whole file
 * @param channels 0 or 3
 * @returns int32 [height, width, 3]
 */
export function decodeBmp(contents: Uint8Array, channels = 0): tf.Tensor3D {
  checkContents("decodeBmp", contents);
  checkChannels("decodeBmp", channels, [0, 3]);
  const { data, shape } = decodeBmpColours(contents, image);
  return toTensor(data, shape, 3);
}

function toTensor(data: ArrayLike<number>, [height = 0, width = 0]: readonly number[], channels: number): tf.Tensor3D {
  return tf.tensor3d(Int32Array.from(data), [height, width, channels], "int32");
}

/** Takes the channels that are wanted from colours with or without alpha. */
function pick(data: Uint8Array, from: 3 | 4, to: number): Uint8Array {
  if (from === to) {
    return data;
  }
  const count = data.length / from;
  const out = new Uint8Array(count * to);
  for (let i = 0; i < count; i++) {
    const [red, green, blue] = [data[i * from] ?? 0, data[i * from + 1] ?? 0, data[i * from + 2] ?? 0] as const;
    if (to >= 3) {
      out.set([red, green, blue], i * to);
    }
    // Pillow's weights and rounding.
    else {
      out[i * to] = (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16;
    }
    if (to === 2) {
      out[i * to + 1] = data[i * from + 3] ?? 0;
    }
  }
  return out;
}

/** How many channels the image of a PNG file has that is known to be sound. */
function pngChannels(bytes: Uint8Array): number {
  // Behind the signature, the chunk's head, the size and the depth.
  const colourType = bytes[25];
  if (colourType !== 3) {
    return colourType === 0 ? 1 : colourType === 2 ? 3 : colourType === 4 ? 2 : 4;
  }
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 8; at + 8 <= file.length; at += 12 + file.readUInt32BE(at)) {
    const type = file.toString("latin1", at + 4, at + 8);
    if (type === "tRNS") {
      return 4;
    }
    if (type === "IDAT") {
      break;
    }
  }
  return 3;
}

function checkContents(name: string, contents: unknown): asserts contents is Uint8Array {
  if (contents instanceof Uint8Array) {
    return;
  }
  const got = contents === null ? "null" : typeof contents;
  throw new TypeError(`${name}: the image is of type ${got}, expected the bytes of its file as a Uint8Array.`);
}

function checkChannels(name: string, channels: number, known: readonly number[]): void {
  if (known.includes(channels)) {
    return;
  }
  throw new RangeError(`${name}: channels is ${channels}, expected one of ${known.join(", ")}.`);
}

function checkDtype(name: string, dtype: string): void {
  if (dtype !== "int32") {
    throw new RangeError(`${name}: dtype is ${JSON.stringify(dtype)}, expected "int32".`);
  }
}
