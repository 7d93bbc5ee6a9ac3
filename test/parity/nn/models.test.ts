/** Every registered model against PyTorch: initial weights by seed, and after a training step's forward and backward pass everything there is. */
import { createHash } from "node:crypto";
import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  createModelFrom,
  Fots,
  ImageNetGoogLeNet,
  modelInputShape,
  modelNames,
  parseModelName,
} from "../../../lib/convbook/models/index.ts";
import { type AnyModule, CrossEntropyLoss, init } from "../../../lib/convbook/nn/index.ts";
import { manualSeed } from "../../../lib/convbook/random/index.ts";
import {
  backends,
  expectClose,
  expectTensorClose,
  gradientInTorchLayout,
  type Packed,
  randomImages,
  readFixture,
} from "./support.ts";

interface Variant {
  readonly hparams: Readonly<Record<string, unknown>>;
  /** Whether the weights are {@link fillByFormula}'s, not the seed's. */
  readonly formula: boolean;
  /** Whether normalisations take the running statistics, not the batch's. */
  readonly running: boolean;
  readonly parameters: number;
  readonly images: readonly number[];
  readonly trainLogits: Packed;
  readonly imageGradient: Packed;
  readonly gradients: Readonly<Record<string, Packed | undefined>>;
  readonly buffers: Readonly<Record<string, Packed>>;
  readonly evalLogits: Packed;
}

interface Fixture {
  readonly seed: number;
  readonly models: Readonly<
    Record<
      string,
      {
        /** What the initial weights are drawn for. */
        readonly hparams: Readonly<Record<string, unknown>>;
        /** Shape, sum, first and last value of each entry of the state dict. */
        readonly initial: Readonly<Record<string, readonly [number[], number, number, number]>>;
        readonly parameters: number;
        readonly variants: readonly Variant[];
      }
    >
  >;
  /** Networks with names and shapes (as SHA-256), and logits for weights by a formula. */
  readonly large: Readonly<
    Record<string, { readonly names: string; readonly parameters: number; readonly logits: Packed | null }>
  >;
  readonly fots: {
    readonly initial: Readonly<Record<string, readonly [number[], number, number, number]>>;
    readonly train: Packed;
    readonly eval: Packed;
  };
  readonly googlenetAux: { readonly names: string; readonly logits: Packed };
}

const fixture = readFixture<Fixture>("models.json");
const loss = new CrossEntropyLoss();

/** The weights of `fill_by_formula` in make_models.py: multiples of the golden ratio's 32-bit integer, scaled by fan-in. */
function fillByFormula(model: AnyModule): void {
  const parameters = new Map(model.namedParameters());
  const buffers = new Map(model.namedBuffers());
  [...model.stateShapes()].forEach(([name, shape], k) => {
    const entry = parameters.get(name) ?? buffers.get(name);
    if (entry === undefined || entry.dtype !== "float32") {
      return;
    }
    const data = new Float32Array(shape.reduce((product, n) => product * n, 1));
    const fanIn = data.length / (shape[0] as number);
    const near1 = name.endsWith("weight") || name.endsWith("running_var");
    for (let i = 0; i < data.length; i++) {
      const spread = (Math.imul(i + 1 + 7919 * k, 2654435761) >>> 0) / 2 ** 32 - 0.5;
      data[i] = shape.length > 1 ? spread * Math.sqrt(24 / fanIn) : near1 ? 0.75 + 0.25 * spread : 0.1 * spread;
    }
    entry.load({ dtype: "float32", shape, data });
  });
}

describe.each(Object.keys(fixture.large))("%s", (name) => {
  it("has torchvision's names and shapes, and its logits for the same weights", async () => {
    await tf.setBackend("wasm");
    const expected = fixture.large[name] as Fixture["large"][string];
    const model: AnyModule = init.skipInit(() => createModelFrom(name, {})).eval();
    expect(model.parameterCount()).toBe(expected.parameters);
    const names = JSON.stringify([...model.stateShapes()]);
    expect(createHash("sha256").update(names).digest("hex")).toBe(expected.names);
    if (expected.logits === null) {
      return;
    }
    fillByFormula(model);
    manualSeed(fixture.seed);
    const images = randomImages([1, 3, 32, 32], 2, -1);
    const logits = tf.tidy(() => model.forward(images) as tf.Tensor);
    expectTensorClose("logits", logits, expected.logits);
    tf.dispose([images, logits]);
    model.dispose();
  });
});

