import * as tf from "@tensorflow/tfjs-core";
import { refuseMore, refuseUnknownOptions } from "../arguments/options.ts";
import type { ActivationOperation } from "./compile/graph.ts";
import { UnknownNameError } from "./errors.ts";
import {
  type ActivationName,
  activation,
  checkActivated,
  elu,
  geluTanh,
  parseActivationName,
} from "./functional/activation.ts";
import { Module } from "./module.ts";
import { checkNumber, type Shape } from "./shapes.ts";

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
    refuseMore(this.typeName, more, "no more");
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
    return this.compute(x);
  }

  /** The function itself; subclasses with settings have their own. */
  protected compute<R extends tf.Rank>(x: tf.Tensor<R>): tf.Tensor<R> {
    return activation(x, this.activation);
  }

  /** Whether it is the function of its name, with PyTorch's default settings. */
  protected get isUsual(): boolean {
    return true;
  }

  /** What the compiler knows of it: null for the identity, which is nothing at all, and for another function than that of the name. */
  operation(x: tf.Tensor): ActivationOperation | null {
    return this.activation === "identity" || !this.isUsual
      ? null
      : { kind: "activation", shape: x.shape, name: this.activation };
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

/** max(x, 0). */
export class ReLU extends Activation {
  constructor(...more: readonly never[]) {
    super("relu", ...more);
  }
}

/** x between 0 and 6, which are its bounds. */
export class ReLU6 extends Activation {
  constructor(...more: readonly never[]) {
    super("relu6", ...more);
  }
}

/** x where positive, negativeSlope x elsewhere. */
export class LeakyReLU extends Activation {
  readonly negativeSlope: number;

  /** @param negativeSlope 0.01 by default */
  constructor(negativeSlope = 0.01, ...more: readonly never[]) {
    super("leakyrelu", ...more);
    this.negativeSlope = checkNumber(this.typeName, "negativeSlope", negativeSlope);
  }

  protected override compute<R extends tf.Rank>(x: tf.Tensor<R>): tf.Tensor<R> {
    return tf.leakyRelu(x, this.negativeSlope);
  }

  protected override get isUsual(): boolean {
    return this.negativeSlope === 0.01;
  }

  protected override extraRepr(): string {
    return this.isUsual ? "" : `negativeSlope=${this.negativeSlope}`;
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

/** Options of {@link GELU}. */
export interface GELUOptions {
  /** "none" (default): the exact normal distribution function; "tanh": an approximation, with which GPT-2 and others were trained. */
  readonly approximate?: "none" | "tanh";
}

const approximations = ["none", "tanh"] as const;

/** x Φ(x), Φ the normal distribution function. */
export class GELU extends Activation {
  readonly approximate: "none" | "tanh";

  /** @throws {UnknownNameError} for another approximation */
  constructor(options: GELUOptions = {}, ...more: readonly never[]) {
    super("gelu", ...more);
    refuseUnknownOptions(this.typeName, options, ["approximate"]);
    const { approximate = "none" } = options;
    if (!approximations.includes(approximate)) {
      throw new UnknownNameError("approximation of GELU", String(approximate), approximations);
    }
    this.approximate = approximate;
  }

  protected override compute<R extends tf.Rank>(x: tf.Tensor<R>): tf.Tensor<R> {
    return this.isUsual ? super.compute(x) : geluTanh(x);
  }

  protected override get isUsual(): boolean {
    return this.approximate === "none";
  }

  protected override extraRepr(): string {
    return this.isUsual ? "" : `approximate=${this.approximate}`;
  }
}

/** x σ(x), also called swish. */
export class SiLU extends Activation {
  constructor(...more: readonly never[]) {
    super("silu", ...more);
  }
}

/** x where positive, alpha (exp(x) − 1) elsewhere. */
export class ELU extends Activation {
  readonly alpha: number;

  /** @param alpha 1 by default */
  constructor(alpha = 1, ...more: readonly never[]) {
    super("elu", ...more);
    this.alpha = checkNumber(this.typeName, "alpha", alpha);
  }

  protected override compute<R extends tf.Rank>(x: tf.Tensor<R>): tf.Tensor<R> {
    return elu(x, this.alpha);
  }

  protected override get isUsual(): boolean {
    return this.alpha === 1;
  }

  protected override extraRepr(): string {
    return this.isUsual ? "" : `alpha=${this.alpha}`;
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
