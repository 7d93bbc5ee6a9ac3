import * as tf from "@tensorflow/tfjs-core";
import { found } from "../../arguments/found.ts";
import { type Window, windowCount } from "../shapes.ts";
import { hasKernel, isRecording, takesExplicitPadding } from "./backend.ts";

/** Windows of a two-dimensional pool. */
export type Windows2d = readonly [height: Window, width: Window];

type Pair = [number, number];

/** Padding that makes 'valid' windows end where `windows` say, beyond the edge where they round up. */
function effectivePadding(x: tf.Tensor4D, windows: Windows2d): [Pair, Pair] {
  const of = (window: Window, length: number): Pair => {
    const [before, after] = window.padding;
    if (window.ceil !== true) {
      return [before, after];
    }
    const reach = (windowCount(length, window) - 1) * window.stride + window.kernel;
    return [before, Math.max(after, reach - length - before)];
  };
  return [of(windows[0], x.shape[1]), of(windows[1], x.shape[2])];
}

/**
 * Largest value of each window, [N, H, W, C] -> [N, H', W', C]; padding never wins, and NaN always does, as in PyTorch.
 */
export function maxPool2d(x: tf.Tensor4D, windows: Windows2d): tf.Tensor4D {
  return tf.tidy(() => {
    const [height, width] = windows;
    const padding = effectivePadding(x, windows);
    const kernel: Pair = [height.kernel, width.kernel];
    const stride: Pair = [height.stride, width.stride];
    const taps = kernel[0] * kernel[1];
    if (isRecording() && hasKernel("MaxPoolKeepIndex") && taps <= mostIndexed) {
      const attributes = {
        filterSize: kernel,
        strides: stride,
        pad: [[0, 0], ...padding, [0, 0]],
        inputShape: x.shape,
      };
      const [y] = tf.engine().runKernel<[tf.Tensor4D, ...tf.Tensor[]]>("MaxPoolKeepIndex", { x }, attributes);
      return y;
    }
    if (!isRecording() && hasKernel("MaxPoolKeepIndex")) {
      const attributes = { filterSize: kernel, strides: stride, pad: [[0, 0], ...padding, [0, 0]], keepNan: true };
      return tf.engine().runKernel("MaxPool", { x }, attributes);
    }
    // WebAssembly's kernel for the gradient passes over windows without a positive value, and gives it to each of equal ones.
    const isWrong = tf.getBackend() === "wasm" && isRecording();
    if (isWrong || mayHoldNan(x)) {
      return maxOfTaps(x, kernel, stride, padding);
    }
    if (padding.flat().every((n) => n === 0)) {
      return tf.maxPool(x, kernel, stride, "valid");
    }
    if (takesExplicitPadding()) {
      return tf.maxPool(x, kernel, stride, [[0, 0], ...padding, [0, 0]]);
    }
    const padded = tf.pad(x, [[0, 0], ...padding, [0, 0]], Number.NEGATIVE_INFINITY);
    return tf.maxPool(padded, kernel, stride, "valid");
  });
}

/** The largest window whose places the native kernel can number. */
const mostIndexed = 255;

/** Whether there is NaN, which TensorFlow.js's pools pass over. A graphics card cannot be asked without waiting: there may be. */
function mayHoldNan(x: tf.Tensor): boolean {
  if (tf.getBackend() === "webgpu") {
    return true;
  }
  for (const value of x.dataSync()) {
    if (Number.isNaN(value)) {
      return true;
    }
  }
  return false;
}

/** The pool made of comparisons, a tap of the windows each: NaN is larger than everything, and the last one gets the gradient. */
function maxOfTaps(x: tf.Tensor4D, kernel: Pair, stride: Pair, padding: [Pair, Pair]): tf.Tensor4D {
  // So far beyond the edge that every tap has a whole stride for every window.
  const beyond = (i: 0 | 1): Pair => [padding[i][0], padding[i][1] + stride[i] - 1];
  const padded = tf.pad(x, [[0, 0], beyond(0), beyond(1), [0, 0]], Number.NEGATIVE_INFINITY);
  const [batch, height, width, channels] = x.shape;
  const count = (length: number, i: 0 | 1) =>
    Math.floor((length + padding[i][0] + padding[i][1] - kernel[i]) / stride[i]) + 1;
  const [rows, columns] = [count(height, 0), count(width, 1)];
  let best: tf.Tensor | undefined;
  for (let i = 0; i < kernel[0]; i++) {
    for (let j = 0; j < kernel[1]; j++) {
      const run = tf.slice(padded, [0, i, j, 0], [batch, rows * stride[0], columns * stride[1], channels]);
      const tall = tf.reshape(run, [batch * rows, stride[0], columns * stride[1], channels]);
      const row = tf.slice(tall, [0, 0, 0, 0], [batch * rows, 1, columns * stride[1], channels]);
      const wide = tf.reshape(row, [batch * rows, columns, stride[1], channels]);
      const tap = tf.slice(wide, [0, 0, 0, 0], [batch * rows, columns, 1, channels]);
      best = best === undefined ? tap : tf.where(tf.isNaN(tap), tap, tf.where(tf.greater(tap, best), tap, best));
    }
  }
  return tf.reshape(found(best, "A pool's tap"), [batch, rows, columns, channels]);
}

