/** Ranks, where only the running program knows them: checked, and then known to the types. */
import type * as tf from "@tensorflow/tfjs-core";

/** TensorFlow.js's names for numbers of dimensions. */
interface RankNames {
  0: tf.Rank.R0;
  1: tf.Rank.R1;
  2: tf.Rank.R2;
  3: tf.Rank.R3;
  4: tf.Rank.R4;
  5: tf.Rank.R5;
  6: tf.Rank.R6;
}

/** Whether a tensor has so many dimensions. */
export function isOfRank<N extends keyof RankNames>(x: tf.Tensor, rank: N): x is tf.Tensor<RankNames[N]> {
  return x.rank === rank;
}

/**
 * The tensor itself, which has so many dimensions.
 *
 * @throws {RangeError} where it has others
 */
export function ofRank<N extends keyof RankNames>(x: tf.Tensor, rank: N): tf.Tensor<RankNames[N]> {
  if (!isOfRank(x, rank)) {
    throw new RangeError(`A tensor of ${rank} dimensions was expected, got one of shape [${x.shape.join(", ")}].`);
  }
  return x;
}

function isShapeLike<R extends tf.Rank>(shape: readonly number[], x: tf.Tensor<R>): shape is tf.ShapeMap[R] {
  return shape.length === x.rank;
}

/**
 * The shape itself, which has as many dimensions as the tensor.
 *
 * @throws {RangeError} where it has others
 */
export function shapeLike<R extends tf.Rank>(shape: number[], x: tf.Tensor<R>): tf.ShapeMap[R] {
  if (!isShapeLike(shape, x)) {
    throw new RangeError(`A shape of ${x.rank} dimensions was expected, got [${shape.join(", ")}].`);
  }
  return shape;
}
