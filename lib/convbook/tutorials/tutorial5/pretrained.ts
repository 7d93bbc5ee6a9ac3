/**
 * Our own weights for the tutorial's models, trained by our Trainer with the recipes in `datasets/pretrained/recipes`. They
 * come with convbook, so that its notebooks have trained networks where the tutorial's checkpoints are out of reach.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { UnknownNameError } from "../../arguments/names.ts";
import { datasetsFolder } from "../../download/index.ts";
import { modelNames, type TutorialModelName } from "./published.ts";

/** Accuracy after each epoch of a training, as fractions. */
export interface AccuracyCurves {
  readonly train: readonly number[];
  readonly validation: readonly number[];
}

/** The file of our own weights for a model; undefined where none come with this version. */
export function pretrainedFile(name: TutorialModelName): string | undefined {
  if (!modelNames.includes(name)) {
    throw new UnknownNameError("name of a model of the tutorial", name, modelNames);
  }
  const path = join(datasetsFolder(), "pretrained", `${name}.safetensors`);
  return existsSync(path) ? path : undefined;
}
