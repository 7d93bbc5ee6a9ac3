/**
 * Weights & Biases, over its own package for JavaScript (`@wandb/sdk` 0.5, which whoever wants it installs). That package sends metrics, hyper-parameters and
 * histograms; it has no run without a server and uploads no files, so that there are no images.
 */
import { randomInt } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import { timerMs } from "../../arguments/timer.ts";
import { codeOf } from "../../files/index.ts";
import type { HyperParameters } from "../core/json.ts";
import type { Logger } from "../core/logger.ts";
import { ConfigurationError, refuseUnknownOptions, requireOption, requireSwitches } from "../errors.ts";
import type { Metrics } from "../logging/results.ts";

export interface WandbLoggerOptions {
  /** The project; default `convbook_logs`. */
  project?: string;
  /** The team or user; default: the key's own. */
  entity?: string;
  /** How the run is called in pages; default: W&B chooses. */
  runName?: string;
  /** The run; default: eight letters. */
  id?: string;
  /** Default: the environment's `WANDB_API_KEY`. */
  apiKey?: string;
  /** The server; default: the environment's `WANDB_BASE_URL`, or W&B's own. */
  baseUrl?: string;
  /** Seconds to wait for the server at the beginning of a run; default 60. */
  timeout?: number;
  /** Keep the run open after fit, for what comes later to be logged into it; {@link WandbLogger.finish} then ends it. Default false. */
  keepOpen?: boolean;
  /** The package, where it was imported already: `import { wandb } from "@wandb/sdk"`; default: it is imported when the run begins. */
  sdk?: WandbSdk;
}

/** A run of `@wandb/sdk`, as far as it is used. */
export interface WandbRun {
  log(data: Record<string, unknown>): void;
  finish(code?: number): Promise<void>;
}

/** What `@wandb/sdk` exports as `wandb`, as far as it is used. */
export interface WandbSdk {
  // biome-ignore lint/suspicious/noExplicitAny: the package's own options
  init(options: any): Promise<WandbRun>;
}

/** Another specifier than a text in place, so that the compiler does not ask for a package that few have. */
const packageName: string = "@wandb/sdk";
const letters = "abcdefghijklmnopqrstuvwxyz0123456789";
const bins = 64;

/**
 * A run in Weights & Biases. The first values of a fit, validation or test begin it, and their end finishes it; what is logged after that is a run of its own,
 * `ID-2`, unless `keepOpen`.
 *
 * @example
 * const logger = new WandbLogger({ project: "cifar10" }); // WANDB_API_KEY in the environment
 * const trainer = new Trainer({ logger: [logger, new CSVLogger()] });
 */
export class WandbLogger implements Logger {
  readonly name: string;
  readonly version: string;
  readonly #options: WandbLoggerOptions;
  #run: Promise<WandbRun> | undefined;
  #hparams: HyperParameters = {};
  /** Runs that were begun. */
  #count = 0;

  constructor(options: WandbLoggerOptions = {}) {
    const texts = ["project", "entity", "runName", "id", "apiKey", "baseUrl"] as const;
    refuseUnknownOptions("WandbLogger", options, [...texts, "timeout", "keepOpen", "sdk"]);
    for (const name of texts) {
      const value = options[name];
      const fits = value === undefined || (typeof value === "string" && value !== "");
      requireOption(fits, `WandbLogger.${name}`, value, "a text");
    }
    requireSwitches("WandbLogger", options, ["keepOpen"]);
    const { timeout = 60, sdk } = options;
    const isSdk = sdk === undefined || typeof sdk?.init === "function";
    requireOption(isSdk, "WandbLogger.sdk", sdk, 'what "@wandb/sdk" exports as wandb');
    requireOption(
      typeof timeout === "number" && timeout > 0,
      "WandbLogger.timeout",
      timeout,
      "a number of seconds above 0",
    );
    this.#options = { ...options };
    this.name = options.project ?? "convbook_logs";
    this.version = options.id ?? Array.from({ length: 8 }, () => letters[randomInt(letters.length)]).join("");
  }

  async logHyperparams(hparams: HyperParameters): Promise<void> {
    this.#hparams = hparams;
    await this.#begin();
  }

