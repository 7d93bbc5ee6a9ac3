/** Convolutions, depthwise ones, and their gradients. */
import { backend_util, type Tensor4D, type TensorInfo } from "@tensorflow/tfjs-core";
import { activations } from "../native-numbers.ts";
import { roundsFactors } from "../precision.ts";
import { runBinary, runUnary } from "./elementwise.ts";
import { fallBack, isFloat, type KernelBody, type KernelCall, type KernelTable } from "./kernel.ts";

type Conv2DInfo = backend_util.Conv2DInfo;
type Shape4D = Tensor4D["shape"];

/** The sizes of a convolution as the native code reads them. */
export function convSizes(info: Conv2DInfo, groups = 1): Int32Array {
  return Int32Array.of(
    info.batchSize,
    info.inHeight,
    info.inWidth,
    info.inChannels,
    info.outHeight,
    info.outWidth,
    info.outChannels,
    info.filterHeight,
    info.filterWidth,
    info.strideHeight,
    info.strideWidth,
    info.padInfo.top,
    info.padInfo.left,
    info.dilationHeight,
    info.dilationWidth,
    groups,
  );
}

function infoOf(
  call: KernelCall,
  inShape: Shape4D,
  filterShape: Shape4D,
  dilations: number | [number, number],
  depthwise: boolean,
): Conv2DInfo | undefined {
  const { strides, pad, dataFormat, dimRoundingMode } = call.attrs;
  if (dataFormat !== undefined && dataFormat !== "NHWC" && dataFormat !== "channelsLast") {
    return undefined;
  }
  return backend_util.computeConv2DInfo(
    inShape,
    filterShape,
    strides,
    dilations ?? 1,
    pad,
    dimRoundingMode,
    depthwise,
    "channelsLast",
  );
}

/** Activations that convolutions and products apply on the way out; others are a kernel behind them. */
export function fusedActivation(name: string | undefined): number {
  return name === "relu" ? activations.relu : name === "relu6" ? activations.relu6 : activations.linear;
}

/** Applies what {@link fusedActivation} could not, and frees the tensor it replaces. */
export function finishActivation(call: KernelCall, y: TensorInfo): TensorInfo {
  const name: string = call.attrs.activation ?? "linear";
  if (name === "linear" || name === "relu" || name === "relu6") {
    return y;
  }
  const op = { elu: "Elu", sigmoid: "Sigmoid", leakyrelu: "LeakyRelu" }[name];
  const done =
    name === "prelu"
      ? runBinary(call, "Prelu", y, call.inputs.preluActivationWeights)
      : runUnary(call, op ?? "Copy", y, call.attrs.leakyreluAlpha ?? 0.2);
  call.backend.disposeData(y.dataId);
  return done;
}

export function canFinish(activation: string | undefined): boolean {
  return ["linear", "relu", "relu6", "elu", "sigmoid", "leakyrelu", "prelu"].includes(activation ?? "linear");
}

const conv2D: KernelBody = (call) => {
  const { backend, inputs, attrs } = call;
  const { x, filter } = inputs;
  const info = isFloat(x, filter) ? infoOf(call, x.shape, filter.shape, attrs.dilations, false) : undefined;
  if (info === undefined) {
    return fallBack("Conv2D", call);
  }
  // tfjs lets the filter have fewer input channels than the image: a convolution in groups.
  const groups = info.inChannels / filter.shape[2];
  const y = backend.output(info.outShape);
  const { values, version } = backend.weights(filter);
  backend.addon.conv2d(
    convSizes(info, groups),
    backend.values(x),
    values,
    undefined,
    undefined,
    activations.linear,
    y.values,
    roundsFactors(),
    version,
  );
  return y;
};

const fusedConv2D: KernelBody = (call) => {
  const { backend, inputs, attrs } = call;
  const { x, filter, bias, preluActivationWeights } = inputs;
  const info =
    isFloat(x, filter, bias, preluActivationWeights) && canFinish(attrs.activation)
      ? infoOf(call, x.shape, filter.shape, attrs.dilations, false)
      : undefined;
  if (info === undefined || (bias !== undefined && bias.shape.length > 1)) {
    return fallBack("FusedConv2D", call);
  }
  const y = backend.output(info.outShape);
  const { values, version } = backend.weights(filter);
  backend.addon.conv2d(
    convSizes(info, info.inChannels / filter.shape[2]),
    backend.values(x),
    values,
    biasValues(call, bias, info.outChannels),
    undefined,
    fusedActivation(attrs.activation),
    y.values,
    roundsFactors(),
    version,
  );
  return finishActivation(call, y);
};

/** A bias of one value stands for all channels. */
export function biasValues(
  { backend }: KernelCall,
  bias: TensorInfo | undefined,
  channels: number,
): Float32Array | undefined {
  if (bias === undefined) {
    return undefined;
  }
  const values = backend.values(bias);
  return values.length === 1 && channels !== 1 ? new Float32Array(channels).fill(values[0] ?? 0) : values;
}

