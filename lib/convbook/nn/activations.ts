import type * as tf from "@tensorflow/tfjs-core";
import { refuseMore } from "../arguments/options.ts";
import type { ActivationOperation } from "./compile/graph.ts";
import { type ActivationName, activation, checkActivated, parseActivationName } from "./functional/activation.ts";
import { Module } from "./module.ts";
import type { Shape } from "./shapes.ts";

/**
 * An activation function as a layer, by name.
 *
 * @example
 * const act = new Activation("leakyrelu");
 */
export class Activation extends Module {
  /** Its name. */
  readonly activation: ActivationName;

  /** @throws {UnknownNameError} with the nearest names */
  constructor(name: string, ...more: readonly never[]) {
    super();
    this.activation = parseActivationName(name);
    const set = settings[this.activation];
    refuseMore(this.typeName, more, `no more${set === undefined ? "" : `, ${set}`}`);
  }

  /** The input's own shape. */
  outputShape(input: Shape): number[] {
    return [...input];
  }

  /**
   * A subclass that overrides it keeps the rank, too: `override forward<R extends tf.Rank>(x: tf.Tensor<R>): tf.Tensor<R>`. One that takes
   * inputs of a single rank extends `Module<[x: tf.Tensor4D], tf.Tensor4D>` instead.
   */
  forward<R extends tf.Rank>(x: tf.Tensor<R>): tf.Tensor<R> {
    checkActivated(this, x, this.activation);
    return activation(x, this.activation);
  }

  /** What the compiler knows of it: null for the identity, which is nothing at all. */
  operation(x: tf.Tensor): ActivationOperation | null {
    return this.activation === "identity" ? null : { kind: "activation", shape: x.shape, name: this.activation };
  }

  /** The name of its class; that of the function's own class where it was made by name. */
  override get typeName(): string {
    return this.constructor === Activation ? typeNames[this.activation] : super.typeName;
  }
}

const typeNames: Readonly<Record<ActivationName, string>> = {
  relu: "ReLU",
  relu6: "ReLU6",
  leakyrelu: "LeakyReLU",
  tanh: "Tanh",
  sigmoid: "Sigmoid",
  gelu: "GELU",
  silu: "SiLU",
  elu: "ELU",
  softplus: "Softplus",
  mish: "Mish",
  hardswish: "Hardswish",
  hardsigmoid: "Hardsigmoid",
  identity: "Identity",
};

/** What PyTorch's classes take as arguments, and what it is here. */
const settings: Readonly<Partial<Record<ActivationName, string>>> = {
  leakyrelu: "the slope being 0.01",
  elu: "alpha being 1",
  gelu: "the function being exact",
};

/** max(x, 0). */
export class ReLU extends Activation {
  constructor(...more: readonly never[]) {
    super("relu", ...more);
  }
}

/** x where positive, 0.01 x elsewhere. */
export class LeakyReLU extends Activation {
  constructor(...more: readonly never[]) {
    super("leakyrelu", ...more);
  }
}

/** Hyperbolic tangent. */
export class Tanh extends Activation {
  constructor(...more: readonly never[]) {
    super("tanh", ...more);
  }
}

/** 1 / (1 + exp(−x)). */
export class Sigmoid extends Activation {
  constructor(...more: readonly never[]) {
    super("sigmoid", ...more);
  }
}

/** x Φ(x), with the exact normal distribution function. */
export class GELU extends Activation {
  constructor(...more: readonly never[]) {
    super("gelu", ...more);
  }
}

/** x σ(x), also called swish. */
export class SiLU extends Activation {
  constructor(...more: readonly never[]) {
    super("silu", ...more);
  }
}

/** x where positive, exp(x) − 1 elsewhere. */
export class ELU extends Activation {
  constructor(...more: readonly never[]) {
    super("elu", ...more);
  }
}

/** x tanh(log(1 + exp(x))). */
export class Mish extends Activation {
  constructor(...more: readonly never[]) {
    super("mish", ...more);
  }
}

/** x relu6(x + 3) / 6, a piecewise swish. */
export class Hardswish extends Activation {
  constructor(...more: readonly never[]) {
    super("hardswish", ...more);
  }
}

/** relu6(x + 3) / 6, a piecewise sigmoid. */
export class Hardsigmoid extends Activation {
  constructor(...more: readonly never[]) {
    super("hardsigmoid", ...more);
  }
}

/** Returns its input. */
export class Identity extends Activation {
  constructor() {
    super("identity");
  }
}
