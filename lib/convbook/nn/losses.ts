import * as tf from "@tensorflow/tfjs-core";
import { OptionError, refuseUnknownOptions, ShapeError, UnknownNameError } from "./errors.ts";
import { classCrossEntropy, type Reduction, reduceLoss, softmaxCrossEntropy } from "./functional/cross-entropy.ts";
import { Module } from "./module.ts";
import { checkNumber, shapeOf } from "./shapes.ts";

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
    refuseUnknownOptions("CrossEntropyLoss", options, ["reduction", "labelSmoothing"]);
    const { reduction = "mean", labelSmoothing = 0 } = options;
    this.reduction = checkReduction(reduction);
    this.labelSmoothing = checkNumber("CrossEntropyLoss", "labelSmoothing", labelSmoothing, 0, 1);
  }

  forward(logits: tf.Tensor, target: tf.Tensor): tf.Tensor {
    const given = shapeOf(this, logits, "logits");
    if (given.length !== 2) throw new ShapeError(this.toString(), given, "logits [N, K]");
    const [batch, classes] = given as [number, number];
    const wanted = shapeOf(this, target, "target");
    const isIndices = wanted.length === 1 && wanted[0] === batch;
    const isDistribution = wanted.length === 2 && wanted[0] === batch && wanted[1] === classes;
    if (!isIndices && !isDistribution) {
      throw new ShapeError(this.toString(), wanted, `targets [${batch}] (class indices) or [${batch}, ${classes}]`);
    }
    if (isIndices) checkClasses("CrossEntropyLoss", target, classes);
    return tf.tidy(() => {
      const smooth = this.labelSmoothing;
      if (isIndices) {
        const indices = tf.cast(target, "int32") as tf.Tensor1D;
        return reduceLoss(classCrossEntropy(logits as tf.Tensor2D, indices, smooth), this.reduction);
      }
      const float = tf.cast(target, "float32");
      const distribution = smooth === 0 ? float : tf.add(tf.mul(float, 1 - smooth), smooth / classes);
      return reduceLoss(softmaxCrossEntropy(logits as tf.Tensor2D, distribution as tf.Tensor2D), this.reduction);
    });
  }
}

type ElementwiseFunction = (input: tf.Tensor, target: tf.Tensor) => tf.Tensor;

/** Losses whose gradients are numbers where the steps to the value would give infinities or NaN. */
function lossWithGradient(
  input: tf.Tensor,
  target: tf.Tensor,
  loss: (
    input: tf.Tensor,
    target: tf.Tensor,
  ) => { value: tf.Tensor; byInput: ElementwiseFunction; byTarget: ElementwiseFunction },
): tf.Tensor {
  const op = tf.customGrad((...args) => {
    const [x, t, save] = args as unknown as [tf.Tensor, tf.Tensor, tf.GradSaveFunc];
    const { value, byInput, byTarget } = loss(x, t);
    save([x, t]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const [p, s] = saved as [tf.Tensor, tf.Tensor];
      return [tf.mul(dy, byInput(p, s)), tf.mul(dy, byTarget(p, s))];
    };
    return { value, gradFunc };
  });
  return op(input, tf.cast(target, "float32"));
}

/** A loss of every element by itself, of an input and a target of one shape. */
abstract class ElementwiseLoss extends Module<[input: tf.Tensor, target: tf.Tensor]> {
  readonly reduction: Reduction;

  constructor(options: LossOptions = {}) {
    super();
    refuseUnknownOptions(this.typeName, options, ["reduction"]);
    const { reduction = "mean" } = options;
    this.reduction = checkReduction(reduction);
  }

  /** The elements' losses, unreduced; called within a `tf.tidy`. */
  protected abstract losses(input: tf.Tensor, target: tf.Tensor): tf.Tensor;

  forward(input: tf.Tensor, target: tf.Tensor): tf.Tensor {
    const [given, wanted] = [shapeOf(this, input, "input"), shapeOf(this, target, "target")];
    if (!tf.util.arraysEqual(given, wanted)) {
      throw new ShapeError(this.toString(), wanted, `a target of the input's shape [${given.join(", ")}]`);
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
    return lossWithGradient(input, target, (p, t) => {
      const log = (q: tf.Tensor) => tf.maximum(tf.log(q), -100);
      const [hit, miss] = [log(p), log(tf.sub(1, p))];
      return {
        value: tf.neg(tf.add(tf.mul(t, hit), tf.mul(tf.sub(1, t), miss))),
        byInput: (q, s) => tf.div(tf.sub(q, s), tf.maximum(tf.mul(q, tf.sub(1, q)), 1e-12)),
        byTarget: (q) => tf.sub(log(tf.sub(1, q)), log(q)),
      };
    });
  }
}

/** Binary cross-entropy of logits and targets of one shape, without overflow. */
export class BCEWithLogitsLoss extends ElementwiseLoss {
  protected losses(logits: tf.Tensor, target: tf.Tensor): tf.Tensor {
    return lossWithGradient(logits, target, (z, t) => {
      const tail = tf.log1p(tf.exp(tf.neg(tf.abs(z))));
      return {
        value: tf.add(tf.add(tf.mul(tf.sub(1, t), z), tf.relu(tf.neg(z))), tail),
        byInput: (x, s) => tf.sub(tf.sigmoid(x), s),
        byTarget: (x) => tf.neg(x),
      };
    });
  }
}
