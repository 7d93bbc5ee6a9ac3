import * as tf from "@tensorflow/tfjs-core";
import { at } from "../../arguments/at.ts";
import type { Padding } from "../shapes.ts";
import { type ActivationName, activation } from "./activation.ts";
import { hasKernel, isRecording, takesExplicitPadding } from "./backend.ts";
import { foldedScale } from "./batch-norm.ts";
import { customGradient } from "./custom-gradient.ts";

/** Geometry of a two-dimensional convolution, all as [height, width]. */
export interface Conv2dGeometry {
  readonly stride: readonly [number, number];
  readonly padding: readonly [height: Padding, width: Padding];
  readonly dilation: readonly [number, number];
  readonly groups: number;
}

/**
 * Two-dimensional cross-correlation, [N, H, W, C] -> [N, H', W', O].
 *
 * @param x input
 * @param weight kernel, [kernel height, kernel width, C / groups, O]
 * @param bias [O], or null
 * @param geometry stride, padding, dilation and groups
 * @param act activation applied to the result (none by default)
 * @param residual added before the activation, of the result's shape
 */
export function conv2d(
  x: tf.Tensor4D,
  weight: tf.Tensor4D,
  bias: tf.Tensor1D | null,
  geometry: Conv2dGeometry,
  act: ActivationName = "identity",
  residual?: tf.Tensor4D,
): tf.Tensor4D {
  return tf.tidy(() => {
    const { stride, dilation, groups } = geometry;
    if (hasKernel("Convolution") && (groups === 1 || groups !== x.shape[3])) {
      return fusedConvolution(x, weight, bias, geometry, act, residual);
    }
    if (residual !== undefined) {
      return activation<tf.Rank.R4>(tf.add(conv2d(x, weight, bias, geometry), residual), act);
    }
    let { padding } = geometry;
    const isPadded = padding.some(([before, after]) => before > 0 || after > 0);
    if (isPadded && !takesExplicitPadding()) {
      x = tf.pad(x, [[0, 0], [...padding[0]], [...padding[1]], [0, 0]]);
      padding = noPadding;
    }
    const isStrided = stride.some((n) => n > 1);
    const filter = isStrided || isRecording() ? dilate(weight, dilation) : weight;
    const rate: [number, number] = filter === weight ? [...dilation] : [1, 1];
    const explicit: Pad = [[0, 0], [...padding[0]], [...padding[1]], [0, 0]];
    const pad = padding.some(([before, after]) => before > 0 || after > 0) ? explicit : "valid";
    const strides: [number, number] = [...stride];
    if (groups === 1) {
      return convBiasActivation(x, filter, bias, strides, pad, rate, act);
    }

    const [, , , inChannels] = x.shape;
    let y: tf.Tensor4D;
    if (groups === inChannels && (!isRecording() || hasKernel("DepthwiseConv2dNativeBackpropFilter"))) {
      const [height, width, , outChannels] = filter.shape;
      const depthwise: tf.Tensor4D = tf.reshape(filter, [height, width, inChannels, outChannels / inChannels]);
      if (!isRecording() && hasKernel("Convolution")) {
        return fusedDepthwise(x, depthwise, bias, strides, pad, rate, act);
      }
      y = tf.depthwiseConv2d(x, depthwise, strides, pad, "NHWC", rate);
    } else {
      const inputs: tf.Tensor4D[] = tf.split(x, groups, 3);
      const filters: tf.Tensor4D[] = tf.split(filter, groups, 3);
      const parts = inputs.map((part, i) => plainConv2d(part, at(filters, i), strides, pad, rate));
      y = tf.concat(parts, 3);
    }
    return activation<tf.Rank.R4>(bias === null ? y : tf.add(y, bias), act);
  });
}

/** A normalisation by running statistics, [C] each. */
export interface RunningNorm {
  readonly mean: tf.Tensor1D;
  readonly variance: tf.Tensor1D;
  readonly gamma: tf.Tensor1D;
  readonly beta: tf.Tensor1D;
  readonly epsilon: number;
}

