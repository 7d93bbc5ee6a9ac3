/** The three convolutions of an inverted residual block in evaluation, each with its normalization and activation, as one kernel. */
import type { TensorInfo } from "@tensorflow/tfjs-core";
import type { InvertedPart } from "../native-addon.ts";
import { activations } from "../native-numbers.ts";
import { convSizes } from "./convolution.ts";
import { type ConvolutionAttrs, depthwiseInfo, fusedConvolutionKernels, runningNorm } from "./fused-convolution.ts";
import { type KernelBody, type KernelCall, type KernelTable, kernelIn } from "./kernel.ts";

type Activation = ConvolutionAttrs["activation"];

/** Attributes of the kernel `InvertedResidual`; strides, padding and dilations are the second convolution's. */
export interface InvertedResidualAttrs extends Pick<ConvolutionAttrs, "strides" | "pad" | "dilations"> {
  readonly activations: readonly [widen: Activation, each: Activation, narrow: Activation];
  readonly epsilons: readonly [widen: number, each: number, narrow: number];
}

/** The inputs of a part, and its attributes, under the names that a convolution by itself has for them. */
function partOf({ inputs, attrs, backend }: KernelCall, i: 0 | 1 | 2, x: TensorInfo, more: object): KernelCall {
  const names = ["filter", "bias", "mean", "variance", "gamma", "beta"];
  const own = Object.fromEntries(names.map((name) => [name, inputs[`${name}${i}`]]));
  const { activations, epsilons }: InvertedResidualAttrs = attrs;
  const pointwise = { strides: [1, 1], pad: [0, 0, 0, 0], dilations: [1, 1], groups: 1 };
  return {
    backend,
    inputs: { x, ...own, residual: i === 2 ? inputs.residual : undefined },
    attrs: { ...pointwise, ...more, activation: activations[i], epsilon: epsilons[i] },
  };
}

/** What the native code takes of a part. */
function nativePart(part: KernelCall): InvertedPart {
  const { inputs, attrs, backend } = part;
  const { filter, bias } = inputs;
  const activation: Activation = attrs.activation;
  return [
    backend.values(filter),
    bias === undefined ? undefined : backend.values(bias),
    activations[activation],
    ...runningNorm(part),
  ];
}

/**
 * {x, residual?, and of each convolution `i` from 0 to 2: filter, bias?, mean, variance, gamma?, beta? with `i` behind the name} -> [N, H', W', O]. The first and
 * the third filter are [1, 1, C, O], the second is [height, width, C, 1].
 */
const invertedResidual: KernelBody = (call) => {
  const { backend, inputs, attrs } = call;
  const { x, residual, filter0, filter1, filter2 } = inputs;
  const { strides, pad, dilations }: InvertedResidualAttrs = attrs;
  const [batch, height, width, inChannels] = x.shape;
  const outChannels: number = filter2.shape[3];
  const info = depthwiseInfo(call, [batch, height, width, filter0.shape[3]], filter1.shape);
  const parts = [
    partOf(call, 0, x, {}),
    partOf(call, 1, x, { strides, pad, dilations }),
    partOf(call, 2, x, {}),
  ] as const;
  const y = backend.output([batch, info.outHeight, info.outWidth, outChannels]);
  const done = backend.addon.invertedResidual(
    convSizes(info),
    inChannels,
    outChannels,
    backend.values(x),
    residual === undefined ? undefined : backend.values(residual),
    y.values,
    ...nativePart(parts[0]),
    ...nativePart(parts[1]),
    ...nativePart(parts[2]),
  );
  if (done) {
    return y;
  }
  // Another implementation convolves, one by one.
  backend.disposeData(y.dataId);
  const widened = kernelIn(fusedConvolutionKernels, "ConvolutionNormalized")(parts[0]);
  const each = partOf(call, 1, widened, { strides, pad, dilations });
  const filtered = kernelIn(fusedConvolutionKernels, "DepthwiseConvolutionNormalized")(each);
  backend.disposeData(widened.dataId);
  const result = kernelIn(fusedConvolutionKernels, "ConvolutionNormalized")(partOf(call, 2, filtered, {}));
  backend.disposeData(filtered.dataId);
  return result;
};

export const invertedResidualKernels: KernelTable = { InvertedResidual: invertedResidual };
