import * as tf from "@tensorflow/tfjs-core";
import { OptionError, ShapeError, UnknownNameError } from "./errors.ts";
import { type Reduction, reduceLoss, softmaxCrossEntropy } from "./functional/cross-entropy.ts";
import { Module } from "./module.ts";

const reductions: readonly Reduction[] = ["mean", "sum", "none"];

function checkReduction(reduction: Reduction): Reduction {
  if (!reductions.includes(reduction)) throw new UnknownNameError("reduction", String(reduction), reductions);
  return reduction;
}

/** Options of the losses. */
export interface LossOptions {
  /** "mean" (default) or "sum" of the samples' losses, or "none" for the losses themselves. */
  readonly reduction?: Reduction;
}

/** Options of the cross-entropy. */
export interface CrossEntropyOptions extends LossOptions {
  /** Share of the target that is spread evenly over all classes, 0 by default. */
  readonly labelSmoothing?: number;
}

/**
 * Refuses class indices that no class has: a one-hot vector of such a one would be all zeros, and its sample would silently count for nothing. Where
 * the backend cannot give numbers without waiting (WebGPU) nothing is checked.
 */
function checkClasses(layer: string, target: tf.Tensor, classes: number): void {
  if (tf.getBackend() === "webgpu") return;
  const labels = target.dataSync();
  const wrong = labels.findIndex((label) => !(label >= 0 && label < classes && Number.isInteger(label)));
  if (wrong >= 0) throw new OptionError(layer, `target[${wrong}]`, labels[wrong], `a class from 0 to ${classes - 1}`);
}

/**
 * Cross-entropy of logits [N, K] with class indices [N] (int32) or distributions [N, K]: a scalar, or [N] with reduction "none".
 *
 * `forward` throws an {@link OptionError} naming the first index that is not a class.
 */
export class CrossEntropyLoss extends Module<[logits: tf.Tensor, target: tf.Tensor]> {
  readonly reduction: Reduction;
  readonly labelSmoothing: number;

  constructor(options: CrossEntropyOptions = {}) {
    super();
    const { reduction = "mean", labelSmoothing = 0 } = options;
    this.reduction = checkReduction(reduction);
    if (!(labelSmoothing >= 0 && labelSmoothing <= 1)) {
      throw new OptionError("CrossEntropyLoss", "labelSmoothing", labelSmoothing, "a number from 0 to 1");
    }
    this.labelSmoothing = labelSmoothing;
  }

  forward(logits: tf.Tensor, target: tf.Tensor): tf.Tensor {
    if (logits.rank !== 2) throw new ShapeError(this.toString(), logits.shape, "logits [N, K]");
    const [batch, classes] = logits.shape as [number, number];
    const isIndices = target.rank === 1 && target.shape[0] === batch;
    const isDistribution = target.rank === 2 && target.shape[0] === batch && target.shape[1] === classes;
    if (!isIndices && !isDistribution) {
      throw new ShapeError(
        this.toString(),
        target.shape,
        `targets [${batch}] (class indices) or [${batch}, ${classes}]`,
      );
    }
    if (isIndices) checkClasses("CrossEntropyLoss", target, classes);
    return tf.tidy(() => {
      const exact = isIndices ? tf.oneHot(tf.cast(target, "int32") as tf.Tensor1D, classes) : target;
      const smooth = this.labelSmoothing;
      const float = tf.cast(exact, "float32");
      const distribution = smooth === 0 ? float : tf.add(tf.mul(float, 1 - smooth), smooth / classes);
      return reduceLoss(softmaxCrossEntropy(logits as tf.Tensor2D, distribution as tf.Tensor2D), this.reduction);
    });
  }
}

/** A loss of every element by itself, of an input and a target of one shape. */
abstract class ElementwiseLoss extends Module<[input: tf.Tensor, target: tf.Tensor]> {
  readonly reduction: Reduction;

  constructor({ reduction = "mean" }: LossOptions = {}) {
    super();
    this.reduction = checkReduction(reduction);
  }

  /** The elements' losses, unreduced; called within a `tf.tidy`. */
  protected abstract losses(input: tf.Tensor, target: tf.Tensor): tf.Tensor;

  forward(input: tf.Tensor, target: tf.Tensor): tf.Tensor {
    if (!tf.util.arraysEqual(input.shape, target.shape)) {
      throw new ShapeError(this.toString(), target.shape, `a target of the input's shape [${input.shape.join(", ")}]`);
    }
    return tf.tidy(() => reduceLoss(this.losses(input, target), this.reduction));
  }
}

/** Mean squared error of input and target of one shape. */
export class MSELoss extends ElementwiseLoss {
  protected losses(input: tf.Tensor, target: tf.Tensor): tf.Tensor {
    return tf.square(tf.sub(input, target));
  }
}

/** Binary cross-entropy of probabilities and targets of one shape, each in [0, 1]; logarithms are cut off at −100 as in PyTorch. */
export class BCELoss extends ElementwiseLoss {
  protected losses(input: tf.Tensor, target: tf.Tensor): tf.Tensor {
    const log = (p: tf.Tensor) => tf.maximum(tf.log(p), -100);
    const hit = tf.mul(target, log(input));
    const miss = tf.mul(tf.sub(1, target), log(tf.sub(1, input)));
    return tf.neg(tf.add(hit, miss));
  }
}

/** Binary cross-entropy of logits and targets of one shape, without overflow. */
export class BCEWithLogitsLoss extends ElementwiseLoss {
  protected losses(logits: tf.Tensor, target: tf.Tensor): tf.Tensor {
    const tail = tf.log1p(tf.exp(tf.neg(tf.abs(logits))));
    return tf.add(tf.sub(tf.relu(logits), tf.mul(logits, target)), tail);
  }
}
