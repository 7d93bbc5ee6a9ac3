/**
 * How gradients and runs of kernels are written down here: what was saved arrives as a tuple of as many tensors as were asked for,
 * and attributes with their type. tfjs's own types know neither.
 */
import * as tf from "@tensorflow/tfjs-core";

type Dy = tf.Tensor | tf.Tensor[];

/** A tensor for each name. */
type Named<Names extends readonly string[]> = { [Place in keyof Names]: tf.Tensor };

/** A tensor for each `true`. */
type Kept<Flags extends readonly boolean[]> = Flags extends readonly [
  infer Flag,
  ...infer Rest extends readonly boolean[],
]
  ? [...(Flag extends true ? [tf.Tensor] : []), ...Kept<Rest>]
  : [];

/** A kernel's gradient, as tfjs takes it. */
interface Gradient<Inputs extends readonly string[], Outputs extends readonly boolean[], Attrs> {
  readonly kernelName: string;
  /** Names of the inputs that the gradient looks at. */
  readonly inputsToSave?: Inputs;
  /** For each output, up to the last that the gradient looks at, whether it does. */
  readonly outputsToSave?: Outputs;
  /** From the gradients of the outputs and what was saved, inputs first, to what works out the gradient of each input. */
  readonly gradFunc: (
    dy: Dy,
    saved: [...Named<Inputs>, ...Kept<Outputs>],
    attrs: Attrs,
  ) => Record<string, () => tf.Tensor>;
}

/** The gradient of a kernel; its attributes have the type that `gradFunc` says. */
export function gradient<const Inputs extends string[] = [], const Outputs extends boolean[] = [], Attrs = object>(
  typed: Gradient<Inputs, Outputs, Attrs>,
): tf.GradConfig {
  return typed as unknown as tf.GradConfig;
}

/** The gradient of a kernel's first output. */
export function first(dy: Dy): tf.Tensor {
  return Array.isArray(dy) ? (dy[0] as tf.Tensor) : dy;
}

/** Runs a kernel of one output, or of as many as `T` has. */
export function run<T extends tf.Tensor | tf.Tensor[] = tf.Tensor>(
  kernel: string,
  inputs: Readonly<Record<string, tf.Tensor>> | readonly tf.Tensor[],
  attrs: object,
): T {
  return tf.engine().runKernel<T>(kernel, inputs as tf.NamedTensorMap, attrs as tf.NamedAttrMap);
}

/** As `tf.broadcastTo`, which leaves an axis of one element as it is where none are asked for. */
export function spread(x: tf.Tensor, shape: number[]): tf.Tensor {
  return shape.includes(0) ? tf.zeros(shape) : tf.broadcastTo(x, shape);
}
