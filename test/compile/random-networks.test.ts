/** Networks drawn at random give as graphs what they give layer by layer: outputs, gradients of input and parameters, running statistics. */
import { engine, valueAndGrads } from "@convbook/engine";
import * as tf from "@tensorflow/tfjs-core";
import { manualSeed, nn } from "convbook";
import { beforeAll, describe, expect, it } from "vitest";
import { RandomNetwork } from "./random-network.ts";

if (!engine.available) {
  console.log("random networks: left out without the native engine (npm rebuild @convbook/engine)");
}

type Numbers = Readonly<Record<string, Float32Array>>;

const batch = 3;
const channels = 4;
const side = 6;

/** What a step of training and a forward pass in evaluation come to. */
function outcome(seed: number, frozen: boolean): Numbers {
  manualSeed(seed);
  const network = new RandomNetwork(seed, channels, side);
  const x = tf.tidy(() =>
    tf.variable(tf.randomNormal([batch, side, side, channels], 0, 1, "float32", seed + 1)),
  ) as tf.Tensor as tf.Tensor4D;
  const result: Record<string, Float32Array> = {};
  const keep = (name: string, tensor: tf.Tensor) => {
    result[name] = tensor.dataSync().slice() as Float32Array;
  };
  // Frozen: a gradient, but the running statistics.
  if (frozen) {
    network.eval();
  }
  const parameters = network.namedParameters();
  const variables = [x, ...parameters.map(([, { variable }]) => variable)];
  const { value, grads } = valueAndGrads(() => {
    const outputs = network.forward(x);
    for (const [i, y] of outputs.entries()) {
      keep(`output ${i}`, y);
    }
    const sums = outputs.map((y, i) => tf.sum(tf.mul(y, tf.randomNormal(y.shape, 0, 1, "float32", seed + 2 + i))));
    return tf.addN(sums) as tf.Scalar;
  }, variables);
  for (const [i, name] of ["input", ...parameters.map(([key]) => key)].entries()) {
    const gradient = grads[i];
    if (gradient !== null && gradient !== undefined) {
      keep(`gradient of ${name}`, gradient);
    }
  }
  for (const [name, buffer] of network.namedBuffers()) {
    result[name] = Float32Array.from(Array.from(buffer.toTensorData().data, Number));
  }
  network.eval();
  const evaluated = tf.tidy(() => network.forward(x));
  for (const [i, y] of evaluated.entries()) {
    keep(`output ${i} in evaluation`, y);
  }
  expect(network.calls).toBe(2);
  tf.dispose([value, grads as tf.Tensor[], evaluated, x]);
  network.dispose();
  return result;
}

/** The largest difference, as a share of the largest value of its kind. */
function compare(got: Numbers, expected: Numbers, title: string): void {
  expect(Object.keys(got), title).toEqual(Object.keys(expected));
  // Gradients that cancel altogether, such as those of a bias before a normalisation, are rounding errors.
  const gradients = Object.entries(expected).filter(([name]) => name.startsWith("gradient"));
  const scale = Math.max(0, ...gradients.flatMap(([, values]) => [...values].map(Math.abs)));
  for (const [name, values] of Object.entries(expected)) {
    const most = Math.max(
      name.startsWith("gradient") ? Math.max(1e-6, 0.02 * scale) : 1e-2,
      ...[...values].map(Math.abs),
    );
    const worst = Math.max(...[...values].map((value, i) => Math.abs(value - (got[name]?.[i] as number))));
    expect(worst / most, `${name} of ${title}`).toBeLessThan(1e-4);
  }
}

describe.runIf(engine.available)("networks drawn at random", () => {
  beforeAll(() => tf.setBackend("native"));

  it.each(Array.from({ length: 12 }, (_, i) => i))(
    "are the same as graphs and layer by layer (50 of them, part %i)",
    (part) => {
      for (let seed = 50 * part; seed < 50 * (part + 1); seed++) {
        const frozen = seed % 5 === 4;
        const title = new RandomNetwork(seed, channels, side).text;
        const before = tf.memory().numTensors;
        const expected = nn.eagerly(() => outcome(seed, frozen));
        const got = outcome(seed, frozen);
        expect(tf.memory().numTensors, `tensors left behind by network ${seed}: ${title}`).toBe(before);
        compare(got, expected, `network ${seed}: ${title}`);
      }
    },
  );
});
