/** A model by name, with weights that somebody trained, or as features of its stages; named as timm's `create_model`. */
import { fileURLToPath } from "node:url";
import { OptionError } from "../arguments/option-error.ts";
import { fetchFile } from "../download/index.ts";
import {
  createModel as create,
  FeatureList,
  type ModelByName,
  type ModelHparams,
  type ModelName,
  type StagedNetwork,
} from "../models/index.ts";
import type { AnyModule } from "../nn/index.ts";
import { loadPretrained } from "./pretrained.ts";

/** Weights to begin with. */
export interface PretrainedOptions {
  /** A file of weights (.pth, .pt, .ckpt, .safetensors or a checkpoint of ours): its path, or an http(s) or file address. */
  readonly pretrained: string | URL;
  /** SHA-256 that an address's file must have, as 64 hexadecimal digits. */
  readonly sha256?: string;
}

/** Features instead of logits. */
export interface FeaturesOnlyOptions {
  readonly featuresOnly: true;
  /** Which of the network's `featureInfo`, from 0; negative numbers count from the end. All when left out. */
  readonly outIndices?: readonly number[];
}

/**
 * Builds a model by name.
 *
 * With `pretrained` a promise of it, with the file's weights: read as data only, never run. Where `numClasses` is given and the file's head has another
 * number of classes, the head is left out, which a line says. A file from an address is kept in the cache; without `sha256` its name may hold the
 * first digits of it (`resnet18-f37072fd.pth`), and where it holds none a line says what was found.
 *
 * With `featuresOnly` a {@link FeatureList}: features at each stage, or at those of `outIndices`, instead of logits.
 *
 * @param name name of the model; see `listModels`
 * @param hparams its hyper-parameters, and pretrained, sha256, featuresOnly and outIndices
 * @returns the model in training mode, with initial weights drawn from the default random generator, or the file's
 * @throws {UnknownNameError} for a name that does not exist, with the nearest right ones
 * @throws {CheckpointError} where the file is broken, or its weights do not fit: then every entry that does not is listed
 * @throws {DownloadError} where an address's file cannot be had, or is not what `sha256` says
 *
 * @example
 * const model = createModel("ResNet", { numBlocks: [3, 3, 3], cHidden: [16, 32, 64] });
 * const backbone = createModel("resnet18", { featuresOnly: true, outIndices: [2, 3, 4] });
 */
export function createModel<N extends ModelName>(
  name: N,
  hparams: ModelHparams[N] & PretrainedOptions & FeaturesOnlyOptions,
): Promise<FeatureList>;
export function createModel<N extends ModelName>(
  name: N,
  hparams: ModelHparams[N] & PretrainedOptions,
): Promise<ModelByName[N]>;
export function createModel<N extends ModelName>(name: N, hparams: ModelHparams[N] & FeaturesOnlyOptions): FeatureList;
export function createModel<N extends ModelName>(name: N, hparams?: ModelHparams[N]): ModelByName[N];
export function createModel(
  name: ModelName,
  hparams: Readonly<Record<string, unknown>> = {},
): AnyModule | Promise<AnyModule> {
  const given: unknown = hparams;
  if (typeof given !== "object" || given === null || given instanceof Map) {
    // A Map of hyper-parameters, or what is refused.
    return create(name, given as object);
  }
  const { pretrained, sha256, featuresOnly = false, outIndices, ...rest } = hparams;
  if (typeof featuresOnly !== "boolean") {
    throw new OptionError("createModel", "featuresOnly", featuresOnly, "true or false");
  }
  if (outIndices !== undefined && !featuresOnly) {
    throw new OptionError("createModel", "outIndices", outIndices, "left out where featuresOnly is not true");
  }
  const finished = (model: AnyModule) =>
    featuresOnly
      ? // It checks both arguments itself.
        new FeatureList(model as StagedNetwork, outIndices === undefined ? {} : { outIndices: outIndices as number[] })
      : model;
  if (pretrained === undefined) {
    if (sha256 !== undefined) {
      throw new OptionError("createModel", "sha256", sha256, "left out where pretrained is");
    }
    return finished(create(name, rest));
  }
  return (async () => {
    const path = await fileOf(name, pretrained, sha256);
    const model: AnyModule = create(name, rest);
    try {
      const numClasses = rest.numClasses ?? rest.num_classes;
      for (const note of await loadPretrained(model, path, { name, numClasses })) {
        console.log(note);
      }
      return finished(model);
    } catch (error) {
      model.dispose();
      throw error;
    }
  })();
}

/** Where the file is, once it is there. */
async function fileOf(name: string, pretrained: unknown, sha256: unknown): Promise<string> {
  const text = pretrained instanceof URL ? pretrained.href : pretrained;
  if (typeof text !== "string" || text === "") {
    throw new OptionError("createModel", "pretrained", pretrained, "the path or the address of a file of weights");
  }
  if (sha256 !== undefined && typeof sha256 !== "string") {
    throw new OptionError("createModel", "sha256", sha256, "64 hexadecimal digits");
  }
  if (!/^https?:/i.test(text)) {
    if (sha256 !== undefined) {
      throw new OptionError("createModel", "sha256", sha256, "left out where pretrained is a path");
    }
    return /^file:/i.test(text) ? fileURLToPath(text) : text;
  }
  const file = await fetchFile(text, sha256 === undefined ? {} : { sha256 });
  if (file.verified === "nothing") {
    console.log(
      `${name}: the weights of ${new URL(text).host} are compared with nothing. Their SHA-256 is ${file.sha256}: ` +
        "given as sha256, later downloads are compared with it.",
    );
  }
  return file.path;
}
