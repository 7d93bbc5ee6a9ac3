/** Convolutions and pools of volumes against tfjs's CPU backend, on random shapes, with gradients. */
import { engine } from "@convbook/engine";
import * as tf from "@tensorflow/tfjs";
import { afterAll, describe, expect, it } from "vitest";
import { type Data, data, expectSame, instructionSets, Random, ranInJavaScript, tensor, withGrads } from "./support.ts";

type Op = (...xs: tf.Tensor[]) => tf.Tensor;

/** Numbers that are all different, so that maxima are single. */
function different(random: Random, shape: readonly number[]): Data {
  const count = shape.reduce((product, size) => product * size, 1);
  const order = Array.from({ length: count }, (_, i) => ({ i, key: random.next() })).sort((a, b) => a.key - b.key);
  return { values: Float32Array.from(order, ({ i }) => i / count - 0.5), shape };
}

describe.runIf(engine.available).each([...instructionSets])("volumes with %s", (isa) => {
  afterAll(() => {
    engine.setInstructionSet(undefined);
    engine.setThreads(0);
  });

  it("convolutions, their gradients and their transposes", () => {
    engine.setInstructionSet(isa);
    const random = new Random(71);
    const ran = ranInJavaScript(() => {
      tf.setBackend("native");
      for (let i = 0; i < 24; i++) {
        engine.setThreads(random.pick([1, 2, 3]));
        const filter = [random.integer(1, 3), random.integer(1, 3), random.integer(1, 3)] as const;
        const size = filter.map((k) => k + random.integer(0, 4));
        const [from, to] = [random.pick([1, 2, 3, 8, 17]), random.pick([1, 4, 5, 16])];
        const x = data(random, [random.integer(1, 3), ...size, from]);
        const w = data(random, [...filter, from, to]);
        const stride = random.pick<number | [number, number, number]>([1, 1, 2, 3, [2, 1, 1], [1, 2, 3]]);
        const pad = random.pick<"same" | "valid">(["same", "valid"]);
        const conv: Op = (a, b) => tf.conv3d(a as tf.Tensor5D, b as tf.Tensor5D, stride, pad);
        const shape = tf.tidy(() => conv(tensor(x), tensor(w)).shape) as [number, number, number, number, number];
        expectSame(
          () => withGrads(conv, [tensor(x), tensor(w)]),
          1e-5,
          `conv3d ${x.shape} ${w.shape} ${stride} ${pad}`,
        );
        const dy = data(random, shape);
        const back: Op = (a, b) =>
          tf.conv3dTranspose(a as tf.Tensor5D, b as tf.Tensor5D, x.shape as typeof shape, stride, pad);
        expectSame(() => back(tensor(dy), tensor(w)), 1e-5, `conv3dTranspose ${shape} ${w.shape} ${stride} ${pad}`);
        tf.setBackend("native");
      }
    });
    expect(ran.filter((name) => name.includes("3D"))).toEqual([]);
  });

  it("dilated convolutions", () => {
    engine.setInstructionSet(isa);
    const random = new Random(72);
    const [x, w] = [data(random, [2, 7, 6, 8, 3]), data(random, [3, 2, 3, 3, 5])];
    for (const dilation of [2, [1, 2, 1], [3, 1, 2]] as (number | [number, number, number])[]) {
      for (const pad of ["same", "valid"] as const) {
        expectSame(() => tf.conv3d(tensor<tf.Rank.R5>(x), tensor<tf.Rank.R5>(w), 1, pad, "NDHWC", dilation));
      }
    }
  });

  it("pools and their gradients", () => {
    engine.setInstructionSet(isa);
    const random = new Random(73);
    const ran = ranInJavaScript(() => {
      for (let i = 0; i < 24; i++) {
        const square = random.integer(1, 3);
        // Rows as many as columns: the CPU backend's gradient of others' maxima goes to wrong places, see below.
        const filter: [number, number, number] = [random.integer(1, 3), square, square];
        const x = different(random, [
          random.integer(1, 2),
          ...filter.map((k) => k + random.integer(0, 4)),
          random.pick([1, 3, 17]),
        ]);
        const stride = random.pick<number | [number, number, number]>([1, 2, 3, [2, 1, 1], [1, 2, 3]]);
        const pad = random.pick<"same" | "valid">(["same", "valid"]);
        for (const pool of [tf.maxPool3d, tf.avgPool3d]) {
          const op: Op = (t) => pool(t as tf.Tensor5D, filter, stride, pad);
          expectSame(() => withGrads(op, [tensor(x)]), 1e-5, `${pool.name} ${x.shape} ${filter} ${stride} ${pad}`);
        }
      }
    });
    expect(ran.filter((name) => name.includes("3D"))).toEqual([]);
  });

  it("every gradient of a maximum goes to where it was, of equal ones to the first", () => {
    engine.setInstructionSet(isa);
    tf.setBackend("native");
    const random = new Random(74);
    for (const [filter, stride] of [
      [
        [2, 3, 1],
        [2, 3, 1],
      ],
      [
        [1, 2, 3],
        [1, 1, 2],
      ],
      [
        [3, 1, 2],
        [1, 1, 1],
      ],
    ] as [[number, number, number], [number, number, number]][]) {
      const x = different(random, [2, 5, 6, 7, 3]);
      const gradient = tf.tidy(() => {
        const pool: Op = (t) => tf.maxPool3d(t as tf.Tensor5D, filter, stride, "valid");
        return tf.grad(pool)(tensor(x)).dataSync();
      });
      // One is counted for every window whose largest value stands there.
      const wanted = new Float32Array(x.values.length);
      const [n = 0, d = 0, h = 0, w = 0, c = 0] = x.shape;
      const at = (i: number[]) => i.reduce((sum, k, axis) => sum * (x.shape[axis] ?? 1) + k, 0);
      for (let b = 0; b < n; b++) {
        for (let z = 0; z + filter[0] <= d; z += stride[0]) {
          for (let y = 0; y + filter[1] <= h; y += stride[1]) {
            for (let q = 0; q + filter[2] <= w; q += stride[2]) {
              for (let k = 0; k < c; k++) {
                let best = at([b, z, y, q, k]);
                for (let tap = 0; tap < filter[0] * filter[1] * filter[2]; tap++) {
                  const right = tap % filter[2];
                  const down = Math.floor(tap / filter[2]) % filter[1];
                  const deep = Math.floor(tap / filter[2] / filter[1]);
                  const place = at([b, z + deep, y + down, q + right, k]);
                  best = (x.values[place] ?? 0) > (x.values[best] ?? 0) ? place : best;
                }
                wanted[best] = (wanted[best] ?? 0) + 1;
              }
            }
          }
        }
      }
      expect(Array.from(gradient)).toEqual(Array.from(wanted));
    }
    const equal = tf.tidy(() =>
      tf
        .grad((t: tf.Tensor) => tf.maxPool3d(t as tf.Tensor5D, 2, 2, "valid"))(tf.ones([1, 2, 2, 2, 1]))
        .dataSync(),
    );
    expect(Array.from(equal)).toEqual([1, 0, 0, 0, 0, 0, 0, 0]);
  });
});