  async logMetrics(metrics: Metrics, step: number): Promise<void> {
    const values = Object.entries(metrics).map(([name, value]) => [name, jsonNumber(value)]);
    (await this.#begin()).log({ ...Object.fromEntries(values), "trainer/global_step": step });
  }

  async logHistogram(name: string, values: Float32Array, step: number): Promise<void> {
    (await this.#begin()).log({ [name]: histogramOf(values), "trainer/global_step": step });
  }

  async finalize(status: "success" | "interrupted" | "failed"): Promise<void> {
    if (this.#options.keepOpen !== true) {
      await this.finish(status === "success" ? 0 : status === "failed" ? 1 : 255);
    }
  }

  /** Sends everything and ends the run. @param code its exit code; 0 for a run that went well */
  async finish(code = 0): Promise<void> {
    const run = this.#run;
    this.#run = undefined;
    // A run that could not begin was told of already.
    await (await run?.catch(() => undefined))?.finish(code);
  }

  #begin(): Promise<WandbRun> {
    this.#run ??= this.#open();
    return this.#run;
  }

  async #open(): Promise<WandbRun> {
    const { project, entity, runName, timeout = 60 } = this.#options;
    const apiKey = this.#options.apiKey ?? process.env.WANDB_API_KEY;
    const baseUrl = this.#options.baseUrl ?? (process.env.WANDB_BASE_URL || "https://api.wandb.ai");
    if (!apiKey) {
      throw new ConfigurationError("WandbLogger.apiKey", undefined, "given, or in the environment as WANDB_API_KEY");
    }
    const sdk = this.#options.sdk ?? (await loadSdk());
    this.#count++;
    const begun = withoutSignalHandlers(() =>
      sdk.init({
        project: project ?? this.name,
        ...(entity !== undefined && { entity }),
        ...(runName !== undefined && { name: runName }),
        id: this.#count === 1 ? this.version : `${this.version}-${this.#count}`,
        config: structuredClone(this.#hparams),
        settings: { apiKey, baseUrl, silent: true },
      }),
    );
    const late = new AbortController();
    const tooLate = wait(timerMs(timeout * 1000), undefined, { signal: late.signal }).then(() => {
      throw new ConfigurationError("WandbLogger.baseUrl", baseUrl, `a server that answers within ${timeout} s`);
    });
    try {
      return await Promise.race([begun, tooLate]);
    } finally {
      tooLate.catch(() => {});
      late.abort();
    }
  }
}

async function loadSdk(): Promise<WandbSdk> {
  try {
    const { wandb } = (await import(/* @vite-ignore */ packageName)) as { readonly wandb: WandbSdk };
    return wandb;
  } catch (error) {
    if (codeOf(error) !== "ERR_MODULE_NOT_FOUND") {
      throw error;
    }
    throw new Error("WandbLogger needs W&B's package: npm install @wandb/sdk@0.5.1 graphql@16", { cause: error });
  }
}

/**
 * The package ends the process at SIGINT and SIGTERM once its run is over; the Trainer goes to the end of its batch, saves, and finishes the run.
 */
async function withoutSignalHandlers<T>(body: () => Promise<T>): Promise<T> {
  const signals = ["SIGINT", "SIGTERM"] as const;
  const before = signals.map((signal) => new Set(process.rawListeners(signal)));
  try {
    return await body();
  } finally {
    for (const [i, signal] of signals.entries()) {
      for (const listener of process.rawListeners(signal)) {
        if (before[i]?.has(listener) === false) {
          process.removeListener(signal, listener as () => void);
        }
      }
    }
  }
}

/** JSON has no infinities; W&B reads their names. */
function jsonNumber(value: number): number | string {
  return Number.isFinite(value) ? value : String(value);
}

/** W&B's histogram: counts between limits. What is not finite is left out. */
function histogramOf(values: Float32Array): Readonly<Record<string, unknown>> {
  const finite = values.filter(Number.isFinite);
  let [low, high] = finite.reduce(([least, most], value) => [Math.min(least, value), Math.max(most, value)] as const, [
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
  ] as readonly [number, number]);
  if (finite.length === 0) {
    [low, high] = [0, 0];
  }
  if (low === high) {
    // As NumPy does around one value; around one that is too large for that, a part of it.
    const half = Math.max(0.5, Math.abs(low) * 1e-6);
    [low, high] = [low - half, high + half];
  }
  const counts = new Array<number>(bins).fill(0);
  for (const value of finite) {
    const bin = Math.min(bins - 1, Math.floor(((value - low) / (high - low)) * bins));
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  const limits = Array.from({ length: bins + 1 }, (_, i) => low + ((high - low) * i) / bins);
  return { _type: "histogram", values: counts, bins: limits };
}
