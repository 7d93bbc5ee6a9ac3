/** What is still to be worked out, and would come out otherwise if something changed now. */
import type * as tf from "@tensorflow/tfjs-core";
import { isMade, nodesBehind } from "./execute.ts";
import { type GraphNode, type Source, Value } from "./graph.ts";
import { pendingValues } from "./pending.ts";

/** Variables of a node's own that it reads. */
function variablesOf({ operation }: GraphNode): readonly (tf.Tensor | null | undefined)[] {
  switch (operation.kind) {
    case "convolution":
      return [operation.weight, operation.bias];
    case "normalisation": {
      const { weight, bias, mean, variance, usesBatch } = operation;
      return usesBatch ? [weight, bias] : [weight, bias, mean?.variable, variance?.variable];
    }
    default:
      return [];
  }
}

/** Variables that running nodes changes: running statistics. */
export function changedBy(nodes: readonly GraphNode[]): ReadonlySet<tf.Tensor> {
  const changed = new Set<tf.Tensor>();
  for (const { operation, changesState } of nodes) {
    if (!changesState || operation.kind !== "normalisation") {
      continue;
    }
    for (const state of [operation.mean, operation.variance]) {
      if (state !== null) {
        changed.add(state.variable);
      }
    }
  }
  return changed;
}

/**
 * Values that are pending, and that variables lead to.
 *
 * @param variables what is about to change
 * @param isAsked which nodes' values count
 */
export function pendingReaders(variables: ReadonlySet<tf.Tensor>, isAsked: (node: GraphNode) => boolean): Value[] {
  if (variables.size === 0) {
    return [];
  }
  const values = [...pendingValues()].filter(({ node }) => isAsked(node));
  const reading = new Set<GraphNode>();
  const lost = new Set<GraphNode>();
  const isOf = (nodes: ReadonlySet<GraphNode>, source: Source) =>
    source instanceof Value && !isMade(source) && nodes.has(source.node);
  for (const node of nodesBehind(values.map((value) => value.node))) {
    const own = variablesOf(node);
    if (own.some((tensor) => tensor !== null && tensor !== undefined && variables.has(tensor))) {
      reading.add(node);
    }
    for (const input of node.inputs) {
      if (input instanceof Value ? isOf(reading, input) : variables.has(input.tensor)) {
        reading.add(node);
      }
      // What has been disposed of cannot be read any more, now or later.
      if (input instanceof Value ? isOf(lost, input) : input.held.isDisposed && input.tensor.isDisposed) {
        lost.add(node);
      }
    }
  }
  return values.filter(({ node }) => reading.has(node) && !lost.has(node));
}
