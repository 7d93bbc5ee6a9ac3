/** Trying a backend with one operation and one gradient before it is believed: packages load on machines on which nothing that they compute is right. */
import * as tf from "@tensorflow/tfjs-core";
import { firstLine } from "./packages.ts";

const size = 4;
const window = 3;
/** A picture [1, 4, 4, 1] of small whole numbers, which every backend sums exactly. */
const picture = Array.from({ length: size * size }, (_, i) => i);

/** Sums of `length` x `length` neighbours: a convolution with a filter of ones, by its definition. */
function sums(length: number): number[] {
  const count = size - length + 1;
  return Array.from({ length: count * count }, (_, place) => {
    const [row, column] = [Math.floor(place / count), place % count];
    return picture.reduce((sum, value, i) => {
      const inside = (at: number, from: number) => at >= from && at < from + length;
      return inside(Math.floor(i / size), row) && inside(i % size, column) ? sum + value : sum;
    }, 0);
  });
}

/**
 * Runs a convolution, and its gradient where the backend is to train, on the current backend, and compares both with sums in plain JavaScript.
 *
 * @param trains whether gradients are tried, too
 * @returns what went wrong, in a few words; undefined when all was right
 */
export async function tryBackend(trains: boolean): Promise<string | undefined> {
  let outputs: tf.Tensor[] = [];
  try {
    outputs = tf.tidy(() => {
      const x = tf.tensor4d(picture, [1, size, size, 1]);
      const w = tf.ones<tf.Rank.R4>([window, window, 1, 1]);
      const convolve = (filter: tf.Tensor) => tf.conv2d(x, filter as tf.Tensor4D, 1, "valid");
      return [convolve(w), ...(trains ? [tf.grad((filter: tf.Tensor) => tf.sum(convolve(filter)))(w)] : [])];
    });
    const [output, gradient] = await Promise.all(outputs.map((tensor) => tensor.data()));
    return (
      differs("a convolution", output, sums(window)) ??
      (trains ? differs("a convolution's gradient", gradient, sums(size - window + 1)) : undefined)
    );
  } catch (error) {
    return `a first convolution fails on it: ${firstLine(error)}`;
  } finally {
    tf.dispose(outputs);
  }
}

function differs(what: string, got: ArrayLike<number> | undefined, wanted: readonly number[]): string | undefined {
  const wrong = wanted.findIndex(
    (value, i) => !(Math.abs((got?.[i] ?? Number.NaN) - value) <= 0.01 * (1 + Math.abs(value))),
  );
  if (wrong < 0) {
    return undefined;
  }
  return `${what} gives wrong numbers on it (${got?.[wrong]} where ${wanted[wrong]} is right)`;
}

/** Milliseconds. */
const slow = 1000;

/** Milliseconds of one step of training a convolution of 16 channels on the current backend, the best of a few. */
export async function timeBackend(): Promise<number> {
  const x = tf.ones<tf.Rank.R4>([32, 32, 32, 16]);
  const w = tf.fill<tf.Rank.R4>([3, 3, 16, 16], 0.01);
  const step = () =>
    tf.tidy(() => tf.grad((filter: tf.Tensor) => tf.sum(tf.relu(tf.conv2d(x, filter as tf.Tensor4D, 1, "same"))))(w));
  let best = Number.POSITIVE_INFINITY;
  try {
    for (let i = 0; i < 4; i++) {
      const start = performance.now();
      const gradient = step();
      await gradient.data();
      gradient.dispose();
      const took = performance.now() - start;
      // The first one prepares what later ones reuse; one that takes so long needs no second opinion.
      if (i > 0 || took > slow) {
        best = Math.min(best, took);
      }
      if (took > slow) {
        break;
      }
    }
  } finally {
    tf.dispose([x, w]);
  }
  return best;
}

/** Takes a backend away that does not work, so that tfjs does not fall back on it. */
export function forgetBackend(name: string): void {
  if (tf.findBackendFactory(name)) {
    tf.removeBackend(name);
  }
}
