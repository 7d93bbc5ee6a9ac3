/**
 * A fit in a notebook on several processes: they are started for it, show their progress in the cell, and give the trained weights back. As
 * Lightning's strategies for notebooks, but for one thing: a process of Node cannot be forked, so the module's class must stand in a file, where the
 * others read it.
 */
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { deserialize, serialize } from "node:v8";
import { loadSafetensors, saveSafetensors } from "../../checkpoints/index.ts";
import { defaultGenerator } from "../../random/index.ts";
import { EarlyStopping } from "../callbacks/early-stopping.ts";
import { ModelCheckpoint } from "../callbacks/model-checkpoint.ts";
import { ProgressBar } from "../callbacks/progress-bar.ts";
import type { Callback } from "../core/callback.ts";
import type { TrainerOptions } from "../core/trainer-options.ts";
import type { AnyTrainingModule } from "../core/training-module.ts";
import { ConfigurationError } from "../errors.ts";
import { type Loader, type Loaders, toLoaders } from "../loaders.ts";
import type { Trainer } from "../trainer.ts";
import type { FitResult, RunOptions } from "../trainer-results.ts";
import { fileOfClass } from "./class-file.ts";
import { files, type RankFailure, type RankJob, type RankOutcome, type ShippedCallback } from "./job.ts";
import { runRanks } from "./run-ranks.ts";
import { type ShippedLoader, shipLoader } from "./shipping.ts";

/** This package, built or as sources. */
const ownFolder = resolve(dirname(fileURLToPath(import.meta.url)), "../..");

/** Why something of the notebook stays there. */
function stays(what: string, got: unknown, expected: string, advice: string): ConfigurationError {
  return new ConfigurationError(what, got, expected, advice);
}

async function locate(module: AnyTrainingModule, devices: number): Promise<Pick<RankJob, "file" | "className">> {
  const { name: className } = module.constructor;
  const file = await fileOfClass(module.constructor);
  if (file === undefined) {
    throw stays(
      "Trainer.devices",
      devices,
      `1 for a module whose class, ${className}, exists only in a cell`,
      "Write the class into a file beside the notebook, with export before it, import it from there, and make the module again: the processes read it in that file.",
    );
  }
  return { className, file: file.startsWith(ownFolder) ? undefined : file };
}

function ship(what: string, loader: Loader): ShippedLoader {
  const shipped = shipLoader(loader);
  if (typeof shipped === "string") {
    throw stays(
      what,
      loader,
      `a DataLoader that other processes can make, but ${shipped}`,
      "Give the module a trainDataloader() and a valDataloader() in its file, and leave the loaders of fit out.",
    );
  }
  return shipped;
}

/** The callbacks that every rank makes for itself; the progress bar is this process's. */
function shipCallbacks(callbacks: readonly Callback[]): [Callback[], ShippedCallback[]] {
  const kept: Callback[] = [];
  const shipped: ShippedCallback[] = [];
  for (const callback of callbacks) {
    if (callback instanceof ProgressBar) {
      continue;
    }
    kept.push(callback);
    // A class derived from one of these does more.
    if (callback instanceof ModelCheckpoint && callback.constructor === ModelCheckpoint) {
      shipped.push({ kind: "ModelCheckpoint", options: callback.options });
    } else if (callback instanceof EarlyStopping && callback.constructor === EarlyStopping) {
      shipped.push({ kind: "EarlyStopping", options: callback.options });
    } else {
      throw stays(
        "Trainer.callbacks",
        callback.constructor.name,
        "ModelCheckpoint, EarlyStopping or ProgressBar on several processes",
        "Make others in the module's configureCallbacks(), in its file.",
      );
    }
  }
  return [kept, shipped];
}

/** Options that are data. */
function shipOptions(options: TrainerOptions, rootDir: string): TrainerOptions {
  const { callbacks: _, signal: __, enableProgressBar: ___, ...rest } = options;
  for (const name of ["logger", "profiler"] as const) {
    if (typeof rest[name] === "object") {
      throw stays(`Trainer.${name}`, rest[name], "true or false on several processes", "The processes make their own.");
    }
  }
  return { ...rest, defaultRootDir: rootDir };
}

