/**
 * The backends that a TensorFlow.js program on Node can run on, best first, each with how to find out whether it is
 * there. A candidate that is missing says why in a few words; nothing here throws for a backend that is merely absent.
 */
import { createRequire } from "node:module";
import { dirname, join, sep } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { correctOneHot } from "./wasm-one-hot.ts";

/** What `CONVBOOK_BACKEND` accepts. */
export const backendNames = ["tensorflow", "native", "webgpu", "wasm", "cpu"] as const;

export type BackendName = (typeof backendNames)[number];

/** The outcome of trying one backend: ready under tfjs's name with a description, or missing with the reason. */
export type Attempt =
  | { readonly ready: true; readonly tfjsName: string; readonly description: string; readonly threads?: number }
  | { readonly ready: false; readonly reason: string };

export interface Candidate {
  readonly name: BackendName;
  /** Whether gradients of convolutions work and are fast enough to train with. */
  readonly trains: boolean;
  try(): Promise<Attempt>;
}

/** Resolves packages from the user's folder first, because optional backends are the user's to install. */
function findPackage(name: string): string | undefined {
  for (const from of [join(process.cwd(), "convbook.js"), import.meta.url]) {
    try {
      return createRequire(from).resolve(name);
    } catch {
      // Looked for in the next place.
    }
  }
  return undefined;
}

function requirePackage(path: string): unknown {
  return createRequire(path)(path);
}

/** One line of whatever a failed installation threw. */
function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split("\n", 1)[0] ?? "";
}

const tensorflow: Candidate = {
  name: "tensorflow",
  trains: true,
  async try() {
    let reason = "neither @tensorflow/tfjs-node-gpu nor @tensorflow/tfjs-node is installed";
    for (const name of ["@tensorflow/tfjs-node-gpu", "@tensorflow/tfjs-node"]) {
      const path = findPackage(name);
      if (path === undefined) continue;
      try {
        requirePackage(path);
        if (await tf.setBackend("tensorflow")) {
          return { ready: true, tfjsName: "tensorflow", description: `${name} (libtensorflow)` };
        }
        reason = `${name} is installed but did not start`;
      } catch (error) {
        reason = `${name} is installed but does not load: ${firstLine(error)}`;
      }
    }
    return { ready: false, reason };
  },
};

const native: Candidate = {
  name: "native",
  trains: true,
  async try() {
    const { engine } = await import("@convbook/engine");
    if (!engine.available) return { ready: false, reason: engine.reason };
    if (!(await tf.setBackend("native"))) return { ready: false, reason: "the native engine did not start" };
    const { isa, threads, precision } = engine.info();
    return {
      ready: true,
      tfjsName: "native",
      description: `native engine, ${isa}, ${threads} ${threads === 1 ? "thread" : "threads"}${precision === "bf16" ? ", inference in bf16" : ""}`,
      threads,
    };
  },
};

const webgpu: Candidate = {
  name: "webgpu",
  trains: true,
  async try() {
    const dawn = findPackage("webgpu");
    const backend = findPackage("@tensorflow/tfjs-backend-webgpu");
    if (dawn === undefined || backend === undefined) {
      return { ready: false, reason: "the packages webgpu and @tensorflow/tfjs-backend-webgpu are not both installed" };
    }
    try {
      const { create, globals } = requirePackage(dawn) as {
        create(options: string[]): { requestAdapter(): Promise<unknown> };
        globals: Record<string, unknown>;
      };
      Object.assign(globalThis, globals);
      const gpu = create([]);
      if ((await gpu.requestAdapter()) === null) return { ready: false, reason: "WebGPU found no adapter" };
      const host = (globalThis as { navigator?: object }).navigator ?? globalThis;
      Object.defineProperty(host, "gpu", { value: gpu, configurable: true });
      requirePackage(backend);
      if (await tf.setBackend("webgpu")) {
        return { ready: true, tfjsName: "webgpu", description: "WebGPU (Dawn)" };
      }
      return { ready: false, reason: "the WebGPU backend did not start" };
    } catch (error) {
      return { ready: false, reason: `WebGPU does not load: ${firstLine(error)}` };
    }
  },
};

const wasm: Candidate = {
  name: "wasm",
  trains: false,
  async try() {
    const path = findPackage("@tensorflow/tfjs-backend-wasm");
    if (path === undefined) return { ready: false, reason: "@tensorflow/tfjs-backend-wasm is not installed" };
    try {
      const backend = requirePackage(path) as { setWasmPaths(prefix: string): void };
      backend.setWasmPaths(dirname(path) + sep);
      if (await tf.setBackend("wasm")) {
        correctOneHot();
        return {
          ready: true,
          tfjsName: "wasm",
          description: "WebAssembly, for inference (it cannot train convolutions)",
        };
      }
      return { ready: false, reason: "the WebAssembly backend did not start" };
    } catch (error) {
      return { ready: false, reason: `the WebAssembly backend does not load: ${firstLine(error)}` };
    }
  },
};

const cpu: Candidate = {
  name: "cpu",
  trains: true,
  async try() {
    await import("@tensorflow/tfjs-backend-cpu");
    await tf.setBackend("cpu");
    return { ready: true, tfjsName: "cpu", description: "plain JavaScript, slow" };
  },
};

/** Best first. The WebAssembly backend stands last but one although it is faster than plain JavaScript at inference only. */
export const candidates: readonly Candidate[] = [tensorflow, native, webgpu, wasm, cpu];
