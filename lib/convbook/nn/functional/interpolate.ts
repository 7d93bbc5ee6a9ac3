import * as tf from "@tensorflow/tfjs-core";
import { customGradient } from "./custom-gradient.ts";

/**
 * Weights of linear interpolation between `from` samples for each of `to` samples, [to, from] row-major.
 *
 * @param alignCorners whether the first and last samples of both coincide, or else the edges of their cells
 */
function interpolationMatrix(from: number, to: number, alignCorners: boolean): Float32Array {
  const matrix = new Float32Array(to * from);
  const cornerRatio = to > 1 ? (from - 1) / (to - 1) : 0;
  for (let i = 0; i < to; i++) {
    const position = alignCorners ? i * cornerRatio : Math.max(0, ((i + 0.5) * from) / to - 0.5);
    const left = Math.min(Math.floor(position), from - 1);
    const right = Math.min(left + 1, from - 1);
    const share = position - left;
    // Both on one sample at the end.
    matrix[i * from + right] = share;
    matrix[i * from + left] = left === right ? 1 : 1 - share;
  }
  return matrix;
}

/** Transpose of the interpolation, applied to dimension 1 of [N, to, M]: the gradient's way back. */
function back(dy: tf.Tensor3D, from: number, alignCorners: boolean): tf.Tensor3D {
  const to = dy.shape[1];
  const matrix = tf.tensor3d(interpolationMatrix(from, to, alignCorners), [1, to, from]);
  return tf.matMul(matrix, dy, true, false);
}

/**
 * Bilinear interpolation to a new size, [N, H, W, C] -> [N, size[0], size[1], C].
 *
 * TensorFlow.js's own gradient knows no half-pixel centres, so the gradient is made here.
 *
 * @param alignCorners PyTorch's align_corners
 */
export function resizeBilinear(x: tf.Tensor4D, size: readonly [number, number], alignCorners: boolean): tf.Tensor4D {
  return tf.tidy(() => {
    const [batch, height, width, channels] = x.shape;
    const [rows, columns] = size;
    const op = customGradient((images: tf.Tensor4D) => {
      const value = tf.image.resizeBilinear(images, [rows, columns], alignCorners, !alignCorners);
      const gradient = (dy: tf.Tensor) => {
        const tall = back(tf.reshape(dy, [batch, rows, columns * channels]), height, alignCorners);
        const wide = back(tf.reshape(tall, [batch * height, columns, channels]), width, alignCorners);
        return tf.reshape(wide, [batch, height, width, channels]);
      };
      return { value, saved: [], gradient };
    });
    return op(x);
  });
}

/**
 * Nearest neighbour by a whole factor, [N, H, W, C] -> [N, factor H, factor W, C]: every pixel becomes a square.
 *
 * TensorFlow.js's own gradient is wrong on some sizes in the plain JavaScript backend, so the gradient is made here.
 */
export function repeatPixels(x: tf.Tensor4D, [factorY, factorX]: readonly [number, number]): tf.Tensor4D {
  return tf.tidy(() => {
    const op = customGradient((images: tf.Tensor4D) => {
      const value = tf.image.resizeNearestNeighbor(images, [images.shape[1] * factorY, images.shape[2] * factorX]);
      const factor: [number, number] = [factorY, factorX];
      const gradient = (dy: tf.Tensor4D) => tf.mul(tf.avgPool(dy, factor, factor, "valid"), factorY * factorX);
      return { value, saved: [], gradient };
    });
    return op(x);
  });
}
