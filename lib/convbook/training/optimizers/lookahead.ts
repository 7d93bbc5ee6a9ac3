/** Lookahead (Zhang, Lucas, Hinton & Ba 2019, arXiv:1907.08610): slow weights that follow an inner optimizer's fast ones. */

import * as tf from "@tensorflow/tfjs-core";
import { isNumber } from "../../arguments/check.ts";
import { classNameOf } from "../../arguments/class-name.ts";
import { refuseUnknownOptions, requireOption } from "../errors.ts";
import {
  asOptimizerState,
  assign,
  type BaseOptions,
  type Gradients,
  Optimizer,
  type OptimizerParameter,
  type OptimizerState,
  variableOf,
} from "./optimizer.ts";
import { optimizerStateOf } from "./torch-state.ts";

export interface LookaheadOptions {
  /** Inner steps between two moves of the slow weights; default 5. */
  k?: number;
  /** How far the slow weights move towards the fast ones; default 0.5. */
  alpha?: number;
}

/**
 * Wraps another optimizer. The groups are the inner optimizer's, so that schedulers act on it.
 *
 * @example
 * const optimizer = new Lookahead(new SGD(model.parameters(), { lr: 0.1 }), { k: 5, alpha: 0.5 });
 */
export class Lookahead extends Optimizer {
  readonly inner: Optimizer;
  readonly k: number;
  readonly alpha: number;
  readonly #slow = new Map<OptimizerParameter, tf.Variable>();
  #innerSteps = 0;

  constructor(inner: Optimizer, options: LookaheadOptions = {}) {
    requireOption(inner instanceof Optimizer, "Lookahead.inner", inner, "an optimizer");
    super(
      inner.paramGroups.flatMap(({ params }) => params),
      inner.defaults,
    );
    refuseUnknownOptions("Lookahead", options, ["k", "alpha"]);
    const { k = 5, alpha = 0.5 } = options;
    requireOption(Number.isInteger(k) && k >= 1, "Lookahead.k", k, "a whole number of at least 1");
    requireOption(isNumber(alpha, 0, 1), "Lookahead.alpha", alpha, "a number in [0, 1]");
    this.inner = inner;
    this.k = k;
    this.alpha = alpha;
    this.paramGroups.splice(0, this.paramGroups.length, ...inner.paramGroups);
  }

  override addParamGroup(group: Partial<BaseOptions> & { params: readonly OptimizerParameter[] }): void {
    // The base class's constructor comes here before the inner optimizer is known.
    if (this.inner === undefined) {
      super.addParamGroup(group);
      return;
    }
    this.inner.addParamGroup(group);
    this.paramGroups.splice(0, this.paramGroups.length, ...this.inner.paramGroups);
  }

  override step(gradients: Gradients): void {
    requireOption(
      typeof gradients?.get === "function",
      "Lookahead.step(gradients)",
      gradients,
      "a Map from variables to tensors",
    );
    for (const { params } of this.paramGroups) {
      for (const parameter of params) {
        if (!this.#slow.has(parameter)) {
          this.#slow.set(parameter, copy(variableOf(parameter)));
        }
      }
    }
    this.inner.step(gradients);
    if (++this.#innerSteps % this.k !== 0) {
      return;
    }
    for (const [parameter, slow] of this.#slow) {
      const fast = variableOf(parameter);
      assign(slow, () => tf.add(slow, tf.mul(tf.sub(fast, slow), this.alpha)));
      fast.assign(slow);
    }
  }

  protected updateGroup(): never {
    throw new Error("Lookahead leaves the update to its inner optimizer.");
  }

  override stateDict(): OptimizerState {
    const { state, paramGroups } = this.inner.stateDict();
    const all = new Map([...state].map(([index, entry]) => [index, { ...entry }]));
    const order = this.paramGroups.flatMap(({ params }) => params);
    for (const [index, parameter] of order.entries()) {
      const slow = this.#slow.get(parameter);
      if (slow === undefined) {
        continue;
      }
      const values = slow.dataSync<"float32">().slice();
      // Kept in the layout of computation: no other program reads it.
      const entry = {
        ...all.get(index),
        lookahead_slow: { dtype: "float32" as const, shape: [values.length], data: values },
      };
      all.set(index, entry);
    }
    return asOptimizerState({
      state: all,
      paramGroups: paramGroups.map((group) => ({ ...group, lookaheadSteps: this.#innerSteps })),
    });
  }

  override loadStateDict(given: OptimizerState | ReadonlyMap<unknown, unknown> | object): void {
    const saved = optimizerStateOf(classNameOf(this.inner), given);
    const inner = new Map(
      [...saved.state].map(([index, { lookahead_slow: _, ...entry }]) => [
        index,
        entry as typeof entry & Record<string, never>,
      ]),
    );
    const groups = saved.paramGroups.map(
      ({ lookaheadSteps: _, ...group }) => group as OptimizerState["paramGroups"][number],
    );
    this.inner.loadStateDict({ state: inner, paramGroups: groups });
    this.#disposeSlow();
    this.#innerSteps = Number(saved.paramGroups[0]?.lookaheadSteps ?? 0);
    const order = this.paramGroups.flatMap(({ params }) => params);
    const indices = saved.paramGroups.flatMap(({ params }) => params);
    for (const [i, parameter] of order.entries()) {
      const slow = saved.state.get(indices[i] ?? -1)?.lookahead_slow;
      if (slow === undefined || typeof slow === "number" || slow.dtype !== "float32") {
        continue;
      }
      const tensor = tf.tensor(slow.data.slice(), variableOf(parameter).shape, "float32");
      this.#slow.set(parameter, tf.variable(tensor, false));
      tensor.dispose();
    }
  }

  override dispose(): void {
    this.inner.dispose();
    this.#disposeSlow();
    this.#innerSteps = 0;
  }

  #disposeSlow(): void {
    for (const slow of this.#slow.values()) {
      slow.dispose();
    }
    this.#slow.clear();
  }
}

function copy(variable: tf.Variable): tf.Variable {
  return tf.tidy(() => tf.variable(tf.clone(variable), false));
}
