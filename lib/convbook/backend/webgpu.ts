/**
 * WebGPU through Dawn (the package `webgpu`) and `@tensorflow/tfjs-backend-webgpu`, where the user installed both. Without a graphics card it needs a
 * Vulkan driver in software (Mesa 25 or newer), and is slow.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { Attempt, Candidate } from "./candidates.ts";
import { findPackage, firstLine, importPackage, requirePackage } from "./packages.ts";
import { forgetBackend, tryBackend } from "./trial.ts";

/** A WebGPU adapter's description, where it has one. */
interface Adapter {
  readonly info?: { readonly description?: string; readonly device?: string };
}

interface Gpu {
  requestAdapter(): Promise<Adapter | null>;
}

/** Puts `navigator.gpu` in place, where tfjs looks for it. Node 20 has no `navigator`. @returns what takes it away again */
function offer(gpu: Gpu): () => void {
  const host = (globalThis as { navigator?: object }).navigator;
  if (host === undefined) {
    Object.defineProperty(globalThis, "navigator", { value: { gpu }, configurable: true, writable: true });
    return () => {
      Reflect.deleteProperty(globalThis, "navigator");
    };
  }
  Object.defineProperty(host, "gpu", { value: gpu, configurable: true });
  return () => {
    Reflect.deleteProperty(host, "gpu");
  };
}

/**
 * Makes the backend say what to do instead of reading at once: tfjs does that through a canvas, which Node does not have. Values that are still on the
 * host are given all the same.
 */
function explainSynchronousReads(): void {
  const backend = tf.backend();
  const readSync = backend.readSync.bind(backend);
  backend.readSync = (dataId) => {
    try {
      return readSync(dataId);
    } catch (cause) {
      throw new Error(
        "WebGPU in Node cannot give a tensor's values at once (dataSync, arraySync): await tensor.data(). What needs them at once, the Trainer and " +
          "saving among it, runs on CONVBOOK_BACKEND=native or cpu.",
        { cause },
      );
    }
  };
}

async function start(): Promise<Attempt> {
  const dawn = findPackage("webgpu");
  const backend = findPackage("@tensorflow/tfjs-backend-webgpu");
  if (dawn === undefined || backend === undefined) {
    return { ready: false, reason: "the packages webgpu and @tensorflow/tfjs-backend-webgpu are not both installed" };
  }
  let takeAway = (): void => {};
  const fail = (reason: string): Attempt => {
    takeAway();
    forgetBackend("webgpu");
    return { ready: false, reason };
  };
  try {
    const { create, globals } = (await importPackage(dawn)) as {
      create(options: string[]): Gpu;
      globals: Record<string, unknown>;
    };
    const gpu = create([]);
    const adapter = await gpu.requestAdapter();
    if (adapter === null) {
      return fail("WebGPU found no adapter");
    }
    Object.assign(globalThis, globals);
    takeAway = offer(gpu);
    requirePackage(backend);
    if (!(await tf.setBackend("webgpu"))) {
      return fail("the WebGPU backend did not start");
    }
    const wrong = await tryBackend(true);
    if (wrong !== undefined) {
      return fail(`WebGPU starts but ${wrong}`);
    }
    explainSynchronousReads();
    const device = adapter.info?.description || adapter.info?.device;
    return { ready: true, tfjsName: "webgpu", description: `WebGPU (Dawn${device ? `, ${device}` : ""})` };
  } catch (error) {
    return fail(`WebGPU does not load: ${firstLine(error)}`);
  }
}

export const webgpu: Candidate = {
  name: "webgpu",
  trains: false,
  limit: "the Trainer needs values at once, which WebGPU in Node cannot give",
  try: start,
};
