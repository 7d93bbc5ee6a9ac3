/** Weights that are kept packed from call to call: counted, with the results of the first call to the bit, and never taken when they have changed. */
import { convolution, engine, sgdStep } from "@convbook/engine";
import * as tf from "@tensorflow/tfjs";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { NativeBackend } from "../../lib/engine/backend.ts";
import type { RegionSource } from "../../lib/engine/buffer-pool.ts";
import { instructionSets } from "./support.ts";

const sizes = [
  { name: "3x3", kernel: [3, 3], in: 64, out: 48, side: 14, options: { pad: [1, 1, 1, 1] } },
  { name: "1x1", kernel: [1, 1], in: 160, out: 96, side: 7, options: {} },
  {
    name: "7x7 of stride 2",
    kernel: [7, 7],
    in: 5,
    out: 70,
    side: 32,
    options: { strides: [2, 2], pad: [3, 3, 3, 3] },
  },
] as const;

describe.skipIf(!engine.available)("weights that are kept", () => {
  beforeAll(async () => {
    await tf.setBackend("native");
    engine.trim();
  });
  afterEach(() => {
    engine.setInstructionSet(undefined);
    engine.setThreads(0);
  });
  afterAll(() => tf.disposeVariables());

  const usesOf = (body: () => void): number => {
    const before = engine.info().keptWeights.uses;
    body();
    return engine.info().keptWeights.uses - before;
  };
  const values = (y: tf.Tensor): Float32Array => {
    const data = y.dataSync<"float32">().slice();
    y.dispose();
    return data;
  };

  describe.each([undefined, ...instructionSets])("on %s", (isa) => {
    it.each(sizes)("are taken from the third call on, with the same bits: $name", (size) => {
      engine.setInstructionSet(isa);
      engine.trim();
      const x = tf.randomNormal<tf.Rank.R4>([1, size.side, size.side, size.in]);
      const w = tf.randomNormal<tf.Rank.R4>([...size.kernel, size.in, size.out]);
      const bias = tf.randomNormal<tf.Rank.R1>([size.out]);
      const run = () => values(convolution(x, w, { ...size.options, bias }));
      const first = run();
      const uses = usesOf(() => {
        for (let i = 0; i < 3; i++) {
          expect(run()).toEqual(first);
        }
      });
      // The second call packs them and keeps them.
      expect(uses).toBe(2);
      tf.dispose([x, w, bias]);
    });
  });

  it("have numbers of their own in every backend over one module, as after tf.engine().reset()", () => {
    const { addon } = tf.backend() as NativeBackend;
    const regions: RegionSource = {
      alloc: (bytes) => ({ buffer: new ArrayBuffer(bytes), offset: 0 }),
      drop: () => undefined,
      settle: () => false,
    };
    const [one, other] = [new NativeBackend(addon, regions, 0), new NativeBackend(addon, regions, 0)];
    const numbers = [one, other, one, other].map((backend) => {
      const shape = [1];
      const dataId = backend.write(Float32Array.of(1), shape, "float32");
      const { version } = backend.weights({ dataId, shape, dtype: "float32" });
      expect(backend.weights({ dataId, shape, dtype: "float32" }).version).toBe(version);
      backend.disposeData(dataId);
      return version;
    });
    expect(new Set(numbers).size).toBe(4);
  });

  it("are not taken when weights or bias have changed in place", () => {
    engine.trim();
    const x = tf.randomNormal<tf.Rank.R4>([1, 7, 7, 128]);
    const w = tf.variable(tf.randomNormal<tf.Rank.R4>([1, 1, 128, 64]));
    const bias = tf.variable(tf.randomNormal<tf.Rank.R1>([64]));
    const run = () => values(convolution(x, w, { bias }));
    const first = [run(), run(), run()][2];
    expect(engine.info().keptWeights.bytes).toBeGreaterThan(0);
    for (const changed of [w, bias] as tf.Variable[]) {
      const [gradient, velocity] = [tf.ones(changed.shape), tf.variable(tf.zeros(changed.shape), false)];
      sgdStep([changed], [gradient], [velocity], { learningRate: 0.5, momentum: 0, first: true });
      tf.dispose([gradient, velocity]);
      const want = values(
        tf.tidy(() => tf.add(tf.matMul(x.reshape([49, 128]), w.reshape([128, 64])), bias).reshape([1, 7, 7, 64])),
      );
      const got = run();
      expect(got).not.toEqual(first);
      got.forEach((value, i) => {
        expect(Math.abs(value - (want[i] as number))).toBeLessThan(1e-3);
      });
    }
    tf.dispose([x, w, bias]);
  });

  it("are compared again where a number does not say that they are those of before", () => {
    engine.trim();
    const x = tf.randomNormal<tf.Rank.R4>([1, 7, 7, 128]);
    const [first, second] = [0, 1].map((seed) => tf.randomNormal([1, 1, 128, 64], 0, 1, "float32", seed + 1)) as [
      tf.Tensor4D,
      tf.Tensor4D,
    ];
    const w = tf.variable(first);
    const run = () => values(convolution(x, w as tf.Tensor4D));
    const [a] = [run(), run(), run()];
    for (const assigned of [second, first, second]) {
      w.assign(assigned);
      const want = assigned === first ? a : values(convolution(x, second));
      for (let i = 0; i < 3; i++) {
        expect(run()).toEqual(want);
      }
    }
    tf.dispose([x, w, first, second]);
  });

  /** A convolution with a normalization by running statistics behind it, and the same in two steps. */
  describe.each([
    { kernel: "ConvolutionNormalized", filter: [3, 3, 64, 48], groups: 1, side: 14 },
    { kernel: "ConvolutionNormalized", filter: [3, 3, 64, 48], groups: 1, side: 96 },
    { kernel: "ConvolutionNormalized", filter: [1, 1, 160, 96], groups: 1, side: 7 },
    { kernel: "DepthwiseConvolutionNormalized", filter: [3, 3, 70, 2], groups: 70, side: 9 },
  ])("with a normalization: $kernel, $filter, $side pixels", ({ kernel, filter, groups, side }) => {
    const depthwise = groups > 1;
    const channels = depthwise ? groups * (filter[3] as number) : (filter[3] as number);
    const random = (shape: number[], seed: number) => tf.randomUniform(shape, 0.5, 1.5, "float32", seed);
    const setUp = () => ({
      x: tf.randomNormal([2, side, side, depthwise ? groups : (filter[2] as number)], 0, 1, "float32", 1),
      filter: tf.variable(tf.randomNormal(filter, 0, 0.1, "float32", 2)),
      bias: tf.variable(random([channels], 3)),
      mean: tf.variable(random([channels], 4)),
      variance: tf.variable(random([channels], 5)),
      gamma: tf.variable(random([channels], 6)),
      beta: tf.variable(random([channels], 7)),
    });
    const geometry = { strides: [1, 1], pad: [1, 1, 1, 1], dilations: [1, 1], groups };
    const attributes = { ...geometry, activation: "relu6", epsilon: 0.1 };
    type Inputs = ReturnType<typeof setUp>;
    const once = (inputs: Partial<Inputs>) => values(tf.engine().runKernel(kernel, inputs, attributes));
    const inTwoSteps = ({ x, filter: w, bias, mean, variance, gamma, beta }: Inputs) =>
      values(
        tf.tidy(() => {
          const pad: [number, number][] = [[0, 0], [1, 1], [1, 1], [0, 0]]; // biome-ignore format: rows
          const sums = depthwise
            ? tf.depthwiseConv2d(tf.pad(x, pad) as tf.Tensor4D, w as unknown as tf.Tensor4D, 1, "valid")
            : tf.conv2d(tf.pad(x, pad) as tf.Tensor4D, w as unknown as tf.Tensor4D, 1, "valid");
          const slope = tf.div(gamma, tf.sqrt(tf.add(variance, 0.1)));
          return tf.relu6(tf.add(tf.mul(tf.sub(tf.add(sums, bias), mean), slope), beta));
        }),
      );
    const expectClose = (got: Float32Array, want: Float32Array) => {
      expect(got.length).toBe(want.length);
      let worst = 0;
      got.forEach((value, i) => {
        worst = Math.max(worst, Math.abs(value - (want[i] as number)));
      });
      // Of sums up to 12, of which the large tiles make errors of 3e-6.
      expect(worst).toBeLessThan(1e-4);
      expect(want.some((value) => value > 0 && value < 6)).toBe(true);
    };

    it("gives the same in one step as in two, the same bits each time, and whatever has changed", () => {
      engine.trim();
      const inputs = setUp();
      const first = once(inputs);
      expectClose(first, inTwoSteps(inputs));
      for (let i = 0; i < 3; i++) {
        expect(once(inputs)).toEqual(first);
      }
      for (const name of ["filter", "bias", "mean", "variance", "gamma", "beta"] as const) {
        const changed = inputs[name];
        const before = once(inputs);
        // In place, then by another tensor.
        const gradient = tf.randomUniform(changed.shape, -0.1, 0, "float32", 8);
        sgdStep([changed], [gradient], undefined, { learningRate: 1, first: true });
        expect(once(inputs)).not.toEqual(before);
        expectClose(once(inputs), inTwoSteps(inputs));
        changed.assign(tf.tidy(() => tf.add(changed, 0.05)));
        expectClose(once(inputs), inTwoSteps(inputs));
        expectClose(once(inputs), inTwoSteps(inputs));
        gradient.dispose();
      }
      tf.dispose([...Object.values(inputs)]);
    });

    it("takes 1 and 0 for a scale and a shift that are not given, and 0 for a bias", () => {
      const inputs = setUp();
      inputs.gamma.assign(tf.onesLike(inputs.gamma));
      inputs.beta.assign(tf.zerosLike(inputs.beta));
      inputs.bias.assign(tf.zerosLike(inputs.bias));
      const { x, filter: w, mean, variance } = inputs;
      expect(once({ x, filter: w, mean, variance })).toEqual(once(inputs));
      tf.dispose([...Object.values(inputs)]);
    });
  });

  it("are left alone while they change, and for large images", () => {
    engine.trim();
    const x = tf.randomNormal<tf.Rank.R4>([1, 7, 7, 128]);
    const uses = usesOf(() => {
      for (let i = 0; i < 8; i++) {
        const w = tf.randomNormal<tf.Rank.R4>([1, 1, 128, 64]);
        values(convolution(x, w));
        w.dispose();
      }
      const large = tf.randomNormal<tf.Rank.R4>([1, 96, 96, 16]);
      const w = tf.randomNormal<tf.Rank.R4>([3, 3, 16, 64]);
      for (let i = 0; i < 4; i++) {
        values(convolution(large, w, { pad: [1, 1, 1, 1] }));
      }
      tf.dispose([large, w]);
    });
    expect(uses).toBe(0);
    expect(engine.info().keptWeights.bytes).toBe(0);
    x.dispose();
  });

  it("go with engine.trim(), and with other threads", () => {
    engine.trim();
    const x = tf.randomNormal<tf.Rank.R4>([1, 7, 7, 128]);
    const w = tf.randomNormal<tf.Rank.R4>([1, 1, 128, 64]);
    for (const letGo of [() => engine.trim(), () => engine.setThreads(3)]) {
      for (let i = 0; i < 3; i++) {
        values(convolution(x, w));
      }
      expect(engine.info().keptWeights.bytes).toBeGreaterThan(0);
      letGo();
      expect(engine.info().keptWeights.bytes).toBe(0);
    }
    tf.dispose([x, w]);
  });
});

