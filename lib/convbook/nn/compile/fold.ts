/** Runs nodes by themselves, and chains of them (see chains.ts) in one step. It works on every backend. */
import * as tf from "@tensorflow/tfjs-core";
import { at } from "../../arguments/at.ts";
import { type ActivationName, activation } from "../functional/activation.ts";
import { batchNormInference, batchNormTraining, runningAverage } from "../functional/batch-norm.ts";
import { conv2d, conv2dNormalized } from "../functional/conv.ts";
import { invertedResidual, type NormalizedConvolution } from "../functional/inverted-residual.ts";
import { type ProcessGroup, syncBatchNormTraining } from "../functional/sync-batch-norm.ts";
import type { Chain } from "./chains.ts";
import type { Convolution, GraphNode, KernelCall, Normalisation, Source } from "./graph.ts";
import type { InvertedParts } from "./inverted.ts";

/**
 * Runs a chain; its result is nobody else's.
 *
 * @param nodes all of the graph
 * @param tensorOf what an input has come to
 */
export function runChain(
  chain: Chain,
  nodes: readonly GraphNode[],
  tensorOf: (source: Source) => tf.Tensor,
): tf.Tensor[] {
  const first = at(nodes, at(chain.nodes, 0));
  const tensors = first.inputs.map(tensorOf);
  if (chain.parts !== undefined) {
    return [runInverted(chain.parts, nodes, at(tensors, 0) as tf.Tensor4D, tensorOf)];
  }
  const { convolution, sum, activation: act = "identity" } = chain;
  const normalisation = chain.normalisation === undefined ? undefined : at(nodes, chain.normalisation);
  if (convolution === undefined && normalisation === undefined) {
    return runNode(first, tensors);
  }
  const x = at(tensors, 0);
  const residual = sum === undefined ? undefined : tensorOf(at(at(nodes, sum.node).inputs, sum.other));
  const y = tf.tidy(() => {
    if (convolution !== undefined) {
      const folded = normalisation?.operation as Normalisation | undefined;
      return convolve(first.operation as Convolution, x, folded, act, residual);
    }
    return normalise(first.operation as Normalisation, x, first.hasRun, residual, act);
  });
  return [y];
}

/** Runs an inverted residual block. */
function runInverted(
  parts: InvertedParts,
  nodes: readonly GraphNode[],
  x: tf.Tensor4D,
  tensorOf: (source: Source) => tf.Tensor,
): tf.Tensor {
  const [, , { sum }] = parts;
  const residual = sum === undefined ? undefined : tensorOf(at(at(nodes, sum.node).inputs, sum.other));
  return tf.tidy(() => {
    const [widen, each, narrow] = parts.map(({ convolution, normalisation, activation: act = "identity" }) => {
      const { weight, bias, geometry } = at(nodes, convolution as number).operation as Convolution;
      const folded = at(nodes, normalisation as number).operation as Normalisation;
      return {
        weight: weight as tf.Tensor as tf.Tensor4D,
        bias: bias as tf.Tensor1D | null,
        geometry,
        norm: { ...vectorsOf(folded), epsilon: folded.epsilon },
        act,
      };
    }) as [NormalizedConvolution, NormalizedConvolution, NormalizedConvolution];
    return invertedResidual(x, [widen, each, narrow], residual as tf.Tensor4D | undefined);
  });
}

/** Runs a node as if it had run when it was called. */
export function runNode(node: GraphNode, tensors: readonly tf.Tensor[]): tf.Tensor[] {
  const { operation } = node;
  const x = at(tensors, 0);
  switch (operation.kind) {
    case "convolution":
      return [convolve(operation, x, undefined, "identity", undefined)];
    case "normalisation":
      return [normalise(operation, x, node.hasRun, undefined, "identity")];
    case "activation":
      return [activation(x, operation.name)];
    case "pool":
      return [operation.run(x as tf.Tensor4D)];
    case "kernel":
      return runKernel(operation, tensors);
  }
}

