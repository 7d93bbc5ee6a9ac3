/**
 * Average pools as PyTorch has them, which count the border or leave it out, with the gradient of what they did. (tfjs leaves the border
 * out, and its gradient counts it.)
 */
import type { TensorInfo } from "@tensorflow/tfjs-core";
import type { KernelBody, KernelTable } from "./kernel.ts";
import { infoOf, poolSizes } from "./pooling.ts";

/** {x [N, H, W, C]} -> y */
const averagePool: KernelBody = (call) => {
  const { backend, inputs, attrs } = call;
  const x: TensorInfo = inputs.x;
  const info = infoOf(call, x.shape);
  const y = backend.output(info.outShape);
  backend.addon.avgPool(poolSizes(info, { countPad: attrs.countIncludePad }), backend.values(x), y.values);
  return y;
};

/** {dy} -> dx of attrs.inputShape */
const averagePoolGrad: KernelBody = (call) => {
  const { backend, inputs, attrs } = call;
  const info = infoOf(call, attrs.inputShape);
  const dx = backend.output(info.inShape);
  backend.addon.avgPoolGrad(poolSizes(info, { countPad: attrs.countIncludePad }), backend.values(inputs.dy), dx.values);
  return dx;
};

export const averagePoolKernels: KernelTable = { AveragePool: averagePool, AveragePoolGrad: averagePoolGrad };
