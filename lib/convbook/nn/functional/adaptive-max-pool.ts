import * as tf from "@tensorflow/tfjs-core";
import { maxPool2d } from "./pool.ts";

/** Where cell `i` of `cells` begins and ends on a dimension of this length, as PyTorch cuts it; neighbours may overlap. */
function cellOf(i: number, cells: number, length: number): readonly [from: number, to: number] {
  return [Math.floor((i * length) / cells), Math.ceil(((i + 1) * length) / cells)];
}

/**
 * The cells of one dimension one behind the other, all as long as the longest: shorter ones repeat their last place. A repeated value never comes
 * before its original, so that the first of equal values, which gets the gradient, is still the first.
 */
function spreadCells(x: tf.Tensor4D, axis: 1 | 2, cells: number): { spread: tf.Tensor4D; extent: number } {
  const length = x.shape[axis];
  const places = Array.from({ length: cells }, (_, i) => cellOf(i, cells, length));
  const extent = Math.max(...places.map(([from, to]) => to - from));
  if (extent * cells === length) {
    return { spread: x, extent };
  }
  const cut = (begin: number, size: number) =>
    tf.slice(
      x,
      x.shape.map((_, d) => (d === axis ? begin : 0)),
      x.shape.map((n, d) => (d === axis ? size : n)),
    );
  const parts = places.flatMap(([from, to]) => [
    cut(from, to - from),
    ...Array.from({ length: extent - (to - from) }, () => cut(to - 1, 1)),
  ]);
  return { spread: tf.concat(parts, axis), extent };
}

/** Largest values of a grid of `size` cells, [N, H, W, C] -> [N, size[0], size[1], C], whatever the input's size. */
export function adaptiveMaxPool2d(x: tf.Tensor4D, [rows, columns]: readonly [number, number]): tf.Tensor4D {
  return tf.tidy(() => {
    const tall = spreadCells(x, 1, rows);
    const wide = spreadCells(tall.spread, 2, columns);
    const window = (kernel: number) => ({ kernel, stride: kernel, padding: [0, 0] as const, dilation: 1 });
    return maxPool2d(wide.spread, [window(tall.extent), window(wide.extent)]);
  });
}
