/** Integers, booleans and places on the native backend against tfjs's CPU backend. */
import { engine } from "@convbook/engine";
import * as tf from "@tensorflow/tfjs";
import { describe, expect, it } from "vitest";
import { data, expectSame, Random, ranInJavaScript, tensor, withGrads } from "./support.ts";

type Binary = (a: tf.Tensor, b: tf.Tensor) => tf.Tensor;

/** The numbers at which 32 and 53 bits end. */
const edges = [0, 1, -1, 2, -2, 7, -7, 46341, -46341, 2 ** 30, 2 ** 31 - 1, -(2 ** 31), 123456789, -987654321];

function integers(random: Random, shape: number[], low = -50, high = 50): () => tf.Tensor {
  const count = shape.reduce((product, size) => product * size, 1);
  const values = Int32Array.from({ length: count }, () => random.integer(low, high));
  return () => tf.tensor(values, shape, "int32");
}

function booleans(random: Random, shape: number[]): () => tf.Tensor {
  const make = integers(random, shape, 0, 1);
  return () => tf.cast(make(), "bool");
}

const shapePairs: readonly [number[], number[]][] = [
  [[37], [37]],
  [
    [4, 5, 6],
    [4, 5, 6],
  ],
  [[4, 5, 6], [6]],
  [[], [5]],
  [[3, 1], [4]],
  [
    [2, 1, 3, 1],
    [4, 1, 5],
  ],
  [[0, 3], [3]],
];

describe.runIf(engine.available)("integers and booleans", () => {
  const arithmetic = "add sub mul maximum minimum squaredDifference mod floorDiv".split(" ");
  const compared = "equal notEqual less lessEqual greater greaterEqual".split(" ");

  it.each([...arithmetic, ...compared])("%s of int32, with broadcasting and at the edges", (name) => {
    const random = new Random(21);
    const f = (tf as unknown as Record<string, Binary>)[name] as Binary;
    for (const [sa, sb] of shapePairs) {
      const [a, b] = [integers(random, sa), integers(random, sb)];
      expectSame(() => f(a(), b()), 0, name);
    }
    const square = edges.flatMap((p) => edges.map((q) => [p, q] as const));
    const left = Int32Array.from(square, ([p]) => p);
    const right = Int32Array.from(square, ([, q]) => q);
    expectSame(() => f(tf.tensor1d(left, "int32"), tf.tensor1d(right, "int32")), 0, name);
  });

  it("keeps the type of what is not float32", () => {
    tf.setBackend("native");
    tf.tidy(() => {
      const [a, b] = [tf.tensor1d([5, -3], "int32"), tf.tensor1d([2, 2], "int32")];
      expect([tf.add(a, b), tf.mod(a, b), tf.neg(a), tf.sum(a), tf.max(a), tf.cumsum(a)].map((t) => t.dtype)).toEqual(
        Array(6).fill("int32"),
      );
      expect(tf.greater(a, b).dtype).toBe("bool");
      expect(tf.mean(a).dtype).toBe("float32");
      expect(tf.sum(tf.cast(a, "bool")).dtype).toBe("int32");
    });
  });

  it("signs, squares, selections and sums of lists", () => {
    const random = new Random(22);
    const [a, b, c] = [integers(random, [7, 9]), integers(random, [7, 9]), booleans(random, [7, 9])];
    expectSame(() => [tf.neg(a()), tf.abs(a()), tf.square(a()), tf.addN([a(), b(), a()])], 0);
    expectSame(() => [tf.where(c(), a(), b())], 0);
  });

  it("logic, and what is not a number", () => {
    const random = new Random(23);
    for (const [sa, sb] of shapePairs) {
      const [a, b] = [booleans(random, sa), booleans(random, sb)];
      expectSame(() => [tf.logicalAnd(a(), b()), tf.logicalOr(a(), b()), tf.logicalXor(a(), b())], 0);
      expectSame(() => [tf.equal(a(), b()), tf.notEqual(a(), b()), tf.logicalNot(a())], 0);
    }
    const x = [0, -0, 1, Number.NaN, Infinity, -Infinity, 3e38, 1e-45];
    expectSame(() => [tf.isNaN(x), tf.isInf(x), tf.isFinite(x)], 0);
  });

  it("reductions over any axes", () => {
    const random = new Random(24);
    const a = integers(random, [4, 5, 6, 3], -9, 9);
    const c = booleans(random, [4, 5, 6, 3]);
    for (const axes of [undefined, [0], [3], [1, 2], [0, 2], [1, 3], [0, 1, 2]]) {
      expectSame(() => [tf.sum(a(), axes), tf.max(a(), axes), tf.min(a(), axes, true), tf.sum(c(), axes)], 0);
      expectSame(() => [tf.mean(a(), axes), tf.mean(c(), axes)]);
      expectSame(() => [tf.all(c(), axes), tf.any(c(), axes), tf.all(tf.logicalNot(tf.any(c(), axes)))], 0);
    }
    expectSame(() => tf.prod(integers(new Random(25), [6, 5], 1, 4)(), 1), 0);
    const long = integers(random, [70_001], -1000, 1000);
    expectSame(() => [tf.sum(long()), tf.max(long()), tf.min(long())], 0);
    const flags = tf.util.createShuffledIndices(40_000);
    expectSame(() => [tf.any(tf.equal(tf.tensor1d(Int32Array.from(flags), "int32"), 39_999))], 0);
  });
});

