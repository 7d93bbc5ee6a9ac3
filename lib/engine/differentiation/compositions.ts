/**
 * Operations that are one kernel, written again with those that tfjs can differentiate any number of times. Their values are
 * never used: only gradients of gradients go through here.
 */
import * as tf from "@tensorflow/tfjs-core";

/**
 * Gradients of `f` at `inputs` along `dy`, which may themselves be differentiated.
 *
 * @param f made of operations that have gradients
 */
export function gradientsOf<Inputs extends tf.Tensor[] | []>(
  f: (...inputs: Inputs) => tf.Tensor,
  inputs: Inputs,
  dy: tf.Tensor,
): { [Place in keyof Inputs]: tf.Tensor } {
  return tf.grads(f as (...inputs: tf.Tensor[]) => tf.Tensor)(inputs, dy) as { [Place in keyof Inputs]: tf.Tensor };
}

/** Windows along one axis. */
export interface WindowAxis {
  readonly axis: number;
  readonly filter: number;
  readonly stride: number;
  readonly dilation: number;
  readonly before: number;
  readonly outputs: number;
}

/** Every `step`th element of an axis, `count` of them from `from` on. */
function everyNth(x: tf.Tensor, axis: number, from: number, step: number, count: number): tf.Tensor {
  const outer = x.shape.slice(0, axis).reduce((product, n) => product * n, 1);
  const inner = x.shape.slice(axis + 1).reduce((product, n) => product * n, 1);
  const length = x.shape[axis] ?? 1;
  const run = tf.slice(tf.reshape(x, [outer, length, inner]), [0, from, 0], [outer, count * step, inner]);
  const first = tf.slice(tf.reshape(run, [outer, count, step, inner]), [0, 0, 0, 0], [outer, count, 1, inner]);
  return tf.reshape(first, [...x.shape.slice(0, axis), count, ...x.shape.slice(axis + 1)]);
}

/** What every tap of a pool's windows sees, in reading order; `border` stands around the image. */
function taps(x: tf.Tensor, windows: readonly WindowAxis[], border: number): tf.Tensor[] {
  const pads = x.shape.map((length, axis): [number, number] => {
    const window = windows.find((each) => each.axis === axis);
    if (window === undefined) {
      return [0, 0];
    }
    // As far as strides reach from the last tap of the last window.
    const reach = (window.filter - 1) * window.dilation + window.outputs * window.stride;
    return [window.before, Math.max(0, reach - window.before - length)];
  });
  return windows.reduce(
    (views, { axis, filter, stride, dilation, outputs }) =>
      views.flatMap((view) =>
        Array.from({ length: filter }, (_, k) => everyNth(view, axis, k * dilation, stride, outputs)),
      ),
    [tf.pad(x, pads, border)],
  );
}

/**
 * The largest value of each window; of equal ones the first.
 *
 * @param keepNan whether NaN is larger than everything, the last one first, as in PyTorch, or passed over, as in tfjs
 */
export function maxOfWindows(x: tf.Tensor, windows: readonly WindowAxis[], keepNan: boolean): tf.Tensor {
  const lowest = tf.scalar(Number.NEGATIVE_INFINITY);
  const values = keepNan ? x : tf.where(tf.isNaN(x), lowest, x);
  const [first, ...rest] = taps(values, windows, Number.NEGATIVE_INFINITY) as [tf.Tensor, ...tf.Tensor[]];
  return rest.reduce((best, tap) => {
    const larger = tf.greater(tap, best);
    return tf.where(keepNan ? tf.logicalOr(larger, tf.isNaN(tap)) : larger, tap, best);
  }, first);
}

/** (x - mean) / sqrt(variance + epsilon) over the axes given. */
function normalized(x: tf.Tensor, axes: number[], epsilon: number): tf.Tensor {
  const centred = tf.sub(x, tf.mean(x, axes, true));
  return tf.mul(centred, tf.rsqrt(tf.add(tf.mean(tf.square(centred), axes, true), epsilon)));
}

/** Batch normalization with the batch's statistics, over all axes but the last. */
export function batchNormComposed(
  x: tf.Tensor,
  gamma: tf.Tensor,
  beta: tf.Tensor,
  { epsilon, activation }: { epsilon: number; activation: string },
): tf.Tensor {
  const axes = x.shape.slice(0, -1).map((_, axis) => axis);
  const y = tf.add(tf.mul(normalized(x, axes, epsilon), gamma), beta);
  return activation === "relu" ? tf.relu(y) : activation === "relu6" ? tf.relu6(y) : y;
}

/** Normalization over groups of channels and all places of [N, ..., C]; of a vector, over its groups. */
export function groupNormComposed(
  x: tf.Tensor,
  gamma: tf.Tensor,
  beta: tf.Tensor,
  { groups, epsilon }: { groups: number; epsilon: number },
): tf.Tensor {
  const channels = x.shape[x.shape.length - 1] ?? 1;
  const images = x.rank > 1 ? (x.shape[0] ?? 1) : 1;
  const grouped = tf.reshape(x, [images, -1, groups, channels / groups]);
  const normal = tf.reshape(normalized(grouped, [1, 3], epsilon), x.shape);
  return tf.add(tf.mul(normal, gamma), beta);
}

/** Cross-entropy of rows of logits with class indices (int32; those that no class has count nothing) or probabilities. */
export function crossEntropyComposed(logits: tf.Tensor, labels: tf.Tensor, labelSmoothing: number): tf.Tensor {
  const logarithms = tf.logSoftmax(logits);
  if (labels.dtype !== "int32") {
    return tf.neg(tf.sum(tf.mul(labels, logarithms), 1));
  }
  const classes = logits.shape[1] ?? 1;
  const isLabel = tf.cast(tf.oneHot(labels, classes), "bool");
  const loss = tf.neg(tf.sum(tf.where(isLabel, logarithms, 0), 1));
  if (labelSmoothing === 0) {
    return loss;
  }
  const others = tf.mul(tf.mean(logarithms, 1), tf.cast(tf.any(isLabel, 1), "float32"));
  return tf.sub(tf.mul(loss, 1 - labelSmoothing), tf.mul(others, labelSmoothing));
}
