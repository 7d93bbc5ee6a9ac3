/**
 * Accuracy of a classifier over a data loader.
 */
import * as tf from "@tensorflow/tfjs-core";
import { checkFunction, checkInteger } from "../arguments/check.ts";
import { OptionError } from "../arguments/option-error.ts";
import { refuseUnknownOptions } from "../arguments/options.ts";
import { Module } from "../nn/module.ts";
import { requireOwn } from "../nn/usage.ts";

/** A batch as a DataLoader yields it: images `[N, H, W, C]` float32, labels `[N]` int32. */
export type ImageBatch = readonly [images: tf.Tensor4D, labels: tf.Tensor1D];

/** A module that maps images to logits. */
export interface Classifier {
  readonly training: boolean;
  /** `[N, H, W, C]` -> logits `[N, classes]` */
  forward(images: tf.Tensor4D): tf.Tensor;
  train(mode?: boolean): unknown;
  eval(): unknown;
}

export interface EvaluateOptions {
  /** Stop after this many images; the batch that crosses the limit is cut. Default: all of them. */
  readonly limit?: number;
  /** Called after each batch with the images done so far. */
  readonly onProgress?: (done: number) => void;
  /** Stops between two batches. */
  readonly signal?: AbortSignal;
}

export interface Evaluation {
  readonly correct: number;
  readonly total: number;
  /** `correct / total`, 0 where nothing was evaluated. */
  readonly accuracy: number;
  /** The predicted class of each image, in the loader's order. */
  readonly predictions: Int32Array;
  /** The probability that the network gives its prediction, in the loader's order. */
  readonly confidences: Float32Array;
  readonly seconds: number;
}

/**
 * Runs `model` in eval mode over the batches of `loader` and counts the right answers. The model's mode is restored;
 * the batches' tensors are disposed of.
 *
 * @param model maps images `[N, H, W, C]` to logits `[N, classes]`
 * @param loader yields {@link ImageBatch}es
 * @throws {OptionError} naming the argument that is none
 */
export async function evaluate(
  model: Classifier,
  loader: AsyncIterable<ImageBatch>,
  options: EvaluateOptions = {},
): Promise<Evaluation> {
  check(model, loader, options);
  const { limit = Number.POSITIVE_INFINITY, onProgress, signal } = options;
  const started = performance.now();
  const wasTraining = model.training;
  model.eval();
  const predictions: number[] = [];
  const confidences: number[] = [];
  let correct = 0;
  try {
    for await (const batch of loader) {
      const [images, labels]: Partial<ImageBatch> = Array.isArray(batch) ? batch : [];
      if (!(images instanceof tf.Tensor && labels instanceof tf.Tensor)) {
        throw new OptionError("evaluate", "a batch of loader", batch, "a pair of tensors [images, labels]");
      }
      const take = Math.min(images.shape[0], limit - predictions.length);
      const [best, confidence] = tf.tidy(() => {
        const batch = take < images.shape[0] ? tf.slice(images, 0, take) : images;
        const forward = () => model.forward(batch as tf.Tensor4D);
        const isFirst = predictions.length === 0;
        const probabilities = tf.softmax(isFirst && model instanceof Module ? requireOwn(model, forward) : forward());
        return [tf.argMax(probabilities, -1), tf.max(probabilities, -1)] as const;
      });
      const [bestData, confidenceData, labelData] = await Promise.all([best.data(), confidence.data(), labels.data()]);
      tf.dispose([best, confidence, images, labels]);
      for (let i = 0; i < take; i++) {
        predictions.push(bestData[i] ?? 0);
        confidences.push(confidenceData[i] ?? 0);
        if (bestData[i] === labelData[i]) {
          correct++;
        }
      }
      onProgress?.(predictions.length);
      if (predictions.length >= limit || signal?.aborted) {
        break;
      }
    }
  } finally {
    model.train(wasTraining);
  }
  const total = predictions.length;
  return {
    correct,
    total,
    accuracy: total === 0 ? 0 : correct / total,
    predictions: Int32Array.from(predictions),
    confidences: Float32Array.from(confidences),
    seconds: (performance.now() - started) / 1000,
  };
}

function check(model: Classifier, loader: unknown, options: EvaluateOptions): void {
  for (const method of ["forward", "train", "eval"] as const) {
    if (typeof model?.[method] !== "function") {
      throw new OptionError("evaluate", "model", model, "a classifier: an object with forward, train and eval");
    }
  }
  const isLoader =
    typeof loader === "object" && loader !== null && (Symbol.asyncIterator in loader || Symbol.iterator in loader);
  if (!isLoader) {
    throw new OptionError("evaluate", "loader", loader, "something that gives batches [images, labels]");
  }
  refuseUnknownOptions("evaluate", options, ["limit", "onProgress", "signal"]);
  const { limit, onProgress, signal } = options;
  if (limit !== undefined && limit !== Number.POSITIVE_INFINITY) {
    checkInteger("evaluate", "limit", limit, 1);
  }
  if (onProgress !== undefined) {
    checkFunction("evaluate", "onProgress", onProgress);
  }
  if (signal !== undefined && typeof signal?.aborted !== "boolean") {
    throw new OptionError("evaluate", "signal", signal, "an AbortSignal");
  }
}
