/** Counting, searching, sequences, sparse and ragged tensors and strings against tfjs's CPU backend. */
import { engine } from "@convbook/engine";
import * as tf from "@tensorflow/tfjs";
import { describe, expect, it } from "vitest";
import { data, expectSame, Random, ranInJavaScript, tensor } from "./support.ts";

function integers(random: Random, shape: number[], low: number, high: number): () => tf.Tensor {
  const values = Int32Array.from({ length: tf.util.sizeFromShape(shape) }, () => random.integer(low, high));
  return () => tf.tensor(values, shape, "int32");
}

/** What a function gives on both backends, with types and strings. */
function expectEqual(f: () => tf.Tensor | tf.Tensor[]): void {
  const [wanted, got] = ["cpu", "native"].map((backend) => {
    tf.setBackend(backend);
    const result = tf.tidy(f);
    const list = Array.isArray(result) ? result : [result];
    const plain = list.map((t) => ({ shape: t.shape, dtype: t.dtype, values: Array.from<unknown>(t.dataSync()) }));
    tf.dispose(list);
    return plain;
  });
  expect(got).toEqual(wanted);
}

/** Expects no kernel of these names to have run as the CPU backend's. */
function expectOwn(names: readonly string[], f: () => void): void {
  expect(ranInJavaScript(f).filter((name) => names.includes(name))).toEqual([]);
  expect(engine.info().kernels).toEqual(expect.arrayContaining([...names]));
}

describe.runIf(engine.available)("the list of kernels", () => {
  it("has nothing left that runs as the CPU backend's", () => {
    expect(engine.info().fallbacks).toEqual([]);
  });

  it("has all kernels that tfjs-core names, but for those that no backend has on Node", () => {
    const named = Object.entries(tf).flatMap(([name, value]) => (name === value ? [name] : []));
    tf.setBackend("native");
    expect(named.length).toBeGreaterThan(150);
    const missing = named.filter((name) => tf.getKernel(name, "native") === undefined && tf.getKernel(name, "cpu"));
    expect(missing).toEqual([]);
  });
});

describe.runIf(engine.available)("sequences", () => {
  it("ranges of either direction and type, empty ones too", () => {
    expectOwn(["Range"], () => {
      for (const [start, stop, step] of [
        [0, 5, 1],
        [5, 0, -1],
        [5, 0, 1],
        [0, 0, 1],
        [0, 5, -1],
        [5, 0, 2],
        [-3, 4, 2],
        [0, 1, 0.25],
        [0.5, 9.25, 1.5],
      ] as const) {
        expectEqual(() => tf.range(start, stop, step));
        if (Number.isInteger(step)) {
          expectEqual(() => tf.range(start, stop, step, "int32"));
        }
      }
      expectSame(() => [tf.range(0, 100, 0.1), tf.range(3, -3, -0.7)]);
    });
  });

  it("are exact to one rounding, however long", () => {
    tf.setBackend("native");
    const [values, places] = tf.tidy(() => [
      tf.range(0, 10_000, 0.1).dataSync(),
      tf.linspace(0, 1, 100_001).dataSync(),
    ]);
    expect(values[99_999]).toBe(Math.fround(99_999 * 0.1));
    expect([places[50_000], places[100_000]]).toEqual([0.5, 1]);
  });

  it("evenly spaced numbers, diagonals and shapes of broadcasts", () => {
    expectOwn(["LinSpace", "Diag", "BroadcastArgs"], () => {
      expectSame(() => [tf.linspace(0, 9, 10), tf.linspace(2, 2, 1), tf.linspace(5, -5, 7)]);
      const four = integers(new Random(91), [4], -9, 9);
      expectEqual(() => [tf.diag(tensor(data(new Random(90), [2, 3]))), tf.diag(four())]);
      expectEqual(() => tf.diag(tf.tensor1d([true, false, true])));
      for (const [a, b] of [
        [
          [2, 1, 3],
          [4, 1],
        ],
        [[5], [5]],
        [[1], [7, 2]],
      ]) {
        expectEqual(() => tf.broadcastArgs(tf.tensor1d(a ?? [], "int32"), tf.tensor1d(b ?? [], "int32")));
      }
      tf.setBackend("native");
      expect(() => tf.broadcastArgs(tf.tensor1d([2], "int32"), tf.tensor1d([3], "int32"))).toThrow(
        "could not be broadcast",
      );
    });
  });
});