describe.runIf(engine.available)("types that native code has no loops for", () => {
  it("run as the engine's own: bounds, powers, one of many, booleans, pictures, values", () => {
    const random = new Random(26);
    const ran = ranInJavaScript(() => {
      const [a, b, c] = [integers(random, [4, 6], -9, 9), integers(random, [6], 0, 5), booleans(random, [4, 6])];
      expectSame(() => [tf.clipByValue(a(), -3, 4), tf.pow(a(), b()), tf.pow(b(), a())], 0);
      for (const type of ["int32", "bool", "float32"] as const) {
        expectSame(
          () => [tf.oneHot(a() as tf.Tensor2D, 5, 1, 0, type), tf.oneHot(b() as tf.Tensor1D, 3, 0, 1, type)],
          0,
        );
        for (const shape of [[3], [9, 8], [0, 2], []]) {
          const like = () => tf.zeros(shape, type);
          expectSame(() => [tf.fill(shape, 1, type), tf.zerosLike(like()), tf.onesLike(like())] as tf.Tensor[], 0);
        }
      }
      expectSame(() => [tf.where(c(), tf.logicalNot(c()), c()), tf.where(c(), c(), tf.logicalNot(c()))], 0);
      const image = integers(random, [2, 5, 4, 3], -1e9, 1e9);
      for (const size of [
        [7, 9],
        [3, 2],
        [5, 4],
      ] as [number, number][]) {
        expectSame(() => [tf.image.resizeBilinear(image() as tf.Tensor4D, size, false, true)]);
        expectSame(() => [tf.image.resizeNearestNeighbor(image() as tf.Tensor4D, size)]);
      }
    });
    expect(ran).toEqual([]);
    tf.setBackend("native");
    const exact = tf.tidy(() =>
      tf.image.resizeNearestNeighbor(tf.tensor4d([123456789], [1, 1, 1, 1], "int32"), [1, 2]),
    );
    expect([exact.dtype, ...exact.dataSync()]).toEqual(["int32", 123456789, 123456789]);
    exact.dispose();
    const lost = tf.tidy(() => [tf.fill([2], 1, "int32").dtype, tf.oneHot(tf.tensor1d([0], "int32"), 2).dtype]);
    expect(lost).toEqual(["int32", "int32"]);
  });

  it("products of matrices, as they lie and turned, of batches and of one for all", () => {
    const random = new Random(28);
    const ran = ranInJavaScript(() => {
      for (const [turnA, turnB] of [
        [false, false],
        [true, false],
        [false, true],
        [true, true],
      ] as const) {
        for (const [ofA, ofB] of [
          [[], []],
          [[3], [3]],
          [
            [2, 3],
            [1, 3],
          ],
          [[1], [4]],
        ] as [number[], number[]][]) {
          const a = integers(random, [...ofA, ...(turnA ? [7, 5] : [5, 7])], -9, 9);
          const b = integers(random, [...ofB, ...(turnB ? [4, 7] : [7, 4])], -9, 9);
          expectSame(() => tf.matMul(a(), b(), turnA, turnB), 0);
        }
      }
    });
    expect(ran).toEqual([]);
    tf.setBackend("native");
    const large = tf.tidy(() =>
      tf.matMul(tf.tensor2d([[16777217]], [1, 1], "int32"), tf.tensor2d([[3]], [1, 1], "int32")),
    );
    expect([large.dtype, ...large.dataSync()]).toEqual(["int32", 50331651]);
    large.dispose();
  });

  it("normalizations by rows, and borders of nothing", () => {
    const random = new Random(27);
    const x = data(random, [3, 4, 5]);
    const [rows, scale, spread] = [data(random, [3, 4, 5]), data(random, [3, 4, 5]), data(random, [3, 4, 5], 0.1, 2)];
    const ran = ranInJavaScript(() => {
      expectSame(() => tf.batchNorm(tensor(x), tensor(rows), tensor(spread)));
      expectSame(() => tf.batchNorm(tensor(x), tensor(rows), tensor(spread), tensor(scale), tensor(scale), 0.5));
      const sides = [
        [0, 0],
        [0, 0],
        [0, 0],
      ] as [number, number][];
      expectSame(() => [tf.mirrorPad(tensor(x), sides, "reflect")], 0);
    });
    expect(ran).toEqual([]);
    // One of each row, which the CPU backend goes through again and again without minding the rows.
    tf.setBackend("native");
    const error = tf.tidy(() => {
      const [image, mean, variance] = [
        tensor(x),
        tensor(data(random, [3, 4, 1])),
        tensor(data(random, [3, 4, 1], 0.1, 2)),
      ];
      const wanted = tf.div(tf.sub(image, mean), tf.sqrt(tf.add(variance, 0.001)));
      return tf.max(tf.abs(tf.sub(tf.batchNorm(image, mean, variance), wanted))).dataSync()[0];
    });
    expect(error).toBeLessThan(1e-5);
  });
});

