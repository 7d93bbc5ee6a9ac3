/** Optimizer updates of all parameters in one native call. */
import * as tf from "@tensorflow/tfjs-core";
import type { NativeBackend } from "./backend.ts";
import { aboutToChange } from "./in-place.ts";

/** The native backend, when it is the one in use. */
function nativeBackend(): NativeBackend {
  if (tf.getBackend() !== "native") {
    throw new Error(`Fused optimizer steps need the backend "native"; the one in use is "${tf.getBackend()}"`);
  }
  return tf.backend() as NativeBackend;
}

/** Makes sure that nobody else sees a variable's memory change: says so, and copies it when it is shared, as after a clone. */
function ownMemory(backend: NativeBackend, variables: readonly tf.Variable[]): Float32Array[] {
  aboutToChange(variables);
  return variables.map((variable) => {
    if (variable.dtype !== "float32") {
      throw new Error(`Optimizer: parameter "${variable.name}" is ${variable.dtype}, expected float32`);
    }
    if (!backend.isExclusive(variable)) {
      tf.tidy(() => variable.assign(copyOf(backend, variable)));
    }
    return backend.values(variable);
  });
}

function copyOf(backend: NativeBackend, x: tf.Tensor): tf.Tensor {
  const output = backend.output(x.shape);
  output.values.set(backend.values(x));
  return tf.engine().makeTensorFromTensorInfo(output);
}

export interface SgdOptions {
  readonly learningRate: number;
  readonly momentum?: number;
  readonly dampening?: number;
  readonly weightDecay?: number;
  readonly nesterov?: boolean;
  readonly maximize?: boolean;
  /** Whether the velocities hold nothing yet: PyTorch's first step takes the gradient as it is. */
  readonly first: boolean;
}

/**
 * One step of stochastic gradient descent as PyTorch does it, on all parameters, in place.
 *
 * @param parameters Float variables.
 * @param gradients As many tensors of the same sizes.
 * @param velocities Variables of the same sizes; none without momentum.
 */
export function sgdStep(
  parameters: readonly tf.Variable[],
  gradients: readonly tf.Tensor[],
  velocities: readonly tf.Variable[] | undefined,
  options: SgdOptions,
): void {
  const backend = nativeBackend();
  const { learningRate, momentum = 0, dampening = 0, weightDecay = 0, nesterov = false } = options;
  const values = ownMemory(backend, parameters);
  const state = momentum !== 0 && velocities !== undefined ? ownMemory(backend, velocities) : undefined;
  const slopes = gradients.map((gradient) => backend.values(gradient));
  const { first, maximize = false } = options;
  backend.addon.sgd(values, slopes, state, learningRate, momentum, dampening, weightDecay, nesterov, first, maximize);
}

export interface AdamOptions {
  readonly learningRate: number;
  readonly beta1?: number;
  readonly beta2?: number;
  readonly epsilon?: number;
  readonly weightDecay?: number;
  /** Weight decay apart from the gradient: AdamW. */
  readonly decoupled?: boolean;
  readonly maximize?: boolean;
  /** This step's number, from 1 on. */
  readonly step: number;
}

/**
 * One step of Adam, or of AdamW when decoupled, as PyTorch does it, on all parameters, in place.
 *
 * @param m First moments. @param v Second moments. @param vMax Their maxima, for AMSGrad. All are variables of the
 * parameters' sizes.
 */
export function adamStep(
  parameters: readonly tf.Variable[],
  gradients: readonly tf.Tensor[],
  m: readonly tf.Variable[],
  v: readonly tf.Variable[],
  vMax: readonly tf.Variable[] | undefined,
  options: AdamOptions,
): void {
  const backend = nativeBackend();
  const { learningRate, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0, decoupled = false } = options;
  backend.addon.adam(
    ownMemory(backend, parameters),
    gradients.map((gradient) => backend.values(gradient)),
    ownMemory(backend, m),
    ownMemory(backend, v),
    vMax === undefined ? undefined : ownMemory(backend, vMax),
    learningRate,
    beta1,
    beta2,
    epsilon,
    weightDecay,
    decoupled,
    options.step,
    options.maximize ?? false,
  );
}

export interface RmspropOptions {
  readonly learningRate: number;
  readonly alpha?: number;
  readonly epsilon?: number;
  readonly weightDecay?: number;
  readonly momentum?: number;
}

/**
 * One step of RMSprop, as PyTorch does it, on all parameters, in place.
 *
 * @param squares Means of the squared gradients. @param means Means of the gradients, when the squares are centered.
 * @param buffers What momentum keeps, when there is any. All are variables of the parameters' sizes.
 */
export function rmspropStep(
  parameters: readonly tf.Variable[],
  gradients: readonly tf.Tensor[],
  squares: readonly tf.Variable[],
  means: readonly tf.Variable[] | undefined,
  buffers: readonly tf.Variable[] | undefined,
  options: RmspropOptions,
): void {
  const backend = nativeBackend();
  const { learningRate, alpha = 0.99, epsilon = 1e-8, weightDecay = 0, momentum = 0 } = options;
  backend.addon.rmsprop(
    ownMemory(backend, parameters),
    gradients.map((gradient) => backend.values(gradient)),
    ownMemory(backend, squares),
    means === undefined ? undefined : ownMemory(backend, means),
    buffers === undefined ? undefined : ownMemory(backend, buffers),
    learningRate,
    alpha,
    epsilon,
    weightDecay,
    momentum,
  );
}