describe.runIf(engine.available)("counts", () => {
  it("of rows, weighted and not", () => {
    const random = new Random(92);
    expectOwn(["Bincount", "DenseBincount"], () => {
      const [x, rows] = [integers(random, [40], 0, 9), integers(random, [4, 11], 0, 9)];
      const [own, whole] = [data(random, [40]), integers(random, [40], -5, 5)];
      const none = () => tf.tensor1d([], "float32");
      expectEqual(() => [
        tf.bincount(x() as tf.Tensor1D, none(), 10),
        tf.bincount(x() as tf.Tensor1D, tensor<tf.Rank.R1>(own), 6),
        tf.bincount(x() as tf.Tensor1D, whole() as tf.Tensor1D, 12),
        tf.denseBincount(x() as tf.Tensor1D, tensor<tf.Rank.R1>(own), 6),
        tf.denseBincount(rows() as tf.Tensor2D, tf.tensor2d([], [0, 0]), 7),
        tf.denseBincount(rows() as tf.Tensor2D, tensor<tf.Rank.R2>(data(new Random(1), [4, 11])), 10),
        tf.denseBincount(rows() as tf.Tensor2D, tf.tensor2d([], [0, 0]), 10, true),
      ]);
      tf.setBackend("native");
      expect(() => tf.bincount(tf.tensor1d([1, -1], "int32"), none(), 3)).toThrow("Input x must be non-negative!");
    });
  });

  it("of one row as yes and no where that is asked for, which the CPU backend passes over", () => {
    tf.setBackend("native");
    const y = tf.tidy(() => tf.denseBincount(tf.tensor1d([1, 1, 3], "int32"), tf.zeros([0]), 5, true).dataSync());
    expect(Array.from(y)).toEqual([0, 1, 0, 1, 0]);
  });

  it("places in sorted rows, different elements and rows of any axis", () => {
    const random = new Random(93);
    expectOwn(["SearchSorted", "Unique"], () => {
      const sorted = Float32Array.from({ length: 30 }, (_, i) => Math.floor((i % 10) / 2) + Math.floor(i / 10));
      const wanted = integers(random, [3, 8], -1, 8);
      for (const side of ["left", "right"] as const) {
        expectEqual(() => tf.searchSorted(tf.tensor2d(sorted, [3, 10]), tf.cast(wanted(), "float32"), side));
        expectEqual(() => tf.searchSorted(tf.tensor2d(sorted, [3, 10], "int32"), wanted(), side));
        expectEqual(() => tf.searchSorted(tf.tensor1d([1, 3, 3, 9]), tf.tensor1d([3, 10, 0]), side));
      }
      const repeated = integers(random, [2, 5, 3], 0, 1);
      const both = (t: tf.Tensor, axis: number) => Object.values(tf.unique(t, axis)) as tf.Tensor[];
      for (const axis of [0, 1, 2, -1]) {
        expectEqual(() => both(repeated(), axis));
        expectEqual(() => both(tf.cast(repeated(), "float32"), axis));
        expectEqual(() => both(tf.cast(repeated(), "bool"), axis));
      }
      expectEqual(() => both(tf.tensor1d([3, -0, 0, Number.NaN, 3, Number.NaN, Infinity, 0.1]), 0));
      expectEqual(() => both(tf.tensor1d(["b", "a", "b", "", "ä"]), 0));
      expectEqual(() => both(tf.tensor1d([], "int32"), 0));
    });
  });
});

