/**
 * A process that prints what every operation gives, and the tutorial's ResNet's weights before and after a training, as JSON; settings come
 * from the environment. Arguments: after how many steps.
 */
import { engine, randomNormal, sgdStep, valueAndGrads } from "@convbook/engine";
import * as tf from "@tensorflow/tfjs";
import { createModel, manualSeed, nn } from "convbook";
import { Random } from "../support.ts";
import { type Operation, operations } from "./operations.ts";

const base64 = (results: readonly tf.Tensor[]): string[] =>
  results.map((result) => Buffer.from(Float32Array.from(result.dataSync()).buffer).toString("base64"));

const valuesOf = (operation: Operation): string[] => {
  const results = tf.tidy(() => [...operation(new Random(1))]);
  const values = base64(results);
  tf.dispose(results);
  return values;
};

/** The weights after each number of steps, the first of which is 0. */
function train(steps: readonly number[]): string[][] {
  manualSeed(1);
  const model = createModel("ResNet");
  const variables = model.parameters().map(({ variable }) => variable);
  const velocities = variables.map((variable) => tf.variable(tf.zerosLike(variable), false));
  const loss = new nn.CrossEntropyLoss();
  const weights: string[][] = [];
  for (let step = 0; step <= Math.max(...steps); step++) {
    if (steps.includes(step)) {
      weights.push(base64(variables));
    }
    const images = randomNormal([8, 32, 32, 3], 0, 1, step) as tf.Tensor4D;
    const labels = tf.tensor1d(
      Array.from({ length: 8 }, (_, i) => (7 * i + step) % 10),
      "int32",
    );
    const { value, grads } = valueAndGrads(() => loss.forward(model.forward(images), labels) as tf.Scalar, variables);
    const options = { learningRate: 0.1, momentum: 0.9, weightDecay: 1e-4, first: step === 0 };
    sgdStep(variables, grads as tf.Tensor[], velocities, options);
    tf.dispose([images, labels, value, ...(grads as tf.Tensor[])]);
  }
  model.dispose();
  return weights;
}

await tf.setBackend("native");
const { isa, reproducible } = engine.info();
const results = Object.fromEntries(Object.entries(operations).map(([name, body]) => [name, valuesOf(body)]));
console.log(JSON.stringify({ isa, reproducible, results, weights: train(process.argv.slice(2).map(Number)) }));
