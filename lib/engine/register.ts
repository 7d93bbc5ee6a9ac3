/** Registers the backend `native` with tfjs: its own kernels, and the CPU backend's for everything else that there may be. */
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
import type { Loaded } from "./host.ts";
import { averagePoolKernels } from "./kernels/average-pool.ts";
import { blockKernels } from "./kernels/blocks.ts";
import { boxKernels } from "./kernels/boxes.ts";
import { convolutionKernels } from "./kernels/convolution.ts";
import { countingKernels } from "./kernels/counting.ts";
import { cropKernels } from "./kernels/crops.ts";
import { drawKernels } from "./kernels/draw.ts";
import { einsumKernels } from "./kernels/einsum.ts";
import { elementwiseKernels } from "./kernels/elementwise.ts";
import { complexKernels, fourierKernels } from "./kernels/fourier.ts";
import { fusedConvolutionKernels } from "./kernels/fused-convolution.ts";
import { integerKernels, withAttempts } from "./kernels/integers.ts";
import { invertedResidualKernels } from "./kernels/inverted-residual.ts";
import { cheapKernels, fallBack, type KernelBody, type KernelCall } from "./kernels/kernel.ts";
import { matMulKernels } from "./kernels/matmul.ts";
import { morphologyKernels } from "./kernels/morphology.ts";
import { movementKernels } from "./kernels/movement.ts";
import { normalizationKernels } from "./kernels/normalization.ts";
import { otherTypeKernels } from "./kernels/other-types.ts";
import { placeKernels } from "./kernels/places.ts";
import { poolingKernels } from "./kernels/pooling.ts";
import { programKernels } from "./kernels/program.ts";
import { reductionKernels } from "./kernels/reduction.ts";
import { responseKernels } from "./kernels/response.ts";
import { sequenceKernels } from "./kernels/sequences.ts";
import { sparseKernels } from "./kernels/sparse.ts";
import { stringKernels } from "./kernels/strings.ts";
import { volumePoolingKernels } from "./kernels/volume-pooling.ts";
import { volumeKernels } from "./kernels/volumes.ts";
import { profiled } from "./profiler.ts";
import { mendGradients, replaceGradients } from "./replaced-gradients.ts";

export const backendName = "native";

/** Before the WebAssembly backend (2) and tfjs-node (3) where nobody chooses. */
const priority = 4;

const otherwise =
  (name: string): KernelBody =>
  (call) =>
    fallBack(name, call);

/** Kernels that are loops in TypeScript over this backend's memory, by name. */
const scriptKernels: Readonly<Record<string, KernelBody>> = {
  ...boxKernels,
  ...countingKernels,
  ...cropKernels,
  ...drawKernels,
  ...morphologyKernels,
  ...sequenceKernels,
  ...sparseKernels,
  ...stringKernels,
};

/** All kernels that are native, by name. */
const nativeOnes: Readonly<Record<string, KernelBody>> = {
  ...withAttempts(withAttempts(elementwiseKernels, integerKernels, otherwise), complexKernels, otherwise),
  ...reductionKernels,
  ...movementKernels,
  ...convolutionKernels,
  ...fusedConvolutionKernels,
  ...invertedResidualKernels,
  ...matMulKernels,
  ...poolingKernels,
  ...normalizationKernels,
  ...averagePoolKernels,
  ...placeKernels,
  ...einsumKernels,
  ...blockKernels,
  ...fourierKernels,
  ...programKernels,
  ...responseKernels,
  ...volumeKernels,
  ...volumePoolingKernels,
};

const nativeKernels = withAttempts(nativeOnes, otherTypeKernels, otherwise);

/** The names of all kernels of the engine's own. */
export function ownKernelNames(): string[] {
  return [...Object.keys(nativeKernels), ...Object.keys(scriptKernels)];
}

/** The names of all kernels that run as the CPU backend's, apart from those that only count references or look at shapes. */
export function fallbackKernelNames(): string[] {
  return getKernelsForBackend("cpu")
    .map(({ kernelName }) => kernelName)
    .filter((name) => !isOwn(name) && !cheapKernels.has(name));
}

function isOwn(name: string): boolean {
  return nativeKernels[name] !== undefined || scriptKernels[name] !== undefined;
}

mendGradients();

/**
 * Registers the backend, unless it is there.
 *
 * @param ceiling bytes of memory that it may keep for reuse
 */
export function registerNative({ addon, regions }: Loaded, ceiling: number): void {
  if (getKernel("Conv2D", backendName) !== undefined) {
    return;
  }
  const start = (): NativeBackend => {
    replaceGradients();
    return new NativeBackend(addon, regions, ceiling);
  };
  registerBackend(backendName, start, priority);
  for (const [kernelName, body] of Object.entries(nativeKernels)) {
    register(kernelName, body, true);
  }
  for (const [kernelName, body] of Object.entries(scriptKernels)) {
    register(kernelName, body, false);
  }
  for (const { kernelName } of getKernelsForBackend("cpu")) {
    if (!isOwn(kernelName)) {
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
