import * as tf from "@tensorflow/tfjs-core";
import { refuseMore } from "../arguments/options.ts";
import { OptionError, refuseUnknownOptions, ShapeError } from "./errors.ts";
import { type Reduction, reduceLoss } from "./functional/cross-entropy.ts";
import { customGradient } from "./functional/custom-gradient.ts";
import { log1p } from "./functional/tails.ts";
import { checkReduction, type LossOptions, reductions, weightBuffer, weightsOf } from "./loss-options.ts";
import { Module } from "./module.ts";
import type { Buffer } from "./parameter.ts";
import { shapeOf, shapeOfNumbers } from "./shapes.ts";

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
  const op = customGradient((x: tf.Tensor, t: tf.Tensor) => {
    const { value, byInput, byTarget } = loss(x, t);
    return {
      value,
      saved: [x, t],
      gradient: (dy, [p, s]) => [tf.mul(dy, byInput(p, s)), tf.mul(dy, byTarget(p, s))],
    };
  });
  return op(input, tf.cast(target, "float32"));
}

/** A loss of every element by itself, of an input and a target of one shape. */
abstract class ElementwiseLoss extends Module<[input: tf.Tensor, target: tf.Tensor]> {
  readonly reduction: Reduction;

  constructor(options: LossOptions = {}, ...more: readonly never[]) {
    super();
    refuseUnknownOptions(this.typeName, options, ["reduction", ...this.moreOptions]);
    refuseMore(this.typeName, more, "no more than options");
    const { reduction = "mean" } = options;
    this.reduction = checkReduction(reduction, reductions);
  }

  /** Names of the options that a loss has beside the reduction. */
  protected get moreOptions(): readonly string[] {
    return [];
  }

  /** The elements' losses, unreduced; called within a `tf.tidy`. */
  protected abstract losses(input: tf.Tensor, target: tf.Tensor): tf.Tensor;