describe.runIf(engine.available)("places", () => {
  it("running sums and products along any axis, NaN and infinity included", () => {
    const random = new Random(31);
    const x = data(random, [3, 5, 4], -2, 2);
    const n = integers(random, [3, 5, 4], -9, 9);
    for (const axis of [0, 1, 2]) {
      for (const exclusive of [false, true]) {
        for (const reverse of [false, true]) {
          const sum = (t: tf.Tensor) => tf.cumsum(t, axis, exclusive, reverse);
          // tfjs's gradient is right for the last axis alone, where it needs no transposition.
          expectSame(() => (axis === 2 ? withGrads(sum as never, [tensor(x)]) : sum(tensor(x))));
          expectSame(() => [tf.cumprod(tensor(x), axis, exclusive, reverse), tf.cumsum(n(), axis, exclusive, reverse)]);
          expectSame(() => tf.cumprod(n(), axis, exclusive, reverse), 0);
        }
      }
    }
    const special = tf.util.flatten([1, Number.NaN, 2, Infinity, -Infinity, 3]) as number[];
    expectSame(() => [tf.cumsum(special), tf.cumprod(special), tf.cumsum(special, 0, true, true)]);
    const long = data(random, [2, 9001]);
    expectSame(() => tf.cumsum(tensor(long), 1));
  });

  it("the k largest, the first of equal ones, NaN and infinity included", () => {
    const random = new Random(32);
    for (const [shape, k] of [
      [[10], 3],
      [[4, 1000], 5],
      [[4, 1000], 1000],
      [[3, 2, 33], 1],
      [[2, 20], 0],
    ] as [number[], number][]) {
      const x = data(random, shape);
      const n = integers(random, shape, 0, 9);
      const both = ({ values, indices }: { values: tf.Tensor; indices: tf.Tensor }) => [values, indices];
      expectSame(() => both(tf.topk(tensor(x), k)), 0);
      expectSame(() => both(tf.topk(n(), k)), 0);
    }
    const special = [1, Infinity, -Infinity, 2, Infinity, 0];
    expectSame(() => Object.values(tf.topk(special, 6)), 0);
    expectSame(() => Object.values(tf.topk([3, Number.NaN, 5, 1], 2)), 0);
  });

  it("reversals and flips", () => {
    const random = new Random(33);
    const x = data(random, [3, 4, 5, 2]);
    for (const axes of [[0], [1], [3], [1, 2], [0, 3], [0, 1, 2, 3]]) {
      expectSame(() => withGrads((t) => tf.reverse(t as tf.Tensor, axes), [tensor(x)]));
      expectSame(() => [tf.reverse(integers(new Random(1), [3, 4, 5, 2])(), axes)], 0);
      expectSame(() => [tf.reverse(booleans(new Random(1), [3, 4, 5, 2])(), axes)], 0);
    }
    expectSame(() => tf.image.flipLeftRight(tensor<tf.Rank.R4>(x)), 0);
    const long = data(random, [40_000]);
    expectSame(() => tf.reverse(tensor(long)), 0);
  });

  it("rows by their indices, there and back", () => {
    const random = new Random(34);
    const x = data(random, [6, 5, 4]);
    const updates = data(random, [7, 4]);
    const indices = integers(random, [7, 2], 0, 4);
    expectSame(() => tf.gatherND(tensor(x), indices()), 0);
    expectSame(() => tf.gatherND(tensor(x), integers(new Random(2), [3, 2, 3], 0, 3)()), 0);
    expectSame(() => tf.scatterND(indices(), tensor(updates), [6, 5, 4]));
    expectSame(() => tf.scatterND(indices(), integers(new Random(3), [7, 4])(), [6, 5, 4]), 0);
    expectSame(() => tf.tensorScatterUpdate(tensor(x), indices(), tensor(updates)), 0);
    const ids = integers(random, [6], -1, 3);
    expectSame(() => tf.unsortedSegmentSum(tensor(x), ids() as tf.Tensor1D, 5));
    expectSame(() => withGrads((t) => tf.gather(t as tf.Tensor, tf.tensor1d([3, 0, 0, 5], "int32")), [tensor(x)]));
    for (const backend of ["cpu", "native"]) {
      tf.setBackend(backend);
      const wrong = () => tf.tidy(() => tf.gatherND(tensor(x), tf.tensor2d([[9, 9]], [1, 2], "int32")));
      expect(wrong, backend).toThrow("Invalid indices: 9,9 does not index into 6,5,4");
    }
  });

  it("keeps one segment's infinity out of the others", () => {
    tf.setBackend("native");
    const sums = tf.tidy(() => tf.unsortedSegmentSum([Infinity, 2, 3], tf.tensor1d([0, 1, 1], "int32"), 2).dataSync());
    expect(Array.from(sums)).toEqual([Infinity, 5]);
  });

  it("steps, mirrored borders and depth as space", () => {
    const random = new Random(35);
    const x = data(random, [4, 7, 6]);
    expectSame(() => tf.stridedSlice(tensor(x), [0, 1, 0], [4, 7, 6], [2, 2, 3]), 0);
    expectSame(() => tf.stridedSlice(tensor(x), [0, 5, 5], [4, 1, 0], [1, -2, -1]), 0);
    expectSame(() => tf.stridedSlice(tensor(x), [1, 0, 2], [3, 7, 6], [1, 1, 1], 0, 0, 0, 0, 1), 0);
    const ran = ranInJavaScript(() => {
      expectSame(() => tf.stridedSlice(tensor(x), [3, 6, 5], [0, 1, 0], [-1, -2, -3]), 0);
      expectSame(() => tf.stridedSlice(tensor(x), [0, 6, 5], [4, 0, 0], [3, -4, -1], 0, 4), 0);
      expectSame(() => tf.stridedSlice(tensor(x), [0, 2], [4, 0], [1, -1], 0, 0, 0, 0, 0), 0);
      expectSame(() => tf.stridedSlice(tf.cast(tf.greater(tensor(x), 0), "bool"), [3, 1, 0], [1, 5, 6], [-1, 2, 1]), 0);
    });
    expect(ran).not.toContain("StridedSlice");
    // One place of an axis beside steps on others, which the CPU backend refuses or mixes up.
    tf.setBackend("native");
    tf.tidy(() => {
      const [t, first] = [tensor(x), tensor(x).slice([2], [1]).squeeze([0])];
      const steps = tf.stridedSlice(t, [2, -1, 5], [4, -8, 0], [1, -1, -2], 0, 0, 0, 0, 1);
      expect(steps.arraySync()).toEqual(tf.gather(tf.reverse(first, 0), [5, 3, 1], 1).arraySync());
      const ahead = tf.stridedSlice(t, [2, 0, 1], [3, 7, 6], [1, 3, 2], 0, 0, 0, 0, 1);
      expect(ahead.arraySync()).toEqual(tf.gather(tf.gather(first, [0, 3, 6], 0), [1, 3, 5], 1).arraySync());
    });
    expectSame(() => tf.stridedSlice(tensor(x), [0, 0, 0], [4, 7, 6], [1, 1, 1]), 0);
    for (const mode of ["reflect", "symmetric"] as const) {
      const paddings: [number, number][] = [
        [1, 2],
        [0, 0],
        [3, 1],
      ];
      expectSame(() => tf.mirrorPad(tensor(x), paddings, mode), 0);
    }
    const deep = data(random, [2, 3, 4, 12]);
    expectSame(() => tf.depthToSpace(tensor<tf.Rank.R4>(deep), 2), 0);
  });
});
