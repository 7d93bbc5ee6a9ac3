/** From a file to a model that is ready to use. */

import { createModelFrom, type ModelName, type ModelNamed, modelNames, type SomeModel } from "../models/index.ts";
import { CheckpointError } from "./error.ts";
import { findWeights } from "./find-weights.ts";
import { asMismatch, type LoadWeightsOptions, putInto, readData, stateDictOf } from "./load-weights.ts";
import { type PlainObject, toPlain } from "./plain.ts";

/** What to load other than what the file says. */
export interface LoadFromCheckpointOptions<Name extends string = string> extends LoadWeightsOptions {
  /** The model's name, where the file does not hold it or to replace it; the types then know which model it is. */
  readonly modelName?: Name;
  /** The model's hyper-parameters, with Python's names or ours, where the file does not hold them or to replace them. */
  readonly modelHparams?: object;
}

/** What no name is: a name that is written out must be one that the types know. */
interface UnknownModel<Sentence extends string> {
  readonly unknown: Sentence;
}

/** The name itself, of a model that the types know, or one that only the running program knows. */
type KnownModel<Name extends string> = string extends Name
  ? Name
  : Name extends ModelName
    ? Name
    : UnknownModel<`no model is named "${Name}"; one of your own is declared in RegisteredModels`>;

/** A model from a checkpoint: of the class that has this name, or one of which only the file says which it is. */
export interface LoadedModel<Name extends string = string> {
  readonly model: ModelNamed<Name>;
  /** All hyper-parameters of the file, also those that are not the model's (optimizer and so on). */
  readonly hyperParameters: PlainObject;
  /** The epoch and the optimizer step at which it was saved; undefined where the file does not say. */
  readonly epoch: number | undefined;
  readonly globalStep: number | undefined;
  /** What the training module added to a checkpoint of ours; empty in files of others. */
  readonly extra: PlainObject;
}

function count(value: unknown): number | undefined {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

/**
 * Builds the model that a checkpoint describes and loads its weights: its hyper-parameters must hold `model_name` and
 * `model_hparams`, as those of UvA Deep Learning Tutorial 5 do, unless the options give them. Reads Lightning's files, bare
 * state dicts and dicts that hold one, safetensors and our own checkpoints.
 *
 * @param path the checkpoint
 * @returns the model in training mode (call `eval()` before using it), and what else the file tells of it
 * @throws CheckpointError when the file is broken, or describes no model known here, or its weights do not fit: then every
 *   missing, unexpected and misshapen entry is listed
 *
 * @example
 * const { model } = await loadFromCheckpoint("resnet.pth", { modelName: "ResNet", modelHparams: { numClasses: 10 } });
 */
export async function loadFromCheckpoint<const Name extends string = string>(
  path: string,
  options: LoadFromCheckpointOptions<Name> & { readonly modelName?: KnownModel<Name> } = {},
): Promise<LoadedModel<Name>> {
  const data = await readData(path, options);
  const hyperParameters = toPlain(data.hyper_parameters ?? data.hyperParameters ?? {}) as PlainObject;
  const weights = findWeights(data, path, options.weightsKey);
  const modelName = options.modelName ?? hyperParameters.model_name ?? hyperParameters.modelName;
  if (modelName === undefined) {
    throw new CheckpointError(
      path,
      null,
      "incomplete",
      'the checkpoint does not say which model it is (its hyper-parameters have no "model_name"); give the option modelName ' +
        `(${modelNames().join(", ")}), and modelHparams where they are not the model's defaults, as in ` +
        'loadFromCheckpoint(path, { modelName: "ResNet", modelHparams: { numClasses: 10 } })',
    );
  }
  const modelHparams = options.modelHparams ?? hyperParameters.model_hparams ?? hyperParameters.modelHparams;
  const stateDict = stateDictOf(weights, path);
  let model: SomeModel | undefined;
  try {
    model = createModelFrom(modelName, modelHparams);
    putInto(model, stateDict, path, options);
  } catch (error) {
    model?.dispose();
    throw asMismatch(error, path);
  }
  const globalStep = count(data.global_step ?? data.globalStep);
  const extra = toPlain(data.extra ?? {}) as PlainObject;
  // One of this name, where a name was given.
  const named = model as ModelNamed<Name>;
  return { model: named, hyperParameters, epoch: count(data.epoch), globalStep, extra };
}