/**
 * Mean of each window, [N, H, W, C] -> [N, H', W', C].
 *
 * @param countIncludePad whether the zeros of the padding count in the mean, as they do in PyTorch by default
 */
export function avgPool2d(x: tf.Tensor4D, windows: Windows2d, countIncludePad: boolean): tf.Tensor4D {
  return tf.tidy(() => {
    const [height, width] = windows;
    const padding = effectivePadding(x, windows);
    const kernel: Pair = [height.kernel, width.kernel];
    const stride: Pair = [height.stride, width.stride];
    if (padding.flat().every((n) => n === 0)) {
      return tf.avgPool(x, kernel, stride, "valid");
    }
    // What lies beyond the padding, where windows round up, counts in neither case; the kernel knows no such place.
    const roundsUp = padding.some(([, after], i) => windows[i]?.padding[1] !== after);
    if (hasKernel("AveragePool") && !roundsUp) {
      const attributes = {
        filterSize: kernel,
        strides: stride,
        pad: [[0, 0], ...padding, [0, 0]],
        dimRoundingMode: "floor",
        countIncludePad,
        inputShape: x.shape,
      };
      return tf.engine().runKernel("AveragePool", { x }, attributes);
    }
    const means = tf.avgPool(tf.pad(x, [[0, 0], ...padding, [0, 0]]), kernel, stride, "valid");

    // The share of each window that counts: the input and, if wanted, its padding, but never what lies beyond that.
    const counted = (i: 0 | 1): { length: number; pads: Pair } => {
      const [before, after] = padding[i];
      const [own, ownAfter] = countIncludePad ? windows[i].padding : [0, 0];
      return { length: own + (i === 0 ? x.shape[1] : x.shape[2]) + ownAfter, pads: [before - own, after - ownAfter] };
    };
    const [tall, wide] = [counted(0), counted(1)];
    if ([...tall.pads, ...wide.pads].every((n) => n === 0)) {
      return means;
    }
    const ones = tf.ones<tf.Rank.R4>([1, tall.length, wide.length, 1]);
    const share = tf.avgPool(tf.pad(ones, [[0, 0], tall.pads, wide.pads, [0, 0]]), kernel, stride, "valid");
    return tf.div(means, share);
  });
}

/** Means of `size` nearly equal, possibly overlapping stretches of one dimension, as PyTorch's adaptive pools cut it. */
function adaptiveMean(x: tf.Tensor4D, axis: 1 | 2, size: number): tf.Tensor4D {
  const length = x.shape[axis];
  if (size === length) {
    return x;
  }
  if (size === 1) {
    return tf.mean(x, axis, true);
  }
  const parts: tf.Tensor4D[] = [];
  for (let i = 0; i < size; i++) {
    const from = Math.floor((i * length) / size);
    const to = Math.ceil(((i + 1) * length) / size);
    const begin = x.shape.map((_, d) => (d === axis ? from : 0));
    const extent = x.shape.map((n, d) => (d === axis ? to - from : n));
    parts.push(tf.mean(tf.slice(x, begin, extent), axis, true));
  }
  return tf.concat(parts, axis);
}

/**
 * Means of a grid of `size` cells, [N, H, W, C] -> [N, size[0], size[1], C], whatever the input's size.
 */
export function adaptiveAvgPool2d(x: tf.Tensor4D, size: readonly [number, number]): tf.Tensor4D {
  return tf.tidy(() => {
    const [, height, width] = x.shape;
    const [rows, columns] = size;
    if (rows === 1 && columns === 1) {
      return tf.mean(x, [1, 2], true);
    }
    if (height % rows === 0 && width % columns === 0) {
      const cell: Pair = [height / rows, width / columns];
      return tf.avgPool(x, cell, cell, "valid");
    }
    return adaptiveMean(adaptiveMean(x, 1, rows), 2, columns);
  });
}
