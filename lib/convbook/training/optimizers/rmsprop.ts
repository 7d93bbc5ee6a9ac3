/** RMSprop (Hinton, lecture notes 2012), as `torch.optim.RMSprop`. */
import { rmspropStep } from "@convbook/engine";
import * as tf from "@tensorflow/tfjs-core";
import { isNumber } from "../../arguments/check.ts";
import { requireOption, withDefaults } from "../errors.ts";
import {
  assign,
  type BaseOptions,
  Optimizer,
  type ParameterGroup,
  type ParametersOrGroups,
  type Update,
} from "./optimizer.ts";

export interface RMSpropOptions extends BaseOptions {
  /** Decay of the running mean of squared gradients; default 0.99. */
  alpha: number;
  /** Added to the denominator; default 1e-8. */
  eps: number;
  /** L2 penalty, added to the gradient; default 0. */
  weightDecay: number;
  /** Momentum factor; default 0. */
  momentum: number;
  /** Subtract the squared running mean, so that the variance is estimated; default false. */
  centered: boolean;
}

/** RMSprop; the learning rate is 0.01 by default. */
export class RMSprop extends Optimizer<RMSpropOptions> {
  constructor(parameters: ParametersOrGroups<RMSpropOptions>, options: Partial<RMSpropOptions> = {}) {
    const defaults = { lr: 1e-2, alpha: 0.99, eps: 1e-8, weightDecay: 0, momentum: 0, centered: false };
    super(parameters, withDefaults<RMSpropOptions>(new.target.name, options, defaults));
  }

  protected override checkOptions(options: RMSpropOptions): void {
    super.checkOptions(options);
    for (const key of ["alpha", "eps", "weightDecay", "momentum"] as const) {
      requireOption(isNumber(options[key], 0), `RMSprop.${key}`, options[key], "a number of at least 0");
    }
  }

  protected updateGroup(group: ParameterGroup<RMSpropOptions>, updates: readonly Update[]): void {
    const { lr, alpha, eps, weightDecay, momentum, centered } = group;
    if (tf.getBackend() === "native") {
      const [parameters, gradients] = [
        updates.map(({ variable }) => variable),
        updates.map(({ gradient }) => gradient),
      ];
      const slots = (name: string) => updates.map((update) => this.slot(update, name));
      const means = centered ? slots("grad_avg") : undefined;
      const buffers = momentum > 0 ? slots("momentum_buffer") : undefined;
      const options = { learningRate: lr, alpha, epsilon: eps, weightDecay, momentum };
      rmspropStep(parameters, gradients, slots("square_avg"), means, buffers, options);
      return;
    }
    for (const update of updates) {
      const { variable, gradient } = update;
      const square = this.slot(update, "square_avg");
      const penalized = tf.tidy(() =>
        weightDecay === 0 ? gradient.clone() : tf.add(gradient, tf.mul(variable, weightDecay)),
      );
      assign(square, () => tf.add(tf.mul(square, alpha), tf.mul(tf.square(penalized), 1 - alpha)));
      const mean = centered ? this.slot(update, "grad_avg") : undefined;
      if (mean !== undefined) {
        assign(mean, () => tf.add(tf.mul(mean, alpha), tf.mul(penalized, 1 - alpha)));
      }
      const scaled = tf.tidy(() => {
        const variance = mean === undefined ? square : tf.sub(square, tf.square(mean));
        return tf.div(penalized, tf.add(tf.sqrt(variance), eps));
      });
      if (momentum > 0) {
        const buffer = this.slot(update, "momentum_buffer");
        assign(buffer, () => tf.add(tf.mul(buffer, momentum), scaled));
        assign(variable, () => tf.sub(variable, tf.mul(buffer, lr)));
      } else {
        assign(variable, () => tf.sub(variable, tf.mul(scaled, lr)));
      }
      scaled.dispose();
      penalized.dispose();
    }
  }
}
