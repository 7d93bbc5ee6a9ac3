/** Normalizations, softmax and cross-entropy, fused with what stands beside them in networks. */
import type { TensorInfo } from "@tensorflow/tfjs-core";
import { activations, binaryOps, unaryOps } from "../native-numbers.ts";
import { runBinary } from "./elementwise.ts";
import { fallBack, isFloat, type KernelBody, type KernelCall, type KernelTable, product } from "./kernel.ts";

function lastOf(shape: readonly number[]): number {
  return shape[shape.length - 1] ?? 1;
}

function optional({ backend }: KernelCall, tensor: TensorInfo | undefined): Float32Array | undefined {
  return tensor === undefined ? undefined : backend.values(tensor);
}

function activationOf(call: KernelCall): number {
  const name: keyof typeof activations = call.attrs.activation ?? "linear";
  return activations[name];
}

/** The same with means and variances that are not the channels', as a normalization of layers has them: whatever broadcasts with x. */
function normalizeByRows(call: KernelCall): TensorInfo {
  const { backend, inputs, attrs } = call;
  const { x, mean, variance, offset, scale } = inputs;
  const epsilon = Float32Array.of(attrs.varianceEpsilon ?? 0.001);
  const factors = backend.output(variance.shape);
  const count = factors.values.length;
  const flat = Int32Array.of(1, count, 1, 0);
  backend.addon.binary(binaryOps.indexOf("Add"), backend.values(variance), epsilon, factors.values, flat);
  backend.addon.unary(unaryOps.indexOf("Rsqrt"), factors.values, factors.values, count, 0, 0);
  let y = runBinary(call, "Sub", x, mean);
  const then = (op: string, by: TensorInfo): void => {
    const next = runBinary(call, op, y, by);
    backend.disposeData(y.dataId);
    y = next;
  };
  then("Multiply", factors);
  backend.disposeData(factors.dataId);
  if (scale !== undefined) {
    then("Multiply", scale);
  }
  if (offset !== undefined) {
    then("Add", offset);
  }
  return y;
}

/** {x, mean, variance, offset?, scale?, residual?} -> act((x - mean) / sqrt(variance + epsilon) * scale + offset + residual) */
const fusedBatchNorm: KernelBody = (call) => {
  const { backend, inputs, attrs } = call;
  const { x, mean, variance, offset, scale, residual } = inputs;
  const channels = lastOf(x.shape);
  const perChannel = [mean, variance, offset, scale].every(
    (tensor?: TensorInfo) =>
      tensor === undefined || (product(tensor.shape) === channels && lastOf(tensor.shape) === channels),
  );
  if (!isFloat(x, mean, variance, offset, scale, residual)) {
    return fallBack("FusedBatchNorm", call);
  }
  if (!perChannel && residual === undefined && activationOf(call) === activations.linear) {
    return normalizeByRows(call);
  }
  if (!perChannel) {
    return fallBack("FusedBatchNorm", call);
  }
  const y = backend.output(x.shape);
  const means = backend.values(mean);
  const variances = backend.values(variance);
  const offsets = optional(call, offset);
  const scales = optional(call, scale);
  const slope = new Float32Array(channels);
  const shift = new Float32Array(channels);
  for (let c = 0; c < channels; c++) {
    const factor = (scales?.[c] ?? 1) / Math.sqrt((variances[c] ?? 0) + (attrs.varianceEpsilon ?? 0.001));
    slope[c] = factor;
    shift[c] = (offsets?.[c] ?? 0) - (means[c] ?? 0) * factor;
  }
  const rows = channels === 0 ? 0 : product(x.shape) / channels;
  backend.addon.affine(
    backend.values(x),
    slope,
    shift,
    optional(call, residual),
    y.values,
    rows,
    channels,
    activationOf(call),
  );
  return y;
};

/** {running, value}, a number a channel each -> running * (1 - share) + value * factor * share, rounded as single operations would. */
const runningAverage: KernelBody = ({ backend, inputs, attrs }) => {
  const { running, value } = inputs;
  const [old, more] = [backend.values(running), backend.values(value)];
  const [rest, share, factor] = [1 - attrs.share, attrs.share, attrs.factor].map(Math.fround) as [
    number,
    number,
    number,
  ];
  const y = backend.output(running.shape);
  for (let c = 0; c < y.values.length; c++) {
    y.values[c] =
      Math.fround((old[c] as number) * rest) + Math.fround(Math.fround((more[c] as number) * factor) * share);
  }
  return y;
};

/** {x, gamma, beta, residual?} -> [y, mean, variance (biased), 1 / sqrt(variance + epsilon)] */
const batchNormTraining: KernelBody = (call) => {
  const { backend, inputs, attrs } = call;
  const { x, gamma, beta, residual } = inputs;
  const channels = lastOf(x.shape);
  const y = backend.output(x.shape);
  const mean = backend.output([channels]);
  const variance = backend.output([channels]);
  const inverse = backend.output([channels]);
  backend.addon.batchNorm(
    backend.values(x),
    optional(call, gamma),
    optional(call, beta),
    optional(call, residual),
    y.values,
    mean.values,
    variance.values,
    inverse.values,
    channels === 0 ? 0 : product(x.shape) / channels,
    channels,
    attrs.epsilon,
    activationOf(call),
  );
  return [y, mean, variance, inverse];
};

