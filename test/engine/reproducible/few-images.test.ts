/** Few large images: a program's operations share each of them out among all threads, and its sums have the same bits for every number of threads. */
import { engine, valueAndGrads } from "@convbook/engine";
import * as tf from "@tensorflow/tfjs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DenseBlock, InceptionBlock, PreActResNetBlock, ResNetBlock } from "../../../lib/convbook/nn/blocks/index.ts";
import { Conv2d, type Module, Sequential } from "../../../lib/convbook/nn/index.ts";
import { manualSeed } from "../../../lib/convbook/random/index.ts";

type Images = Module<[x: tf.Tensor4D], tf.Tensor4D>;

const blocks: Readonly<Record<string, () => Images>> = {
  residual: () => new ResNetBlock(24),
  preActivation: () => new PreActResNetBlock(24),
  inception: () =>
    new InceptionBlock(24, { cRed: { "3x3": 6, "5x5": 6 }, cOut: { "1x1": 6, "3x3": 6, "5x5": 3, max: 6 } }),
  dense: () => new DenseBlock(24, { numLayers: 2, bnSize: 2, growthRate: 8 }),
};

/** The bits of a step in training and of an output in evaluation, by what they are. */
function bitsOf(make: () => Images, images: number): Map<string, string> {
  manualSeed(3);
  const module = new Sequential(new Conv2d(3, 24, { kernelSize: 1 }), make());
  const x = tf.randomNormal<tf.Rank.R4>([images, 48, 40, 3], 0, 1, "float32", 5);
  const parameters = module.namedParameters();
  const bits = new Map<string, string>();
  const note = (name: string, tensor: tf.Tensor) => {
    const { buffer, byteOffset, byteLength } = tensor.dataSync();
    bits.set(name, Buffer.from(buffer, byteOffset, byteLength).toString("base64"));
  };
  const { value, grads } = valueAndGrads(
    () => {
      const y = module.forward(x);
      note("output", y);
      return tf.sum(tf.mul(y, tf.randomNormal(y.shape, 0, 1, "float32", 9))) as tf.Scalar;
    },
    parameters.map(([, { variable }]) => variable),
  );
  for (const [i, [name]] of parameters.entries()) {
    note(`gradient of ${name}`, grads[i] as tf.Tensor);
  }
  module.eval();
  const evaluated = tf.tidy(() => module.forward(x));
  note("output in evaluation", evaluated);
  tf.dispose([x, value, grads as tf.Tensor[], evaluated]);
  module.dispose();
  return bits;
}

describe.runIf(engine.available)("programs of few large images", () => {
  beforeAll(async () => {
    await tf.setBackend("native");
    engine.setReproducible(true);
  });
  afterAll(() => {
    engine.setReproducible(false);
    engine.setThreads(0);
  });

  it.each(Object.entries(blocks))("%s", (_, make) => {
    for (const images of [1, 3]) {
      engine.setThreads(1);
      const wanted = bitsOf(make, images);
      for (const threads of [2, 5]) {
        engine.setThreads(threads);
        for (const [name, got] of bitsOf(make, images)) {
          expect(got === wanted.get(name), `${name}, ${images} images, ${threads} threads`).toBe(true);
        }
      }
    }
  });
});
