/** Pixels onto a canvas: a browser's, or one for Node that has a two-dimensional context. */
import type { TensorInfo } from "@tensorflow/tfjs-core";
import { ArgumentError } from "../arguments.ts";
import type { KernelBody, KernelTable } from "./kernel.ts";

interface Context {
  createImageData(width: number, height: number): { readonly data: Uint8ClampedArray };
  putImageData(image: unknown, x: number, y: number): void;
}

interface Canvas {
  width: number;
  height: number;
  getContext(type: string, attributes: object): Context | null;
}

/** tf.browser.draw: floats from 0 to 1, or whole numbers from 0 to 255, of one, three or four channels. */
const draw: KernelBody = ({ backend, inputs, attrs }) => {
  const image: TensorInfo = inputs.image;
  const canvas: Canvas = attrs.canvas;
  const { contextOptions, imageOptions } = attrs.options ?? {};
  const type: string = contextOptions?.contextType ?? "2d";
  const context = type === "2d" ? canvas.getContext(type, contextOptions?.contextAttributes ?? {}) : null;
  if (context === null) {
    throw new ArgumentError("draw", "canvas", type, 'a canvas with a context of type "2d"');
  }
  const [height = 0, width = 0, channels = 1] = image.shape;
  const isFloat = image.dtype === "float32";
  const [most, scale] = isFloat ? [1, 255] : [255, 1];
  const values = backend.values(image);
  for (const value of values) {
    if (value < 0 || value > most) {
      throw new ArgumentError("draw", "image", value, `of values from 0 to ${most} for ${image.dtype}`);
    }
  }
  [canvas.width, canvas.height] = [width, height];
  const pixels = context.createImageData(width, height);
  const opacity = Math.round(255 * (imageOptions?.alpha || 1));
  for (let i = 0; i < height * width; i++) {
    for (let c = 0; c < 3; c++) {
      const from = channels === 1 ? i : i * channels + c;
      pixels.data[i * 4 + c] = channels === 1 || c < channels ? Math.round((values[from] ?? 0) * scale) : 0;
    }
    pixels.data[i * 4 + 3] = channels > 3 ? Math.round((values[i * channels + 3] ?? 0) * scale) : opacity;
  }
  context.putImageData(pixels, 0, 0);
  return image;
};

export const drawKernels: KernelTable = { Draw: draw };
