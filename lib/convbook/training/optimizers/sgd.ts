/** Stochastic gradient descent with momentum, as `torch.optim.SGD`. */
import { sgdStep } from "@convbook/engine";
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

export interface SGDOptions extends BaseOptions {
  /** Momentum factor; default 0. */
  momentum: number;
  /** How much of the gradient does not enter the momentum buffer; default 0. */
  dampening: number;
  /** L2 penalty, added to the gradient; default 0. */
  weightDecay: number;
  /** Nesterov's momentum, which needs a momentum above 0 and no dampening; default false. */
  nesterov: boolean;
}

/**
 * Stochastic gradient descent.
 *
 * @example
 * const optimizer = new SGD(model.parameters(), { lr: 0.1, momentum: 0.9, weightDecay: 1e-4 });
 */
export class SGD extends Optimizer<SGDOptions> {
  constructor(parameters: ParametersOrGroups<SGDOptions>, options: Partial<SGDOptions> & BaseOptions) {
    const defaults = { lr: undefined as never, momentum: 0, dampening: 0, weightDecay: 0, nesterov: false };
    super(parameters, withDefaults<SGDOptions>(new.target.name, options, defaults));
  }

  protected override checkOptions(options: SGDOptions): void {
    super.checkOptions(options);
    for (const key of ["momentum", "dampening", "weightDecay"] as const) {
      requireOption(isNumber(options[key], 0), `SGD.${key}`, options[key], "a number of at least 0");
    }
    requireOption(
      !options.nesterov || (options.momentum > 0 && options.dampening === 0),
      "SGD.nesterov",
      options.nesterov,
      "false, unless momentum is above 0 and dampening is 0",
    );
  }

  protected updateGroup(group: ParameterGroup<SGDOptions>, updates: readonly Update[]): void {
    const { lr, momentum, dampening, weightDecay, nesterov } = group;
    // The first step fills the buffer with the gradient itself, not damped.
    const isFirst = (update: Update) => momentum !== 0 && !update.state.slots.has("momentum_buffer");
    for (const first of [false, true]) {
      const some = updates.filter((update) => isFirst(update) === first);
      if (some.length === 0) {
        continue;
      }
      const buffers = momentum === 0 ? [] : some.map((update) => this.slot(update, "momentum_buffer"));
      if (tf.getBackend() === "native") {
        const [parameters, gradients] = [some.map(({ variable }) => variable), some.map(({ gradient }) => gradient)];
        const options = { learningRate: lr, momentum, dampening, weightDecay, nesterov, first };
        sgdStep(parameters, gradients, momentum === 0 ? undefined : buffers, options);
        continue;
      }
      const undamped = first ? 1 : 1 - dampening;
      for (const [i, { variable, gradient }] of some.entries()) {
        const buffer = buffers[i];
        const decayed = () => (weightDecay === 0 ? gradient : tf.add(gradient, tf.mul(variable, weightDecay)));
        if (buffer === undefined) {
          assign(variable, () => tf.sub(variable, tf.mul(decayed(), lr)));
          continue;
        }
        assign(buffer, () => tf.add(tf.mul(buffer, momentum), tf.mul(decayed(), undamped)));
        assign(variable, () =>
          tf.sub(variable, tf.mul(nesterov ? tf.add(decayed(), tf.mul(buffer, momentum)) : buffer, lr)),
        );
      }
    }
  }
}