/** {dy, x, y?, gamma, beta, mean, inverse} -> [dx, dgamma, dbeta, dresidual?] */
const batchNormTrainingGrad: KernelBody = (call) => {
  const { backend, inputs, attrs } = call;
  const { dy, x, y, gamma, beta, mean, inverse } = inputs;
  const channels = lastOf(x.shape);
  const activation = activationOf(call);
  const dx = backend.output(x.shape);
  const dgamma = backend.output([channels]);
  const dbeta = backend.output([channels]);
  const dresidual = attrs.residual && activation !== activations.linear ? backend.output(x.shape) : undefined;
  backend.addon.batchNormGrad(
    backend.values(dy),
    backend.values(x),
    optional(call, y),
    optional(call, gamma),
    optional(call, beta),
    backend.values(mean),
    backend.values(inverse),
    dx.values,
    dgamma.values,
    dbeta.values,
    dresidual?.values,
    channels === 0 ? 0 : product(x.shape) / channels,
    channels,
    attrs.epsilon ?? 0,
    activation,
  );
  return dresidual === undefined ? [dx, dgamma, dbeta] : [dx, dgamma, dbeta, dresidual];
};

function groupSizes(x: TensorInfo, groups: number): [images: number, pixels: number, channels: number, groups: number] {
  const channels = lastOf(x.shape);
  const images = x.shape.length > 1 ? (x.shape[0] ?? 0) : 1;
  return [images, product(x.shape, 1, x.shape.length - 1), channels, groups];
}

/** {x [N, ..., C], gamma?, beta?} -> [y, mean [N * groups], inverse [N * groups]] */
const groupNorm: KernelBody = (call) => {
  const { backend, inputs, attrs } = call;
  const x: TensorInfo = inputs.x;
  const sizes = groupSizes(x, attrs.groups);
  const y = backend.output(x.shape);
  const mean = backend.output([sizes[0] * attrs.groups]);
  const inverse = backend.output([sizes[0] * attrs.groups]);
  const [gamma, beta] = [optional(call, inputs.gamma), optional(call, inputs.beta)];
  backend.addon.groupNorm(
    backend.values(x),
    gamma,
    beta,
    y.values,
    mean.values,
    inverse.values,
    ...sizes,
    attrs.epsilon,
  );
  return [y, mean, inverse];
};

/** {dy, x, gamma?, mean, inverse} -> [dx, dgamma, dbeta] */
const groupNormGrad: KernelBody = (call) => {
  const { backend, inputs, attrs } = call;
  const { dy, x, gamma, mean, inverse } = inputs;
  const sizes = groupSizes(x, attrs.groups);
  const dx = backend.output(x.shape);
  const dgamma = backend.output([sizes[2]]);
  const dbeta = backend.output([sizes[2]]);
  backend.addon.groupNormGrad(
    backend.values(dy),
    backend.values(x),
    optional(call, gamma),
    backend.values(mean),
    backend.values(inverse),
    dx.values,
    dgamma.values,
    dbeta.values,
    ...sizes,
    attrs.epsilon ?? 0,
  );
  return [dx, dgamma, dbeta];
};

function softmaxKernel(name: string, input: string, logarithm: boolean): KernelBody {
  return (call) => {
    const { backend } = call;
    const x: TensorInfo = call.inputs[input];
    const dim: number = call.attrs.dim ?? call.attrs.axis ?? -1;
    if (!isFloat(x) || (dim !== -1 && dim !== x.shape.length - 1)) {
      return fallBack(name, call);
    }
    const classes = lastOf(x.shape);
    const y = backend.output(x.shape);
    const rows = classes === 0 ? 0 : y.values.length / classes;
    backend.addon.softmax(backend.values(x), y.values, rows, classes, logarithm);
    return y;
  };
}

/** {logits [N, C], labels int32 [N] or float32 [N, C]} -> [loss [N], gradient [N, C]] */
const softmaxCrossEntropy: KernelBody = (call) => {
  const { backend, inputs, attrs } = call;
  const { logits, labels }: { logits: TensorInfo; labels: TensorInfo } = inputs;
  const [rows = 0, classes = 0] = logits.shape;
  const loss = backend.output([rows]);
  const gradient = backend.output([rows, classes]);
  if (rows === 0) {
    return [loss, gradient];
  }
  const whole = labels.dtype === "int32";
  backend.addon.crossEntropy(
    backend.values(logits),
    whole ? backend.ints(labels) : undefined,
    whole ? undefined : backend.values(labels),
    loss.values,
    gradient.values,
    rows,
    classes,
    attrs.labelSmoothing ?? 0,
  );
  return [loss, gradient];
};

export const normalizationKernels: KernelTable = {
  FusedBatchNorm: fusedBatchNorm,
  RunningAverage: runningAverage,
  BatchNormTraining: batchNormTraining,
  BatchNormTrainingResidual: batchNormTraining,
  BatchNormTrainingGrad: batchNormTrainingGrad,
  GroupNorm: groupNorm,
  GroupNormGrad: groupNormGrad,
  Softmax: softmaxKernel("Softmax", "logits", false),
  LogSoftmax: softmaxKernel("LogSoftmax", "logits", true),
  SoftmaxCrossEntropy: softmaxCrossEntropy,
};
