/** Gradients between the backward pass and the optimizer's step. */
import * as tf from "@tensorflow/tfjs-core";
import { clipGradNorm, clipGradValue } from "./gradient-clipping.ts";
import type { Recording } from "./gradients.ts";

/** Accumulates gradients by variable. */
export class GradientStore {
  readonly gradients = new Map<tf.Variable, tf.Tensor>();
  private recording: Recording | undefined;

  /** Hands the recorded forward pass over to {@link backward}. */
  setRecording(recording: Recording | undefined): void {
    this.recording?.dispose();
    this.recording = recording;
  }

  /**
   * Goes back through the recorded forward pass and adds its gradients.
   *
   * @param share what the gradients are multiplied by
   */
  backward(loss: tf.Tensor, variables: readonly tf.Variable[], share: number): void {
    const { recording } = this;
    if (recording === undefined) throw new Error("There is no recorded forward pass to go back through.");
    this.recording = undefined;
    this.add(recording.backward(loss, variables), share);
  }

  private add(fresh: ReadonlyMap<tf.Variable, tf.Tensor>, share: number): void {
    for (const [variable, gradient] of fresh) {
      const before = this.gradients.get(variable);
      if (before === undefined && share === 1) {
        this.gradients.set(variable, gradient);
        continue;
      }
      const sum = tf.tidy(() => {
        const scaled = share === 1 ? gradient : tf.mul(gradient, share);
        return before === undefined ? scaled : tf.add(before, scaled);
      });
      before?.dispose();
      gradient.dispose();
      this.gradients.set(variable, sum);
    }
  }

  /** Limits the gradients. */
  clip(value: number | undefined, algorithm: "norm" | "value"): void {
    if (value === undefined) return;
    if (algorithm === "norm") clipGradNorm(this.gradients, value);
    else clipGradValue(this.gradients, value);
  }

  /** Forgets the gradients. */
  clear(): void {
    for (const gradient of this.gradients.values()) gradient.dispose();
    this.gradients.clear();
  }
}
