/** Checks of models: how many parameters, whether gradients reach them, whether training gets anywhere. */
import * as tf from "@tensorflow/tfjs-core";
import { CheckError } from "./check-error.ts";
import { isArray, isFiniteNumber, valuesOf } from "./intrinsics.ts";
import { kindOf, numberText, shapeText } from "./values.ts";

/** A learnable tensor: TensorFlow.js's variable, or an object that has one, as convbook's `Parameter`. */
export type ParameterLike = tf.Variable | { readonly shape: readonly number[]; readonly variable: tf.Variable };

/** What has parameters, as convbook's `nn.Module` and whatever is made like it. */
export interface ModelLike {
  parameters(): readonly ParameterLike[];
  namedParameters?(): readonly (readonly [name: string, parameter: ParameterLike])[];
}

/** A scalar tensor, or a number. */
export type Loss = tf.Scalar | tf.Tensor | number;

/**
 * A model's parameters with their names; `parameter 1` and so on where it does not name them.
 *
 * @throws {CheckError} Where it is no model.
 */
export function parametersOf(model: unknown): [name: string, parameter: ParameterLike][] {
  if (typeof model !== "object" || model === null || !hasParameters(model)) {
    throw new CheckError("This is no model", { got: kindOf(model), expected: "a model with parameters()" });
  }
  const list: unknown = model.namedParameters?.() ?? model.parameters();
  if (!isArray(list)) {
    throw new CheckError("parameters() of the model gives no list", { got: kindOf(list), expected: "a list" });
  }
  return list.map((entry: unknown, i): [string, ParameterLike] => {
    const [name, parameter] = isArray(entry) ? [String(entry[0]), entry[1]] : [`parameter ${i + 1}`, entry];
    if (!isParameter(parameter)) {
      throw new CheckError(`${name} of the model is no parameter`, { got: kindOf(parameter) });
    }
    return [name, parameter];
  });
}

function hasParameters(model: object): model is ModelLike {
  return "parameters" in model && typeof model.parameters === "function";
}

function isParameter(value: unknown): value is ParameterLike {
  return value instanceof tf.Tensor
    ? value instanceof tf.Variable
    : typeof value === "object" && value !== null && "variable" in value && "shape" in value && isArray(value.shape);
}

/** The variable that computations use. */
export function variableOf(parameter: ParameterLike): tf.Variable {
  return parameter instanceof tf.Variable ? parameter : parameter.variable;
}

const sizeOf = (shape: readonly number[]) => shape.reduce((product, n) => product * n, 1);

/**
 * The model has so many learnable numbers.
 *
 * @param model The student's model.
 * @param expected How many, shared ones counted once.
 */
export function expectParameterCount(model: unknown, expected: number): void {
  const parameters = [...new Map(parametersOf(model).map(([name, parameter]) => [parameter, name]))];
  const count = parameters.reduce((sum, [{ shape }]) => sum + sizeOf(shape), 0);
  if (count !== expected) {
    const shown = parameters.slice(0, 12).map(([{ shape }, name]) => `${name} ${shapeText(shape)}`);
    const more = parameters.length > shown.length ? `, and ${parameters.length - shown.length} more` : "";
    throw new CheckError(`The model has another number of parameters; it has ${shown.join(", ") || "none"}${more}`, {
      got: count.toLocaleString("en"),
      expected: expected.toLocaleString("en"),
    });
  }
}

/**
 * The gradient of a loss reaches every parameter of a model: it is there, finite, and not all zero.
 *
 * @param model The student's model.
 * @param loss Computes a loss with it, such as `() => tf.mean(model.forward(x))`; one that every parameter should change.
 * @param options `except`: names of parameters that it need not reach.
 */
export function expectGradients(
  model: unknown,
  loss: () => tf.Tensor,
  options: { except?: readonly string[] } = {},
): void {
  const except = new Set(options.except ?? []);
  const parameters = parametersOf(model).filter(([name]) => !except.has(name));
  if (parameters.length === 0) {
    throw new CheckError("The model has no parameters that a gradient could reach");
  }
  const variables = parameters.map(([, parameter]) => variableOf(parameter));
  const frozen = parameters.find((_, i) => variables[i]?.trainable === false);
  if (frozen !== undefined) {
    throw new CheckError(`${frozen[0]} does not take part in training (requiresGrad is false)`);
  }
  tf.tidy(() => {
    const grads = gradientsOf(loss, variables);
    for (const [i, [name]] of parameters.entries()) {
      const grad = grads[variables[i]?.name ?? ""];
      if (grad === undefined || grad === null) {
        throw new CheckError(`No gradient reaches ${name}: the output does not depend on it`, {
          got: "no gradient",
          expected: "a gradient",
        });
      }
      const values = Array.from(valuesOf(grad));
      const strange = values.find((value) => !isFiniteNumber(value));
      if (strange !== undefined) {
        throw new CheckError(`The gradient of ${name} is no finite number`, { got: String(strange) });
      }
      if (values.every((value) => value === 0)) {
        throw new CheckError(`The gradient of ${name} is zero everywhere`, { got: "0", expected: "another value" });
      }
    }
  });
}

function gradientsOf(loss: () => tf.Tensor, variables: tf.Variable[]): tf.NamedTensorMap {
  const unconnected = "Cannot find a connection between any variable";
  try {
    return tf.variableGrads(() => tf.sum(loss()) as tf.Scalar, variables).grads;
  } catch (error) {
    if (error instanceof Error && error.message.includes(unconnected)) {
      throw new CheckError(
        "The loss depends on no parameter of the model: was a value read out of its tensor on the way?",
      );
    }
    throw error;
  }
}

/**
 * A loss falls while the student's code trains.
 *
 * @param steps How many steps; at least 2.
 * @param step Makes step `i` and returns its loss.
 * @param options `to`: the last tenth of the steps must have at most this share of the first loss, in the mean; 0.9.
 */
export async function expectLossFalls(
  steps: number,
  step: (i: number) => Loss | Promise<Loss>,
  { to = 0.9 }: { to?: number } = {},
): Promise<void> {
  if (!Number.isInteger(steps) || steps < 2) {
    throw new RangeError(`expectLossFalls: steps must be a whole number of at least 2, got ${steps}`);
  }
  const losses: number[] = [];
  for (let i = 0; i < steps; i++) {
    const loss = await step(i);
    const value = typeof loss === "number" ? loss : scalarOf(loss);
    if (!isFiniteNumber(value)) {
      throw new CheckError(`The loss of step ${i + 1} is no finite number`, { got: String(value) });
    }
    losses.push(value);
  }
  const last = losses.slice(-Math.max(1, Math.floor(steps / 10)));
  const mean = last.reduce((sum, loss) => sum + loss, 0) / last.length;
  const first = losses[0] as number;
  const most = first - (1 - to) * Math.abs(first);
  if (!(mean <= most)) {
    throw new CheckError(`The loss does not fall enough in ${steps} steps`, {
      got: `${numberText(first)} at first, ${numberText(mean)} at last`,
      expected: `at most ${numberText(most)} at last`,
    });
  }
}

function scalarOf(loss: unknown): number {
  if (!(loss instanceof tf.Tensor) || sizeOf(loss.shape) !== 1) {
    const got = loss instanceof tf.Tensor ? `a tensor of shape ${shapeText(loss.shape)}` : kindOf(loss);
    throw new CheckError("A step gives no loss", { got, expected: "a number, or a tensor with one" });
  }
  const [value = Number.NaN] = Array.from(valuesOf(loss));
  loss.dispose();
  return value;
}
