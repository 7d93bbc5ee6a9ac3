/** The pictures that make.py makes, made again: the same formula, so that fixtures hold results only. */
import type { ImageData8 } from "../sample.ts";

export function picture(height: number, width: number, channels: number): ImageData8 {
  const data = new Uint8Array(height * width * channels);
  let i = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < channels; c++) {
        const noise = (y * 7919 + x * 104729 + c * 1299709) % 61;
        data[i++] = (x * 5 * (c + 1) + y * 3 * (3 - c) + noise) % 256;
      }
    }
  }
  return { dtype: "uint8", shape: [height, width, channels], data };
}