describe.runIf(engine.available)("lots", () => {
  it("of one row are the CPU backend's for a seed", () => {
    expectOwn(["Multinomial"], () => {
      expectEqual(() => tf.multinomial(tf.tensor2d([[0.1, 0.2, 0.4, 0.3]]), 500, 12, true));
      expectEqual(() => tf.multinomial(tf.tensor2d([[0, 0, 1, 0, 0]]), 50, 3, true));
      expectEqual(() => tf.multinomial(tf.tensor1d([0.2, Number.NaN, 0.5]), 50, 3, true));
    });
  });

  it("of rows fall each for itself, by their chances", () => {
    tf.setBackend("native");
    const n = 20_000;
    const lots = tf.tidy(() =>
      tf
        .multinomial(
          tf.log(
            tf.tensor2d([
              [1, 2, 1],
              [1, 2, 1],
              [6, 1, 1],
            ]),
          ),
          n,
          5,
        )
        .dataSync(),
    );
    const rows = [0, 1, 2].map((row) => Array.from(lots.slice(row * n, (row + 1) * n)));
    const wanted = [
      [0.25, 0.5, 0.25],
      [0.25, 0.5, 0.25],
      [0.75, 0.125, 0.125],
    ];
    rows.forEach((row, i) => {
      const shares = [0, 1, 2].map((event) => row.filter((lot) => lot === event).length / n);
      // Five standard deviations of a share of 20,000.
      for (const [event, share] of shares.entries()) {
        expect(Math.abs(share - (wanted[i]?.[event] ?? 0))).toBeLessThan(0.018);
      }
    });
    const alike = rows[0]?.filter((lot, i) => lot === rows[1]?.[i]).length ?? 0;
    // Two rows that have nothing to do with each other are alike in 3 of 8 places.
    expect(Math.abs(alike / n - 0.375)).toBeLessThan(0.018);
  });
});

describe.runIf(engine.available)("sparse and ragged tensors", () => {
  it("as dense ones, of every type", () => {
    const random = new Random(94);
    expectOwn(["SparseToDense"], () => {
      const [rows, cells] = [integers(random, [5], 0, 6), integers(random, [5, 2], 0, 3)];
      const values = data(random, [5]);
      expectEqual(() => [
        tf.sparseToDense(rows(), tensor(values), [7], -1),
        tf.sparseToDense(cells(), tensor(values), [4, 4], 9),
        tf.sparseToDense(cells(), integers(new Random(1), [5], -9, 9)(), [4, 4], tf.scalar(3, "int32")),
        tf.sparseToDense(rows(), tf.scalar(2), [7]),
        tf.sparseToDense(cells(), tf.cast(tf.ones([5]), "bool"), [4, 4], tf.scalar(false)),
        tf.sparseToDense(tf.tensor1d([0, 2], "int32"), tf.tensor1d(["a", "ä"]), [3], "b"),
      ]);
      tf.setBackend("native");
      expect(() => tf.sparseToDense(tf.tensor1d([9], "int32"), tf.tensor1d([1]), [4])).toThrow(
        "Invalid indices: 9 does not index into 4",
      );
    });
  });

  it("rows filled, shapes changed, segments summed", () => {
    expectOwn(["SparseFillEmptyRows", "SparseReshape", "SparseSegmentSum", "SparseSegmentMean"], () => {
      expectEqual(() => {
        const indices = tf.tensor2d(
          [
            [0, 0],
            [2, 1],
            [2, 3],
            [5, 0],
          ],
          [4, 2],
          "int32",
        );
        for (const values of [tf.tensor1d([1, 2, 3, 4]), tf.tensor1d([1, 2, 3, 4], "int32")]) {
          const filled = tf.sparse.sparseFillEmptyRows(
            indices,
            values,
            tf.tensor1d([7, 4], "int32"),
            tf.scalar(-1, values.dtype),
          );
          return Object.values(filled) as tf.Tensor[];
        }
        return [];
      });
      expectEqual(() => {
        const indices = tf.tensor2d(
          [
            [0, 0, 1],
            [1, 1, 0],
            [1, 2, 1],
          ],
          [3, 3],
          "int32",
        );
        const there = tf.sparse.sparseReshape(indices, tf.tensor1d([2, 3, 4], "int32"), tf.tensor1d([6, -1], "int32"));
        return Object.values(there) as tf.Tensor[];
      });
      const random = new Random(95);
      const x = data(random, [6, 3]);
      for (const sum of [tf.sparse.sparseSegmentSum, tf.sparse.sparseSegmentMean]) {
        expectEqual(() => {
          const [rows, ids] = [tf.tensor1d([0, 5, 5, 2, 1], "int32"), tf.tensor1d([0, 0, 1, 3, 3], "int32")];
          return [sum(tensor(x), rows, ids), sum(integers(new Random(2), [6], -9, 9)(), rows, ids)];
        });
      }
    });
  });

  it("ragged rows", () => {
    expectOwn(["RaggedGather", "RaggedRange", "RaggedTensorToTensor"], () => {
      expectEqual(() => {
        const splits = [tf.tensor1d([0, 3, 3, 5, 9], "int32")];
        const dense = tf.range(0, 18).reshape([9, 2]);
        const gathered = tf.raggedGather(splits, dense, tf.tensor1d([3, 1, 0], "int32"), 1);
        return [...gathered.outputNestedSplits, gathered.outputDenseValues];
      });
      expectEqual(
        () =>
          Object.values(
            tf.raggedRange(tf.tensor1d([0, 5, 8]), tf.tensor1d([8, 7, 8]), tf.tensor1d([2, 1, 1])),
          ) as tf.Tensor[],
      );
      expectEqual(() =>
        tf.raggedTensorToTensor(
          tf.tensor1d([4, 4], "int32"),
          tf.tensor1d([1, 2, 3, 4, 5, 6, 7, 8, 9], "float32"),
          tf.scalar(1.5),
          [tf.scalar(4, "int32"), tf.tensor1d([0, 0, 0, 2, 2, 2, 2, 3, 3], "int32")],
          ["FIRST_DIM_SIZE", "VALUE_ROWIDS"],
        ),
      );
    });
  });

  it("rows of batches by their indices", () => {
    const random = new Random(96);
    expectOwn(["GatherV2"], () => {
      const [x, one, two] = [
        data(random, [2, 3, 4, 5]),
        integers(random, [2, 3], 0, 2),
        integers(random, [2, 3, 2], 0, 3),
      ];
      expectEqual(() => [
        tf.gather(tensor(x), one(), 1, 1),
        tf.gather(tensor(x), one(), 2, 1),
        tf.gather(tensor(x), two(), 2, 2),
        tf.gather(tensor(x), two(), 3, 2),
        tf.gather(tensor(x), one(), 2, 2),
        tf.gather(tf.cast(tensor(x), "bool"), two(), 2, 2),
      ]);
      tf.setBackend("native");
      expect(() => tf.gather(tf.zeros([2, 3]), tf.zeros([4, 1], "int32"), 1, 1)).toThrow(
        "should be equal to indices.shape",
      );
    });
  });
});

