/** Limits on gradients, as `torch.nn.utils.clip_grad_norm_` and `clip_grad_value_`. */
import * as tf from "@tensorflow/tfjs-core";

/** The Euclidean norm of all gradients together. */
export function gradientNorm(gradients: Iterable<tf.Tensor>): number {
  const squares = tf.tidy(() => {
    const parts = [...gradients].map((gradient) => tf.sum(tf.square(gradient)));
    return parts.length === 0 ? tf.scalar(0) : tf.addN(parts);
  });
  const norm = Math.sqrt(squares.dataSync()[0] ?? Number.NaN);
  squares.dispose();
  return norm;
}

/** Replaces each gradient by what `change` makes of it. */
function replaceEach(gradients: Map<tf.Variable, tf.Tensor>, change: (gradient: tf.Tensor) => tf.Tensor): void {
  for (const [variable, gradient] of gradients) {
    gradients.set(
      variable,
      tf.tidy(() => tf.keep(change(gradient))),
    );
    gradient.dispose();
  }
}

/**
 * Scales all gradients by one factor so that their norm is at most `maxNorm`.
 *
 * @returns the norm before
 */
export function clipGradNorm(gradients: Map<tf.Variable, tf.Tensor>, maxNorm: number): number {
  const norm = gradientNorm(gradients.values());
  // The same small number as in PyTorch keeps a zero norm from dividing.
  const factor = maxNorm / (norm + 1e-6);
  if (factor < 1) {
    replaceEach(gradients, (gradient) => tf.mul(gradient, factor));
  }
  return norm;
}

/** Cuts each element of each gradient to [-limit, limit]. */
export function clipGradValue(gradients: Map<tf.Variable, tf.Tensor>, limit: number): void {
  replaceEach(gradients, (gradient) => tf.clipByValue(gradient, -limit, limit));
}