/** Gives what ranks found back to the notebook's module, Trainer and callbacks. */
async function takeBack(folder: string, trainer: Trainer, module: AnyTrainingModule, kept: readonly Callback[]) {
  const outcome: RankOutcome = deserialize(readFileSync(join(folder, files.outcome)));
  module.loadStateDict((await loadSafetensors(join(folder, files.trained))).tensors);
  Object.assign(trainer.progress, outcome.progress);
  Object.assign(trainer.callbackMetrics, outcome.metrics);
  for (const [i, callback] of kept.entries()) {
    callback.loadStateDict(outcome.callbacks[i] ?? {});
    if (callback instanceof ModelCheckpoint) {
      callback.lastModelPath = outcome.result.lastModelPath ?? callback.lastModelPath;
    }
  }
  return outcome.result;
}

/** What went wrong first, of what the ranks left. */
function failureOf(folder: string, devices: number, code: number, said: string): Error {
  const failures = Array.from({ length: devices }, (_, rank) => join(folder, files.failure(rank)))
    .filter((path) => existsSync(path))
    .map((path): RankFailure => JSON.parse(readFileSync(path, "utf8")));
  const first = failures.find(({ isSecond }) => !isSecond) ?? failures[0];
  if (first === undefined) {
    return new Error(`The processes ended with code ${code}: ${said.trim().slice(-1000) || "they said nothing"}`);
  }
  return new Error(`Rank ${first.rank} failed: ${first.name}: ${first.message}`);
}

/** The result of a fit that was ended at once: nothing came back. */
function stopped(trainer: Trainer): FitResult {
  return {
    status: "interrupted",
    reason: "somebody asked to stop at once",
    epochs: trainer.currentEpoch,
    globalStep: trainer.globalStep,
    metrics: { ...trainer.callbackMetrics },
    bestModelPath: undefined,
    lastModelPath: undefined,
  };
}

/** What a fit is given. */
export interface LaunchedFit {
  readonly module: AnyTrainingModule;
  readonly train: Loader | undefined;
  readonly val: Loaders | undefined;
  readonly run: RunOptions;
}

/**
 * Trains on processes that are started for it.
 *
 * @param trainer the notebook's
 * @param given its options
 * @returns how it ended; the module has the trained weights then
 * @throws ConfigurationError for what exists only in the notebook, and what to do about it; Error with the words of the rank that failed
 */
export async function fitOnRanks(
  trainer: Trainer,
  given: TrainerOptions,
  devices: number,
  { module, train, val, run }: LaunchedFit,
): Promise<FitResult> {
  const { defaultRootDir, enableProgressBar, handleSignals } = trainer.options;
  const rootDir = resolve(defaultRootDir);
  const [kept, callbacks] = shipCallbacks(trainer.ownCallbacks);
  const job: RankJob = {
    ...(await locate(module, devices)),
    hparams: module.hparams,
    trainer: shipOptions(given, rootDir),
    callbacks,
    train: train && ship("The training loader", train),
    val: val && toLoaders("The validation loader", val).map((loader) => ship("The validation loader", loader)),
    ckptPath: run.ckptPath,
    seed: defaultGenerator.initialSeed(),
    logFolder: rootDir,
  };
  const folder = await mkdtemp(join(tmpdir(), "convbook-ranks-"));
  try {
    await writeFile(join(folder, files.job), serialize(job));
    await saveSafetensors(join(folder, files.weights), module.stateDict());
    const signals = [trainer.options.signal, run.signal].filter((signal) => signal !== undefined);
    const { code, said, isStopped } = await runRanks(folder, devices, {
      signal: signals.length === 0 ? undefined : AbortSignal.any(signals),
      handleSignals,
      showsProgress: enableProgressBar,
    });
    if (isStopped) {
      return stopped(trainer);
    }
    if (!existsSync(join(folder, files.outcome))) {
      throw failureOf(folder, devices, code, said);
    }
    return await takeBack(folder, trainer, module, kept);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
