import * as tf from "@tensorflow/tfjs-core";
import { OptionError, refuseUnknownOptions, ShapeError } from "./errors.ts";
import { classCrossEntropy, type Reduction, reduceLoss, softmaxCrossEntropy } from "./functional/cross-entropy.ts";
import {
  checkReduction,
  checkWeightCount,
  type LossOptions,
  reductions,
  weightBuffer,
  weightsOf,
} from "./loss-options.ts";
import { Module } from "./module.ts";
import type { Buffer } from "./parameter.ts";
import { isOfRank, ofRank } from "./ranks.ts";
import { checkNumber, shapeOf, shapeOfNumbers } from "./shapes.ts";

/** Options of the losses of class indices. */
export interface ClassLossOptions extends LossOptions {
  /** A factor for each class, for classes of different sizes; the mean is then that of the weights, as in PyTorch. 1 for all by default. */
  readonly weight?: ArrayLike<number>;
  /** An index that stands for "no class": its samples count nothing. −100 by default, as in PyTorch. */
  readonly ignoreIndex?: number;
}

/** Options of the cross-entropy. */
export interface CrossEntropyOptions extends ClassLossOptions {
  /** Share of the target that is spread evenly over all classes, 0 by default. */
  readonly labelSmoothing?: number;
}

/** A loss of scores [N, K] and class indices [N], with weights of classes and an index to be passed over. */
abstract class ClassLoss extends Module<[input: tf.Tensor, target: tf.Tensor]> {
  readonly reduction: Reduction;
  readonly ignoreIndex: number;
  /** The classes' weights, null where all are 1. */
  readonly weight: Buffer | null;

  constructor(options: ClassLossOptions, known: readonly string[]) {
    super();
    refuseUnknownOptions(this.typeName, options, ["reduction", "weight", "ignoreIndex", ...known]);
    const { reduction = "mean", ignoreIndex = -100, weight } = options;
    this.reduction = checkReduction(reduction, reductions);
    if (!Number.isInteger(ignoreIndex)) {
      throw new OptionError(this.typeName, "ignoreIndex", ignoreIndex, "a whole number");
    }
    this.ignoreIndex = ignoreIndex;
    const weights = weightBuffer(this.typeName, "weight", weight);
    this.weight = weights === null ? null : this.registerBuffer("weight", weights);
  }

  /**
   * Refuses class indices that no class has: a one-hot vector of such a one would be all zeros, and its sample would silently count for nothing.
   * Where the backend cannot give numbers without waiting (WebGPU) nothing is checked.
   *
   * @returns whether some are to be passed over
   */
  protected checkClasses(target: tf.Tensor, classes: number): boolean {
    checkWeightCount(this.typeName, "weight", this.weight, classes);
    if (tf.getBackend() === "webgpu") {
      return true;
    }
    const labels = target.dataSync();
    const isClass = (label: number) => label >= 0 && label < classes && Number.isInteger(label);
    const wrong = labels.findIndex((label) => !isClass(label) && label !== this.ignoreIndex);
    if (wrong >= 0) {
      const expected = `a class from 0 to ${classes - 1}`;
      throw new OptionError(this.typeName, `target[${wrong}]`, labels[wrong], expected);
    }
    return labels.includes(this.ignoreIndex);
  }

  /** Sums up the samples' losses, which `losses` gives for classes that all exist; called within a `tf.tidy`. */
  protected reduceClasses(
    target: tf.Tensor,
    someIgnored: boolean,
    losses: (classes: tf.Tensor1D, weights: tf.Tensor1D | null) => tf.Tensor1D,
  ): tf.Tensor {
    const indices = tf.cast(ofRank(target, 1), "int32");
    const all = weightsOf(this.weight);
    if (!someIgnored) {
      const own = all === null ? null : tf.gather(all, indices);
      const each = losses(indices, own);
      return own !== null && this.reduction === "mean"
        ? tf.div(tf.sum(each), tf.sum(own))
        : reduceLoss(each, this.reduction);
    }
    const counts = tf.notEqual(indices, tf.scalar(this.ignoreIndex, "int32"));
    const classes = tf.where(counts, indices, tf.zerosLike(indices));
    const own = all === null ? null : tf.gather(all, classes);
    const each = losses(classes, own);
    const kept = tf.where(counts, each, tf.zerosLike(each));
    if (this.reduction !== "mean") {
      return reduceLoss(kept, this.reduction);
    }
    const shares = own ?? tf.onesLike(each);
    return tf.div(tf.sum(kept), tf.sum(tf.where(counts, shares, tf.zerosLike(shares))));
  }
}

