import * as tf from "@tensorflow/tfjs-core";

/** What an operation gives, what its gradient needs of it, and the gradient for each input. */
export interface Differentiated<Out extends tf.Tensor, Saved extends readonly tf.Tensor[]> {
  readonly value: Out;
  /** Kept until the gradient has been taken. */
  readonly saved: Saved;
  /** Given the gradient for the value and what was saved; one tensor an input, or the only one. */
  readonly gradient: (dy: Out, saved: Saved) => tf.Tensor | tf.Tensor[];
}

/** `tf.customGrad` that knows the types of its inputs and of what is saved. */
export function customGradient<In extends tf.Tensor[], Out extends tf.Tensor, const Saved extends readonly tf.Tensor[]>(
  operation: (...inputs: In) => Differentiated<Out, Saved>,
): (...inputs: In) => Out {
  return tf.customGrad<Out>((...given) => {
    // TensorFlow.js calls it with the inputs, in their order, and then the function that saves; it gives back what was saved, in its order.
    const [inputs, save] = [given.slice(0, -1), given.at(-1)] as unknown as [In, tf.GradSaveFunc];
    const { value, saved, gradient } = operation(...inputs);
    save([...saved]);
    return { value, gradFunc: (dy, kept) => gradient(dy, kept as readonly tf.Tensor[] as Saved) };
  });
}
