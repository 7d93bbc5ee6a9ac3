/** From images of eight-bit numbers to what a model takes. */
import { describeValue } from "../../arguments/describe.ts";
import type { TensorData } from "../../tensor-data.ts";
import type { FloatData } from "../sample.ts";
import { asFloatImage, asImage, type Transform, type TransformSpec } from "./transform.ts";

/** n / 255 as float32 for the 256 values of a byte. */
const BYTE_TO_FLOAT = Float32Array.from({ length: 256 }, (_, n) => n / 255);

/**
 * An image's numbers from 0 to 255 as float32 from 0 to 1: `torchvision.transforms.ToTensor`, except that the channels stay
 * last: [height, width, channels].
 */
export class ToTensor implements Transform {
  apply(data: TensorData): FloatData {
    const image = asImage("ToTensor", data);
    const from = image.data;
    const to = new Float32Array(from.length);
    for (let i = 0; i < from.length; i++) {
      to[i] = BYTE_TO_FLOAT[from[i] ?? 0] ?? 0;
    }
    return { dtype: "float32", shape: image.shape, data: to };
  }

  toSpec(): TransformSpec {
    return { name: "ToTensor", args: [] };
  }
}

/** Subtracts each channel's mean and divides by its standard deviation: `torchvision.transforms.Normalize`. */
export class Normalize implements Transform {
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** What becomes of each byte of each channel. */
  readonly #table: Float32Array;

  /**
   * @param mean one number a channel, in the units of {@link ToTensor} (0 to 1)
   * @param std one positive number a channel
   * @throws {RangeError} when the lengths differ, or a number is not finite, or a standard deviation is not positive
   */
  constructor(mean: readonly number[], std: readonly number[]) {
    const areLists = Array.isArray(mean) && Array.isArray(std);
    const finite = areLists && [...mean, ...std].every((x) => Number.isFinite(x));
    if (!areLists || mean.length === 0 || mean.length !== std.length || !finite || std.some((x) => x <= 0)) {
      throw new RangeError(
        `Normalize takes a finite mean and a positive std for each channel; got mean ${describeValue(mean)}, std ${describeValue(std)}.`,
      );
    }
    this.mean = [...mean];
    this.std = [...std];
    this.#table = new Float32Array(256 * mean.length);
    for (let c = 0; c < mean.length; c++) {
      for (let n = 0; n < 256; n++) {
        this.#table[256 * c + n] = this.#normalize(BYTE_TO_FLOAT[n] ?? 0, c);
      }
    }
  }

  apply(data: TensorData): FloatData {
    const image = asFloatImage("Normalize", data);
    this.#checkChannels(image.shape);
    const channels = this.mean.length;
    const from = image.data;
    const to = new Float32Array(from.length);
    for (let c = 0; c < channels; c++) {
      for (let i = c; i < from.length; i += channels) {
        to[i] = this.#normalize(from[i] ?? 0, c);
      }
    }
    return { dtype: "float32", shape: image.shape, data: to };
  }

  /** ToTensor and this in one step: what an image's bytes become is looked up. */
  applyToImage(data: TensorData): FloatData {
    const image = asImage("ToTensor", data);
    this.#checkChannels(image.shape);
    const from = image.data;
    const to = new Float32Array(from.length);
    const table = this.#table;
    if (this.mean.length === 3) {
      for (let i = 0; i < from.length; i += 3) {
        to[i] = table[from[i] ?? 0] ?? 0;
        to[i + 1] = table[256 + (from[i + 1] ?? 0)] ?? 0;
        to[i + 2] = table[512 + (from[i + 2] ?? 0)] ?? 0;
      }
    } else {
      for (let i = 0; i < from.length; i++) {
        to[i] = table[from[i] ?? 0] ?? 0;
      }
    }
    return { dtype: "float32", shape: image.shape, data: to };
  }

  /** Rounded to float32 after each step, as PyTorch computes. */
  #normalize(x: number, channel: number): number {
    const mean = Math.fround(this.mean[channel] ?? 0);
    return Math.fround(Math.fround(x - mean) / Math.fround(this.std[channel] ?? 1));
  }

  #checkChannels(shape: readonly number[]): void {
    const [, , channels = 0] = shape;
    if (channels === this.mean.length) {
      return;
    }
    throw new RangeError(`Normalize has means of ${this.mean.length} channels; the image has ${channels}.`);
  }

  toSpec(): TransformSpec {
    return { name: "Normalize", args: [this.mean, this.std] };
  }
}
