/** Samples mirrored left to right, images of bytes and of numbers. */
import { OptionError } from "../../arguments/option-error.ts";
import type { LabelledSample } from "../sample.ts";
import { imageShape } from "../transforms/transform.ts";

const expected = "an image [height, width, channels], uint8 or float32";

/**
 * The sample with its columns in the opposite order; what it was made from is left as it is.
 *
 * @throws {OptionError} where it is no pair of an image and a label
 */
export function mirrored(sample: LabelledSample): LabelledSample {
  if (!Array.isArray(sample)) {
    throw new OptionError("AlternatingFlip", "sample", sample, `a pair [data, label] with ${expected}`);
  }
  const [data, label] = sample as LabelledSample;
  if (!Array.isArray(data?.shape)) {
    throw new OptionError("AlternatingFlip", "sample's data", data, expected);
  }
  const { dtype, shape } = data;
  if (shape.length !== 3 || (dtype !== "uint8" && dtype !== "float32")) {
    throw new OptionError("AlternatingFlip", "sample", `${dtype} [${shape.join(", ")}]`, expected);
  }
  return dtype === "uint8"
    ? [{ dtype, shape, data: reversedColumns(data.data, shape) }, label]
    : [{ dtype, shape, data: reversedColumns(data.data, shape) }, label];
}

function reversedColumns<T extends Uint8Array | Float32Array>(values: T, shape: readonly number[]): T {
  const [height, width, channels] = imageShape({ shape });
  const result = values.slice() as T;
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = width - 1; x >= 0; x--) {
      const from = (y * width + x) * channels;
      for (let c = 0; c < channels; c++) {
        result[to++] = values[from + c] ?? 0;
      }
    }
  }
  return result;
}
