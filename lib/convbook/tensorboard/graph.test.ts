import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { createModel } from "../models/index.ts";
import type { AnyModule } from "../nn/index.ts";
import { type GraphNode, traceGraph } from "./graph.ts";

beforeAll(() => tf.setBackend("cpu"));

function trace(model: AnyModule, shape = [1, 32, 32, 3]): GraphNode[] {
  const input = tf.zeros(shape);
  try {
    return traceGraph(model, [input]);
  } finally {
    input.dispose();
  }
}

/** Where what a node takes comes from, less the groups that both lie in. */
const edges = (nodes: readonly GraphNode[], op: string) =>
  nodes.filter((node) => node.op === op).map(({ name, inputs }) => [name, ...inputs]);

/** Every node but the input takes something that was there before it, and every node but the output is taken by another. */
function expectWhole(nodes: readonly GraphNode[]): void {
  const known = new Set<string>();
  const used = new Set<string>();
  for (const [i, { name, inputs }] of nodes.entries()) {
    expect(known.has(name), name).toBe(false);
    if (i > 0) {
      expect(inputs.length, name).toBeGreaterThan(0);
    }
    for (const input of inputs) {
      expect(known.has(input), `${name} takes ${input}`).toBe(true);
      used.add(input);
    }
    known.add(name);
  }
  expect(nodes.filter(({ name }) => !used.has(name)).map(({ name }) => name)).toEqual(["output"]);
}

const small = { numBlocks: [1, 1], cHidden: [4, 8] };

describe("the graph of a model", () => {
  it("has the sums of residual blocks, with the shortcut's edge", () => {
    const model = createModel("ResNet", small);
    const nodes = trace(model);
    expectWhole(nodes);
    const block = (i: number) => `ResNet/Sequential[blocks]/ResNetBlock[${i}]`;
    expect(edges(nodes, "Add")).toEqual([
      [`${block(0)}/Add`, `${block(0)}/Sequential[net]/BatchNorm2d[4]`, "ResNet/Sequential[input_net]/ReLU[2]"],
      [`${block(1)}/Add`, `${block(1)}/Sequential[net]/BatchNorm2d[4]`, `${block(1)}/Conv2d[downsample]`],
    ]);
    const [first] = nodes.filter(({ op }) => op === "Conv2d");
    expect(first).toMatchObject({ inputs: ["input"], outputShapes: [[1, 32, 32, 4]] });
    expect(first?.attributes.get("weight")).toBe("[4, 3, 3, 3]");
    expect(nodes.at(-1)).toMatchObject({ name: "output", outputShapes: [[1, 10]] });
    model.dispose();
  });

  it("has the concatenations of dense and inception blocks", () => {
    const dense = createModel("DenseNet", { numLayers: [2], bnSize: 1, growthRate: 4 });
    const nodes = trace(dense);
    expectWhole(nodes);
    const layer = (i: number) => `DenseNet/Sequential[blocks]/DenseBlock[0]/Sequential[block]/DenseLayer[${i}]`;
    expect(edges(nodes, "Concat")).toEqual([
      [`${layer(0)}/Concat`, `${layer(0)}/Sequential[net]/Conv2d[5]`, "DenseNet/Sequential[input_net]/Conv2d[0]"],
      [`${layer(1)}/Concat`, `${layer(1)}/Sequential[net]/Conv2d[5]`, `${layer(0)}/Concat`],
    ]);
    dense.dispose();
    const google = createModel("GoogleNet");
    const many = trace(google, [1, 16, 16, 3]);
    expectWhole(many);
    const [first] = edges(many, "Concat");
    const branch = (name: string) => `GoogleNet/Sequential[inception_blocks]/InceptionBlock[0]/Sequential[${name}]`;
    expect(first?.slice(1)).toEqual([
      `${branch("conv_1x1")}/ReLU[2]`,
      `${branch("conv_3x3")}/ReLU[5]`,
      `${branch("conv_5x5")}/ReLU[5]`,
      `${branch("max_pool")}/ReLU[3]`,
    ]);
    google.dispose();
  });

  it("leaves the model as it was and frees everything", () => {
    const model = createModel("ResNet", small);
    trace(model);
    const before = { tensors: tf.memory().numTensors, state: model.stateDict() };
    model.train();
    model.getSubmodule("blocks.0").eval();
    trace(model);
    expect(tf.memory().numTensors).toBe(before.tensors);
    expect(model.stateDict()).toEqual(before.state);
    expect([model.training, model.getSubmodule("blocks.0.net.1").training]).toEqual([true, false]);
    expect(model.modules().some((module) => module.hasForwardHooks)).toBe(false);
    expect(() => trace(model, [1, 8, 8, 5])).toThrow();
    expect(model.modules().some((module) => module.hasForwardHooks)).toBe(false);
    model.dispose();
  });
});
