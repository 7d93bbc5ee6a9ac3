/** Gradients of resized images, half-pixel centres included, which tfjs's own gradient takes for none. */
import * as tf from "@tensorflow/tfjs-core";
import { first, gradient, run } from "./gradient.ts";
import { isRecording } from "./tape.ts";

/** The weight of each of `from` samples in each of `to` samples, [to, from], as tfjs's kernels take them. */
function weights(from: number, to: number, bilinear: boolean, attrs: tf.ResizeBilinearAttrs): tf.Tensor2D {
  const { alignCorners, halfPixelCenters } = attrs;
  const matrix = tf.buffer<tf.Rank.R2>([to, from]);
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
  return matrix.toTensor();
}

/** The transpose of the interpolation, one axis after the other; made of products, so that it has gradients itself. */
function backwards(
  dy: tf.Tensor,
  shape: readonly number[],
  bilinear: boolean,
  attrs: tf.ResizeBilinearAttrs,
): tf.Tensor {
  const [batch = 1, height = 1, width = 1, channels = 1] = shape;
  const [, rows = 1, columns = 1] = dy.shape;
  const across = (t: tf.Tensor, from: number, to: number) => {
    const matrix = tf.reshape(weights(from, to, bilinear, attrs), [1, to, from]);
    return tf.matMul(tf.tile(matrix, [t.shape[0] ?? 1, 1, 1]), t, true, false);
  };
  const tall = across(tf.reshape(dy, [batch, rows, columns * channels]), height, rows);
  const wide = across(tf.reshape(tall, [batch * height, columns, channels]), width, columns);
  return tf.reshape(wide, [batch, height, width, channels]);
}

function resize(kernelName: string, bilinear: boolean): tf.GradConfig {
  return gradient({
    kernelName,
    inputsToSave: ["images"],
    gradFunc: (dy, [images], attrs: tf.ResizeBilinearAttrs) => ({
      images: () => {
        // The native kernel is right; those of plain JavaScript know no half-pixel centres, and no images that are not square.
        if (isRecording() || tf.getBackend() !== "native") {
          return backwards(first(dy), images.shape, bilinear, attrs);
        }
        return run(`${kernelName}Grad`, { dy: first(dy), images }, attrs);
      },
    }),
  });
}

export const resizeGradients: readonly tf.GradConfig[] = [
  resize("ResizeBilinear", true),
  resize("ResizeNearestNeighbor", false),
];
