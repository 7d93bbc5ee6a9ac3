/** An average pool that PyTorch's users expect, with its gradient, as one kernel of the native backend. */
import { registerGradient, type Tensor4D } from "@tensorflow/tfjs-core";
import { checkFloats } from "./arguments.ts";
import { first, gradient, run } from "./differentiation/gradient.ts";
import { poolAttrs } from "./fused.ts";

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
 * @throws {ArgumentError} for a tensor that is not of float32, and options that are no sizes
 * @throws Error when the backend in use is not `native`
 */
export function averagePool(x: Tensor4D, options: AveragePoolOptions): Tensor4D {
  checkFloats("averagePool", { x });
  const attrs = {
    ...poolAttrs("averagePool", options),
    countIncludePad: options.countIncludePad ?? true,
    inputShape: x.shape,
  };
  return run<Tensor4D>("AveragePool", { x }, attrs);
}

/** Called once, when the backend is registered. */
export function registerAveragePoolGradient(): void {
  registerGradient(
    gradient({
      kernelName: "AveragePool",
      gradFunc: (dys, _, attrs) => ({ x: () => run("AveragePoolGrad", { dy: first(dys) }, attrs) }),
    }),
  );
  // It is linear in dy: what it shares out, means collect in return.
  registerGradient(
    gradient({
      kernelName: "AveragePoolGrad",
      gradFunc: (ddxs, _, attrs) => ({ dy: () => run("AveragePool", { x: first(ddxs) }, attrs) }),
    }),
  );
}
