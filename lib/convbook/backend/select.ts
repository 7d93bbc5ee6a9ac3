/** Chooses the TensorFlow.js backend at start: the best that is there, or the one that `CONVBOOK_BACKEND` names. */

import * as tf from "@tensorflow/tfjs-core";
import { checkText } from "../arguments/check.ts";
import { editDistance } from "../arguments/names.ts";
import { OptionError } from "../arguments/option-error.ts";
import { checkSwitches, refuseUnknownOptions } from "../arguments/options.ts";
import { type Attempt, type BackendName, backendNames, type Candidate, candidates } from "./candidates.ts";

/** The backend that runs, in words and figures that `convbook doctor` and a log can show. */
export interface BackendInfo {
  readonly name: BackendName;
  /** The name under which tfjs knows it (`tf.getBackend()`). */
  readonly tfjsName: string;
  /** For example `native engine, avx512, 2 threads`. */
  readonly description: string;
  /** The one line that {@link selectBackend} says. */
  readonly line: string;
  /** Whether convolutions can be trained on it. */
  readonly trains: boolean;
  /** Better backends that are not there, each with the reason, best first. */
  readonly missing: readonly { readonly name: BackendName; readonly reason: string }[];
}

export interface SelectBackendOptions {
  /** A backend to take instead of the best one; default: the environment's `CONVBOOK_BACKEND`, else none. */
  readonly backend?: string | undefined;
  /** Only consider backends that can train convolutions; the WebAssembly one cannot. Default: true. */
  readonly training?: boolean;
  /** Takes the one line that says what runs; default: a line on the standard error stream. `false` says nothing. */
  readonly announce?: ((line: string) => void) | false;
}

/** The backend asked for does not exist, or is not there on this machine. */
export class BackendError extends Error {
  override readonly name = "BackendError";
  /** What was asked for. */
  readonly backend: string;

  constructor(backend: string, message: string) {
    super(message);
    this.backend = backend;
  }
}

let selected: Promise<BackendInfo> | undefined;

/**
 * Chooses and starts the backend, and says which in one line. Later calls return the same answer without a word, unless
 * they name another backend.
 *
 * @param options See {@link SelectBackendOptions}.
 * @returns What runs, and which better backends are missing and why.
 * @throws BackendError when the backend asked for is unknown or not there.
 * @example
 * const { description } = await selectBackend();
 */
export async function selectBackend(options: SelectBackendOptions = {}): Promise<BackendInfo> {
  check(options);
  if (selected !== undefined && options.backend === undefined) {
    return selected;
  }
  const attempt = select(options);
  selected = attempt;
  attempt.catch(() => {
    if (selected === attempt) {
      selected = undefined;
    }
  });
  return attempt;
}

/** @throws {OptionError} naming an option that does not exist, or has no such value */
function check(options: SelectBackendOptions): void {
  refuseUnknownOptions("selectBackend", options, ["backend", "training", "announce"]);
  checkSwitches("selectBackend", options, { training: true });
  const { backend, announce } = options;
  if (backend !== undefined) {
    checkText("selectBackend", "backend", backend, "the name of a backend");
  }
  if (announce !== undefined && announce !== false && typeof announce !== "function") {
    throw new OptionError("selectBackend", "announce", announce, "a function, or false");
  }
}

async function select(options: SelectBackendOptions): Promise<BackendInfo> {
  // Registers the gradients of tfjs's operations, which tfjs-core alone does not.
  await import("@tensorflow/tfjs");
  const wanted = options.backend ?? (process.env.CONVBOOK_BACKEND || undefined);
  const info =
    wanted === undefined
      ? await best(options.training ?? true)
      : await named(wanted, options.backend === undefined ? "CONVBOOK_BACKEND" : "selectBackend: backend");
  if (options.announce !== false) {
    (options.announce ?? sayOnStderr)(info.line);
  }
  return info;
}

function sayOnStderr(line: string): void {
  process.stderr.write(`${line}\n`);
}

async function best(training: boolean): Promise<BackendInfo> {
  const missing: { name: BackendName; reason: string }[] = [];
  for (const candidate of candidates) {
    if (training && !candidate.trains) {
      missing.push({ name: candidate.name, reason: candidate.limit ?? "it cannot train convolutions" });
      continue;
    }
    const attempt = await candidate.try(false);
    if (attempt.ready) {
      return describe(candidate, attempt, missing);
    }
    missing.push({ name: candidate.name, reason: attempt.reason });
  }
  throw new BackendError("any", "No TensorFlow.js backend starts, not even the one in plain JavaScript");
}

/** @param asked what names the backend, as a message says it */
async function named(wanted: string, asked: string): Promise<BackendInfo> {
  const candidate = candidates.find(({ name }) => name === wanted.toLowerCase());
  if (candidate === undefined) {
    const nearest = nearestName(wanted);
    throw new BackendError(
      wanted,
      `${asked}: got "${wanted}", expected one of ${backendNames.join(", ")}${nearest ? `; did you mean "${nearest}"?` : ""}`,
    );
  }
  const attempt = await candidate.try(true);
  if (!attempt.ready) {
    throw new BackendError(wanted, `The backend "${candidate.name}" is not there: ${attempt.reason}`);
  }
  return describe(candidate, attempt, []);
}

async function describe(
  candidate: Candidate,
  attempt: Extract<Attempt, { ready: true }>,
  missing: BackendInfo["missing"],
): Promise<BackendInfo> {
  await tf.ready();
  const engineMissing = missing.find(({ name }) => name === "native");
  const hint = engineMissing === undefined ? "" : `; without the native engine: ${engineMissing.reason}`;
  return {
    name: candidate.name,
    tfjsName: attempt.tfjsName,
    description: attempt.description,
    line: `convbook: TensorFlow.js ${tf.version_core} on ${attempt.description}${hint}`,
    trains: candidate.trains,
    missing,
  };
}

/** The known name that shares the most letters with what was typed, when it is close enough to be a slip. */
function nearestName(typed: string): BackendName | undefined {
  const aliases: Readonly<Record<string, BackendName>> = {
    node: "tensorflow",
    "tfjs-node": "tensorflow",
    gpu: "tensorflow",
    engine: "native",
    js: "cpu",
  };
  const alias = aliases[typed.toLowerCase()];
  if (alias !== undefined) {
    return alias;
  }
  let nearest: BackendName | undefined;
  let distance = 4;
  for (const name of backendNames) {
    const d = editDistance(name, typed.toLowerCase());
    if (d < distance) {
      distance = d;
      nearest = name;
    }
  }
  return nearest;
}
