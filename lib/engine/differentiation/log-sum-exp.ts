/**
 * `tf.logSumExp` takes the largest element away before it exponentiates, and adds it again at the end. Where that is infinite the difference
 * of infinities is NaN; there 0 does as well, because the exponentials are 0 or infinite anyway. As a composition it has no kernel of its own
 * to mend: the engine's method that runs kernels is wrapped, and the maximum recognised by the scopes that tfjs opens around operations.
 */
import * as tf from "@tensorflow/tfjs-core";

interface ScopedEngine {
  runKernel(name: string, inputs: tf.NamedTensorMap, attrs?: tf.NamedAttrMap): tf.Tensor;
  readonly state: { readonly scopeStack: readonly { readonly name: string }[] };
}

const shifted = Symbol.for("convbook.logSumExp");

/** Wraps the method, once an engine. */
export function shiftLogSumExp(): void {
  const engine = tf.engine() as unknown as ScopedEngine & { [shifted]?: true };
  if (engine[shifted]) {
    return;
  }
  engine[shifted] = true;
  const runKernel = engine.runKernel.bind(engine);
  engine.runKernel = (name, inputs, attrs) => {
    const largest = runKernel(name, inputs, attrs);
    if (name !== "Max" || !engine.state.scopeStack.at(-2)?.name.startsWith("logSumExp")) {
      return largest;
    }
    return tf.where(tf.isInf(largest), tf.zerosLike(largest), largest);
  };
}
