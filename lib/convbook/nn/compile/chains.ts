/**
 * Which of the nodes that run by themselves run in one step, where that comes to the same: in evaluation a normalisation is folded into the convolution before
 * it, and a sum and an activation join the step before them.
 */
import { at } from "../../arguments/at.ts";
import type { ActivationName } from "../functional/activation.ts";
import { hasKernel } from "../functional/backend.ts";
import { paysToFold } from "./cost.ts";
import type { Operation } from "./graph.ts";
import type { InvertedParts } from "./inverted.ts";
import type { PlanNode } from "./plan.ts";

/** Nodes one behind the other that run as one, by their numbers. */
export interface Chain {
  readonly nodes: readonly number[];
  readonly convolution?: number;
  readonly normalisation?: number;
  /** A sum, and which of its inputs comes from outside. */
  readonly sum?: { readonly node: number; readonly other: number };
  readonly activation?: ActivationName;
  /** Of an inverted residual block, which runs as one: see inverted.ts. */
  readonly parts?: InvertedParts;
}

/** What may follow a node: its only reader, if it has one and nobody else wants its result. */
export type ReaderOf = (node: number) => number | undefined;

/**
 * The chains of nodes that run by themselves, in the order of their first nodes.
 *
 * @param nodes all of a graph
 * @param alone numbers of those that run by themselves, in order
 * @param training whether a gradient is recorded, so that normalisations cannot be folded into convolutions
 */
export function chainsOf(nodes: readonly PlanNode[], alone: readonly number[], training: boolean): Chain[] {
  const free = new Set(alone);
  const onlyReaderOf = onlyReaders(nodes);
  const readerOf: ReaderOf = (number) => {
    const reader = onlyReaderOf(number);
    return reader !== undefined && free.has(reader) && !at(nodes, reader).isOrdered ? reader : undefined;
  };
  const chains: Chain[] = [];
  for (const first of alone) {
    if (!free.has(first)) {
      continue;
    }
    const chain = at(nodes, first).isOrdered ? { nodes: [first] } : chainFrom(nodes, first, readerOf, !training);
    for (const number of chain.nodes) {
      free.delete(number);
    }
    chains.push(chain);
  }
  return chains;
}

/** Of each node what may follow it in one step: its only reader, where nobody else wants its only result. */
export function onlyReaders(nodes: readonly PlanNode[]): ReaderOf {
  // Null where there are several.
  const readers = new Map<number, number | null>();
  for (const [number, { inputs }] of nodes.entries()) {
    for (const input of inputs) {
      readers.set(input, readers.has(input) ? null : number);
    }
  }
  return (number) => {
    const { shapes, isKept } = at(nodes, number);
    return shapes.length === 1 && !isKept ? (readers.get(number) ?? undefined) : undefined;
  };
}

/** The chain that begins with a node. */
function chainFrom(all: readonly PlanNode[], first: number, readerOf: ReaderOf, folds: boolean): Chain {
  const nodes = [first];
  const next = (): number | undefined => readerOf(at(nodes, -1));
  const take = (number: number): number => {
    nodes.push(number);
    return number;
  };
  const { operation, shapes } = at(all, first);
  const convolution = operation.kind === "convolution" && folds ? operation : undefined;
  if (convolution === undefined && operation.kind !== "normalisation") {
    return { nodes };
  }
  let normalisation = convolution === undefined ? first : undefined;
  if (convolution !== undefined) {
    const behind = next();
    const follower = behind === undefined ? undefined : at(all, behind).operation;
    if (
      behind !== undefined &&
      follower?.kind === "normalisation" &&
      !follower.usesBatch &&
      paysToFold(convolution.weight.size, sizeOf(at(shapes, 0)), hasKernel("ConvolutionNormalized"))
    ) {
      normalisation = take(behind);
    }
  }
  const after = next();
  let sum: Chain["sum"];
  if (after !== undefined) {
    const { operation: follower, inputs } = at(all, after);
    if (follower.kind === "kernel" && follower.role === "sum") {
      const last = at(nodes, -1);
      sum = { node: take(after), other: inputs.findIndex((input) => input !== last) };
    }
  }
  const behind = next();
  const activation = behind === undefined ? undefined : activationOf(at(all, behind).operation);
  if (behind !== undefined && activation !== undefined) {
    take(behind);
  }
  return {
    nodes,
    ...(convolution === undefined ? {} : { convolution: first }),
    ...(normalisation === undefined ? {} : { normalisation }),
    ...(sum === undefined ? {} : { sum }),
    ...(activation === undefined ? {} : { activation }),
  };
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, n) => product * n, 1);
}

/** The activation function that an operation is. */
export function activationOf(operation: Operation): ActivationName | undefined {
  if (operation.kind === "activation") {
    return operation.name;
  }
  const role = operation.kind === "kernel" ? operation.role : null;
  return role === "relu" || role === "relu6" ? role : undefined;
}