  forward(input: tf.Tensor, target: tf.Tensor): tf.Tensor {
    const [given, wanted] = [shapeOf(this, input, "input"), shapeOfNumbers(this, target, "target")];
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

/** Options of the binary cross-entropy of logits. */
export interface BCEWithLogitsOptions extends LossOptions {
  /** A factor for the positive examples of each of the last axis's columns, or one for all; 1 by default. */
  readonly posWeight?: ArrayLike<number>;
}

/** Binary cross-entropy of logits and targets of one shape, without overflow. */
export class BCEWithLogitsLoss extends ElementwiseLoss {
  /** The positive examples' weights, null where all are 1. */
  readonly posWeight: Buffer | null;

  constructor(options: BCEWithLogitsOptions = {}, ...more: readonly never[]) {
    super(options, ...more);
    const weights = weightBuffer(this.typeName, "posWeight", options.posWeight);
    this.posWeight = weights === null ? null : this.registerBuffer("pos_weight", weights);
  }

  protected override get moreOptions(): readonly string[] {
    return ["posWeight"];
  }

  protected losses(logits: tf.Tensor, target: tf.Tensor): tf.Tensor {
    const weights = weightsOf(this.posWeight);
    const columns = logits.shape.at(-1) ?? 1;
    if (weights !== null && weights.size !== 1 && weights.size !== columns) {
      throw new OptionError(this.typeName, "posWeight.length", weights.size, `1 or ${columns}, one a column`);
    }
    return lossWithGradient(logits, target, (z, t) => {
      const tail = log1p(tf.exp(tf.neg(tf.abs(z))));
      const rest = tf.add(tf.relu(tf.neg(z)), tail);
      // How often a sample counts as positive, beyond once.
      const more = weights === null ? null : tf.sub(weights, 1);
      const factor = more === null ? null : tf.add(1, tf.mul(more, t));
      return {
        value: tf.add(tf.mul(tf.sub(1, t), z), factor === null ? rest : tf.mul(factor, rest)),
        byInput: (x, s) => {
          if (weights === null) {
            return tf.sub(tf.sigmoid(x), s);
          }
          return tf.sub(tf.mul(tf.sub(1, s), tf.sigmoid(x)), tf.mul(tf.mul(s, weights), tf.sigmoid(tf.neg(x))));
        },
        byTarget: (x) => {
          if (weights === null) {
            return tf.neg(x);
          }
          return tf.sub(tf.mul(tf.sub(weights, 1), tf.softplus(tf.neg(x))), x);
        },
      };
    });
  }
}

/** |input − target|: its slope is 0 where both are equal. */
function absoluteError(input: tf.Tensor, target: tf.Tensor): tf.Tensor {
  return lossWithGradient(input, target, (x, t) => ({
    value: tf.abs(tf.sub(x, t)),
    byInput: (p, s) => tf.sign(tf.sub(p, s)),
    byTarget: (p, s) => tf.sign(tf.sub(s, p)),
  }));
}

/** Mean absolute error of input and target of one shape. */
export class L1Loss extends ElementwiseLoss {
  protected losses(input: tf.Tensor, target: tf.Tensor): tf.Tensor {
    return absoluteError(input, target);
  }
}

/** |input − target| as PyTorch's smooth loss has it where nothing is rounded: its slope is −1 where both are equal, and NaN at NaN. */
function sharpError(input: tf.Tensor, target: tf.Tensor): tf.Tensor {
  const slope = (x: tf.Tensor, t: tf.Tensor) => {
    const difference = tf.sub(x, t);
    return tf.where(tf.lessEqual(difference, 0), -1, tf.where(tf.greater(difference, 0), 1, difference));
  };
  return lossWithGradient(input, target, (x, t) => ({
    value: tf.abs(tf.sub(x, t)),
    byInput: slope,
    byTarget: (p, s) => tf.neg(slope(p, s)),
  }));
}

/** difference² / 2 up to a size of `edge`, a straight line of the same slope beyond. */
function rounded(input: tf.Tensor, target: tf.Tensor, edge: number): tf.Tensor {
  const slope = (x: tf.Tensor, t: tf.Tensor) => {
    const difference = tf.sub(x, t);
    const inner = tf.where(tf.greaterEqual(difference, edge), edge, difference);
    return tf.where(tf.lessEqual(difference, -edge), -edge, inner);
  };
  return lossWithGradient(input, target, (x, t) => {
    const difference = tf.sub(x, t);
    const size = tf.abs(difference);
    const outer = tf.mul(tf.sub(size, edge / 2), edge);
    return {
      value: tf.where(tf.less(size, edge), tf.mul(tf.square(difference), 0.5), outer),
      byInput: slope,
      byTarget: (p, s) => slope(s, p),
    };
  });
}

/** Options of {@link SmoothL1Loss}. */
export interface SmoothL1Options extends LossOptions {
  /** Below this size of a difference the loss is its square over 2 beta; 1 by default, 0 makes it the absolute error. */
  readonly beta?: number;
}

/** Absolute error with a rounded bottom: difference² / 2 beta below beta, |difference| − beta / 2 from there on. */
export class SmoothL1Loss extends ElementwiseLoss {
  readonly beta: number;

  constructor(options: SmoothL1Options = {}, ...more: readonly never[]) {
    super(options, ...more);
    const { beta = 1 } = options;
    if (!(Number.isFinite(beta) && beta >= 0)) {
      throw new OptionError(this.typeName, "beta", beta, "a finite number of at least 0");
    }
    this.beta = beta;
  }

  protected override get moreOptions(): readonly string[] {
    return ["beta"];
  }

  protected losses(input: tf.Tensor, target: tf.Tensor): tf.Tensor {
    if (this.beta === 0) {
      return sharpError(input, target);
    }
    return tf.div(rounded(input, target, this.beta), this.beta);
  }
}

/** Options of {@link HuberLoss}. */
export interface HuberOptions extends LossOptions {
  /** Up to this size of a difference the loss is half its square; 1 by default. */
  readonly delta?: number;
}

/** Huber's loss: difference² / 2 up to delta, delta (|difference| − delta / 2) beyond. */
export class HuberLoss extends ElementwiseLoss {
  readonly delta: number;

  constructor(options: HuberOptions = {}, ...more: readonly never[]) {
    super(options, ...more);
    const { delta = 1 } = options;
    if (!(Number.isFinite(delta) && delta > 0)) {
      throw new OptionError(this.typeName, "delta", delta, "a finite number above 0");
    }
    this.delta = delta;
  }

  protected override get moreOptions(): readonly string[] {
    return ["delta"];
  }

  protected losses(input: tf.Tensor, target: tf.Tensor): tf.Tensor {
    return rounded(input, target, this.delta);
  }
}
