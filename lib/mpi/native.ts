/** Loads the binding that fits the launcher: one build serves the library that it was compiled with. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { launcherOf } from "./launcher.ts";

/** Kinds of work, in the native code's order. */
export const kinds = ["barrier", "broadcast", "allreduce", "reduce", "allgather", "bucket", "split", "free"] as const;
/** Types of elements, in the native code's order. */
export const elements = ["float32", "float64", "int32", "uint8"] as const;
/** Operations, in the native code's order. */
export const operations = ["sum", "max", "min"] as const;
/** What becomes of a piece of work, in the native code's order. */
export const outcomes = ["done", "mpi", "mismatch", "timeout", "peer", "gone", "memory"] as const;

/** What became of a piece of work. */
export interface Outcome {
  readonly outcome: number;
  readonly culprit: number;
  readonly message: string;
  readonly result: readonly number[];
}

/** Where this process stands among all. */
export interface Place {
  readonly rank: number;
  readonly size: number;
  readonly localRank: number;
  readonly localSize: number;
  readonly node: number;
  readonly nodes: number;
  readonly threadLevel: number;
}

/** The native functions. */
export interface NativeMpi {
  readonly family: string;
  readonly library: string;
  /** Starts MPI; a string says why it does not. */
  start(): Place | string;
  post(waits: true, ...work: Work): Outcome;
  post(waits: false, ...work: Work): Promise<Outcome>;
  fail(words: string): void;
  /**
   * Ends MPI; `together` is false where the other ranks do not come, and {@link abort} is to end them; `lost` where the library does not come back, and nobody
   * was waited for.
   */
  stop(code: number, patience: number): { readonly code: number; readonly together: boolean; readonly lost: boolean };
  abort(code: number): void;
}

export type Work = [
  communicator: number,
  kind: number,
  element: number,
  operation: number,
  root: number,
  key: number,
  timeout: number,
  scale: number,
  data: ArrayBufferView | readonly Float32Array[] | undefined,
  received: ArrayBufferView | undefined,
];

export type LoadResult =
  | { readonly native: NativeMpi; readonly reason: undefined }
  | { readonly native: undefined; readonly reason: string };

const advice =
  "install an MPI library and a C compiler (Debian: apt install libopenmpi-dev openmpi-bin gcc), then `npm rebuild @convbook/mpi`";

let loaded: LoadResult | undefined;

/** The binding, loaded once; without it, the reason in a few words. */
export function loadNative(): LoadResult {
  loaded ??= load();
  return loaded;
}

function load(): LoadResult {
  const root = packageRoot(dirname(fileURLToPath(import.meta.url)));
  const release = join(root, "build", "Release");
  const builds = existsSync(release) ? readdirSync(release).filter((name) => name.endsWith(".node")) : [];
  if (builds.length === 0) {
    return { native: undefined, reason: whyNotBuilt(root) };
  }
  const family = launcherOf()?.family?.toLowerCase().replace(" ", "");
  const usual = textOf(join(release, "default.txt"));
  prepareUcx();
  const name = [family, usual].find((each) => builds.includes(`${each}.node`));
  try {
    const native: NativeMpi = createRequire(import.meta.url)(
      join(release, name === undefined ? `${builds[0]}` : `${name}.node`),
    );
    return { native, reason: undefined };
  } catch (error) {
    const message = error instanceof Error ? error.message.split("\n", 1)[0] : String(error);
    return { native: undefined, reason: `its native code does not load: ${message} (${advice})` };
  }
}

/**
 * MPICH's transport, UCX, patches functions of the C library while other threads of Node may be in them, and takes signals that are V8's: both
 * end a process now and then, and neither is needed here.
 */
function prepareUcx(): void {
  process.env.UCX_MEM_EVENTS ??= "no";
  process.env.UCX_ERROR_SIGNALS ??= "";
}

function whyNotBuilt(root: string): string {
  const reason = textOf(join(root, "build", "reason.txt"));
  if (reason !== undefined) {
    return `its native code is not built: ${reason} (${advice})`;
  }
  const script = join(root, "install", "install.mjs");
  return `its native code is not built, because npm did not run its install script (npm 12 runs those that were approved); run it: node ${JSON.stringify(script)}`;
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return undefined;
  }
}

/** The folder at or above this one that is the package. */
function packageRoot(folder: string): string {
  if (existsSync(join(folder, "install", "install.mjs")) || dirname(folder) === folder) {
    return folder;
  }
  return packageRoot(dirname(folder));
}
