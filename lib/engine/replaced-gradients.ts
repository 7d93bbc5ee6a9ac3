/** Gradients of tfjs's own operations in fewer passes than tfjs makes. On other backends than `native` they give the same. */
import * as tf from "@tensorflow/tfjs-core";

type Dy = tf.Tensor | tf.Tensor[];
const first = (dy: Dy): tf.Tensor => (Array.isArray(dy) ? dy[0] : dy) as tf.Tensor;

/** dy of a reduction with a 1 for each axis that was reduced, and how many elements became one. */
function beforeReduction(dy: Dy, x: tf.Tensor, axis: unknown): { expanded: tf.Tensor; count: number } {
  const axes = tf.util.parseAxisParam(axis as number | number[], x.shape);
  const shape = x.shape.map((length, d) => (axes.includes(d) ? 1 : length));
  return { expanded: tf.reshape(first(dy), shape), count: axes.reduce((n, d) => n * (x.shape[d] as number), 1) };
}

const replacements: readonly tf.GradConfig[] = [
  {
    // tfjs multiplies dy with step(x) in three passes; here it is one, and y serves in place of x.
    kernelName: "Relu",
    outputsToSave: [true],
    gradFunc: (dy, [y]) => ({
      x: () =>
        tf.getBackend() === "native"
          ? (tf.engine().runKernel("ReluGrad", { dy: first(dy), y: y as tf.Tensor }) as tf.Tensor)
          : tf.mul(first(dy), tf.step(y as tf.Tensor)),
    }),
  },
  {
    // tfjs writes as many ones as x has elements, in JavaScript, and multiplies them.
    kernelName: "Sum",
    inputsToSave: ["x"],
    gradFunc: (dy, [x], { axis }) => ({
      x: () => tf.broadcastTo(beforeReduction(dy, x as tf.Tensor, axis).expanded, (x as tf.Tensor).shape),
    }),
  },
  {
    kernelName: "Mean",
    inputsToSave: ["x"],
    gradFunc: (dy, [x], { axis }) => ({
      x: () => {
        const { expanded, count } = beforeReduction(dy, x as tf.Tensor, axis);
        return tf.broadcastTo(tf.div(expanded, count), (x as tf.Tensor).shape);
      },
    }),
  },
];

/** To be called when the backend starts, after tfjs has registered its own. */
export function replaceGradients(): void {
  for (const replacement of replacements) {
    if (tf.getGradient(replacement.kernelName) !== undefined) tf.unregisterGradient(replacement.kernelName);
    tf.registerGradient(replacement);
  }
}
