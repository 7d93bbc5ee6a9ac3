/** Loads the native code: a binary made beforehand, else the one that the installation built. */
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { RegionSource } from "./buffer-pool.ts";
import type { Loaded, LoadResult } from "./host.ts";
import type { NativeAddon } from "./native-addon.ts";
import { differenceOf } from "./native-tables.ts";
import { packageRoot } from "./package-root.ts";
import { compiles, freeMemory, machineMemory } from "./platform.ts";
import { loadWasm } from "./wasm/load.ts";

export type { Elements, NativeAddon } from "./native-addon.ts";

/** The functions of the Node module that give memory for tensors. */
interface NativeMemory {
  alloc(bytes: number): ArrayBuffer;
  drop(buffer: ArrayBufferLike): void;
  /**
   * Moves a part of a region to huge pages if it was given small ones because those were quicker to get; its contents are lost.
   * Returns whether there is more to move.
   */
  settle(buffer: ArrayBufferLike): boolean;
  /** Gives back the memory that operations keep for the next one. */
  releasePassing(): void;
}

/** Below this share of the machine's memory, nothing is kept for reuse. */
const scarce = 0.08;

const memoryFunctions: readonly (keyof NativeMemory)[] = ["alloc", "drop", "settle", "releasePassing"];

function isScarce(bytes: number): boolean {
  const free = freeMemory();
  return free !== undefined && free < machineMemory() * scarce + bytes;
}

let loaded: LoadResult | undefined;

/**
 * The engine's code, loaded once for each thread: native where it is there and `CONVBOOK_ISA` does not ask for WebAssembly. Without
 * any, the reason in a few words.
 */
export function loadNative(): LoadResult {
  loaded ??= load();
  return loaded;
}

function load(): LoadResult {
  const root = packageRoot();
  if (root === undefined) {
    return {
      addon: undefined,
      reason: "the program is bundled, and the package @convbook/engine with its code is not installed beside it",
    };
  }
  const native = process.env.CONVBOOK_ISA === "wasm" ? "" : loadBinary(root);
  if (typeof native !== "string") {
    return native;
  }
  try {
    const { addon, regions, path } = loadWasm(root, process.env.CONVBOOK_RELAXED_SIMD !== "0");
    const difference = differenceOf(addon);
    if (difference === undefined) {
      return { build: "wasm", addon, regions: { ...regions, isScarce }, path, instead: native };
    }
    return {
      addon: undefined,
      reason: `${native}${native === "" ? "" : ", and "}${ofOtherSources("WebAssembly", difference)}`,
    };
  } catch (error) {
    const reason = `WebAssembly does not run: ${firstLine(error)}`;
    return { addon: undefined, reason: native === "" ? reason : `${native}, and ${reason}` };
  }
}

/** The native code, or why it is not there. */
function loadBinary(root: string): Loaded | string {
  const require = createRequire(join(root, "package.json"));
  const { prebuiltPath }: { prebuiltPath(root: string): string | undefined } = require("./install/prebuilt.cjs");
  const path = prebuiltPath(root) ?? join(root, "build", "Release", "engine.node");
  if (!existsSync(path)) {
    return whyNotBuilt(root);
  }
  try {
    const addon: NativeAddon & NativeMemory = require(path);
    const difference = differenceOf(addon, memoryFunctions);
    if (difference !== undefined) {
      return `${ofOtherSources("native code", difference)}; build it again: npm rebuild @convbook/engine`;
    }
    const regions: RegionSource = {
      alloc: (bytes) => ({ buffer: addon.alloc(bytes), offset: 0 }),
      drop: ({ buffer }) => addon.drop(buffer),
      settle: ({ buffer }) => addon.settle(buffer),
      release: () => addon.releasePassing(),
      isScarce,
    };
    return { build: "native", addon, regions, path, instead: "" };
  } catch (error) {
    return `its native code does not load: ${firstLine(error)}`;
  }
}

function ofOtherSources(what: string, difference: string): string {
  return `its ${what} was built from other sources (${difference})`;
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message.split("\n", 1)[0] : undefined) ?? String(error);
}

/** What the installation left as the reason; without one it did not run, as with npm's option ignore-scripts, and from npm 12 on where nobody approved it. */
function whyNotBuilt(root: string): string {
  try {
    const reason = readFileSync(join(root, "build", "reason.txt"), "utf8").trim();
    const advice = compiles() ? " (install a C++17 compiler, then `npm rebuild @convbook/engine`)" : "";
    return `its native code is not built: ${reason}${advice}`;
  } catch {
    const script = join(root, "install", "install.mjs");
    return `its native code is not built, because npm did not run its install script (npm 12 runs those that were approved); run it: node ${JSON.stringify(script)}`;
  }
}