/** A convolution as {@link conv2d}, with a normalisation behind the bias, before the residual, which its weights take in; without gradients. */
export function conv2dNormalized(
  x: tf.Tensor4D,
  weight: tf.Tensor4D,
  bias: tf.Tensor1D | null,
  geometry: Conv2dGeometry,
  norm: RunningNorm,
  act: ActivationName,
  residual: tf.Tensor4D | undefined,
): tf.Tensor4D {
  const { mean, variance, gamma, beta, epsilon } = norm;
  if (!hasKernel("ConvolutionNormalized")) {
    const { scale, shift } = foldedScale(mean, variance, gamma, beta, epsilon);
    const shifted = bias === null ? shift : (tf.add(tf.mul(bias, scale), shift) as tf.Tensor1D);
    return conv2d(x, tf.mul(weight, scale) as tf.Tensor4D, shifted, geometry, act, residual);
  }
  const { stride, padding, dilation, groups } = geometry;
  const [height, width, , outChannels] = weight.shape;
  const isDepthwise = groups > 1 && groups === x.shape[3];
  const fused = (act === "relu" || act === "relu6") && (residual === undefined || !isDepthwise) ? act : "linear";
  const filter = isDepthwise ? tf.reshape(weight, [height, width, groups, outChannels / groups]) : weight;
  const inputs: tf.NamedTensorMap = { x, filter, mean, variance, gamma, beta };
  if (bias !== null) {
    inputs.bias = bias;
  }
  if (residual !== undefined && !isDepthwise) {
    inputs.residual = residual;
  }
  const attributes = {
    strides: [...stride],
    pad: padding.flat(),
    dilations: [...dilation],
    groups,
    activation: fused,
    epsilon,
  };
  const kernel = isDepthwise ? "DepthwiseConvolutionNormalized" : "ConvolutionNormalized";
  const y: tf.Tensor4D = tf.engine().runKernel(kernel, inputs, attributes);
  if (residual !== undefined && isDepthwise) {
    return activation<tf.Rank.R4>(tf.add(y, residual), act);
  }
  return fused === act ? y : activation(y, act);
}

type Pair = [number, number];
/** Padding as TensorFlow.js takes it. */
export type Pad = "valid" | [Pair, Pair, Pair, Pair];
const noPadding = [
  [0, 0],
  [0, 0],
] as const;

/** The native engine's kernel: groups, dilation, bias, residual and activation in one pass, gradients included. */
function fusedConvolution(
  x: tf.Tensor4D,
  filter: tf.Tensor4D,
  bias: tf.Tensor1D | null,
  { stride, padding, dilation, groups }: Conv2dGeometry,
  act: ActivationName,
  residual: tf.Tensor4D | undefined,
): tf.Tensor4D {
  const fused = act === "relu" || act === "relu6" ? act : "linear";
  const inputs: tf.NamedTensorMap = { x, filter };
  if (bias !== null) {
    inputs.bias = bias;
  }
  if (residual !== undefined) {
    inputs.residual = residual;
  }
  const attributes = {
    strides: [...stride],
    pad: padding.flat(),
    dilations: [...dilation],
    groups,
    activation: fused,
    bias: bias !== null,
    residual: residual !== undefined,
  };
  const kernel = fused === "linear" ? "Convolution" : "ConvolutionActivation";
  const y: tf.Tensor4D = tf.engine().runKernel(kernel, inputs, attributes);
  return fused === act ? y : activation(y, act);
}

/** The native engine's kernel for channels by themselves, with bias and activation. */
function fusedDepthwise(
  x: tf.Tensor4D,
  filter: tf.Tensor4D,
  bias: tf.Tensor1D | null,
  strides: Pair,
  pad: Pad,
  dilations: Pair,
  act: ActivationName,
): tf.Tensor4D {
  const fused = act === "relu" || act === "relu6" ? act : "linear";
  const inputs: tf.NamedTensorMap = bias === null ? { x, filter } : { x, filter, bias };
  const attributes = { strides, pad, dataFormat: "NHWC", dilations, activation: fused };
  const y: tf.Tensor4D = tf.engine().runKernel("FusedDepthwiseConv2D", inputs, attributes);
  return fused === act ? y : activation(y, act);
}

/** Convolution, bias and activation in one kernel where the backend knows them. */
function convBiasActivation(
  x: tf.Tensor4D,
  filter: tf.Tensor4D,
  bias: tf.Tensor1D | null,
  strides: Pair,
  pad: Pad,
  dilations: Pair,
  act: ActivationName,
): tf.Tensor4D {
  if (!isRecording() && hasKernel("FusedConv2D")) {
    const fusable = act === "relu" || act === "identity";
    const y = tf.fused.conv2d({
      x,
      filter,
      strides,
      pad,
      dataFormat: "NHWC",
      dilations,
      ...(bias === null ? {} : { bias }),
      activation: act === "relu" ? "relu" : "linear",
    });
    return fusable ? y : activation(y, act);
  }
  const y = plainConv2d(x, filter, strides, pad, dilations);
  return activation<tf.Rank.R4>(bias === null ? y : tf.add(y, bias), act);
}

