/** Gradients that tfjs-core 4.22 has wrong at zeros, infinities and what is not a number; here they are PyTorch's. */
import * as tf from "@tensorflow/tfjs-core";
import { first, gradient } from "./gradient.ts";

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
        const share = tf.broadcastTo(tf.reshape(first(dy), shape), x.shape);
        return tf.where(chosen, share, tf.zerosLike(share));
      },
    }),
  });
}

export const edgeGradients: readonly tf.GradConfig[] = [rsqrt, extreme("Max"), extreme("Min")];
