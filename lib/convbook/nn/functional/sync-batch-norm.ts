/** Batch normalisation with the statistics of several processes' batches: PyTorch's SyncBatchNorm. */
import * as tf from "@tensorflow/tfjs-core";
import { at } from "../../arguments/at.ts";
import { columnSums } from "./backend.ts";
import type { StatisticsReceiver } from "./batch-norm.ts";
import { customGradient } from "./custom-gradient.ts";

/** Processes that compute together; `@convbook/mpi`'s communicators are such. */
export interface ProcessGroup {
  /** Processes. */
  readonly size: number;
  /** The arrays of all processes, one after the other. */
  allgatherSync(array: Float32Array): Float32Array;
  /** Replaces each element by the processes' sum. */
  allreduceSync(array: Float32Array): Float32Array;
}

/** Mean and biased variance of all rows of all processes, from each process's own. */
function combine(all: Float32Array, channels: number, size: number) {
  const stride = 2 * channels + 1;
  const count = (rank: number) => all[rank * stride + 2 * channels] ?? 0;
  let total = 0;
  for (let rank = 0; rank < size; rank++) {
    total += count(rank);
  }
  const mean = new Float32Array(channels);
  const variance = new Float32Array(channels);
  for (let c = 0; c < channels; c++) {
    let sum = 0;
    for (let rank = 0; rank < size; rank++) {
      sum += count(rank) * (all[rank * stride + c] ?? 0);
    }
    const centre = sum / total;
    let squares = 0;
    for (let rank = 0; rank < size; rank++) {
      const off = (all[rank * stride + c] ?? 0) - centre;
      squares += count(rank) * ((all[rank * stride + channels + c] ?? 0) + off * off);
    }
    mean[c] = centre;
    variance[c] = squares / total;
  }
  return { mean, variance, total };
}

/**
 * As `batchNormTraining`, over the batches of all processes of a group: [..., C] -> [..., C]. Its gradient by x is that of the sum of the
 * processes' losses, those by weight and bias are this process's share.
 *
 * @param receive is given mean and biased variance of all processes, and how many values a channel they are of
 */
export function syncBatchNormTraining<R extends tf.Rank>(
  x: tf.Tensor<R>,
  weight: tf.Tensor1D,
  bias: tf.Tensor1D,
  epsilon: number,
  group: ProcessGroup,
  receive: StatisticsReceiver,
): tf.Tensor<R> {
  return tf.tidy(() => {
    const channels = at(x.shape, -1);
    const rows = x.size / channels;
    const normalise = customGradient((matrix: tf.Tensor2D, gamma: tf.Tensor1D, beta: tf.Tensor1D) => {
      const ownMean: tf.Tensor1D = tf.div(columnSums(matrix), rows);
      const ownVariance = tf.div(columnSums(tf.square(tf.sub(matrix, ownMean))), rows);
      const packed = new Float32Array(2 * channels + 1);
      packed.set(ownMean.dataSync());
      packed.set(ownVariance.dataSync(), channels);
      packed[2 * channels] = rows;
      const { mean, variance, total } = combine(group.allgatherSync(packed), channels, group.size);
      const spread = tf.tensor1d(variance);
      const centre = tf.tensor1d(mean);
      receive(centre, spread, total);
      const inverse = tf.rsqrt(tf.add(spread, epsilon));
      const normal: tf.Tensor2D = tf.mul(tf.sub(matrix, centre), inverse);
      const saved = [normal, inverse, gamma] as const;
      const gradient = (dy: tf.Tensor2D, [xHat, invStd, g]: typeof saved) => {
        const dBeta = columnSums(dy);
        const dGamma = columnSums(tf.mul(dy, xHat));
        const sums = Float32Array.from([...dBeta.dataSync(), ...dGamma.dataSync()]);
        group.allreduceSync(sums);
        const meanOf = (start: number) => tf.div(tf.tensor1d(sums.slice(start, start + channels)), total);
        const inner = tf.sub(tf.sub(dy, meanOf(0)), tf.mul(xHat, meanOf(channels)));
        return [tf.mul(inner, tf.mul(g, invStd)), dGamma, dBeta];
      };
      const value: tf.Tensor2D = tf.add(tf.mul(normal, gamma), beta);
      return { value, saved, gradient };
    });
    return tf.reshape(normalise(tf.reshape(x, [rows, channels]), weight, bias), x.shape);
  });
}