function plainConv2d(x: tf.Tensor4D, filter: tf.Tensor4D, strides: Pair, pad: Pad, dilations: Pair): tf.Tensor4D {
  if (isRecording() && !hasKernel("Conv2DBackpropFilter")) {
    return conv2dByProducts(x, filter, strides, pad);
  }
  return tf.conv2d(x, filter, strides, pad, "NHWC", dilations);
}

/** Puts zeros between the taps of a kernel: TensorFlow.js has no gradient for dilated convolutions, and dilates none that stride. */
export function dilate(filter: tf.Tensor4D, [rateY, rateX]: readonly [number, number]): tf.Tensor4D {
  if (rateY === 1 && rateX === 1) {
    return filter;
  }
  const [height, width, inChannels, outChannels] = filter.shape;
  const channels = inChannels * outChannels;
  const spread = tf.pad(tf.reshape(filter, [height, 1, width, channels]), [
    [0, 0],
    [0, rateY - 1],
    [0, 0],
    [0, 0],
  ]);
  const rows = tf.slice(
    tf.reshape(spread, [height * rateY, width, 1, channels]),
    [0, 0, 0, 0],
    [(height - 1) * rateY + 1, width, 1, channels],
  );
  const apart = tf.pad(rows, [
    [0, 0],
    [0, 0],
    [0, rateX - 1],
    [0, 0],
  ]);
  const wide: tf.Tensor4D = tf.reshape(apart, [rows.shape[0], width * rateX, inChannels, outChannels]);
  return tf.slice(wide, [0, 0, 0, 0], [wide.shape[0], (width - 1) * rateX + 1, inChannels, outChannels]);
}

/**
 * A convolution whose gradient for the kernel is made of matrix products, a tap each, for backends that lack the kernel
 * Conv2DBackpropFilter (WebAssembly).
 */
function conv2dByProducts(input: tf.Tensor4D, kernel: tf.Tensor4D, strides: Pair, pad: Pad): tf.Tensor4D {
  const op = customGradient((x: tf.Tensor4D, filter: tf.Tensor4D) => ({
    value: tf.conv2d(x, filter, strides, pad),
    saved: [x, filter],
    gradient: (dy, [savedX, savedFilter]) => {
      const attributes = { strides, pad, dataFormat: "NHWC", inputShape: savedX.shape };
      const dx: tf.Tensor = tf.engine().runKernel("Conv2DBackpropInput", { dy, filter: savedFilter }, attributes);
      return [dx, tapGradients(savedX, dy, savedFilter.shape, strides, pad)];
    },
  }));
  return op(input, kernel);
}

/** Gradient for each tap of the kernel: (what the tap saw)ᵀ dy. */
export function tapGradients(
  x: tf.Tensor4D,
  dy: tf.Tensor4D,
  [height, width, inChannels, outChannels]: readonly [number, number, number, number],
  [strideY, strideX]: Pair,
  pad: Pad,
): tf.Tensor4D {
  return tf.tidy(() => {
    const padded = pad === "valid" ? x : tf.pad(x, pad);
    const [batch, outHeight, outWidth] = dy.shape;
    const rows = batch * outHeight * outWidth;
    const gradient: tf.Tensor2D = tf.reshape(dy, [rows, outChannels]);
    const taps: tf.Tensor[] = [];
    for (let i = 0; i < height; i++) {
      for (let j = 0; j < width; j++) {
        const tap = tf.tidy(() => {
          const end = [batch, i + (outHeight - 1) * strideY + 1, j + (outWidth - 1) * strideX + 1, inChannels];
          const seen = tf.stridedSlice(padded, [0, i, j, 0], end, [1, strideY, strideX, 1]);
          return tf.matMul(tf.reshape<tf.Rank.R2>(seen, [rows, inChannels]), gradient, true, false);
        });
        taps.push(tap);
      }
    }
    return tf.reshape(tf.stack(taps), [height, width, inChannels, outChannels]);
  });
}
