/** Models that have not run yet, whose parameters are not in the backend's memory: our optimizers and TensorFlow.js's own. */
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { Linear, ReLU, Sequential } from "../nn/index.ts";
import { manualSeed } from "../random/index.ts";
import { SGD, valueAndGrads } from "./index.ts";

beforeAll(() => tf.setBackend("cpu"));

function fresh(): Sequential {
  manualSeed(3);
  return new Sequential(new Linear(4, 5), new ReLU(), new Linear(5, 2));
}
const loss = (model: Sequential) => () =>
  tf.mean<tf.Scalar>(tf.square(model.forward(tf.reshape(tf.linspace(-1, 1, 12), [3, 4])) as tf.Tensor));
const weights = (model: Sequential) =>
  [...model.stateDict().values()].map(({ data }) => Array.from(data as Float32Array));

/** What one step of SGD with the rate 0.5 makes of the model, worked out after its variables came into being. */
function expected(): number[][] {
  const model = fresh();
  const variables = model.parameters().map(({ variable }) => variable);
  const { grads } = tf.variableGrads(loss(model), variables);
  for (const variable of variables) {
    variable.assign(tf.sub(variable, tf.mul(grads[variable.name] as tf.Tensor, 0.5)));
  }
  return weights(model);
}

function expectWeights(model: Sequential): void {
  for (const [i, values] of expected().entries()) {
    for (const [j, value] of values.entries()) {
      expect(weights(model)[i]?.[j], `parameter ${i}, value ${j}`).toBeCloseTo(value, 6);
    }
  }
}

describe("a model that has not run", () => {
  it("is trained by our optimizers and valueAndGrads from the first step on", () => {
    const model = fresh();
    const optimizer = new SGD(model.parameters(), { lr: 0.5 });
    const { gradients } = valueAndGrads(loss(model), optimizer.variables());
    expect(gradients.size).toBe(4);
    optimizer.step(gradients);
    expectWeights(model);
  });

  it("is trained by TensorFlow.js's optimizers that are given the variables, as the README says", () => {
    const model = fresh();
    tf.train.sgd(0.5).minimize(
      loss(model),
      true,
      model.parameters().map(({ variable }) => variable),
    );
    expectWeights(model);
  });

  it("has no variables that they could find by themselves", () => {
    const before = Object.keys(tf.engine().registeredVariables).length;
    const model = fresh();
    expect(Object.keys(tf.engine().registeredVariables)).toHaveLength(before);
    tf.tidy(() => model.forward(tf.zeros([1, 4])));
    expect(Object.keys(tf.engine().registeredVariables)).toHaveLength(before + 4);
  });
});
