import * as tf from "@tensorflow/tfjs-core";
import { hasKernel, isRecording, takesExplicitPadding } from "./backend.ts";
import { dilate, type Pad, tapGradients } from "./conv.ts";
import { customGradient } from "./custom-gradient.ts";

/** Geometry of a transposed two-dimensional convolution, all as [height, width]. */
export interface TransposedGeometry {
  readonly stride: readonly [number, number];
  readonly padding: readonly [number, number];
  readonly outputPadding: readonly [number, number];
  readonly dilation: readonly [number, number];
  readonly groups: number;
}

type Shape4D = readonly [batch: number, height: number, width: number, channels: number];
type Pair = [number, number];

/**
 * Transposed two-dimensional convolution, [N, H, W, C] -> [N, H', W', O]: what the convolution with this kernel, from O to C channels, has as
 * the gradient for its input.
 *
 * @param x input
 * @param weight kernel, [kernel height, kernel width, O / groups, C]
 * @param shape of the output
 */
export function convTranspose2d(
  x: tf.Tensor4D,
  weight: tf.Tensor4D,
  [batch, height, width, channels]: Shape4D,
  { stride, padding, outputPadding, dilation, groups }: TransposedGeometry,
): tf.Tensor4D {
  return tf.tidy(() => {
    // A longer output is one of which less was cut off at the end; what goes beyond that has seen nothing and is zero.
    const ends = padding.map((before, i): Pair => [before, Math.max(0, before - (outputPadding[i] ?? 0))]);
    const beyond = outputPadding.map((more, i): Pair => [0, Math.max(0, more - (padding[i] ?? 0))]);
    const [beyondY = [0, 0], beyondX = [0, 0]] = beyond;
    const reached: Shape4D = [batch, height - beyondY[1], width - beyondX[1], channels];
    const [y = [0, 0], z = [0, 0]] = ends;
    const result = hasKernel("ConvolutionInputGrad")
      ? inOneKernel(x, weight, reached, [...y, ...z], stride, dilation, groups)
      : composed(x, dilate(weight, dilation), reached, [y, z], [...stride], groups);
    return beyond.some(([, n]) => n > 0) ? tf.pad(result, [[0, 0], beyondY, beyondX, [0, 0]]) : result;
  });
}

/** The native engine's kernel for the gradient, which has gradients of its own. */
function inOneKernel(
  x: tf.Tensor4D,
  filter: tf.Tensor4D,
  inputShape: Shape4D,
  pad: number[],
  stride: readonly number[],
  dilation: readonly number[],
  groups: number,
): tf.Tensor4D {
  const attributes = {
    strides: [...stride],
    pad,
    dilations: [...dilation],
    groups,
    activation: "linear",
    bias: false,
    residual: false,
    inputShape: [...inputShape],
    filterShape: filter.shape,
  };
  return tf.engine().runKernel("ConvolutionInputGrad", { dy: x, filter }, attributes);
}

/** Of TensorFlow.js's operations, a group each. */
function composed(
  x: tf.Tensor4D,
  filter: tf.Tensor4D,
  shape: Shape4D,
  [padY, padX]: [Pair, Pair],
  strides: Pair,
  groups: number,
): tf.Tensor4D {
  const [batch, height, width, channels] = shape;
  const isPadded = [...padY, ...padX].some((n) => n > 0);
  const cutsLater = isPadded && !takesExplicitPadding();
  const pad: Pad = isPadded && !cutsLater ? [[0, 0], padY, padX, [0, 0]] : "valid";
  const [more, wider] = cutsLater ? [padY[0] + padY[1], padX[0] + padX[1]] : [0, 0];
  const own: [number, number, number, number] = [batch, height + more, width + wider, channels / groups];
  const inputs: tf.Tensor4D[] = groups === 1 ? [x] : tf.split(x, groups, 3);
  const filters: tf.Tensor4D[] = groups === 1 ? [filter] : tf.split(filter, groups, 3);
  const parts = inputs.map((part, i) => single(part, filters[i] ?? filter, own, strides, pad));
  const whole: tf.Tensor4D = parts.length === 1 && parts[0] !== undefined ? parts[0] : tf.concat(parts, 3);
  return cutsLater ? tf.slice(whole, [0, padY[0], padX[0], 0], [...shape]) : whole;
}

/** One group. */
function single(
  input: tf.Tensor4D,
  kernel: tf.Tensor4D,
  shape: [number, number, number, number],
  strides: Pair,
  pad: Pad,
): tf.Tensor4D {
  if (!isRecording() || hasKernel("Conv2DBackpropFilter")) {
    return tf.conv2dTranspose(input, kernel, shape, strides, pad);
  }
  // WebAssembly lacks the kernel that the gradient takes: products instead, as for a convolution.
  const op = customGradient((x: tf.Tensor4D, filter: tf.Tensor4D) => ({
    value: tf.conv2dTranspose(x, filter, shape, strides, pad),
    saved: [x, filter],
    gradient: (dy, [savedX, savedFilter]) => [
      tf.conv2d(dy, savedFilter, strides, pad),
      tapGradients(dy, savedX, savedFilter.shape, strides, pad),
    ],
  }));
  return op(input, kernel);
}
