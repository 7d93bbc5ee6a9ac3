/** From a file's weights to a module that is there already. */

import { OptionError } from "../arguments/option-error.ts";
import { checkSwitches, refuseUnknownOptions } from "../arguments/options.ts";
import { messageOf } from "../files/index.ts";
import { type AnyModule, type LoadResult, Module } from "../nn/index.ts";
import type { StateDict } from "../tensor-data.ts";
import { quote } from "./byte-reader.ts";
import { type LoadedCheckpoint, loadCheckpoint } from "./container/checkpoint.ts";
import { CheckpointError } from "./error.ts";
import { findWeights, isTensor, prefixOf, withoutWrappers } from "./find-weights.ts";

/** Where a file has the weights, and how they must fit. */
export interface LoadWeightsOptions {
  /**
   * The key of the file's dict that holds the weights. By default one of the usual names (`state_dict`, `model_state_dict`,
   * `model`, `net`, `weights` and their like; before them timm's averaged weights, `state_dict_ema` and `model_ema`), or the
   * whole file where it is a bare `torch.save(model.state_dict())`.
   */
  readonly weightsKey?: string;
  /**
   * What the state dict's keys begin with, the module's attribute that held the model; entries without it are left out. By
   * default what makes the model's own names fit: `model.` of a training module, `module.` of DataParallel, `_orig_mod.` of
   * torch.compile, any other and any row of them, or nothing.
   */
  readonly prefix?: string;
  /** Lists, tuples, dicts and sets that the file may hold; see `parseTorch`. */
  readonly maxContainers?: number;
  /** Whether every entry must be there and none beyond. */
  readonly strict?: boolean;
}

/**
 * The entries of a loaded state dict whose names begin with `prefix`, without it.
 *
 * @param value a Map of names and tensors
 * @throws CheckpointError when it is anything else, or no name begins so
 */
export function stateDictOf(value: unknown, file: string, prefix = ""): StateDict {
  if (!(value instanceof Map)) {
    throw new CheckpointError(file, null, "incomplete", "the state dict is not a dict");
  }
  const result: StateDict = new Map();
  for (const [key, tensor] of value as Map<unknown, unknown>) {
    if (typeof key !== "string" || !isTensor(tensor)) {
      throw new CheckpointError(
        file,
        null,
        "mismatch",
        `entry ${quote(String(key))} of the state dict is not a tensor`,
      );
    }
    if (key.startsWith(prefix)) {
      result.set(key.slice(prefix.length), tensor);
    }
  }
  if (result.size === 0) {
    const [first] = value.keys();
    const found = first === undefined ? "it is empty" : `the first is ${quote(String(first))}`;
    throw new CheckpointError(
      file,
      null,
      "mismatch",
      `no entry of the state dict begins with ${quote(prefix)}; ${found}`,
    );
  }
  return result;
}

/** What a file holds. */
export async function readData(path: string, { maxContainers }: LoadWeightsOptions): Promise<LoadedCheckpoint["data"]> {
  return (await loadCheckpoint(path, maxContainers === undefined ? {} : { maxContainers })).data;
}

/** Puts a state dict into a module, its names without wrappers' prefixes. */
export function putInto(
  module: AnyModule,
  state: StateDict,
  path: string,
  { prefix, strict = true }: LoadWeightsOptions,
): LoadResult {
  const expected = [...module.stateDict().keys()];
  return module.loadStateDict(bareNames(state, expected, path, prefix), { strict });
}

/** A state dict with the module's own names: without a prefix that is named, else without those of wrappers that keep them from fitting. */
export function bareNames(state: StateDict, expected: readonly string[], path: string, prefix?: string): StateDict {
  if (prefix !== undefined) {
    return stateDictOf(state, path, prefix);
  }
  const bare = withoutWrappers(state, expected);
  return stateDictOf(bare, path, prefixOf([...bare.keys()], expected));
}

/** An error of a loading that says which file it was. */
export function asMismatch(error: unknown, path: string): CheckpointError {
  return error instanceof CheckpointError
    ? error
    : new CheckpointError(path, null, "mismatch", messageOf(error), { cause: error });
}

/**
 * Loads a file's weights into a module of your own, or any other: PyTorch's `module.load_state_dict(torch.load(path))`, for all files that
 * {@link loadFromCheckpoint} reads, with wrappers' prefixes taken off.
 *
 * @param module the network, whose names are those of the file
 * @param path the checkpoint
 * @param options where the file has the weights, and how they must fit
 * @returns the names that were missing and unexpected, both empty when strict
 * @throws {OptionError} where the module is none
 * @throws CheckpointError when the file is broken, or its weights do not fit: then every missing, unexpected and misshapen entry is listed, and
 *   nothing is loaded
 *
 * @example
 * await loadWeights(new Net(), "net.pt");
 */
export async function loadWeights(
  module: AnyModule,
  path: string,
  options: LoadWeightsOptions = {},
): Promise<LoadResult> {
  if (!(module instanceof Module)) {
    throw new OptionError("loadWeights", "module", module, "a module, for example one of nn's");
  }
  refuseUnknownOptions("loadWeights", options, ["weightsKey", "prefix", "maxContainers", "strict"]);
  checkSwitches("loadWeights", options, { strict: true });
  const weights = findWeights(await readData(path, options), path, options.weightsKey);
  try {
    return putInto(module, stateDictOf(weights, path), path, options);
  } catch (error) {
    throw asMismatch(error, path);
  }
}
