/** Gradients of resized images, half-pixel centres included, which tfjs's own gradient takes for none. */
import * as tf from "@tensorflow/tfjs-core";
import { first, run } from "./second-order.ts";
import { isRecording } from "./tape.ts";

interface ResizeAttrs {
  readonly size: readonly [number, number];
  readonly alignCorners: boolean;
  readonly halfPixelCenters: boolean;
}

/** The weight of each of `from` samples in each of `to` samples, [to, from], as tfjs's kernels take them. */
function weights(from: number, to: number, bilinear: boolean, attrs: ResizeAttrs): tf.Tensor2D {
  const { alignCorners, halfPixelCenters } = attrs;
  const matrix = tf.buffer([to, from]);
  const scale = alignCorners && to > 1 ? (from - 1) / (to - 1) : from / to;
  const add = (row: number, column: number, weight: number) =>
    matrix.set(matrix.get(row, column) + weight, row, column);
  for (let i = 0; i < to; i++) {
    const centre = halfPixelCenters ? scale * (i + 0.5) : scale * i;
    if (!bilinear) {
      const nearest = alignCorners ? Math.round(centre) : Math.floor(centre);
      add(i, Math.max(0, Math.min(from - 1, nearest)), 1);
      continue;
    }
    const at = halfPixelCenters ? centre - 0.5 : centre;
    const low = Math.max(0, Math.floor(at));
    add(i, low, 1 - (at - low));
    add(i, Math.min(from - 1, Math.ceil(at)), at - low);
  }
  return matrix.toTensor() as tf.Tensor2D;
}

/** The transpose of the interpolation, one axis after the other; made of products, so that it has gradients itself. */
function backwards(dy: tf.Tensor, shape: readonly number[], bilinear: boolean, attrs: ResizeAttrs): tf.Tensor {
  const [batch, height, width, channels] = shape as [number, number, number, number];
  const [rows, columns] = dy.shape.slice(1, 3) as [number, number];
  const across = (t: tf.Tensor, from: number, to: number) => {
    const matrix = tf.reshape(weights(from, to, bilinear, attrs), [1, to, from]);
    return tf.matMul(tf.tile(matrix, [t.shape[0] as number, 1, 1]), t, true, false);
  };
  const tall = across(tf.reshape(dy, [batch, rows, columns * channels]), height, rows);
  const wide = across(tf.reshape(tall, [batch * height, columns, channels]), width, columns);
  return tf.reshape(wide, [batch, height, width, channels]);
}

function resize(kernelName: string, bilinear: boolean): tf.GradConfig {
  return {
    kernelName,
    inputsToSave: ["images"],
    gradFunc: (dy, [images], attrs) => ({
      images: () => {
        const { shape } = images as tf.Tensor;
        const own = attrs as unknown as ResizeAttrs;
        // The native kernel is right; those of plain JavaScript know no half-pixel centres, and no images that are not square.
        if (isRecording() || tf.getBackend() !== "native") return backwards(first(dy), shape, bilinear, own);
        return run(`${kernelName}Grad`, { dy: first(dy), images: images as tf.Tensor }, attrs);
      },
    }),
  };
}

export const resizeGradients: readonly tf.GradConfig[] = [
  resize("ResizeBilinear", true),
  resize("ResizeNearestNeighbor", false),
];
