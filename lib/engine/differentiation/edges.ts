/** Gradients that tfjs-core 4.22 has wrong at zeros, infinities and what is not a number; here they are PyTorch's. */
import * as tf from "@tensorflow/tfjs-core";
import { first, gradient, spread } from "./gradient.ts";

/** From the value: tfjs's power of x is infinite where x is -Infinity, and the slope then 0. */
const rsqrt = gradient({
  kernelName: "Rsqrt",
  outputsToSave: [true],
  gradFunc: (dy, [y]) => ({ x: () => tf.mul(first(dy), tf.mul(tf.mul(y, -0.5), tf.square(y))) }),
});

/** tf.max calls its axes otherwise than tf.min. */
interface ExtremeAttrs {
  readonly axis?: number[] | number;
  readonly reductionIndices?: number[] | number;
}

/** What is not a number equals nothing, and so gets nothing of dy in tfjs, though the result is made of it. */
function extreme(kernelName: string): tf.GradConfig {
  return gradient({
    kernelName,
    inputsToSave: ["x"],
    outputsToSave: [true],
    gradFunc: (dy, [x, y], { axis = 0, reductionIndices = axis }: ExtremeAttrs) => ({
      x: () => {
        const axes = tf.util.parseAxisParam(reductionIndices, x.shape);
        const shape = x.shape.map((length, d) => (axes.includes(d) ? 1 : length));
        const chosen = tf.logicalOr(tf.equal(x, tf.reshape(y, shape)), tf.isNaN(x));
        const share = spread(tf.reshape(first(dy), shape), x.shape);
        return tf.where(chosen, share, tf.zerosLike(share));
      },
    }),
  });
}

/** 0 at 0, as in TensorFlow and PyTorch, where tfjs has -1: what an L1 penalty has brought to 0 would be pushed off again. */
const abs = gradient({
  kernelName: "Abs",
  inputsToSave: ["x"],
  gradFunc: (dy, [x]) => ({
    x: () => {
      const slope = tf.step(tf.cast(x, "float32"), -1);
      return tf.mul(first(dy), tf.where(tf.equal(x, 0), tf.zerosLike(slope), slope));
    },
  }),
});

/** What is cut to integers or booleans is flat; tfjs lets dy through, as if nothing had been cut. */
const cast = gradient({
  kernelName: "Cast",
  inputsToSave: ["x"],
  gradFunc: (dy, [x], { dtype }: tf.CastAttrs) => ({
    x: () => (x.dtype === "float32" && dtype !== "float32" ? tf.zerosLike(first(dy)) : tf.clone(first(dy))),
  }),
});

export const edgeGradients: readonly tf.GradConfig[] = [rsqrt, extreme("Max"), extreme("Min"), abs, cast];
