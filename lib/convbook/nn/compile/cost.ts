/**
 * What pays. A program runs a few images at a time through all of its operations while they are in the cache, which saves reading and writing every result
 * in between. But it reads the weights again for every few images, where a convolution by itself reads them once a batch; so it pays while the weights
 * of its convolutions stay in the cache beside the images. `npm run bench -- engine --parts=programs` measures it.
 */
import type { Convolution } from "./graph.ts";
import type { Region } from "./lower.ts";
import type { PlanNode, Step } from "./plan.ts";

/**
 * What the weights of a convolution may take. Measured on AMD EPYCs (1 MiB of second-level cache a core), where convolutions by themselves may use
 * Winograd's algorithm: residual blocks of 8 to 56 pixels, 1 to 128 images. Weights of 324 KiB and less were 1.0 to 1.3 times as fast in programs, in training and
 * in evaluation; 441 KiB .99 to 1.15 times, but .85 and .94 in evaluation of 128 images; 576 KiB 1.0 to 1.15 times on Zen 4, .88 to 1.0 on Zen 5; 1.3 MiB .79 to 1.02 times, 9 MiB .76.
 */
const mostWeightBytes = 384 * 2 ** 10;

/** Whether a part of a graph is to run as a program of the engine. */
export function paysAsProgram({ numbers, nodes }: Region): boolean {
  return numbers.every((number) => {
    const operation = nodes[number]?.operation;
    return operation?.kind !== "convolution" || operation.weight.size * 4 <= mostWeightBytes;
  });
}

/** Whether a program would keep anything in the cache from one convolution to the next: one by itself does as well, with what is behind it in one step. */
export function keepsSomething({ numbers, nodes }: Region): boolean {
  return numbers.filter((number) => nodes[number]?.operation.kind === "convolution").length > 1;
}

/**
 * Whether a normalisation is to be folded into the convolution before it in evaluation: that goes over its weights instead of over its results. The engine
 * keeps such weights from call to call where there are more of them.
 *
 * @param weights how many weights the convolution has
 * @param results how many numbers it gives
 * @param isKept whether the engine folds it, and keeps what comes of it
 */
export function paysToFold(weights: number, results: number, isKept: boolean): boolean {
  return isKept || weights <= results;
}

/** What is wide in a block of at least so many bytes is not in the cache any more when the next convolution reads it. */
const fewestWideBytes = 2 ** 20;

/**
 * Whether the three convolutions of an inverted residual block are to run as one: each of its threads reads all weights again for every few rows.
 *
 * @param widen the first convolution
 * @param narrow the third
 */
export function paysToInvert(widen: Convolution, narrow: Convolution): boolean {
  const wide = widen.shape.reduce((product, n) => product * n, 4);
  return wide >= fewestWideBytes && [widen, narrow].every(({ weight }) => weight.size * 4 <= mostWeightBytes);
}

/**
 * What writing a graph down takes, and what its steps save, beside running each operation when it is called: microseconds on a core of an AMD EPYC of the Zen 4
 * generation. Fitted to some 430 small networks in each mode (blocks of eight kinds of 4 to 128 channels, 4 to 32 pixels, 1 to 8 images), where what they
 * say differs from what is faster in 1 of 40, and never by much. How fast a machine is matters little: it is their ratios that decide.
 */
const costs = {
  training: { graph: 67, node: 3.2, program: 110, fold: 0, weight: 3e-4 },
  evaluation: { graph: 40, node: 3.5, program: 40, fold: 0, weight: 0 },
};
const savings = {
  training: { convolution: 110, normalisation: 40, concatenation: 20, inProgram: 4e-4, inChain: 0 },
  evaluation: { convolution: 0, normalisation: 14, concatenation: 26, inProgram: 8.5e-5, inChain: 7.5e-5 },
};

/**
 * Whether a graph saves more than it takes.
 *
 * @param nodes all of it
 * @param steps what it comes to
 * @param training whether a gradient is recorded
 */
export function paysToWriteDown(nodes: readonly PlanNode[], steps: readonly Step[], training: boolean): boolean {
  const mode = training ? "training" : "evaluation";
  const [cost, saving] = [costs[mode], savings[mode]];
  let balance = -cost.graph - cost.node * nodes.length;
  for (const step of steps) {
    const isProgram = "built" in step;
    if (isProgram) {
      balance -= cost.program;
    } else if (step.convolution !== undefined && step.normalisation !== undefined) {
      balance -= cost.fold;
    }
    for (const [place, number] of step.nodes.entries()) {
      const { operation, shapes } = nodes[number] as PlanNode;
      const results = (shapes[0] ?? []).reduce((product, n) => product * n, 1);
      if (!isProgram) {
        // Of a block, the first result is not written either.
        balance += place === 0 && step.parts === undefined ? 0 : saving.inChain * results;
      } else if (operation.kind === "convolution") {
        balance += saving.convolution - cost.weight * operation.weight.size;
      } else if (operation.kind === "normalisation") {
        balance += saving.normalisation + saving.inProgram * results;
      } else if (operation.kind === "kernel" && operation.role === "concatenation") {
        balance += saving.concatenation;
      } else if (operation.kind !== "pool") {
        balance += saving.inProgram * results;
      }
    }
  }
  return balance > 0;
}
