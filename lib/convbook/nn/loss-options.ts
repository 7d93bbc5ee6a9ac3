import type * as tf from "@tensorflow/tfjs-core";
import { OptionError, UnknownNameError } from "./errors.ts";
import type { Reduction } from "./functional/cross-entropy.ts";
import { Buffer } from "./parameter.ts";
import { ofRank } from "./ranks.ts";

/** What most losses know. */
export const reductions: readonly Reduction[] = ["mean", "sum", "none"];

/** @throws {UnknownNameError} for a reduction that is not among `known` */
export function checkReduction<R extends string>(reduction: R, known: readonly R[]): R {
  if (!known.includes(reduction)) {
    throw new UnknownNameError("reduction", String(reduction), known);
  }
  return reduction;
}

/** Options of the losses. */
export interface LossOptions {
  /** "mean" (default) or "sum" of the samples' losses, or "none" for the losses themselves. */
  readonly reduction?: Reduction;
}

/** A list of weights as a buffer, as PyTorch's losses keep it; null where there is none. */
export function weightBuffer(layer: string, option: string, weights: ArrayLike<number> | undefined): Buffer | null {
  if (weights === undefined) {
    return null;
  }
  const isList = Array.isArray(weights) || ArrayBuffer.isView(weights);
  if (!isList || weights.length === 0 || !Array.from(weights).every((weight) => Number.isFinite(weight))) {
    throw new OptionError(layer, option, weights, "a list of finite numbers");
  }
  const data = Float32Array.from(weights);
  return new Buffer({ dtype: "float32", shape: [data.length], data });
}

/** @throws {OptionError} where there is not one weight for each of `count` classes */
export function checkWeightCount(layer: string, option: string, buffer: Buffer | null, count: number): void {
  const length = buffer?.variable.shape[0] ?? count;
  if (length !== count) {
    throw new OptionError(layer, `${option}.length`, length, `${count}, one weight a class`);
  }
}

/** The weights, where there are any. */
export function weightsOf(buffer: Buffer | null): tf.Tensor1D | null {
  return buffer === null ? null : ofRank(buffer.variable, 1);
}
