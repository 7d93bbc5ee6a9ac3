import { engine, valueAndGrads } from "@convbook/engine";
import * as tf from "@tensorflow/tfjs-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { manualSeed } from "../../random/index.ts";
import {
  DenseBlock,
  DenseLayer,
  InceptionBlock,
  PreActResNetBlock,
  ResNetBlock,
  TransitionLayer,
} from "../blocks/index.ts";
import {
  AdaptiveAvgPool2d,
  type AnyModule,
  AvgPool2d,
  BatchNorm2d,
  Conv2d,
  MaxPool2d,
  type Module,
  ReLU,
  ReLU6,
  Sequential,
} from "../index.ts";
import { decideWhatPays } from "./verdicts.ts";

if (!engine.available) {
  console.log("programs: left out without the native engine (npm rebuild @convbook/engine)");
}

type Images = Module<[x: tf.Tensor4D], tf.Tensor4D>;

const widths = { cRed: { "3x3": 5, "5x5": 3 }, cOut: { "1x1": 7, "3x3": 17, "5x5": 4, max: 8 } };
const stack = (...layers: AnyModule[]) => new Sequential(...layers) as unknown as Images;

/** Input channels, and a network of them. */
const networks: Readonly<Record<string, readonly [number, () => Images]>> = {
  "ResNet block": [20, () => new ResNetBlock(20)],
  "ResNet block that subsamples": [6, () => new ResNetBlock(6, { subsample: true, cOut: 12 })],
  "ResNet block without ReLU": [6, () => new ResNetBlock(6, { actFn: "identity" })],
  "pre-activation block": [6, () => new PreActResNetBlock(6)],
  "pre-activation block that subsamples": [6, () => new PreActResNetBlock(6, { subsample: true, cOut: 9 })],
  "Inception block": [10, () => new InceptionBlock(10, widths)],
  "dense layer": [10, () => new DenseLayer(10, { bnSize: 2, growthRate: 5 })],
  "dense block": [10, () => new DenseBlock(10, { numLayers: 4, bnSize: 2, growthRate: 5 })],
  "dense layer of many channels": [70, () => new DenseLayer(70, { bnSize: 2, growthRate: 13 })],
  "Inception block of many channels": [72, () => new InceptionBlock(72, widths)],
  "pointwise convolutions": [
    3,
    () =>
      stack(
        new Conv2d(3, 88, { kernelSize: 3, padding: 1 }),
        new Conv2d(88, 70, { kernelSize: 1, bias: false }),
        new BatchNorm2d(70),
        new Conv2d(70, 90, { kernelSize: 1 }),
        new BatchNorm2d(90),
        new ReLU(),
        new Conv2d(90, 5, { kernelSize: 1 }),
      ),
  ],
  "ReLU6 behind convolutions, normalisations and ReLU": [
    5,
    () =>
      stack(
        new Conv2d(5, 6, { kernelSize: 1, bias: false }),
        new BatchNorm2d(6),
        new Conv2d(6, 36, { kernelSize: 1, bias: false }),
        new BatchNorm2d(36),
        new ReLU6(),
        new ReLU(),
        new BatchNorm2d(36),
        new ReLU6(),
        new Conv2d(36, 7, { kernelSize: 3, padding: 1 }),
        new ReLU(),
        new ReLU6(),
        new MaxPool2d(2, { stride: 1 }),
        new ReLU6(),
        new Conv2d(7, 4, { kernelSize: 1 }),
      ),
  ],
  transition: [10, () => new TransitionLayer(10, { cOut: 6 })],
  "chain of residual blocks": [4, () => stack(new ResNetBlock(4), new PreActResNetBlock(4), new ResNetBlock(4))],
  "chain of dense blocks": [
    6,
    () =>
      stack(
        new DenseBlock(6, { numLayers: 2, bnSize: 2, growthRate: 3 }),
        new TransitionLayer(12, { cOut: 6 }),
        new DenseBlock(6, { numLayers: 2, bnSize: 2, growthRate: 3 }),
        new BatchNorm2d(12),
        new ReLU(),
      ),
  ],
  "normalisation behind a block": [
    4,
    () => stack(new ResNetBlock(4), new BatchNorm2d(4), new Conv2d(4, 3, { kernelSize: 1 })),
  ],
  "pre-activation block behind a convolution": [
    3,
    () => stack(new Conv2d(3, 6, { kernelSize: 3, padding: 1 }), new PreActResNetBlock(6), new AdaptiveAvgPool2d(1)),
  ],
  "dense layer behind a convolution": [
    3,
    () => stack(new Conv2d(3, 6, { kernelSize: 1 }), new DenseLayer(6, { bnSize: 2, growthRate: 5 }), new ReLU()),
  ],
  "pools between convolutions": [
    3,
    () =>
      stack(
        new Conv2d(3, 5, { kernelSize: [3, 1], padding: [1, 0] }),
        new MaxPool2d(3, { stride: 2, padding: 1 }),
        new BatchNorm2d(5),
        new Conv2d(5, 33, { kernelSize: 2, stride: 2, padding: 1, bias: false }),
        new ReLU(),
        new AvgPool2d(2, { stride: 1 }),
      ),
  ],
};

interface Outcome {
  readonly [name: string]: readonly number[];
}

