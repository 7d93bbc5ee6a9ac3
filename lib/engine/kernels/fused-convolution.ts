/** Convolutions with groups, dilation, bias, residual and activation in one kernel, with gradients for all of them; in evaluation with a normalization, too. */
import { backend_util, type Tensor4D, type TensorInfo } from "@tensorflow/tfjs-core";
import type { RunningNorm } from "../native-addon.ts";
import { activations } from "../native-numbers.ts";
import { roundsFactors } from "../precision.ts";
import { convSizes } from "./convolution.ts";
import type { KernelBody, KernelCall, KernelTable } from "./kernel.ts";

type Shape4D = Tensor4D["shape"];

/** Attributes of the kernel `Convolution` and its gradients. */
export interface ConvolutionAttrs {
  readonly strides: readonly [height: number, width: number];
  /** Pixels of zeros at top, bottom, left and right. */
  readonly pad: readonly [top: number, bottom: number, left: number, right: number];
  readonly dilations: readonly [height: number, width: number];
  readonly groups: number;
  readonly activation: "linear" | "relu" | "relu6";
}

/** Sizes of a convolution with these attributes; filters are [height, width, C / groups, O]. */
export function convolutionInfo(
  { attrs }: Pick<KernelCall, "attrs">,
  inShape: Shape4D,
  filterShape: Shape4D,
): backend_util.Conv2DInfo {
  const { strides, pad, dilations, groups }: ConvolutionAttrs = attrs;
  const [height, width, inChannels, outChannels] = filterShape;
  const [top, bottom, left, right] = pad;
  return backend_util.computeConv2DInfo(
    inShape,
    [height, width, inChannels * groups, outChannels],
    [...strides],
    [...dilations],
    [
      [0, 0],
      [top, bottom],
      [left, right],
      [0, 0],
    ],
    "floor",
    false,
    "channelsLast",
  );
}

/** The same for channels by themselves; filters are [height, width, C, multiplier]. */
export function depthwiseInfo(
  { attrs }: Pick<KernelCall, "attrs">,
  inShape: Shape4D,
  [height, width, channels, multiplier]: Shape4D,
): backend_util.Conv2DInfo {
  return convolutionInfo({ attrs: { ...attrs, groups: channels } }, inShape, [height, width, 1, channels * multiplier]);
}

/** The arrays of inputs `mean`, `variance`, `gamma?` and `beta?`, a number a channel each, with the attribute `epsilon`. */
export function runningNorm({ backend, inputs, attrs }: KernelCall): RunningNorm {
  const { mean, variance, gamma, beta } = inputs;
  const optional = (tensor: TensorInfo | undefined) => (tensor === undefined ? undefined : backend.values(tensor));
  return [backend.values(mean), backend.values(variance), optional(gamma), optional(beta), attrs.epsilon];
}

function convolve(call: KernelCall, ...norm: [] | RunningNorm): TensorInfo {
  const { backend, inputs, attrs } = call;
  const { x, filter, bias, residual } = inputs;
  const { groups, activation }: ConvolutionAttrs = attrs;
  const info = convolutionInfo(call, x.shape, filter.shape);
  const y = backend.output(info.outShape);
  const { values, version } = backend.weights(filter);
  backend.addon.conv2d(
    convSizes(info, groups),
    backend.values(x),
    values,
    bias === undefined ? undefined : backend.values(bias),
    residual === undefined ? undefined : backend.values(residual),
    activations[activation],
    y.values,
    roundsFactors(),
    version,
    ...norm,
  );
  return y;
}

const convolution: KernelBody = (call) => convolve(call);

/** {x, filter, bias?, residual?, mean, variance, gamma?, beta?} -> act((conv(x) + bias - mean) / sqrt(variance + epsilon) * gamma + beta + residual) */
const convolutionNormalized: KernelBody = (call) => convolve(call, ...runningNorm(call));

/** The same, without a residual, for channels by themselves, [H, W, C, multiplier]. */
const depthwiseConvolutionNormalized: KernelBody = (call) => {
  const { backend, inputs, attrs } = call;
  const { x, filter, bias } = inputs;
  const { activation }: ConvolutionAttrs = attrs;
  const info = depthwiseInfo(call, x.shape, filter.shape);
  const y = backend.output(info.outShape);
  backend.addon.depthwise(
    convSizes(info),
    backend.values(x),
    backend.values(filter),
    bias === undefined ? undefined : backend.values(bias),
    activations[activation],
    y.values,
    ...runningNorm(call),
  );
  return y;
};

/** {dy, filter} -> dx */
const convolutionInputGrad: KernelBody = (call) => {
  const { backend, inputs, attrs } = call;
  const { dy, filter } = inputs;
  const info = convolutionInfo(call, attrs.inputShape, filter.shape);
  const dx = backend.output(info.inShape);
  backend.addon.conv2dInputGrad(convSizes(info, attrs.groups), backend.values(dy), backend.values(filter), dx.values);
  return dx;
};

/** {x, dy} -> [dfilter, dbias]; without a bias, dbias is left out. */
const convolutionFilterGrad: KernelBody = (call) => {
  const { backend, inputs, attrs } = call;
  const { x, dy } = inputs;
  const info = convolutionInfo(call, x.shape, attrs.filterShape);
  const dfilter = backend.output(attrs.filterShape);
  const dbias = attrs.bias ? backend.output([info.outChannels]) : undefined;
  const sizes = convSizes(info, attrs.groups);
  backend.addon.conv2dFilterGrad(sizes, backend.values(x), backend.values(dy), dfilter.values, dbias?.values);
  return dbias === undefined ? [dfilter] : [dfilter, dbias];
};

export const fusedConvolutionKernels: KernelTable = {
  Convolution: convolution,
  // The same, for when an activation makes the gradient need y.
  ConvolutionActivation: convolution,
  ConvolutionNormalized: convolutionNormalized,
  DepthwiseConvolutionNormalized: depthwiseConvolutionNormalized,
  ConvolutionInputGrad: convolutionInputGrad,
  ConvolutionFilterGrad: convolutionFilterGrad,
};
