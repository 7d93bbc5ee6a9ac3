/** Activation functions under the names that people use for them, with PyTorch's definitions. */
import * as tf from "@tensorflow/tfjs-core";
import { shapeOf, shapeOfAny } from "../../arguments/check.ts";
import { UnknownNameError } from "../errors.ts";
import { hasKernel } from "./backend.ts";
import { customGradient } from "./custom-gradient.ts";
import { log1p, normalDistribution } from "./tails.ts";

/** An activation function of tensors of any rank. */
type ActivationFunction = <R extends tf.Rank>(x: tf.Tensor<R>) => tf.Tensor<R>;

/**
 * An activation with a derivative of its own: PyTorch says in cases what it is at the bends, at infinities and at NaN, where products of parts would
 * give NaN for it.
 */
function withDerivative(value: ActivationFunction, derivative: (x: tf.Tensor) => tf.Tensor): ActivationFunction {
  return <R extends tf.Rank>(input: tf.Tensor<R>): tf.Tensor<R> => {
    const op = customGradient((x: tf.Tensor<R>) => ({
      value: value(x),
      saved: [x],
      gradient: (dy, [kept]) => tf.mul(dy, derivative(kept)),
    }));
    return tf.tidy(() => op(input));
  };
}

const composedGelu = withDerivative(
  (x) => tf.mul(x, normalDistribution(x).distribution),
  (x) => {
    const { density, distribution } = normalDistribution(x);
    return tf.add(distribution, tf.mul(x, density));
  },
);

/** x Φ(x) with the exact normal distribution function, as PyTorch's default GELU. */
export function gelu<R extends tf.Rank>(x: tf.Tensor<R>): tf.Tensor<R> {
  return tf.tidy(() => {
    if (hasKernel("Gelu")) {
      return tf.engine().runKernel("Gelu", { x });
    }
    return composedGelu(x);
  });
}

/** x Φ(x) with a hyperbolic tangent in place of the normal distribution function: x / 2 (1 + tanh(√(2/π) (x + 0.044715 x³))), as PyTorch has it. */
export function geluTanh<R extends tf.Rank>(x: tf.Tensor<R>): tf.Tensor<R> {
  return tf.tidy(() => {
    const cubed = tf.mul(x, tf.mul(x, x));
    const inner = tf.mul(Math.sqrt(2 / Math.PI), tf.add(x, tf.mul(0.044715, cubed)));
    return tf.mul(tf.mul(x, 0.5), tf.add(1, tf.tanh(inner)));
  });
}

/** x where positive, alpha (exp(x) − 1) elsewhere; its slope at 0 is alpha, as PyTorch's is. */
export function elu<R extends tf.Rank>(x: tf.Tensor<R>, alpha: number): tf.Tensor<R> {
  if (alpha === 1) {
    return tf.elu(x);
  }
  return tf.tidy(() => {
    const y = tf.elu(x);
    return tf.where(tf.greater(x, 0), y, tf.mul<tf.Tensor<R>>(y, alpha));
  });
}

/** x σ(x), also called swish. */
export function silu<R extends tf.Rank>(x: tf.Tensor<R>): tf.Tensor<R> {
  return tf.tidy(() => {
    if (hasKernel("Silu")) {
      return tf.engine().runKernel("Silu", { x });
    }
    return tf.mul(x, tf.sigmoid(x));
  });
}

/** log(1 + exp(x)), without overflow. */
export function softplus<R extends tf.Rank>(x: tf.Tensor<R>): tf.Tensor<R> {
  // The smaller of x and -x has a slope of 1 at 0, which makes up for the 0 of the ReLU there; an absolute value has none.
  return tf.tidy(() => tf.add(tf.relu(x), log1p(tf.exp(tf.minimum(x, tf.neg(x))))));
}

/** x tanh(softplus(x)). */
export function mish<R extends tf.Rank>(x: tf.Tensor<R>): tf.Tensor<R> {
  return tf.tidy(() => tf.mul(x, tf.tanh(softplus(x))));
}

/** x relu6(x + 3) / 6; its derivative is x / 3 + 1/2 from −3 to 3, both included. */
export const hardswish = withDerivative(
  (x) => tf.mul(x, tf.mul(tf.clipByValue(tf.add(x, 3), 0, 6), 1 / 6)),
  (x) => {
    const inside = tf.where(tf.lessEqual(x, 3), tf.add(tf.mul(x, 1 / 3), 0.5), tf.onesLike(x));
    return tf.where(tf.less(x, -3), tf.zerosLike(x), inside);
  },
);

/** relu6(x + 3) / 6; its derivative is 1/6 between −3 and 3, both excluded. */
export const hardsigmoid = withDerivative(
  (x) => tf.mul(tf.relu6(tf.add(x, 3)), 1 / 6),
  (x) => tf.mul(tf.cast(tf.less(tf.abs(x), 3), "float32"), 1 / 6),
);

const activations = {
  relu: (x) => tf.relu(x),
  // Closed at 6 itself, in its gradient, as it is at 0.
  relu6: (x) => tf.relu6(x),
  // PyTorch's slope; TensorFlow.js would take 0.2.
  leakyrelu: (x) => tf.leakyRelu(x, 0.01),
  tanh: (x) => tf.tanh(x),
  sigmoid: (x) => tf.sigmoid(x),
  gelu,
  silu,
  elu: (x) => elu(x, 1),
  softplus,
  mish,
  hardswish,
  hardsigmoid,
  identity: (x) => x,
} satisfies Record<string, ActivationFunction>;

/** Names of activation functions. */
export type ActivationName = keyof typeof activations;

/** All of them. */
export const activationNames = Object.keys(activations) as readonly ActivationName[];

const synonyms: Readonly<Record<string, ActivationName>> = {
  leaky_relu: "leakyrelu",
  leakyReLU: "leakyrelu",
  swish: "silu",
  linear: "identity",
  none: "identity",
  hard_swish: "hardswish",
  hard_sigmoid: "hardsigmoid",
};

/**
 * The activation that a name stands for, whatever its case; `swish`, `leaky_relu`, `linear` and `none` are understood too.
 *
 * @throws {UnknownNameError} with the nearest names
 */
export function parseActivationName(name: string): ActivationName {
  if (typeof name !== "string") {
    throw new UnknownNameError("activation", name, activationNames);
  }
  for (const candidate of [name, name.toLowerCase()]) {
    if (Object.hasOwn(activations, candidate)) {
      return candidate as ActivationName;
    }
    if (Object.hasOwn(synonyms, candidate)) {
      return synonyms[candidate] as ActivationName;
    }
  }
  throw new UnknownNameError("activation", name, activationNames);
}

/**
 * Refuses a tensor that an activation does not take: as in PyTorch, whole numbers have a ReLU, too, and the identity does not look at its input.
 *
 * @throws {OptionError} naming the argument
 */
export function checkActivated(
  owner: { toString(): string },
  x: tf.Tensor,
  name: ActivationName,
  argument?: string,
): void {
  const isWhole = (name === "relu" || name === "relu6") && x?.dtype === "int32";
  if (isWhole || name === "identity") {
    shapeOfAny(owner, x, argument);
  } else {
    shapeOf(owner, x, argument);
  }
}

/**
 * Applies the activation of this name, element by element. The identity returns its input itself.
 *
 * @throws {OptionError} for what is no tensor of float32; a ReLU takes int32, the identity anything
 */
export function activation<R extends tf.Rank>(x: tf.Tensor<R>, name: ActivationName): tf.Tensor<R> {
  checkActivated("activation", x, name, "x");
  return (activations[name] ?? activations[parseActivationName(name)])(x);
}
