/** From a file to a model that is ready to use. */
import { createModelFrom, type ModelByName, type ModelName } from "../models/index.ts";
import type { StateDict, TensorData } from "../tensor-data.ts";
import { quote } from "./byte-reader.ts";
import { CheckpointError } from "./error.ts";
import { type PlainObject, toPlain } from "./plain.ts";
import { loadTorch } from "./torch/load.ts";

/** What to load other than what the file says. */
export interface LoadFromCheckpointOptions {
  /** The model's name, where the file does not hold it or to replace it. */
  readonly modelName?: string;
  /** The model's hyper-parameters, with Python's names or ours, where the file does not hold them or to replace them. */
  readonly modelHparams?: object;
  /** What the state dict's keys begin with, the module's attribute that held the model. */
  readonly prefix?: string;
  /** Whether every entry must be there and none beyond. */
  readonly strict?: boolean;
}

/** A model from a checkpoint. */
export interface LoadedModel {
  readonly model: ModelByName[ModelName];
  /** All hyper-parameters of the file, also those that are not the model's (optimizer and so on). */
  readonly hyperParameters: PlainObject;
  /** The epoch and the optimizer step at which it was saved; undefined where the file does not say. */
  readonly epoch: number | undefined;
  readonly globalStep: number | undefined;
}

function isTensor(value: unknown): value is TensorData {
  return typeof value === "object" && value !== null && "dtype" in value && "shape" in value && "data" in value;
}

/**
 * The entries of a loaded state dict whose names begin with `prefix`, without it.
 *
 * @param value a Map of names and tensors
 * @throws CheckpointError when it is anything else, or no name begins so
 */
export function stateDictOf(value: unknown, file: string, prefix = ""): StateDict {
  if (!(value instanceof Map)) throw new CheckpointError(file, null, "incomplete", "the state dict is not a dict");
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
    if (key.startsWith(prefix)) result.set(key.slice(prefix.length), tensor);
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

function count(value: unknown): number | undefined {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

/**
 * Builds the model that a Lightning checkpoint describes and loads its weights: `hyper_parameters` must hold `model_name`
 * and `model_hparams`, as those of UvA Deep Learning Tutorial 5 do, unless the options give them.
 *
 * @param path the checkpoint
 * @returns the model in training mode (call `eval()` before using it), and what else the file tells of it
 * @throws CheckpointError when the file is broken, or describes no model known here, or its weights do not fit: then every
 *   missing, unexpected and misshapen entry is listed
 */
export async function loadFromCheckpoint(path: string, options: LoadFromCheckpointOptions = {}): Promise<LoadedModel> {
  const { prefix = "model.", strict = true } = options;
  const root = await loadTorch(path);
  if (!(root instanceof Map)) throw new CheckpointError(path, null, "incomplete", "the checkpoint is not a dict");
  const stored: unknown = root.get("hyper_parameters");
  const hparams = stored instanceof Map ? stored : new Map<unknown, unknown>();
  const modelName: unknown = options.modelName ?? hparams.get("model_name");
  if (modelName === undefined) {
    throw new CheckpointError(
      path,
      null,
      "incomplete",
      'the checkpoint does not say which model it is (hyper_parameters has no "model_name"); give the option modelName',
    );
  }
  const stateDict = stateDictOf(root.get("state_dict"), path, prefix);
  let model: LoadedModel["model"] | undefined;
  try {
    model = createModelFrom(modelName, options.modelHparams ?? hparams.get("model_hparams"));
    model.loadStateDict(stateDict, { strict });
  } catch (error) {
    model?.dispose();
    throw new CheckpointError(path, null, "mismatch", (error as Error).message, { cause: error });
  }
  return {
    model,
    hyperParameters: toPlain(hparams) as PlainObject,
    epoch: count(root.get("epoch")),
    globalStep: count(root.get("global_step")),
  };
}
