/**
 * Where a program pays. It runs a few images at a time through all of its operations while they are in the cache, which saves reading and writing every result
 * in between; but it reads the weights again for every few images, where a convolution by itself reads them once a batch. So it pays while the weights
 * of its convolutions stay in the cache beside the images.
 */
import type { Region } from "./lower.ts";

/** What the weights of a convolution may take in training, where its two gradients need them, too: half of a usual second-level cache. */
const mostWeightBytes = 2 ** 19;

/** Whether a part of a graph is to run as a program of the engine. */
export function paysAsProgram({ numbers, nodes }: Region, training: boolean): boolean {
  if (!training) {
    return true;
  }
  return numbers.every((number) => {
    const operation = nodes[number]?.operation;
    return operation?.kind !== "convolution" || operation.weight.size * 4 <= mostWeightBytes;
  });
}
