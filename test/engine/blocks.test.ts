/** Blocks as batches, padding of any type, running products and segments: against tfjs's CPU backend. */
import { engine } from "@convbook/engine";
import * as tf from "@tensorflow/tfjs";
import { describe, expect, it } from "vitest";
import { type Data, data, expectSame, instructionSets, Random, ranInJavaScript, tensor, withGrads } from "./support.ts";

const types = ["float32", "int32", "bool"] as const;

/** Numbers as a tensor of a type. */
function typed({ values, shape }: Data, dtype: (typeof types)[number]): tf.Tensor {
  const whole = values.map((value) => Math.round(value * 3));
  return tf.cast(tf.tensor(dtype === "float32" ? values : whole, [...shape]), dtype);
}

type Sides = [number, number][];

describe.runIf(engine.available)("space and batches", () => {
  const cases: [number[], number[], Sides][] = [
    [
      [1, 4, 6, 3],
      [2, 3],
      [
        [0, 0],
        [0, 0],
      ],
    ],
    [
      [2, 3, 5, 2],
      [2, 2],
      [
        [1, 0],
        [0, 1],
      ],
    ],
    [[2, 7], [7], [[0, 0]]],
    [[3, 5, 4], [3], [[2, 2]]],
    [
      [1, 2, 4, 3, 2],
      [2, 2, 3],
      [
        [0, 0],
        [0, 0],
        [1, 2],
      ],
    ],
    [
      [2, 4, 4, 1],
      [1, 1],
      [
        [0, 0],
        [0, 0],
      ],
    ],
    [
      [2, 3, 3, 2],
      [2, 2],
      [
        [3, 2],
        [0, 1],
      ],
    ],
    [
      [0, 4, 4, 2],
      [2, 2],
      [
        [0, 0],
        [0, 0],
      ],
    ],
  ];

  it.each(cases)("of %j in blocks of %j with borders of %j, and back", (shape, blocks, sides) => {
    const x = data(new Random(61), shape);
    const there = (t: tf.Tensor) => tf.spaceToBatchND(t, blocks, sides);
    const back = (t: tf.Tensor) => tf.batchToSpaceND(there(t), blocks, sides);
    const ran = ranInJavaScript(() => {
      for (const dtype of types) {
        expectSame(() => [there(typed(x, dtype)), back(typed(x, dtype))], 0);
      }
      if (shape[0] !== 0) {
        expectSame(() => [...withGrads(there, [tensor(x)]), ...withGrads(back, [tensor(x)])]);
      }
      tf.setBackend("native");
      expect(tf.tidy(() => there(typed(x, "int32")).dtype)).toBe("int32");
    });
    expect(ran.filter((name) => /Batch|Pad|Slice/.test(name))).toEqual([]);
  });

  it("keeps NaN and infinity, and leaves nothing behind", () => {
    const x = { values: Float32Array.of(1, Number.NaN, Infinity, -Infinity, 5, 6), shape: [1, 2, 3, 1] };
    expectSame(
      () =>
        tf.spaceToBatchND(
          tensor(x),
          [2, 2],
          [
            [0, 0],
            [1, 0],
          ],
        ),
      0,
    );
    const t = tensor(x);
    const there = [2, 2];
    const sides = [
      [0, 0],
      [1, 0],
    ];
    const andBack = () => tf.tidy(() => tf.batchToSpaceND(tf.spaceToBatchND(t, there, sides), there, sides)).dispose();
    // In WebAssembly, an operand moves into the module's memory where it is first used.
    andBack();
    const before = engine.info().memory.used;
    andBack();
    expect(engine.info().memory.used).toBe(before);
    t.dispose();
  });
});

describe.runIf(engine.available)("borders", () => {
  it.each(types)("of %s, with a value", (dtype) => {
    const x = data(new Random(62), [2, 3, 2]);
    const value = dtype === "bool" ? 1 : 7;
    const sides: Sides = [
      [1, 0],
      [0, 2],
      [3, 1],
    ];
    const ran = ranInJavaScript(() => expectSame(() => tf.pad(typed(x, dtype), sides, value), 0));
    expect(ran).not.toContain("PadV2");
  });
});

describe.runIf(engine.available)("running sums and products of rows", () => {
  it("any number of rows side by side, on every instruction set and number of threads", () => {
    const random = new Random(63);
    for (const isa of instructionSets) {
      engine.setInstructionSet(isa);
      for (const threads of [1, 3]) {
        engine.setThreads(threads);
        for (const [rows, n] of [
          [1, 1],
          [7, 5],
          [8, 5],
          [9, 5],
          [17, 1],
          [33, 700],
        ] as const) {
          const x = data(random, [rows, n], 0.5, 1.5);
          const whole: Data = { ...x, values: x.values.map((value) => Math.round(value * 1e6)) };
          for (const [exclusive, reverse] of [
            [false, false],
            [true, false],
            [false, true],
            [true, true],
          ]) {
            const both = (t: tf.Tensor) => [tf.cumsum(t, 1, exclusive, reverse), tf.cumprod(t, 1, exclusive, reverse)];
            expectSame(() => [...both(tensor(x)), ...both(tf.cast(tensor(whole), "int32"))], 0);
          }
        }
      }
    }
    engine.setInstructionSet(undefined);
    engine.setThreads(0);
  });

  it("the gradient of products with zeros among them is that of both backends", () => {
    const values = Float32Array.of(2, 0, 3, -1, 0.5, 0, 0, 4, 1, 2, 3, 4);
    const x = { values, shape: [3, 4] };
    for (const axis of [0, 1]) {
      for (const [exclusive, reverse] of [
        [false, false],
        [true, false],
        [false, true],
        [true, true],
      ]) {
        expectSame(() => withGrads((t) => tf.cumprod(t, axis, exclusive, reverse), [tensor(x)]));
      }
    }
  });
});

describe.runIf(engine.available)("segments", () => {
  it("sums of floats and integers, with gradients", () => {
    const random = new Random(64);
    for (const [shape, segments] of [
      [[9], 4],
      [[9, 5], 3],
      [[6, 2, 3], 8],
      [[0, 3], 2],
    ] as [number[], number][]) {
      const x = data(random, shape);
      const ids = Int32Array.from({ length: shape[0] ?? 0 }, () => random.integer(-1, segments - 1));
      const sum = (t: tf.Tensor) => tf.unsortedSegmentSum(t, tf.tensor1d(ids, "int32"), segments);
      const ran = ranInJavaScript(() => {
        expectSame(() => (x.values.length > 0 ? withGrads(sum, [tensor(x)]) : sum(tensor(x))));
        tf.setBackend("native");
        const whole = tf.tidy(() => {
          const t = typed(x, "int32");
          return [sum(t).dtype, tf.max(tf.abs(tf.sub(sum(t), sum(tf.cast(t, "float32"))))).dataSync()[0]];
        });
        expect(whole[0]).toBe("int32");
        expect(whole[1]).toBe(x.values.length > 0 || shape.length > 1 ? 0 : Number.NEGATIVE_INFINITY);
      });
      expect(ran).not.toContain("UnsortedSegmentSum");
    }
  });
});
