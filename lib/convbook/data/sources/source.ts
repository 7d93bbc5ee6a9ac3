/**
 * Where samples come from, described as data, so that another thread can make them too. Nothing here needs TensorFlow.js: a worker
 * that prepares batches starts in milliseconds.
 */

import { found } from "../../arguments/found.ts";
import type { Generator } from "../../random/index.ts";
import type { LabelledSample } from "../sample.ts";
import { fromSpec } from "../transforms/registry.ts";
import type { Transform, TransformSpec } from "../transforms/transform.ts";
import { type ArraySourceSpec, sampleOfArray } from "./array-source.ts";
import { type ImageSourceSpec, sampleOfFile } from "./image-source.ts";
import { mirrored } from "./mirrored.ts";

/** Samples of several sources; sample i of part p has the index i * parts.length + p. */
export interface ConcatSourceSpec {
  readonly kind: "concat";
  readonly parts: readonly SourceSpec[];
}

/** A source with a transform for its samples. */
export interface TransformedSourceSpec {
  readonly kind: "transformed";
  readonly source: SourceSpec;
  readonly transform: TransformSpec;
}

/** Samples of a source at 2 i, and mirrored left to right at 2 i + 1. */
export interface MirroredSourceSpec {
  readonly kind: "mirrored";
  readonly source: SourceSpec;
}

export type SourceSpec =
  | ArraySourceSpec
  | ImageSourceSpec
  | ConcatSourceSpec
  | TransformedSourceSpec
  | MirroredSourceSpec;

/** Makes the sample of an index; what is random draws from the generator. */
export type Source = (index: number, generator: Generator) => LabelledSample;

/** Builds what a description describes. */
export function openSource(spec: SourceSpec): Source {
  switch (spec.kind) {
    case "array":
      return (index) => sampleOfArray(spec, index);
    case "image-files":
      return (index) => sampleOfFile(spec, index);
    case "concat": {
      const parts = spec.parts.map(openSource);
      return (index, generator) => {
        const part = found(parts[index % parts.length], "A part of the source");
        return part(Math.floor(index / parts.length), generator);
      };
    }
    case "transformed":
      return transformed(openSource(spec.source), fromSpec(spec.transform));
    case "mirrored": {
      const source = openSource(spec.source);
      return (index, generator) => {
        const sample = source(Math.floor(index / 2), generator);
        return index % 2 === 1 ? mirrored(sample) : sample;
      };
    }
  }
}

/** A source whose data goes through a transform. */
export function transformed(source: Source, transform: Transform): Source {
  return (index, generator) => {
    const [data, label] = source(index, generator);
    return [transform.apply(data, generator), label];
  };
}

/** Whether a description has image files, whose decoders must be loaded first. */
export function hasImageFiles(spec: SourceSpec): boolean {
  switch (spec.kind) {
    case "array":
      return false;
    case "image-files":
      return true;
    case "concat":
      return spec.parts.some(hasImageFiles);
    case "transformed":
    case "mirrored":
      return hasImageFiles(spec.source);
  }
}