/**
 * Cross-entropy of logits [N, K] with class indices [N] (int32) or distributions [N, K]: a scalar, or [N] with reduction "none".
 *
 * `forward` throws an {@link OptionError} naming the first index that is not a class.
 */
export class CrossEntropyLoss extends ClassLoss {
  readonly labelSmoothing: number;

  constructor(options: CrossEntropyOptions = {}) {
    super(options, ["labelSmoothing"]);
    const { labelSmoothing = 0 } = options;
    this.labelSmoothing = checkNumber(this.typeName, "labelSmoothing", labelSmoothing, 0, 1);
  }

  forward(logits: tf.Tensor, target: tf.Tensor): tf.Tensor {
    const given = shapeOf(this, logits, "logits");
    if (!isOfRank(logits, 2)) {
      throw new ShapeError(this.toString(), given, "logits [N, K]");
    }
    const [batch, classes] = logits.shape;
    const wanted = shapeOfNumbers(this, target, "target");
    const isIndices = wanted.length === 1 && wanted[0] === batch;
    const isDistribution = wanted.length === 2 && wanted[0] === batch && wanted[1] === classes;
    if (!isIndices && !isDistribution) {
      throw new ShapeError(this.toString(), wanted, `targets [${batch}] (class indices) or [${batch}, ${classes}]`);
    }
    if (isIndices) {
      const someIgnored = this.checkClasses(target, classes);
      return tf.tidy(() =>
        this.reduceClasses(target, someIgnored, (indices, own) => this.#ofClasses(logits, indices, own)),
      );
    }
    if (this.ignoreIndex >= 0) {
      throw new OptionError(this.typeName, "ignoreIndex", this.ignoreIndex, "negative for targets [N, K]");
    }
    checkWeightCount(this.typeName, "weight", this.weight, classes);
    return tf.tidy(() => {
      const smooth = this.labelSmoothing;
      const float = tf.cast(target, "float32");
      const smoothed = smooth === 0 ? float : tf.add(tf.mul(float, 1 - smooth), smooth / classes);
      const weights = weightsOf(this.weight);
      const distribution = ofRank(weights === null ? smoothed : tf.mul(smoothed, weights), 2);
      return reduceLoss(softmaxCrossEntropy(logits, distribution), this.reduction);
    });
  }

  /** The samples' losses; `own` holds the weights of their classes. */
  #ofClasses(logits: tf.Tensor2D, indices: tf.Tensor1D, own: tf.Tensor1D | null): tf.Tensor1D {
    const smooth = this.labelSmoothing;
    const weights = weightsOf(this.weight);
    if (own === null || weights === null) {
      return classCrossEntropy(logits, indices, smooth);
    }
    if (smooth === 0) {
      return tf.mul(classCrossEntropy(logits, indices, 0), own);
    }
    // What is spread over the classes has their weights.
    const count = logits.shape[1];
    const target: tf.Tensor2D = tf.mul(
      tf.add(tf.mul(tf.oneHot(indices, count, 1, 0, "float32"), 1 - smooth), smooth / count),
      weights,
    );
    return softmaxCrossEntropy(logits, target);
  }
}

/**
 * Negative log likelihood of logarithms of probabilities [N, K], as `tf.logSoftmax` gives them, and class indices [N] (int32): a scalar, or [N] with
 * reduction "none".
 *
 * `forward` throws an {@link OptionError} naming the first index that is not a class.
 */
export class NLLLoss extends ClassLoss {
  constructor(options: ClassLossOptions = {}) {
    super(options, []);
  }

  forward(logarithms: tf.Tensor, target: tf.Tensor): tf.Tensor {
    const given = shapeOf(this, logarithms, "input");
    if (!isOfRank(logarithms, 2)) {
      throw new ShapeError(this.toString(), given, "logarithms [N, K]");
    }
    const [batch, classes] = logarithms.shape;
    const wanted = shapeOfNumbers(this, target, "target");
    if (wanted.length !== 1 || wanted[0] !== batch) {
      throw new ShapeError(this.toString(), wanted, `targets [${batch}] (class indices)`);
    }
    const someIgnored = this.checkClasses(target, classes);
    return tf.tidy(() =>
      this.reduceClasses(target, someIgnored, (indices, own) => {
        const isClass = tf.cast(tf.oneHot(indices, classes), "bool");
        const hit: tf.Tensor1D = tf.neg(tf.sum(tf.where(isClass, logarithms, tf.zerosLike(logarithms)), 1));
        return own === null ? hit : tf.mul(hit, own);
      }),
    );
  }
}
