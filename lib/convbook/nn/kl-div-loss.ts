import * as tf from "@tensorflow/tfjs-core";
import { OptionError, refuseUnknownOptions, ShapeError } from "./errors.ts";
import { reduceLoss } from "./functional/cross-entropy.ts";
import { checkReduction } from "./loss-options.ts";
import { Module } from "./module.ts";
import { shapeOf, shapeOfNumbers } from "./shapes.ts";

/** How {@link KLDivLoss} sums up: "batchmean" is the sum over the number of rows, the divergence as it is defined. */
export type KLDivReduction = "mean" | "sum" | "none" | "batchmean";

const reductions: readonly KLDivReduction[] = ["mean", "sum", "none", "batchmean"];

/** Options of {@link KLDivLoss}. */
export interface KLDivOptions {
  /** "mean" (default, as in PyTorch) over all elements, "batchmean", "sum" or "none". */
  readonly reduction?: KLDivReduction;
  /** Whether targets are logarithms, too; false by default. */
  readonly logTarget?: boolean;
}

/** Kullback and Leibler's divergence of a target distribution from logarithms of probabilities of one shape: target (log target − input). */
export class KLDivLoss extends Module<[input: tf.Tensor, target: tf.Tensor]> {
  readonly reduction: KLDivReduction;
  readonly logTarget: boolean;

  constructor(options: KLDivOptions = {}) {
    super();
    refuseUnknownOptions(this.typeName, options, ["reduction", "logTarget"]);
    const { reduction = "mean", logTarget = false } = options;
    this.reduction = checkReduction(reduction, reductions);
    if (typeof logTarget !== "boolean") {
      throw new OptionError(this.typeName, "logTarget", logTarget, "true or false");
    }
    this.logTarget = logTarget;
  }

  forward(input: tf.Tensor, target: tf.Tensor): tf.Tensor {
    const [given, wanted] = [shapeOf(this, input, "input"), shapeOfNumbers(this, target, "target")];
    if (!tf.util.arraysEqual(given, wanted)) {
      throw new ShapeError(this.toString(), wanted, `a target of the input's shape [${given.join(", ")}]`);
    }
    return tf.tidy(() => {
      const t = tf.cast(target, "float32");
      const losses = this.logTarget
        ? tf.mul(tf.exp(t), tf.sub(t, input))
        : // 0 log 0 is 0.
          tf.sub(tf.where(tf.equal(t, 0), tf.zerosLike(t), tf.mul(t, tf.log(t))), tf.mul(t, input));
      if (this.reduction !== "batchmean") {
        return reduceLoss(losses, this.reduction);
      }
      return tf.div(tf.sum(losses), given[0] ?? 1);
    });
  }
}
