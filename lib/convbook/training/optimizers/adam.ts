/** Adam (Kingma & Ba 2015) and AdamW (Loshchilov & Hutter 2019), as `torch.optim.Adam` and `torch.optim.AdamW`. */

import { adamStep } from "@convbook/engine";
import * as tf from "@tensorflow/tfjs-core";
import { isNumber } from "../../arguments/check.ts";
import { classNameOf } from "../../arguments/class-name.ts";
import { requireOption, withDefaults } from "../errors.ts";
import {
  assign,
  type BaseOptions,
  Optimizer,
  type ParameterGroup,
  type ParametersOrGroups,
  type Update,
} from "./optimizer.ts";

export interface AdamOptions extends BaseOptions {
  /** Decay of the running means of the gradient and of its square; default [0.9, 0.999]. */
  betas: readonly [number, number];
  /** Added to the denominator; default 1e-8. */
  eps: number;
  /** L2 penalty (Adam, default 0) or decoupled weight decay (AdamW, default 0.01). */
  weightDecay: number;
  /** Divide by the largest running mean so far (Reddi et al. 2018); default false. */
  amsgrad: boolean;
}

const adamDefaults: AdamOptions = { lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0, amsgrad: false };

/** Adam; the learning rate is 1e-3 by default. */
export class Adam extends Optimizer<AdamOptions> {
  constructor(parameters: ParametersOrGroups<AdamOptions>, options: Partial<AdamOptions> = {}) {
    super(parameters, withDefaults<AdamOptions>(new.target.name, options, adamDefaults));
  }

  /** Whether weight decay shrinks the parameters directly instead of entering the gradient. */
  protected get decoupled(): boolean {
    return false;
  }

  protected override checkOptions(options: AdamOptions): void {
    super.checkOptions(options);
    const name = classNameOf(this);
    const { betas } = options;
    const arePair = Array.isArray(betas) && betas.length === 2 && betas.every((beta) => isNumber(beta, 0) && beta < 1);
    requireOption(arePair, `${name}.betas`, betas, "two numbers in [0, 1)");
    for (const key of ["eps", "weightDecay"] as const) {
      requireOption(isNumber(options[key], 0), `${name}.${key}`, options[key], "a number of at least 0");
    }
  }

  protected updateGroup(group: ParameterGroup<AdamOptions>, updates: readonly Update[]): void {
    const { lr, betas, eps, weightDecay, amsgrad } = group;
    const [beta1, beta2] = betas;
    const { decoupled } = this;
    // Parameters that joined later have taken fewer steps; each kernel call takes those with equally many.
    for (const step of new Set(updates.map(({ state }) => state.step))) {
      const some = updates.filter(({ state }) => state.step === step);
      const means = some.map((update) => this.slot(update, "exp_avg"));
      const squares = some.map((update) => this.slot(update, "exp_avg_sq"));
      const largest = amsgrad ? some.map((update) => this.slot(update, "max_exp_avg_sq")) : [];
      if (tf.getBackend() === "native") {
        const [parameters, gradients] = [some.map(({ variable }) => variable), some.map(({ gradient }) => gradient)];
        const options = { learningRate: lr, beta1, beta2, epsilon: eps, weightDecay, decoupled, step };
        adamStep(parameters, gradients, means, squares, amsgrad ? largest : undefined, options);
        continue;
      }
      const correction1 = 1 - beta1 ** step;
      const root2 = Math.sqrt(1 - beta2 ** step);
      for (const [i, update] of some.entries()) {
        const { variable, gradient } = update;
        const [mean, square] = [this.slot(update, "exp_avg"), this.slot(update, "exp_avg_sq")];
        if (decoupled && weightDecay !== 0) {
          assign(variable, () => tf.mul(variable, 1 - lr * weightDecay));
        }
        const penalized = tf.tidy(() =>
          decoupled || weightDecay === 0 ? gradient.clone() : tf.add(gradient, tf.mul(variable, weightDecay)),
        );
        assign(mean, () => tf.add(tf.mul(mean, beta1), tf.mul(penalized, 1 - beta1)));
        assign(square, () => tf.add(tf.mul(square, beta2), tf.mul(tf.square(penalized), 1 - beta2)));
        penalized.dispose();
        const most = largest[i];
        if (most !== undefined) {
          assign(most, () => tf.maximum(most, square));
        }
        assign(variable, () => {
          const denominator = tf.add(tf.div(tf.sqrt(most ?? square), root2), eps);
          return tf.sub(variable, tf.mul(tf.div(mean, denominator), lr / correction1));
        });
      }
    }
  }
}

/** Adam with decoupled weight decay. */
export class AdamW extends Adam {
  constructor(parameters: ParametersOrGroups<AdamOptions>, options: Partial<AdamOptions> = {}) {
    super(parameters, withDefaults<AdamOptions>(new.target.name, options, { ...adamDefaults, weightDecay: 1e-2 }));
  }

  protected override get decoupled(): boolean {
    return true;
  }
}
