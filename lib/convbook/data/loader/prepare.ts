/** Making one batch, on whichever thread. */
import type { Generator } from "../../random/index.ts";
import { DataError } from "../error.ts";
import type { LabelledSample } from "../sample.ts";
import type { Source } from "../sources/source.ts";
import type { BatchTransform } from "../transforms/batch-transform.ts";
import { type RawBatch, stack } from "./collate.ts";

/** Says which sample failed, keeping what is known about the cause. */
export function sampleError(index: number, error: unknown): DataError {
  if (error instanceof DataError && error.index === index) {
    return error;
  }
  const cause = error instanceof Error ? error : new Error(String(error));
  const code = cause instanceof DataError ? cause.code : "sample";
  const file = cause instanceof DataError ? cause.file : undefined;
  return new DataError(code, `Sample ${index} could not be made: ${cause.message}`, { index, file, cause });
}

/** Makes a batch of a source's samples. */
export function prepareBatch(
  source: Source,
  sourceIndices: ArrayLike<number>,
  indices: ArrayLike<number>,
  batchTransform: BatchTransform | undefined,
  generator: Generator,
): RawBatch {
  const samples: LabelledSample[] = [];
  for (let i = 0; i < sourceIndices.length; i++) {
    try {
      samples.push(source(sourceIndices[i] ?? 0, generator));
    } catch (error) {
      throw sampleError(indices[i] ?? 0, error);
    }
  }
  const batch = stack(samples, indices);
  return batchTransform === undefined ? batch : batchTransform.apply(batch, generator);
}
