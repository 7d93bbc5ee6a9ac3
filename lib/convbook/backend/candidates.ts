/**
 * The backends that a TensorFlow.js program on Node can run on, best first, each with how to find out whether it is
 * there. A candidate that is missing says why in a few words; nothing here throws for a backend that is merely absent.
 */
import { dirname, sep } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { findPackage, firstLine, requirePackage } from "./packages.ts";
import { tensorflow } from "./tensorflow.ts";
import { tryBackend } from "./trial.ts";
import { correctOneHot } from "./wasm-one-hot.ts";
import { webgpu } from "./webgpu.ts";

/** What `CONVBOOK_BACKEND` accepts. */
export const backendNames = ["tensorflow", "native", "webgpu", "engine-wasm", "wasm", "cpu"] as const;

export type BackendName = (typeof backendNames)[number];

/** The outcome of trying one backend: ready under tfjs's name with a description, or missing with the reason. */
export type Attempt =
  | { readonly ready: true; readonly tfjsName: string; readonly description: string; readonly threads?: number }
  | { readonly ready: false; readonly reason: string };

export interface Candidate {
  readonly name: BackendName;
  /** Whether the Trainer can train convolutions on it, fast enough to be used. */
  readonly trains: boolean;
  /** Why it is not taken for training, where that is not that it cannot train convolutions. */
  readonly limit?: string;
  /**
   * Starts the backend, and makes sure that it computes.
   *
   * @param asked whether somebody asked for this one by name, so that another one's being faster is no reason against it
   */
  try(asked: boolean): Promise<Attempt>;
}

/** The engine in one of its builds; TensorFlow.js knows both as "native". */
async function tryEngine(build: "native" | "wasm"): Promise<Attempt> {
  const { engine } = await import("@convbook/engine");
  if (!engine.available) {
    return { ready: false, reason: engine.reason };
  }
  const { isa, threads, precision, reproducible, build: there, instead } = engine.info();
  if (there !== build) {
    const asked = "CONVBOOK_ISA asks for WebAssembly";
    return {
      ready: false,
      reason: there === "native" ? "the native engine is there, which is faster" : instead || asked,
    };
  }
  const name = build === "native" ? "the native engine" : "the engine in WebAssembly";
  if (!(await tf.setBackend("native"))) {
    return { ready: false, reason: `${name} did not start` };
  }
  const wrong = await tryBackend(true);
  if (wrong !== undefined) {
    return { ready: false, reason: `${name} starts but ${wrong}` };
  }
  const kind =
    build === "native"
      ? `native engine, ${isa}`
      : `the engine in WebAssembly${isa === "wasm" ? "" : " with relaxed SIMD"}`;
  const same = { off: "", exact: ", reproducible", bounded: ", reproducible up to rounding" }[reproducible];
  return {
    ready: true,
    tfjsName: "native",
    description: `${kind}, ${threads} ${threads === 1 ? "thread" : "threads"}${precision === "bf16" ? ", inference in bf16" : ""}${same}`,
    threads,
  };
}

const native: Candidate = { name: "native", trains: true, try: () => tryEngine("native") };

const engineWasm: Candidate = { name: "engine-wasm", trains: true, try: () => tryEngine("wasm") };

const wasm: Candidate = {
  name: "wasm",
  trains: false,
  async try() {
    const path = findPackage("@tensorflow/tfjs-backend-wasm");
    if (path === undefined) {
      return { ready: false, reason: "@tensorflow/tfjs-backend-wasm is not installed" };
    }
    try {
      const backend = requirePackage(path) as { setWasmPaths(prefix: string): void };
      backend.setWasmPaths(dirname(path) + sep);
      if (await tf.setBackend("wasm")) {
        correctOneHot();
        const wrong = await tryBackend(false);
        if (wrong !== undefined) {
          return { ready: false, reason: `the WebAssembly backend starts but ${wrong}` };
        }
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

/** Best first. TensorFlow.js's WebAssembly backend stands last but one although it is faster than plain JavaScript at inference only. */
export const candidates: readonly Candidate[] = [tensorflow, native, webgpu, engineWasm, wasm, cpu];
