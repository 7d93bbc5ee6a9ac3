/** Weights that are kept packed from call to call: counted, with the results of the first call to the bit, and never taken when they have changed. */
import { convolution, engine, sgdStep } from "@convbook/engine";
import * as tf from "@tensorflow/tfjs";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
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
