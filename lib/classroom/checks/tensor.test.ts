import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, expect, it } from "vitest";
import { CheckError, expectTensor, TensorExpectation } from "./index.ts";

beforeAll(async () => {
  await tf.setBackend("cpu");
});

/** What a check says when it fails. */
function failure(check: () => unknown): Pick<CheckError, "message" | "got" | "expected"> {
  try {
    check();
  } catch (error) {
    if (error instanceof CheckError) {
      return { message: error.message, got: error.got, expected: error.expected };
    }
    throw error;
  }
  throw new Error("The check passed.");
}

it("passes what is as expected, and can be chained", () => {
  const tensor = tf.tensor2d([
    [1, 2],
    [3, 4],
  ]);
  expectTensor(tensor)
    .toHaveShape([2, 2])
    .toHaveShape([null, 2])
    .toHaveDtype("float32")
    .toBeFinite()
    .toBeBetween(1, 4)
    .toBeClose([
      [1, 2],
      [3, 4.003],
    ]);
  expectTensor(3).toHaveShape([]).toBeClose(3);
  expectTensor(Float32Array.of(1, 2)).toBeClose([1, 2]);
  expectTensor([Number.POSITIVE_INFINITY]).toBeClose([Number.POSITIVE_INFINITY]);
  expectTensor({ dtype: "float32", shape: [2, 1], data: Float32Array.of(5, 6) }).toBeClose([[5], [6]]);
});

it("says which value is furthest off, and how far it may be", () => {
  const got = tf.tensor3d([1, 2, 3, 4, 5, 6, 7, 8], [2, 2, 2]);
  const wanted = tf.tensor3d([1, 2, 3, 4.5, 5, 6, 7, 9], [2, 2, 2]);
  expect(failure(() => expectTensor(got, "The block's output").toBeClose(wanted, { rtol: 0.01, atol: 0 }))).toEqual({
    message: "The block's output has 2 of 8 values further from what is expected than the tolerance allows",
    got: "8 at [1, 1, 1]",
    expected: "9 ± 0.09",
  });
  expect(failure(() => expectTensor(0.5).toBeClose(0.75, { atol: 0.01 }))).toEqual({
    message: "The result is further from what is expected than the tolerance allows",
    got: "0.5",
    expected: "0.75 ± 0.011",
  });
});

it("takes NaN for close to nothing, itself included", () => {
  const { got, expected } = failure(() => expectTensor([1, Number.NaN]).toBeClose([1, Number.NaN]));
  expect([got, expected]).toEqual(["NaN at [1]", "NaN ± NaN"]);
  expect(failure(() => expectTensor([100, Number.NaN]).toBeClose([0, 1])).got).toBe("NaN at [1]");
});

it("names shapes, types and ranges", () => {
  const tensor = tf.ones([2, 8, 8, 3]);
  expect(failure(() => expectTensor(tensor).toHaveShape([2, 8, 8, 4]))).toEqual({
    message: "The result has another shape",
    got: "[2, 8, 8, 3]",
    expected: "[2, 8, 8, 4]",
  });
  expect(failure(() => expectTensor(tensor).toHaveShape([null, 8])).message).toBe(
    "The result has another number of dimensions",
  );
  expect(failure(() => expectTensor(tensor).toHaveDtype("int32"))).toMatchObject({ got: "float32", expected: "int32" });
  expect(failure(() => expectTensor([[0, -0.5]]).toBeBetween(0, 1))).toMatchObject({
    got: "-0.5 at [0, 1]",
    expected: "0 to 1",
  });
  expect(failure(() => expectTensor([[0], [1 / 0]]).toBeFinite()).got).toBe("Infinity at [1, 0]");
});

it("says what was given in a tensor's place", () => {
  const disposed = tf.zeros([1]);
  disposed.dispose();
  const cases: [given: unknown, got: string | undefined][] = [
    [undefined, "undefined"],
    [null, "null"],
    ["text", "a string"],
    [() => 1, "a function"],
    [Promise.resolve(tf.zeros([1])), "an object of type Promise"],
    [{ shape: [1] }, "an object"],
    [[1, [2]], "1 beside a number"],
    [disposed, "a disposed tensor"],
    [tf.tensor(["a"]), "dtype string"],
    [[[1, 2], [3]], "1 beside 2"],
  ];
  for (const [given, got] of cases) {
    expect(failure(() => expectTensor(given)).got).toBe(got);
  }
});

it("reads values as they are where a cell replaced the method of all tensors", () => {
  const { dataSync } = tf.Tensor.prototype;
  tf.Tensor.prototype.dataSync = () => Float32Array.of(0) as never;
  try {
    expect(failure(() => expectTensor(tf.tensor1d([1])).toBeClose(tf.tensor1d([2]))).got).toBe("1 at [0]");
  } finally {
    tf.Tensor.prototype.dataSync = dataSync;
  }
});

it("what says another shape than it has values passes nothing", () => {
  const resized = tf.zeros([0]);
  Object.defineProperty(resized, "shape", { value: [2, 2] });
  class Long extends Float32Array {
    override get length(): number {
      return 4;
    }
  }
  class Empty extends Array<number> {
    override *[Symbol.iterator](): ArrayIterator<number> {}
  }
  const lists = Empty.of(1, 1);
  for (const got of [
    { shape: [2, 2], data: new Float32Array(0) },
    resized,
    { shape: [2, 2], data: new Long(1) },
    lists,
  ]) {
    expect(() => expectTensor(got)).toThrow("The result has another number of values than its shape says");
  }
});

it("nobody changes the checks of others", () => {
  expect(Object.isFrozen(TensorExpectation.prototype)).toBe(true);
  expect(() => Object.assign(TensorExpectation.prototype, { toBeClose: () => {} })).toThrow(TypeError);
});
