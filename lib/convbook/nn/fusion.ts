import * as tf from "@tensorflow/tfjs-core";
import { Activation } from "./activations.ts";
import { BatchNorm } from "./batch-norm.ts";
import { Conv2d } from "./conv.ts";
import { OptionError } from "./errors.ts";
import type { ActivationName } from "./functional/activation.ts";
import { isRecording } from "./functional/backend.ts";
import { type Epilogue, epilogue } from "./functional/batch-norm.ts";
import { runAsBlock } from "./lowering.ts";
import type { AnyModule } from "./module.ts";

/** The layer at `index` when it is of this type and nobody watches it. */
function at<M extends AnyModule>(
  layers: readonly AnyModule[],
  index: number,
  type: abstract new (...args: never[]) => M,
): M | undefined {
  const layer = layers[index];
  return layer instanceof type && !layer.hasForwardHooks ? layer : undefined;
}

/**
 * Runs layers one after the other, with the same result as each alone but in fewer steps: in evaluation a batch normalisation is folded into the
 * convolution before it, and activations (and at the end, a residual) join the step before them. Layers with forward hooks run alone.
 *
 * @param layers the layers
 * @param x input of the first
 * @param tail added to and applied to the last one's output
 */
export function runLayers(layers: readonly AnyModule[], x: tf.Tensor, tail: Epilogue = {}): tf.Tensor {
  if (!Array.isArray(layers)) throw new OptionError("runLayers", "layers", layers, "a list of modules");
  // A module of somebody's own may take what is no tensor.
  if (typeof x !== "object" || x === null) throw new OptionError("runLayers", "x, the input,", x, "a tensor");
  return tf.tidy(() => {
    let y = x;
    let index = 0;
    let pending: Epilogue | null = tail;
    const foldable = !isRecording();
    const hasTail = tail.residual !== undefined || (tail.activation ?? "identity") !== "identity";
    while (index < layers.length) {
      const block = hasTail ? null : runAsBlock(layers.slice(index), y);
      if (block !== null) {
        y = block.y;
        index += block.count;
        continue;
      }
      const conv = foldable ? at(layers, index, Conv2d) : undefined;
      const normIndex = conv === undefined ? index : index + 1;
      const candidate = at(layers, normIndex, BatchNorm);
      const norm = conv !== undefined && candidate?.usesBatchStatistics === true ? undefined : candidate;
      if (conv === undefined && norm === undefined) {
        const layer = layers[index] as AnyModule;
        if (typeof layer?.forward !== "function") {
          throw new OptionError("runLayers", `layers[${index}]`, layer, "a module");
        }
        y = layer.forward(y);
        index += 1;
        continue;
      }
      let next = norm === undefined ? index + 1 : normIndex + 1;
      let act: ActivationName = at(layers, next, Activation)?.activation ?? "identity";
      if (at(layers, next, Activation) !== undefined) next += 1;
      let residual: tf.Tensor | undefined;
      if (next === layers.length && act === "identity" && pending !== null) {
        residual = pending.residual;
        act = pending.activation ?? "identity";
        pending = null;
      }
      const after: Epilogue = { activation: act, ...(residual === undefined ? {} : { residual }) };
      if (conv !== undefined) {
        const { scale, shift } = norm?.folded() ?? { scale: null, shift: null };
        y = conv.forwardScaled(y as tf.Tensor4D, scale, shift, act, residual as tf.Tensor4D | undefined);
      } else if (norm !== undefined) {
        y = norm.forwardWith(y, after);
      }
      index = next;
    }
    return pending === null ? y : epilogue(y, pending);
  });
}
