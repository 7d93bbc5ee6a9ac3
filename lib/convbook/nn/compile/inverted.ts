/**
 * Finds inverted residual blocks among chains in evaluation: a pointwise convolution that widens, one of each channel by itself, a pointwise one that narrows, each
 * with its normalisation. The engine takes some rows of an image at a time through all three, so that what is wide is never written to memory.
 */
import { at } from "../../arguments/at.ts";
import { hasKernel } from "../functional/backend.ts";
import { type Chain, onlyReaders } from "./chains.ts";
import { paysToInvert } from "./cost.ts";
import type { Convolution } from "./graph.ts";
import type { PlanNode } from "./plan.ts";

/** The chains of a block's three convolutions. */
export type InvertedParts = readonly [widen: Chain, each: Chain, narrow: Chain];

/** Chains, those of each block joined to one that has them as its parts. */
export function joinInverted(nodes: readonly PlanNode[], chains: readonly Chain[]): Chain[] {
  const blocks = invertedBlocks(nodes, chains);
  const whole = new Map(blocks.map((parts) => [parts[0], parts]));
  const later = new Set(blocks.flatMap(([, each, narrow]) => [each, narrow]));
  return chains
    .filter((chain) => !later.has(chain))
    .map((chain) => {
      const parts = whole.get(chain);
      return parts === undefined ? chain : { nodes: parts.flatMap(({ nodes }) => nodes), parts };
    });
}

/** The blocks that are worth it. */
export function invertedBlocks(nodes: readonly PlanNode[], chains: readonly Chain[]): InvertedParts[] {
  if (!hasKernel("InvertedResidual")) {
    return [];
  }
  const byFirst = new Map(chains.map((chain) => [at(chain.nodes, 0), chain]));
  const readerOf = onlyReaders(nodes);
  /** The chain that alone reads what a chain comes to. */
  const behind = ({ nodes: numbers }: Chain): Chain | undefined => byFirst.get(readerOf(at(numbers, -1)) ?? -1);
  const blocks: InvertedParts[] = [];
  for (const widen of chains) {
    const each = isPart(nodes, widen, isPointwise) && widen.sum === undefined ? behind(widen) : undefined;
    const narrow =
      each !== undefined && isPart(nodes, each, isDepthwise) && each.sum === undefined ? behind(each) : undefined;
    if (each === undefined || narrow === undefined || !isPart(nodes, narrow, isPointwise)) {
      continue;
    }
    const [first, second, third] = [widen, each, narrow].map((chain) => convolutionOf(nodes, chain) as Convolution);
    if (first !== undefined && second !== undefined && third !== undefined && paysToInvert(first, third)) {
      blocks.push([widen, each, narrow]);
    }
  }
  return blocks;
}

function convolutionOf(nodes: readonly PlanNode[], { convolution }: Chain): Convolution | undefined {
  const operation = convolution === undefined ? undefined : at(nodes, convolution).operation;
  return operation?.kind === "convolution" ? operation : undefined;
}

/** Whether a chain is a convolution of this kind with a normalisation, and ends as the kernel can. */
function isPart(nodes: readonly PlanNode[], chain: Chain, is: (convolution: Convolution) => boolean): boolean {
  const convolution = convolutionOf(nodes, chain);
  const { normalisation, activation = "identity" } = chain;
  const ends = activation === "identity" || activation === "relu" || activation === "relu6";
  return convolution !== undefined && normalisation !== undefined && ends && is(convolution);
}

function isPointwise({ weight, geometry: { stride, padding, groups } }: Convolution): boolean {
  const [height, width] = weight.shape;
  const isWindow = height !== 1 || width !== 1 || stride.some((step) => step !== 1);
  return groups === 1 && !isWindow && padding.flat().every((pixels) => pixels === 0);
}

function isDepthwise({ weight, geometry: { groups } }: Convolution): boolean {
  return groups > 1 && weight.shape[2] === 1 && weight.shape[3] === groups;
}