/** Calls a kernel as it was called. */
function runKernel({ name, names, attributes }: KernelCall, tensors: readonly tf.Tensor[]): tf.Tensor[] {
  const inputs = names === null ? tensors : Object.fromEntries(names.map((key, i) => [key, tensors[i]]));
  const outputs: unknown = tf
    .engine()
    .runKernel(name, inputs as tf.NamedTensorMap, attributes as tf.NamedAttrMap | undefined);
  return (Array.isArray(outputs) ? outputs : [outputs]) as tf.Tensor[];
}

function convolve(
  { weight, bias, geometry }: Convolution,
  x: tf.Tensor,
  folded: Normalisation | undefined,
  act: ActivationName,
  residual: tf.Tensor | undefined,
): tf.Tensor {
  const own = {
    weight: weight as tf.Tensor as tf.Tensor4D,
    bias: bias as tf.Tensor1D | null,
  };
  const images = x as tf.Tensor4D;
  const more = residual as tf.Tensor4D | undefined;
  if (folded === undefined) {
    return conv2d(images, own.weight, own.bias, geometry, act, more);
  }
  return tf.tidy(() => {
    const norm = { ...vectorsOf(folded), epsilon: folded.epsilon };
    return conv2dNormalized(images, own.weight, own.bias, geometry, norm, act, more);
  });
}

/** Scale, shift and running statistics of a normalisation. */
function vectorsOf({ weight, bias, mean, variance, shape }: Normalisation) {
  const channels = at(shape, -1);
  const vector = (value: tf.Tensor) => value as tf.Tensor1D;
  return {
    gamma: vector(weight ?? tf.ones([channels])),
    beta: vector(bias ?? tf.zeros([channels])),
    mean: vector(mean?.variable ?? tf.zeros([channels])),
    variance: vector(variance?.variable ?? tf.ones([channels])),
  };
}

/**
 * A normalisation, then a residual and an activation.
 *
 * @param hasRun whether it has run before, so that the running statistics know the batch already
 */
export function normalise<R extends tf.Rank>(
  operation: Normalisation,
  x: tf.Tensor<R>,
  hasRun = false,
  residual?: tf.Tensor,
  act: ActivationName = "identity",
): tf.Tensor<R> {
  return tf.tidy(() => {
    const after = { activation: act, ...(residual === undefined ? {} : { residual }) };
    const { gamma, beta, mean, variance } = vectorsOf(operation);
    if (!operation.usesBatch) {
      return batchNormInference(x, mean, variance, gamma, beta, operation.epsilon, after);
    }
    const receive = (batchMean: tf.Tensor1D, biasedVariance: tf.Tensor1D, count: number): void => {
      if (!hasRun) {
        take(operation, batchMean, biasedVariance, count);
      }
    };
    return batchNormTraining(x, gamma, beta, operation.epsilon, receive, after);
  });
}

/** A normalisation in training over the batches of all processes of a group. */
export function synchronised(operation: Normalisation, x: tf.Tensor, group: ProcessGroup): tf.Tensor {
  return tf.tidy(() => {
    const { gamma, beta } = vectorsOf(operation);
    return syncBatchNormTraining(x, gamma, beta, operation.epsilon, group, (mean, variance, count) =>
      take(operation, mean, variance, count),
    );
  });
}

/** Takes a batch's statistics into the running ones. */
function take(operation: Normalisation, mean: tf.Tensor1D, biasedVariance: tf.Tensor1D, count: number): void {
  const { share } = operation;
  if (share === null) {
    return;
  }
  mix(operation.mean, mean, share, 1);
  mix(operation.variance, biasedVariance, share, count / (count - 1));
}

/** Takes a share of a batch's statistic, times a factor, into the running one. */
function mix(running: Normalisation["mean"], value: tf.Tensor, share: number, factor: number): void {
  if (running === null) {
    return;
  }
  const mixed = runningAverage(running.variable, value, share, factor);
  running.variable.assign(mixed);
  mixed.dispose();
}
