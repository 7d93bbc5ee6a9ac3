/** Gradients between the backward pass and the optimizer's step. */
import * as tf from "@tensorflow/tfjs-core";
import { clipGradNorm, clipGradValue } from "./gradient-clipping.ts";
import type { GradientListener, Recording } from "./gradients.ts";

/** Accumulates gradients by variable. */
export class GradientStore {
  readonly gradients = new Map<tf.Variable, tf.Tensor>();
  /** Is told of each variable whose gradient in the store the next {@link backward} adds nothing more to, as soon as that is so. */
  onComplete: ((variable: tf.Variable) => void) | undefined;
  #recording: Recording | undefined;

  /** Hands the recorded forward pass over to {@link backward}. */
  setRecording(recording: Recording | undefined): void {
    this.#recording?.dispose();
    this.#recording = recording;
  }

  /**
   * Goes back through the recorded forward pass and adds its gradients.
   *
   * @param share what the gradients are multiplied by
   */
  backward(loss: tf.Tensor, variables: readonly tf.Variable[], share: number): void {
    const recording = this.#recording;
    if (recording === undefined) {
      throw new Error("There is no recorded forward pass to go back through.");
    }
    this.#recording = undefined;
    const { onComplete } = this;
    this.onComplete = undefined;
    const listener: GradientListener | undefined =
      onComplete &&
      ((variable, gradient) => {
        if (gradient !== undefined) {
          this.add(new Map([[variable, gradient]]), share);
        }
        onComplete(variable);
      });
    this.add(recording.backward(loss, variables, listener), share);
  }

  /** Adds gradients, which are from now on the store's. */
  add(fresh: ReadonlyMap<tf.Variable, tf.Tensor>, share: number): void {
    for (const [variable, gradient] of fresh) {
      const before = this.gradients.get(variable);
      if (before === undefined && share === 1) {
        this.gradients.set(variable, gradient);
        continue;
      }
      const sum = tf.tidy(() => {
        const scaled = share === 1 ? gradient : tf.mul(gradient, share);
        return tf.keep(before === undefined ? scaled : tf.add(before, scaled));
      });
      before?.dispose();
      gradient.dispose();
      this.gradients.set(variable, sum);
    }
  }

  /** Limits the gradients, or those of some variables. */
  clip(value: number, algorithm: "norm" | "value", variables?: readonly tf.Variable[]): void {
    const some =
      variables === undefined
        ? this.gradients
        : new Map([...this.gradients].filter(([variable]) => variables.includes(variable)));
    if (algorithm === "norm") {
      clipGradNorm(some, value);
    } else {
      clipGradValue(some, value);
    }
    for (const [variable, gradient] of some) {
      this.gradients.set(variable, gradient);
    }
  }

  /** Forgets the gradients, or those of some variables. */
  clear(variables: Iterable<tf.Variable> = [...this.gradients.keys()]): void {
    for (const variable of variables) {
      this.gradients.get(variable)?.dispose();
      this.gradients.delete(variable);
    }
  }
}
