/** Registers the backend `native` with tfjs: its own kernels, and the CPU backend's for everything else. */
import "@tensorflow/tfjs-backend-cpu";
import {
  getKernel,
  getKernelsForBackend,
  type KernelConfig,
  registerBackend,
  registerKernel,
} from "@tensorflow/tfjs-core";
import { attributeCheck } from "./arguments.ts";
import { registerAveragePoolGradient } from "./average-pool.ts";
import { NativeBackend } from "./backend.ts";
import { registerFusedGradients } from "./fused-gradients.ts";
import { averagePoolKernels } from "./kernels/average-pool.ts";
import { blockKernels } from "./kernels/blocks.ts";
import { convolutionKernels } from "./kernels/convolution.ts";
import { einsumKernels } from "./kernels/einsum.ts";
import { elementwiseKernels } from "./kernels/elementwise.ts";
import { complexKernels, fourierKernels } from "./kernels/fourier.ts";
import { fusedConvolutionKernels } from "./kernels/fused-convolution.ts";
import { integerKernels, withAttempts } from "./kernels/integers.ts";
import { cheapKernels, fallBack, type KernelBody, type KernelCall } from "./kernels/kernel.ts";
import { matMulKernels } from "./kernels/matmul.ts";
import { movementKernels } from "./kernels/movement.ts";
import { normalizationKernels } from "./kernels/normalization.ts";
import { placeKernels } from "./kernels/places.ts";
import { poolingKernels } from "./kernels/pooling.ts";
import { programKernels } from "./kernels/program.ts";
import { reductionKernels } from "./kernels/reduction.ts";
import type { Loaded } from "./native.ts";
import { profiled } from "./profiler.ts";
import { mendGradients, replaceGradients } from "./replaced-gradients.ts";

export const backendName = "native";

/** Before the WebAssembly backend (2) and tfjs-node (3) where nobody chooses. */
const priority = 4;

const otherwise =
  (name: string): KernelBody =>
  (call) =>
    fallBack(name, call);

/** All kernels that are native, by name. */
const nativeKernels: Readonly<Record<string, KernelBody>> = {
  ...withAttempts(withAttempts(elementwiseKernels, integerKernels, otherwise), complexKernels, otherwise),
  ...reductionKernels,
  ...movementKernels,
  ...convolutionKernels,
  ...fusedConvolutionKernels,
  ...matMulKernels,
  ...poolingKernels,
  ...normalizationKernels,
  ...averagePoolKernels,
  ...placeKernels,
  ...einsumKernels,
  ...blockKernels,
  ...fourierKernels,
  ...programKernels,
};

/** The names of all kernels that run natively. */
export function nativeKernelNames(): string[] {
  return Object.keys(nativeKernels);
}

/** The names of all kernels that run in plain JavaScript, apart from those that only count references or look at shapes. */
export function fallbackKernelNames(): string[] {
  return getKernelsForBackend("cpu")
    .map(({ kernelName }) => kernelName)
    .filter((name) => nativeKernels[name] === undefined && !cheapKernels.has(name));
}

mendGradients();

export function registerNative({ addon, regions }: Loaded): void {
  if (getKernel("Conv2D", backendName) !== undefined) {
    return;
  }
  const start = (): NativeBackend => {
    replaceGradients();
    return new NativeBackend(addon, regions);
  };
  registerBackend(backendName, start, priority);
  for (const [kernelName, body] of Object.entries(nativeKernels)) {
    register(kernelName, body, true);
  }
  for (const { kernelName } of getKernelsForBackend("cpu")) {
    if (nativeKernels[kernelName] === undefined) {
      register(kernelName, (call) => fallBack(kernelName, call), false);
    }
  }
  registerFusedGradients();
  registerAveragePoolGradient();
}

function register(kernelName: string, body: KernelBody, native: boolean): void {
  const watched = profiled(kernelName, body, native);
  const check = attributeCheck(kernelName);
  const kernelFunc: KernelConfig["kernelFunc"] = (call) => {
    check?.(call.attrs ?? {});
    return watched(call as KernelCall);
  };
  registerKernel({ kernelName, backendName, kernelFunc });
}
