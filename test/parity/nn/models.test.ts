/** Every registered model against PyTorch: initial weights by seed, and after a training step's forward and backward pass everything there is. */
import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createModel, createModelFrom, modelInputShape, modelNames } from "../../../lib/convbook/models/index.ts";
import { type AnyModule, CrossEntropyLoss } from "../../../lib/convbook/nn/index.ts";
import { manualSeed } from "../../../lib/convbook/random/index.ts";
import {
  expectClose,
  expectTensorClose,
  gradientInTorchLayout,
  type Packed,
  randomImages,
  readFixture,
} from "./support.ts";

interface Variant {
  readonly hparams: Readonly<Record<string, unknown>>;
  readonly images: readonly number[];
  readonly trainLogits: Packed;
  readonly imageGradient: Packed;
  readonly gradients: Readonly<Record<string, Packed>>;
  readonly buffers: Readonly<Record<string, Packed>>;
  readonly evalLogits: Packed;
}

interface Fixture {
  readonly seed: number;
  readonly models: Readonly<
    Record<
      string,
      {
        /** Shape, sum, first and last value of each entry of the state dict. */
        readonly initial: Readonly<Record<string, readonly [number[], number, number, number]>>;
        readonly parameters: number;
        readonly variants: readonly Variant[];
      }
    >
  >;
}

const fixture = readFixture<Fixture>("models.json");
const loss = new CrossEntropyLoss();

describe.each([...modelNames])("%s", (name) => {
  const expected = fixture.models[name];
  if (expected === undefined) throw new Error(`models.json has no "${name}": add it to make_models.py`);

  it("has the parameters, names, shapes and initial weights that PyTorch has for the seed", () => {
    manualSeed(fixture.seed);
    const model: AnyModule = createModel(name);
    expect(model.parameterCount()).toBe(expected.parameters);
    const state = model.stateDict();
    expect([...state.keys()]).toEqual(Object.keys(expected.initial));
    for (const [key, [shape, sum, first, last]] of Object.entries(expected.initial)) {
      const value = state.get(key);
      if (value === undefined) throw new Error(`no ${key}`);
      const numbers = Float64Array.from(value.data as ArrayLike<number | bigint>, Number);
      expect(value.shape, `shape of ${key}`).toEqual(shape);
      expect(numbers[0], `first of ${key}`).toBeCloseTo(first, 6);
      expect(numbers.at(-1), `last of ${key}`).toBeCloseTo(last, 6);
      const total = numbers.reduce((a, b) => a + b, 0);
      expect(Math.abs(total - sum) / Math.max(1, numbers.length ** 0.5), `sum of ${key}`).toBeLessThan(1e-6);
    }
    model.dispose();
  });

  it("describes itself", () => {
    const model: AnyModule = createModel(name);
    expect(modelInputShape(name).at(-1)).toBe(3);
    expect(model.toString()).toContain("Conv2d(");
    model.dispose();
  });

  describe.each(["cpu", "wasm"])("on the %s backend", (backend) => {
    beforeAll(async () => {
      expect(await tf.setBackend(backend)).toBe(true);
    });

    afterAll(() => tf.disposeVariables());

    // Plain JavaScript is slow: there the smaller ones, the widest on WebAssembly only.
    const variants = expected.variants.filter(
      ({ hparams }) => backend !== "cpu" || expected.variants.length === 1 || Object.keys(hparams).length > 0,
    );
    it.each(variants.map((variant) => [JSON.stringify(variant.hparams), variant] as const))(
      "agrees with PyTorch for %s",
      (_, variant) => {
        manualSeed(fixture.seed);
        const model: AnyModule = createModelFrom(name, variant.hparams);
        const images = randomImages(variant.images, 2, -1);
        const batch = variant.images[0] as number;
        const labels = tf.tensor1d(
          Array.from({ length: batch }, (_, i) => i % 3),
          "int32",
        );
        const named = model.namedParameters();

        let logits: tf.Tensor | undefined;
        const step = () => {
          logits = tf.keep(tf.clone(model.train().forward(images)));
          return loss.forward(logits as tf.Tensor, labels);
        };
        const { value, grads } = tf.engine().gradients(step, [images, ...named.map(([, p]) => p.variable)]);
        expectTensorClose("logits in training", logits as tf.Tensor, variant.trainLogits);
        expectTensorClose("gradient of the images", grads[0] as tf.Tensor, variant.imageGradient);
        const scale = Math.max(...Object.values(variant.gradients).map((packed) => packed.rms));
        named.forEach(([key], i) => {
          const got = gradientInTorchLayout(model, key, grads[i + 1] as tf.Tensor);
          const packed = variant.gradients[key] as Packed;
          expectClose(`gradient of ${key}`, got.shape, got.data as Float32Array, packed, {
            scale,
            whole: 24,
            sample: 16,
          });
        });
        const state = model.stateDict();
        for (const [key, packed] of Object.entries(variant.buffers)) {
          const got = state.get(key);
          expectClose(key, got?.shape ?? [], got?.data as Float32Array, packed, { whole: 24, sample: 16 });
        }

        const evaluated = tf.tidy(() => model.eval().forward(images) as tf.Tensor);
        expectTensorClose("logits in evaluation", evaluated, variant.evalLogits);

        tf.dispose([evaluated, value, logits as tf.Tensor, ...grads]);
        const before = tf.memory().numTensors;
        for (let i = 0; i < 2; i++) {
          const again = tf.variableGrads(
            () => loss.forward(model.train().forward(images), labels) as tf.Scalar,
            named.map(([, parameter]) => parameter.variable),
          );
          tf.dispose([again.value, again.grads]);
          tf.tidy(() => {
            model.eval().forward(images);
          });
        }
        expect(tf.memory().numTensors, "tensors left over after two steps").toBe(before);
        model.dispose();
        tf.dispose([images, labels]);
      },
    );
  });
});

describe("the models of the fixture", () => {
  it("are those that are registered", () => {
    expect(Object.keys(fixture.models).sort()).toEqual([...modelNames].sort());
  });
});