/** Whether a gradient has the size that the convolution gives; tfjs lets transposed convolutions ask for others. */
function fits(info: Conv2DInfo | undefined, dy: TensorInfo): info is Conv2DInfo {
  return info !== undefined && dy.shape[1] === info.outHeight && dy.shape[2] === info.outWidth;
}

const conv2DBackpropInput: KernelBody = (call) => {
  const { backend, inputs, attrs } = call;
  const { dy, filter } = inputs;
  const info = isFloat(dy, filter) ? infoOf(call, attrs.inputShape, filter.shape, 1, false) : undefined;
  if (!fits(info, dy)) {
    return fallBack("Conv2DBackpropInput", call);
  }
  const dx = backend.output(info.inShape);
  backend.addon.conv2dInputGrad(
    convSizes(info, info.inChannels / filter.shape[2]),
    backend.values(dy),
    backend.values(filter),
    dx.values,
  );
  return dx;
};

const conv2DBackpropFilter: KernelBody = (call) => {
  const { backend, inputs, attrs } = call;
  const { x, dy } = inputs;
  const info = isFloat(x, dy) ? infoOf(call, x.shape, attrs.filterShape, 1, false) : undefined;
  if (!fits(info, dy)) {
    return fallBack("Conv2DBackpropFilter", call);
  }
  const dw = backend.output(attrs.filterShape);
  backend.addon.conv2dFilterGrad(
    convSizes(info, info.inChannels / attrs.filterShape[2]),
    backend.values(x),
    backend.values(dy),
    dw.values,
    undefined,
  );
  return dw;
};

const depthwise: KernelBody = (call) => {
  const { backend, inputs, attrs } = call;
  const { x, filter } = inputs;
  const info = isFloat(x, filter) ? infoOf(call, x.shape, filter.shape, attrs.dilations, true) : undefined;
  if (info === undefined) {
    return fallBack("DepthwiseConv2dNative", call);
  }
  const y = backend.output(info.outShape);
  backend.addon.depthwise(convSizes(info), backend.values(x), backend.values(filter), undefined, 0, y.values);
  return y;
};

const fusedDepthwise: KernelBody = (call) => {
  const { backend, inputs, attrs } = call;
  const { x, filter, bias, preluActivationWeights } = inputs;
  const info =
    isFloat(x, filter, bias, preluActivationWeights) && canFinish(attrs.activation)
      ? infoOf(call, x.shape, filter.shape, attrs.dilations, true)
      : undefined;
  if (info === undefined || (bias !== undefined && bias.shape.length > 1)) {
    return fallBack("FusedDepthwiseConv2D", call);
  }
  const y = backend.output(info.outShape);
  backend.addon.depthwise(
    convSizes(info),
    backend.values(x),
    backend.values(filter),
    biasValues(call, bias, info.outChannels),
    fusedActivation(attrs.activation),
    y.values,
  );
  return finishActivation(call, y);
};

const depthwiseBackpropInput: KernelBody = (call) => {
  const { backend, inputs, attrs } = call;
  const { dy, filter } = inputs;
  const info = isFloat(dy, filter) ? infoOf(call, attrs.inputShape, filter.shape, attrs.dilations, true) : undefined;
  if (!fits(info, dy)) {
    return fallBack("DepthwiseConv2dNativeBackpropInput", call);
  }
  const dx = backend.output(info.inShape);
  backend.addon.depthwiseInputGrad(convSizes(info), backend.values(dy), backend.values(filter), dx.values);
  return dx;
};

const depthwiseBackpropFilter: KernelBody = (call) => {
  const { backend, inputs, attrs } = call;
  const { x, dy } = inputs;
  const info = isFloat(x, dy) ? infoOf(call, x.shape, attrs.filterShape, attrs.dilations, true) : undefined;
  if (!fits(info, dy)) {
    return fallBack("DepthwiseConv2dNativeBackpropFilter", call);
  }
  const dw = backend.output(attrs.filterShape);
  backend.addon.depthwiseFilterGrad(convSizes(info), backend.values(x), backend.values(dy), dw.values);
  return dw;
};

export const convolutionKernels: KernelTable = {
  Conv2D: conv2D,
  FusedConv2D: fusedConv2D,
  Conv2DBackpropInput: conv2DBackpropInput,
  Conv2DBackpropFilter: conv2DBackpropFilter,
  DepthwiseConv2dNative: depthwise,
  FusedDepthwiseConv2D: fusedDepthwise,
  DepthwiseConv2dNativeBackpropInput: depthwiseBackpropInput,
  DepthwiseConv2dNativeBackpropFilter: depthwiseBackpropFilter,
};
