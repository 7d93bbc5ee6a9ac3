/** Weights of a whole network into one of ours, with another head where it has another number of classes. */

import { messageOf } from "../files/index.ts";
import { StagedNetwork } from "../models/index.ts";
import { type AnyModule, Linear } from "../nn/index.ts";
import type { StateDict } from "../tensor-data.ts";
import { loadCheckpoint } from "./container/checkpoint.ts";
import { CheckpointError } from "./error.ts";
import { findWeights } from "./find-weights.ts";
import { bareNames, stateDictOf } from "./load-weights.ts";

/** What the loading is about, for its messages. */
export interface PretrainedWeights {
  /** The model's name. */
  readonly name: string;
  /** The number of classes that was asked for, undefined where it is the model's default. */
  readonly numClasses: unknown;
}

/** Entries of a state dict that belong to a network's head. */
interface Head {
  readonly names: readonly string[];
  readonly classes: number;
  readonly classesOfFile: number;
}

/**
 * Loads a file's weights into a model. Where the file's head has another number of classes, and one was asked for, the head is left out.
 *
 * @returns what was left out, a sentence each
 * @throws {CheckpointError} listing all that does not fit; nothing is loaded then
 */
export async function loadPretrained(model: AnyModule, path: string, options: PretrainedWeights): Promise<string[]> {
  const { data } = await loadCheckpoint(path);
  const own = model.stateDict();
  const expected = [...own.keys()];
  const state = bareNames(renamed(model, stateDictOf(findWeights(data, path), path)), expected, path);
  const notes: string[] = [];
  const optional = leaveOutOptional(model, state, own);
  if (optional.length > 0) {
    notes.push(`${options.name}: ${optional.join(", ")} of ${path} are left out, which the network does without.`);
  }
  const head = otherHead(model, state);
  if (head !== null) {
    if (options.numClasses === undefined) {
      throw new CheckpointError(
        path,
        null,
        "mismatch",
        `its head (${head.names.join(", ")}) has ${head.classesOfFile} classes, that of ${options.name} has ${head.classes}; ` +
          `give numClasses: ${head.classesOfFile} to take it, or numClasses: ${head.classes} to leave it out`,
      );
    }
    for (const name of head.names) {
      const initial = own.get(name);
      if (initial !== undefined) {
        state.set(name, initial);
      }
    }
    notes.push(
      `${options.name}: the head (${head.names.join(", ")}) is left out and begins anew: ${path} has ${head.classesOfFile} classes, numClasses is ${head.classes}.`,
    );
  }
  try {
    model.loadStateDict(state);
  } catch (error) {
    throw new CheckpointError(path, null, "mismatch", messageOf(error), { cause: error });
  }
  return notes;
}

/** With the names that the network has today. */
function renamed(model: AnyModule, state: StateDict): StateDict {
  if (!(model instanceof StagedNetwork)) {
    return state;
  }
  const result: StateDict = new Map(Array.from(state, ([name, value]) => [model.stateName(name), value] as const));
  return result.size === state.size ? result : state;
}

/** Takes parts out of a state dict that the model may have and does not; says which. */
function leaveOutOptional(model: AnyModule, state: StateDict, own: StateDict): string[] {
  const parts = model instanceof StagedNetwork ? model.optionalParts : [];
  return parts.filter((part) => {
    const begins = `${part}.`;
    const there = [...state.keys()].filter((name) => name.startsWith(begins));
    if (there.length === 0 || [...own.keys()].some((name) => name.startsWith(begins))) {
      return false;
    }
    for (const name of there) {
      state.delete(name);
    }
    return true;
  });
}

/**
 * The head, where the file's differs in nothing but its number of classes: the network's last linear layer, and those that give as many numbers (further
 * classifiers). Null where it is the same, or does not fit at all.
 */
function otherHead(model: AnyModule, state: StateDict): Head | null {
  const layers = model.namedModules().filter((pair): pair is [string, Linear] => pair[1] instanceof Linear);
  const classes = layers.at(-1)?.[1].outFeatures;
  if (classes === undefined) {
    return null;
  }
  const classesOfFile = state.get(`${layers.at(-1)?.[0]}.weight`)?.shape[0];
  if (classesOfFile === undefined || classesOfFile === classes) {
    return null;
  }
  const heads = layers.filter(([name, layer]) => {
    const shape = state.get(`${name}.weight`)?.shape;
    return (
      layer.outFeatures === classes &&
      shape?.length === 2 &&
      shape[0] === classesOfFile &&
      shape[1] === layer.inFeatures
    );
  });
  const names = heads.flatMap(([name, { bias }]) => [`${name}.weight`, ...(bias === null ? [] : [`${name}.bias`])]);
  return heads.length === 0 ? null : { names, classes, classesOfFile };
}