describe.runIf(engine.available && engine.info().isa !== "wasm")("memory that large weights take in passing", () => {
  it("is taken once, counted, and goes with trim()", async () => {
    await tf.setBackend("native");
    const side = 512;
    const x = tf.randomUniform([1, 8, 8, side]);
    const w = tf.randomUniform([3, 3, side, side]);
    const gradient = tf.grad((image: tf.Tensor) =>
      convolution(image as tf.Tensor4D, w as tf.Tensor4D, { pad: [1, 1, 1, 1] }),
    );
    const once = (): Float32Array => tf.tidy(() => gradient(x).dataSync<"float32">().slice());
    // Of more, one may come to its first task, and to memory of its own, at any time.
    engine.setThreads(1);
    engine.trim();
    expect(engine.info().memory.scratch).toBe(0);
    const first = once();
    // The weights turned for the gradient, and those made ready for the products, of at least the same size.
    expect(engine.info().memory.scratch).toBeGreaterThanOrEqual(2 * w.size * 4);
    // The weights of the forward pass are kept packed from the second call on.
    once();
    once();
    const { scratch } = engine.info().memory;
    for (let i = 0; i < 5; i++) {
      expect(once()).toEqual(first);
    }
    expect(engine.info().memory.scratch).toBe(scratch);
    engine.trim();
    expect(engine.info().memory.scratch).toBe(0);
    engine.setThreads(0);
    tf.dispose([x, w]);
  });
});
