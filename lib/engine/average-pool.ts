/** An average pool that PyTorch's users expect, with its gradient, as one kernel of the native backend. */
import {
  type NamedAttrMap,
  type NamedTensorMap,
  registerGradient,
  type Tensor,
  type Tensor4D,
  engine as tfEngine,
} from "@tensorflow/tfjs-core";
import { poolAttrs } from "./fused.ts";

function run(kernel: string, inputs: NamedTensorMap, attrs: object): Tensor4D {
  return tfEngine().runKernel(kernel, inputs, attrs as NamedAttrMap) as Tensor4D;
}

export interface AveragePoolOptions {
  readonly filterSize: readonly [height: number, width: number];
  readonly strides: readonly [height: number, width: number];
  /** Zeros around the image; default none. */
  readonly pad?: readonly [top: number, bottom: number, left: number, right: number];
  /** Whether those zeros count in the mean; default true, as in PyTorch. */
  readonly countIncludePad?: boolean;
}

/**
 * Means of the windows of x [N, H, W, C].
 *
 * @throws Error when the backend in use is not `native`
 */
export function averagePool(x: Tensor4D, options: AveragePoolOptions): Tensor4D {
  const attrs = {
    ...poolAttrs("averagePool", options),
    countIncludePad: options.countIncludePad ?? true,
    inputShape: x.shape,
  };
  return run("AveragePool", { x }, attrs);
}

/** Called once, when the backend is registered. */
export function registerAveragePoolGradient(): void {
  registerGradient({
    kernelName: "AveragePool",
    gradFunc: (dys, _, attrs) => {
      const dy = (Array.isArray(dys) ? dys[0] : dys) as Tensor;
      return { x: () => run("AveragePoolGrad", { dy }, attrs) };
    },
  });
  // It is linear in dy: what it shares out, means collect in return.
  registerGradient({
    kernelName: "AveragePoolGrad",
    gradFunc: (ddxs, _, attrs) => {
      const x = (Array.isArray(ddxs) ? ddxs[0] : ddxs) as Tensor;
      return { dy: () => run("AveragePool", { x }, attrs) };
    },
  });
}