describe.each(Object.keys(fixture.models))("%s", (model) => {
  const name = parseModelName(model);
  const expected = fixture.models[name] as Fixture["models"][string];

  it("has the parameters, names, shapes and initial weights that PyTorch has for the seed", () => {
    manualSeed(fixture.seed);
    const model: AnyModule = createModelFrom(name, expected.hparams);
    expect(model.parameterCount()).toBe(expected.parameters);
    const state = model.stateDict();
    expect([...state.keys()]).toEqual(Object.keys(expected.initial));
    for (const [key, [shape, sum, first, last]] of Object.entries(expected.initial)) {
      const value = state.get(key);
      if (value === undefined) {
        throw new Error(`no ${key}`);
      }
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
    const model: AnyModule = init.skipInit(() => createModelFrom(name, expected.hparams));
    expect(modelInputShape(name).at(-1)).toBe(3);
    expect(model.toString()).toContain("Conv2d(");
    model.dispose();
  });

  // Plain JavaScript is slow: it runs the small variants, the others run all.
  const variantsOn = (backend: string) =>
    expected.variants.filter(({ parameters }) => backend !== "cpu" || parameters < 50_000);

  describe.each(backends.filter((backend) => variantsOn(backend).length > 0))("on the %s backend", (backend) => {
    beforeAll(async () => {
      expect(await tf.setBackend(backend)).toBe(true);
    });

    afterAll(() => tf.disposeVariables());

    it.each(variantsOn(backend).map((variant) => [JSON.stringify(variant.hparams), variant] as const))(
      "agrees with PyTorch for %s",
      (_, variant) => {
        manualSeed(fixture.seed);
        const model: AnyModule = createModelFrom(name, variant.hparams);
        if (variant.formula) {
          fillByFormula(model);
          manualSeed(fixture.seed);
        }
        const images = randomImages(variant.images, 2, -1);
        const batch = variant.images[0] as number;
        const labels = tf.tensor1d(
          Array.from({ length: batch }, (_, i) => i % 3),
          "int32",
        );
        const named = model.namedParameters();

        let logits: tf.Tensor | undefined;
        const step = () => {
          logits = tf.keep(tf.clone(model.train(!variant.running).forward(images)));
          return loss.forward(logits as tf.Tensor, labels);
        };
        const { value, grads } = tf.engine().gradients(step, [images, ...named.map(([, p]) => p.variable)]);
        expectTensorClose("logits in training", logits as tf.Tensor, variant.trainLogits);
        expectTensorClose("gradient of the images", grads[0] as tf.Tensor, variant.imageGradient);
        const scale = Math.max(...Object.values(variant.gradients).map((packed) => packed?.rms ?? 0));
        named.forEach(([key], i) => {
          const got = gradientInTorchLayout(model, key, grads[i + 1] as tf.Tensor);
          const packed = variant.gradients[key];
          if (packed === undefined) {
            // The maker says why.
            return;
          }
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

describe("the further classifiers of googlenet", () => {
  it("have torchvision's names, shapes and logits, and are asked in training alone", async () => {
    await tf.setBackend("wasm");
    const model = init.skipInit(() => new ImageNetGoogLeNet({ auxLogits: true })).eval();
    const names = JSON.stringify([...model.stateShapes()]);
    expect(createHash("sha256").update(names).digest("hex")).toBe(fixture.googlenetAux.names);
    fillByFormula(model);
    manualSeed(fixture.seed);
    const features = randomImages([2, 528, 6, 7]) as tf.Tensor4D;
    const logits = model.aux2?.forward(features);
    expectTensorClose("logits of aux2", logits as tf.Tensor, fixture.googlenetAux.logits);
    const images = tf.ones<tf.Rank.R4>([2, 32, 32, 3]);
    const shapes = (training: boolean) =>
      tf.tidy(() => {
        const outputs = model.train(training).forwardWithAux(images);
        return [outputs.logits, outputs.auxLogits1, outputs.auxLogits2].map((each) => each?.shape);
      });
    expect(shapes(true)).toEqual([
      [2, 1000],
      [2, 1000],
      [2, 1000],
    ]);
    expect(shapes(false)).toEqual([[2, 1000], undefined, undefined]);
    model.dispose();
    tf.dispose([features, logits as tf.Tensor, images]);
  });
});

describe("Fots", () => {
  it("has PyTorch's names, initial weights by seed, and outputs in training and evaluation", async () => {
    await tf.setBackend("wasm");
    manualSeed(fixture.seed);
    // The reference draws the classifier that it then drops with a thousand classes, as torchvision does by default.
    const model = new Fots({ backbone: { blockName: "BasicBlock", layers: [1, 1, 1, 1] }, imageSize: 64 });
    expect([...model.stateShapes().keys()]).toEqual(Object.keys(fixture.fots.initial));
    const state = model.stateDict();
    for (const [key, [shape, sum]] of Object.entries(fixture.fots.initial)) {
      expect(state.get(key)?.shape, key).toEqual(shape);
      const total = Array.from(state.get(key)?.data as ArrayLike<number>, Number).reduce((a, b) => a + b, 0);
      expect(Math.abs(total - sum), `sum of ${key}`).toBeLessThan(1e-3);
    }
    const images = randomImages([1, 3, 64, 96], 2, -1);
    for (const mode of ["train", "eval"] as const) {
      const { score, geometry } = model.train(mode === "train").forward(images as tf.Tensor4D);
      const joined = tf.concat([score, geometry], 3);
      expectTensorClose(`${mode} output`, joined, fixture.fots[mode]);
      tf.dispose([score, geometry, joined]);
    }
    expect(() => model.forward(tf.zeros([1, 60, 64, 3]))).toThrow("a multiple of 32");
    model.dispose();
    images.dispose();
  });
});

describe("the models of the fixture", () => {
  it("contain every registered one", () => {
    const tested = new Set([...Object.keys(fixture.models), ...Object.keys(fixture.large)]);
    expect([...modelNames()].filter((name) => !tested.has(name))).toEqual([]);
  });
});