describe.runIf(engine.available)("strings", () => {
  it("n-grams, parts, buckets and replacements", () => {
    expectOwn(["StringNGrams", "StringSplit", "StringToHashBucketFast", "StaticRegexReplace"], () => {
      expectEqual(() => {
        const words = tf.tensor1d(["a", "b", "c", "d", "ä€"]);
        const splits = tf.tensor1d([0, 3, 3, 5], "int32");
        return Object.values(tf.string.stringNGrams(words, splits, "|", [1, 2], "<", ">", 1, true)) as tf.Tensor[];
      });
      for (const skip of [true, false]) {
        expectEqual(() => Object.values(tf.string.stringSplit(["hello  there", "", " a b"], " ", skip)) as tf.Tensor[]);
      }
      expectEqual(() => tf.string.stringToHashBucketFast(["Hello", "TensorFlow", "2.x", "", "ä€"], 10));
      expectEqual(() => tf.string.staticRegexReplace(["has it", "$this$ is"], "[aeiou]|\\$", "<$&>"));
      expectEqual(() => tf.string.staticRegexReplace(["aaa"], "a", "b", false));
    });
  });
});

describe.runIf(engine.available)("kernels in TypeScript", () => {
  it("leave nothing behind", () => {
    tf.setBackend("native");
    const step = () =>
      tf.tidy(() => {
        const ids = tf.tensor1d([0, 1, 1, 2], "int32");
        tf.unique(ids);
        tf.bincount(ids, tf.ones([4]), 4);
        tf.multinomial(tf.ones([2, 3]) as tf.Tensor2D, 5, 1);
        tf.sparseToDense(ids, tf.ones([4]), [5]);
        tf.string.stringSplit(["a b"], " ");
        tf.image.nonMaxSuppression(tf.ones([3, 4]), tf.ones([3]), 2);
        tf.image.cropAndResize(tf.ones([1, 4, 4, 1]), tf.ones([1, 4]), tf.zeros([1], "int32"), [2, 2]);
      });
    step();
    const before = [tf.memory().numTensors, tf.memory().numDataBuffers, engine.info().memory.used];
    step();
    expect([tf.memory().numTensors, tf.memory().numDataBuffers, engine.info().memory.used]).toEqual(before);
  });
});
