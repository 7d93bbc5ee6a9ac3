/**
 * What pays. A program runs a few images at a time through all of its operations while they are in the cache, which saves reading and writing every result
 * in between. But it reads the weights again for every few images, where a convolution by itself reads them once a batch; so it pays while the weights
 * of its convolutions stay in the cache beside the images. `npm run bench -- engine --parts=programs` measures it.
 */
import type { Region } from "./lower.ts";

/** What the weights of a convolution may take: a usual second-level cache, in training half of it, since its two gradients need them, too. */
const mostWeightBytes = { training: 2 ** 19, evaluation: 2 ** 20 };

/** Whether a part of a graph is to run as a program of the engine. */
export function paysAsProgram({ numbers, nodes }: Region, training: boolean): boolean {
  const most = training ? mostWeightBytes.training : mostWeightBytes.evaluation;
  return numbers.every((number) => {
    const operation = nodes[number]?.operation;
    return operation?.kind !== "convolution" || operation.weight.size * 4 <= most;
  });
}

/**
 * Whether a normalisation is to be folded into the convolution before it in evaluation: that goes over its weights instead of over its results.
 *
 * @param weights how many weights the convolution has
 * @param results how many numbers it gives
 */
export function paysToFold(weights: number, results: number): boolean {
  return weights <= results;
}
