/**
 * TensorFlow's own library, through `@tensorflow/tfjs-node-gpu` or `@tensorflow/tfjs-node`, where the user installed one of them.
 *
 * The packages are of 2023 and call functions of `node:util` that Node 23 removed (https://github.com/tensorflow/tfjs/issues/8609): then they load, and
 * throw at the first operation. These functions are put back before a package is loaded.
 */
import { createRequire } from "node:module";
import * as tf from "@tensorflow/tfjs-core";
import type { Attempt, Candidate } from "./candidates.ts";
import { findPackage, firstLine, requirePackage } from "./packages.ts";
import { forgetBackend, timeBackend, tryBackend } from "./trial.ts";

const packages = ["@tensorflow/tfjs-node-gpu", "@tensorflow/tfjs-node"] as const;

/** What the packages call of the functions that Node removed. */
const removed: Readonly<Record<string, (value: unknown) => boolean>> = {
  isNullOrUndefined: (value) => value === null || value === undefined,
  isArray: Array.isArray,
};

function putBackRemovedFunctions(): void {
  // The object that require("util") gives, the only one that can be added to.
  const util: Record<string, unknown> = createRequire(import.meta.url)("node:util");
  for (const [name, test] of Object.entries(removed)) {
    util[name] ??= test;
  }
}

/** Loads a package and tries it. @returns what is wrong with it; undefined when it is the current backend */
async function load(name: string, path: string): Promise<string | undefined> {
  try {
    putBackRemovedFunctions();
    requirePackage(path);
    if (!(await tf.setBackend("tensorflow"))) {
      return `${name} is installed but did not start`;
    }
  } catch (error) {
    return `${name} is installed but does not load: ${firstLine(error)}`;
  }
  const wrong = await tryBackend(true);
  return wrong === undefined ? undefined : `${name} is installed but ${wrong}`;
}

/** The engine, native or in WebAssembly, where it is faster: without a GPU, and with a library built for old processors, TensorFlow often is not. */
async function slowerThanNative(name: string): Promise<string | undefined> {
  const { engine } = await import("@convbook/engine");
  if (!engine.available) {
    return undefined;
  }
  const own = await timeBackend();
  if (!(await tf.setBackend("native"))) {
    return undefined;
  }
  const native = await timeBackend();
  if (own <= native) {
    await tf.setBackend("tensorflow");
    return undefined;
  }
  const faster = engine.info().build === "native" ? "the native engine" : "the engine in WebAssembly";
  return `${name} trains a convolution ${(own / native).toFixed(1)} times slower than ${faster} here (CONVBOOK_BACKEND=tensorflow takes it all the same)`;
}

async function start(asked: boolean): Promise<Attempt> {
  let reason = `neither ${packages.join(" nor ")} is installed`;
  for (const name of packages) {
    const path = findPackage(name);
    if (path === undefined) {
      continue;
    }
    const problem = (await load(name, path)) ?? (asked ? undefined : await slowerThanNative(name));
    if (problem === undefined) {
      return { ready: true, tfjsName: "tensorflow", description: `${name} (libtensorflow)` };
    }
    reason = problem;
    forgetBackend("tensorflow");
  }
  return { ready: false, reason };
}

export const tensorflow: Candidate = { name: "tensorflow", trains: true, try: start };