/** Output, gradients of the input and all parameters, buffers after a step in training, and the output in evaluation. */
async function outcomeOn(backend: string, channels: number, make: () => Images, shape: readonly number[]) {
  await tf.setBackend(backend);
  manualSeed(3);
  const network = make();
  const x = tf.variable(tf.randomNormal([...shape, channels], 0, 1, "float32", 5)) as tf.Tensor as tf.Tensor4D;
  const result: Record<string, readonly number[]> = {};
  const keep = (name: string, tensor: tf.Tensor) => {
    result[name] = [...tensor.dataSync()];
  };
  const parameters = network.namedParameters();
  const variables = [x, ...parameters.map(([, { variable }]) => variable)];
  const { value, grads } = valueAndGrads(() => {
    const y = network.forward(x);
    keep("output", y);
    return tf.sum(tf.mul(y, tf.randomNormal(y.shape, 0, 1, "float32", 9))) as tf.Scalar;
  }, variables);
  for (const [i, name] of ["input", ...parameters.map(([key]) => key)].entries()) {
    keep(`gradient of ${name}`, grads[i] as tf.Tensor);
  }
  for (const [name, buffer] of network.namedBuffers()) {
    result[name] = [...Array.from(buffer.toTensorData().data, Number)];
  }
  network.eval();
  const evaluated = tf.tidy(() => network.forward(x));
  keep("output in evaluation", evaluated);
  tf.dispose([value, grads as tf.Tensor[], evaluated, x]);
  network.dispose();
  return result as Outcome;
}

describe.runIf(engine.available)("blocks as programs", () => {
  beforeAll(() => decideWhatPays(false));
  afterAll(() => decideWhatPays(true));
  beforeAll(() => tf.setBackend("native"));
  afterAll(() => tf.setBackend("cpu"));

  const cases = Object.entries(networks).flatMap(([name, [channels, make]]) =>
    [
      [1, 7, 5],
      [6, 9, 8],
    ].map((shape) => ({ name, channels, make, shape })),
  );

  it.each(cases)(
    "$name of $shape gives what the CPU backend gives, gradients too",
    async ({ channels, make, shape }) => {
      const expected = await outcomeOn("cpu", channels, make, shape);
      const got = await outcomeOn("native", channels, make, shape);
      expect(Object.keys(got)).toEqual(Object.keys(expected));
      // Gradients that cancel altogether, such as those of a bias before a normalisation, are rounding errors.
      const scale = Math.max(
        ...Object.entries(expected).flatMap(([name, v]) => (name.startsWith("grad") ? v.map(Math.abs) : [])),
      );
      for (const [name, values] of Object.entries(expected)) {
        const most = Math.max(name.startsWith("grad") ? 0.02 * scale : 1e-3, ...values.map(Math.abs));
        const worst = Math.max(...values.map((value, i) => Math.abs(value - (got[name]?.[i] as number))));
        expect(worst / most, name).toBeLessThan(2e-5);
      }
    },
  );

  it("is one kernel forwards and one backwards, and leaves no tensor behind", async () => {
    await tf.setBackend("native");
    const network = new DenseBlock(10, { numLayers: 4, bnSize: 2, growthRate: 5 });
    const x = tf.randomNormal([4, 8, 8, 10]) as tf.Tensor4D;
    const variables = network.parameters().map(({ variable }) => variable);
    const step = (): void => {
      const { value, grads } = valueAndGrads(() => tf.mean(network.forward(x)) as tf.Scalar, variables);
      tf.dispose([value, grads as tf.Tensor[]]);
    };
    step();
    const before = tf.memory().numTensors;
    const profile = await engine.profile(step);
    expect(tf.memory().numTensors).toBe(before);
    const names = profile.rows.map(({ kernel }) => kernel);
    expect(names).toContain("ProgramTraining");
    expect(names).toContain("ProgramTrainingGrad");
    expect(names.some((name) => name.startsWith("Convolution") || name === "Concat")).toBe(false);
    // Watched layers run one by one.
    const seen: number[][] = [];
    const remove = (network.block.at(1) as DenseLayer).net.registerForwardHook((_, __, y) => {
      seen.push(y.shape);
      return undefined;
    });
    step();
    expect(seen).toEqual([[4, 8, 8, 5]]);
    remove();
    tf.dispose(x);
    network.dispose();
  });

  it("takes ReLU6 along in evaluation, and begins behind what a convolution before it takes along", async () => {
    await tf.setBackend("native");
    const conv = (from: number, to: number) => new Conv2d(from, to, { kernelSize: 1, bias: false });
    const network = stack(
      new Conv2d(8, 8, { kernelSize: 3, padding: 1, groups: 8, bias: false }),
      new BatchNorm2d(8),
      new ReLU6(),
      conv(8, 4),
      new BatchNorm2d(4),
      conv(4, 24),
      new BatchNorm2d(24),
      new ReLU6(),
    );
    network.eval();
    const x = tf.randomNormal([2, 6, 6, 8]) as tf.Tensor4D;
    const profile = await engine.profile(() => tf.tidy(() => void network.forward(x)));
    const names = profile.rows.map(({ kernel }) => kernel);
    expect(names.filter((name) => name !== "Reshape").sort()).toEqual(["DepthwiseConvolutionNormalized", "Program"]);
    tf.dispose(x);
    network.dispose();
  });

  it("leaves a subclass with a forward pass of its own alone", async () => {
    class Doubled extends ResNetBlock {
      override forward(x: tf.Tensor4D): tf.Tensor4D {
        return tf.mul(super.forward(x), 2);
      }
    }
    await tf.setBackend("native");
    const network = (Block: typeof ResNetBlock) => {
      manualSeed(1);
      return new Sequential(new Block(4), new ReLU()).eval();
    };
    const [plain, doubled] = [network(ResNetBlock), network(Doubled)];
    const x = tf.randomNormal([2, 6, 6, 4], 0, 1, "float32", 2);
    const once = plain.forward(x).dataSync();
    const twice = doubled.forward(x).dataSync();
    for (const [i, value] of once.entries()) {
      expect(twice[i]).toBeCloseTo(2 * value, 5);
    }
    tf.dispose(x);
  });
});
