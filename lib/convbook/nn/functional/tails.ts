/** Functions of which something is left far from 0, where the formulas that come to mind first subtract from 1 or add to it. */
import * as tf from "@tensorflow/tfjs-core";
import { customGradient } from "./custom-gradient.ts";

/**
 * exp(z²) erfc(z) / t as a polynomial in t = 1 / (1 + 0.4 z), lowest power first: fitted by fixtures/make_tails.py, off by 1.4e-7 of itself at most.
 */
const scaledTail = [
  0.22567586, 0.22566977, 0.20783858, 0.16857817, 0.14127734, -0.00525541, 0.16864386, -0.18261535, 0.050187288,
] as const;
const densityAtZero = 1 / Math.sqrt(2 * Math.PI);
/** From here on the distribution function is 0 in float32. */
const beyond = 40;

/** exp(−x² / 2): the square of what x has before its last bits is exact, so that large ones are not spread by the exponential. */
function bell(x: tf.Tensor): tf.Tensor {
  const size = tf.minimum(tf.abs(x), beyond);
  const coarse = tf.div(tf.round(tf.mul(size, 16)), 16);
  const rest = tf.mul(tf.sub(size, coarse), tf.add(size, coarse));
  return tf.mul(tf.exp(tf.mul(tf.square(coarse), -0.5)), tf.exp(tf.mul(rest, -0.5)));
}

/** The normal distribution's density φ and distribution function Φ; to be called within a `tf.tidy`. */
export function normalDistribution(x: tf.Tensor): { density: tf.Tensor; distribution: tf.Tensor } {
  const e = bell(x);
  // Not tf.abs, whose slope at 0 is 0.
  const size = tf.maximum(x, tf.neg(x));
  const t = tf.div(1, tf.add(1, tf.mul(tf.minimum(size, beyond), 0.4 * Math.SQRT1_2)));
  const [highest, ...lower] = [...scaledTail].reverse() as [number, ...number[]];
  let sum: tf.Tensor = tf.fill(t.shape, highest);
  for (const factor of lower) {
    sum = tf.add(tf.mul(sum, t), factor);
  }
  const tail = tf.mul(tf.mul(tf.mul(sum, t), e), 0.5);
  return { density: tf.mul(e, densityAtZero), distribution: tf.where(tf.less(x, 0), tail, tf.sub(1, tail)) };
}

/** Backends whose log1p is no log(1 + x). */
const exact = new Set(["cpu", "native", "tensorflow"]);

function mendedLog1p<R extends tf.Rank>(u: tf.Tensor<R>): tf.Tensor<R> {
  const op = customGradient((x: tf.Tensor<R>) => {
    const sum = tf.add(x, 1);
    const step = tf.sub(sum, 1);
    const isLost = tf.equal(step, 0);
    // What adding 1 rounded off x is missing in both logarithm and step.
    const quotient: tf.Tensor<R> = tf.mul(tf.log(sum), tf.div(x, tf.where(isLost, tf.onesLike(x), step)));
    return { value: tf.where(isLost, x, quotient), saved: [x], gradient: (dy, [each]) => tf.div(dy, tf.add(each, 1)) };
  });
  return op(u);
}

/** log(1 + u) of numbers from 0 to 1, however small. */
export function log1p<R extends tf.Rank>(u: tf.Tensor<R>): tf.Tensor<R> {
  return exact.has(tf.getBackend()) ? tf.log1p(u) : tf.tidy(() => mendedLog1p(u));
}
