/** Every transform by its name, so that a worker thread can build what the main thread describes. */
import { nearestNames } from "../../nn/errors.ts";
import { AugMix } from "./aug-mix.ts";
import { AutoAugment } from "./auto-augment.ts";
import type { BatchTransform, BatchTransformSpec } from "./batch-transform.ts";
import { ColorJitter } from "./color-jitter.ts";
import { Compose } from "./compose.ts";
import { Cutout, RandomErasing } from "./erase.ts";
import { CutMix, MixUp, RandomMix } from "./mix.ts";
import { RandAugment } from "./rand-augment.ts";
import { RandomAffine, RandomRotation } from "./random-affine.ts";
import { RandomCrop, RandomResizedCrop } from "./random-crop.ts";
import { RandomHorizontalFlip, RandomVerticalFlip } from "./random-flip.ts";
import { CenterCrop, Resize } from "./resize.ts";
import { Normalize, ToTensor } from "./tensor.ts";
import type { Transform, TransformSpec } from "./transform.ts";
import { TrivialAugmentWide } from "./trivial-augment.ts";

const classes: readonly (new (...args: never[]) => Transform)[] = [
  AugMix,
  AutoAugment,
  ColorJitter,
  Cutout,
  RandAugment,
  RandomAffine,
  RandomErasing,
  RandomRotation,
  CenterCrop,
  Normalize,
  RandomCrop,
  RandomHorizontalFlip,
  RandomResizedCrop,
  RandomVerticalFlip,
  Resize,
  ToTensor,
  TrivialAugmentWide,
];

function hint(name: string, known: Iterable<string>): string {
  const [nearest] = nearestNames(name, known, 1);
  return nearest === undefined ? "" : ` Did you mean "${nearest}"?`;
}

const byName = new Map(classes.map((transform) => [transform.name, transform]));

/**
 * Builds the transform that a {@link Transform.toSpec} describes.
 * @throws {RangeError} when there is none of this name
 */
export function fromSpec(spec: TransformSpec): Transform {
  if (spec.name === "Compose") {
    return new Compose((spec.args as readonly TransformSpec[]).map(fromSpec));
  }
  const transform = byName.get(spec.name);
  if (transform === undefined) {
    throw new RangeError(`There is no transform named ${JSON.stringify(spec.name)}.${hint(spec.name, byName.keys())}`);
  }
  return new transform(...(spec.args as never[]));
}

const batchClasses: readonly (new (...args: never[]) => BatchTransform)[] = [CutMix, MixUp];

const batchByName = new Map(batchClasses.map((transform) => [transform.name, transform]));

/**
 * Builds the batch transform that a {@link BatchTransform.toSpec} describes.
 * @throws {RangeError} when there is none of this name
 */
export function batchTransformFromSpec(spec: BatchTransformSpec): BatchTransform {
  if (spec.name === "RandomMix") {
    const [mixes, options] = spec.args as [readonly BatchTransformSpec[], { readonly p?: readonly number[] }?];
    return new RandomMix(mixes.map(batchTransformFromSpec), options);
  }
  const transform = batchByName.get(spec.name);
  if (transform === undefined) {
    const known = [...batchByName.keys(), "RandomMix"];
    throw new RangeError(`There is no batch transform named ${JSON.stringify(spec.name)}.${hint(spec.name, known)}`);
  }
  return new transform(...(spec.args as never[]));
}