describe.runIf(engine.available)("volumes", () => {
  it("large ones, which are taken in parts", () => {
    const random = new Random(75);
    const [x, w] = [data(random, [1, 6, 132, 132, 64]), data(random, [3, 1, 1, 64, 2])];
    const conv: Op = (a, b) => tf.conv3d(a as tf.Tensor5D, b as tf.Tensor5D, 1, "same");
    expectSame(() => withGrads(conv, [tensor(x), tensor(w)]));
  });

  it("without any element", () => {
    expectSame(() => tf.conv3d(tf.zeros<tf.Rank.R5>([0, 3, 3, 3, 2]), tf.ones<tf.Rank.R5>([2, 2, 2, 2, 4]), 1, "same"));
    expectSame(() => tf.maxPool3d(tf.zeros<tf.Rank.R5>([0, 4, 4, 4, 2]), 2, 2, "same"));
  });

  it("windows beside the volume have a mean of 0", () => {
    const x = data(new Random(78), [2, 1, 2, 3, 2]);
    for (const pad of [2, 3]) {
      expectSame(() => tf.avgPool3d(tensor<tf.Rank.R5>(x), 2, [1, 2, 1], pad, "floor"));
    }
  });

  it("pass over NaN in maxima, as tfjs does", () => {
    const values = Float32Array.of(1, Number.NaN, 3, 4, Number.NaN, -Infinity, 7, Infinity);
    for (const size of [1, 2] as const) {
      expectSame(() => tf.maxPool3d(tf.tensor5d(values, [1, 2, 2, 2, 1]), size, 1, "same"), 0);
    }
  });

  it("leave nothing behind", () => {
    tf.setBackend("native");
    const random = new Random(76);
    const [x, w] = [
      tensor<tf.Rank.R5>(data(random, [2, 5, 6, 7, 3])),
      tensor<tf.Rank.R5>(data(random, [3, 2, 3, 3, 4])),
    ];
    const step = () =>
      tf.tidy(() => {
        const loss = (a: tf.Tensor, b: tf.Tensor) => {
          const y = tf.conv3d(a as tf.Tensor5D, b as tf.Tensor5D, 2, "same");
          return tf.sum(tf.add(tf.maxPool3d(y, 2, 1, "same"), tf.avgPool3d(y, 2, 1, "same"))) as tf.Scalar;
        };
        tf.grads(loss)([x, w]);
      });
    step();
    const before = [tf.memory().numTensors, engine.info().memory.used];
    step();
    expect([tf.memory().numTensors, engine.info().memory.used]).toEqual(before);
    tf.dispose([x, w]);
  });

  it("places of maxima in the image and in the batch", () => {
    const random = new Random(77);
    for (const [filter, stride, pad] of [
      [2, 2, "valid"],
      [3, 1, "same"],
      [[2, 3], [1, 2], "same"],
    ] as [number | [number, number], number | [number, number], "same" | "valid"][]) {
      const x = different(random, [2, 5, 6, 3]);
      for (const inBatch of [false, true]) {
        const ran = ranInJavaScript(() =>
          expectSame(() => {
            const { result, indexes } = tf.maxPoolWithArgmax(tensor<tf.Rank.R4>(x), filter, stride, pad, inBatch);
            return [result, indexes] as tf.Tensor[];
          }, 0),
        );
        expect(ran).not.toContain("MaxPoolWithArgmax");
      }
    }
  });
});
