/** What operations say to arguments that they cannot work with: the argument's name, what it was and what it may be. */
import {
  ArgumentError,
  averagePool,
  batchNormTraining,
  convolution,
  engine,
  gelu,
  groupNorm,
  maxPool,
  randomNormal,
  randomUniform,
  silu,
  softmaxCrossEntropy,
} from "@convbook/engine";
import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, it } from "vitest";
import "./support.ts";

const x = () => tf.ones<tf.Rank.R4>([1, 8, 8, 4]);
const filter = () => tf.ones<tf.Rank.R4>([3, 3, 4, 5]);
const volume = () => tf.ones<tf.Rank.R5>([1, 4, 4, 4, 1]);
const of = <T>(value: unknown) => value as T;
const pair = (value: unknown) => of<[number, number]>([value, value]);

/** What is no stride, and how errors write it. */
const noSteps: [unknown, string][] = [
  [0, "0"],
  [-1, "-1"],
  [1.5, "1.5"],
  [Number.NaN, "NaN"],
  [Number.POSITIVE_INFINITY, "Infinity"],
];

type Call = [argument: string, call: (value: number) => unknown];

const tfjsCalls: Record<string, Call[]> = {
  depthwiseConv2d: [
    ["strides", (n) => tf.depthwiseConv2d(x(), tf.ones([3, 3, 4, 1]), n, "same")],
    ["dilations", (n) => tf.depthwiseConv2d(x(), tf.ones([3, 3, 4, 1]), 1, "same", "NHWC", n)],
  ],
  conv2dTranspose: [["strides", (n) => tf.conv2dTranspose(x(), tf.ones([3, 3, 5, 4]), [1, 8, 8, 5], n, "same")]],
  maxPool: [
    ["strides", (n) => tf.maxPool(x(), 2, n, "valid")],
    ["filterSize", (n) => tf.maxPool(x(), n, 1, "valid")],
  ],
  avgPool: [
    ["strides", (n) => tf.avgPool(x(), 2, n, "same")],
    ["filterSize", (n) => tf.avgPool(x(), n, 1, "same")],
  ],
  maxPool3d: [["strides", (n) => tf.maxPool3d(volume(), 2, n, "same")]],
  dilation2d: [["strides", (n) => tf.dilation2d(x(), tf.ones([2, 2, 4]), n, "same", 1)]],
};

const ownCalls: [operation: string, argument: string, expected: string, call: (value: unknown) => unknown][] = [
  ["convolution", "strides", "2 integers of at least 1", (v) => convolution(x(), filter(), { strides: pair(v) })],
  ["convolution", "dilations", "2 integers of at least 1", (v) => convolution(x(), filter(), { dilations: pair(v) })],
  ["maxPool", "filterSize", "2 integers of at least 1", (v) => maxPool(x(), { filterSize: pair(v), strides: [1, 1] })],
  ["maxPool", "strides", "2 integers of at least 1", (v) => maxPool(x(), { filterSize: [2, 2], strides: pair(v) })],
  [
    "averagePool",
    "strides",
    "2 integers of at least 1",
    (v) => averagePool(x(), { filterSize: [2, 2], strides: pair(v) }),
  ],
];

describe.runIf(engine.available)("arguments that are no sizes", () => {
  beforeAll(async () => {
    await tf.setBackend("native");
  });

  const table = Object.entries(tfjsCalls).flatMap(([operation, calls]) =>
    calls.flatMap(([argument, call]) =>
      noSteps.map(([value, written]) => ({ operation, argument, call, value, written })),
    ),
  );
  it.each(table)("tf.$operation: $argument of $written", ({ operation, argument, call, value, written }) => {
    const got = `(${written}|\\[${written}(, ${written})*\\])`;
    const text = new RegExp(`^${operation}: ${argument} must be .*integers? of at least 1, got ${got}\\.$`);
    const caught = thrownBy(() => call(value as number));
    expect(caught).toBeInstanceOf(ArgumentError);
    expect((caught as Error).message).toMatch(text);
  });

  it.each(
    ownCalls.flatMap(([operation, argument, expected, call]) =>
      noSteps.map(([value, written]) => ({ operation, argument, expected, call, value, written })),
    ),
  )("$operation: $argument of $written", ({ operation, argument, expected, call, value, written }) => {
    expect((thrownBy(() => call(value)) as Error).message).toBe(
      `${operation}: ${argument} must be ${expected}, got [${written}, ${written}].`,
    );
  });

  it.each<[string, () => unknown]>([
    [
      "convolution: pad must be 4 integers of at least 0, got [0, 0].",
      () => convolution(x(), filter(), { pad: of([0, 0]) }),
    ],
    ["convolution: groups must be an integer of at least 1, got 0.", () => convolution(x(), filter(), { groups: 0 })],
    [
      'convolution: activation must be linear, relu or relu6, got "gelu".',
      () => convolution(x(), filter(), { activation: of("gelu") }),
    ],
    [
      "maxPool: filterSize must be 2 integers of at least 1, got undefined.",
      () => maxPool(x(), of({ strides: [1, 1] })),
    ],
    [
      "maxPool: strides must be 2 integers of at least 1, got 2.",
      () => maxPool(x(), of({ filterSize: [2, 2], strides: 2 })),
    ],
    ["groupNorm: groups must be an integer of at least 1, got undefined.", () => groupNorm(x(), of(undefined))],
    ["groupNorm: groups must be an integer of at least 1, got 0.", () => groupNorm(x(), 0)],
    ["groupNorm: groups must be a divisor of the 4 channels, got 3.", () => groupNorm(x(), 3)],
    [
      "groupNorm: epsilon must be a finite number of at least 0, got NaN.",
      () => groupNorm(x(), 2, { epsilon: Number.NaN }),
    ],
    ["randomNormal: shape must be integers of at least 0, got [2, -1].", () => randomNormal([2, -1], 0, 1, 1)],
    [
      "randomNormal: standardDeviation must be a finite number of at least 0, got undefined.",
      () => randomNormal([2], 0, of(undefined), 1),
    ],
    [
      "randomNormal: seed must be an integer of at least -9007199254740991, got undefined.",
      () => randomNormal([2], 0, 1, of(undefined)),
    ],
    ["randomUniform: low must be a finite number, got NaN.", () => randomUniform([2], Number.NaN, 1, 1)],
    ["randomUniform: high must be a finite number of at least 1, got 0.", () => randomUniform([2], 1, 0, 1)],
    ["topk: k must be an integer of at least 0, got NaN.", () => tf.topk(tf.tensor1d([1, 2]), Number.NaN)],
    [
      "oneHot: depth must be an integer of at least 0, got NaN.",
      () => tf.oneHot(tf.tensor1d([0], "int32"), Number.NaN),
    ],
    [
      "resizeBilinear: size must be integers of at least 0, got [NaN, 4].",
      () => tf.image.resizeBilinear(x(), [Number.NaN, 4]),
    ],
    ["slice: size must be an integer of at least -1, got 1.5.", () => tf.slice(tf.tensor1d([1, 2]), 0, 1.5)],
    [
      "slice: begin must be integers of at least -9007199254740991, got [0.5].",
      () => tf.slice(tf.tensor1d([1, 2]), [0.5], [1]),
    ],
    ["slice: size must be integers of at least -1, got [1.5].", () => tf.spectral.rfft(tf.tensor1d([1, 2]), 1.5)],
    [
      "split: numOrSizeSplits must be integers of at least -1, got [0.5, 1.5].",
      () => tf.split(tf.tensor1d([1, 2]), [0.5, 1.5]),
    ],
    ["reshape: shape must be integers of at least -1, got [1.5, 2].", () => tf.reshape([1, 2, 3], [1.5, 2])],
    ["tile: reps must be integers of at least 0, got [1.5].", () => tf.tile(tf.tensor1d([1, 2]), [1.5])],
    ["pad: paddings must be integers of at least 0, got [1, -1].", () => tf.pad(tf.tensor1d([1, 2]), [[1, -1]])],
    ["pad: paddings must be integers of at least 0, got [1.5, 0].", () => tf.pad(tf.tensor1d([1, 2]), [[1.5, 0]])],
    [
      "fft: input must be a tensor whose last dimension is at least 1 long, got a tensor [1, 0] complex64.",
      () => tf.spectral.rfft(tf.tensor1d([1, 2]), 0),
    ],
    [
      "ifft: input must be a tensor whose last dimension is at least 1 long, got a tensor [] complex64.",
      () => tf.spectral.ifft(tf.complex(1, 2)),
    ],
  ])("%s", (text, call) => {
    expect(thrownBy(call)).toMatchObject({ name: "ArgumentError", message: text });
  });
});

function thrownBy(call: () => unknown): unknown {
  try {
    tf.tidy(() => void call());
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

/** The engine's own operations, each with one tensor of whole numbers, or of true and false. */
const typed: [operation: string, argument: string, call: (wrong: tf.Tensor4D) => unknown][] = [
  ["convolution", "x", (wrong) => convolution(wrong, filter())],
  ["convolution", "filter", (wrong) => convolution(x(), wrong)],
  ["convolution", "bias", (wrong) => convolution(x(), filter(), { bias: of(wrong) })],
  ["convolution", "residual", (wrong) => convolution(x(), filter(), { residual: wrong })],
  ["batchNormTraining", "x", (wrong) => batchNormTraining(wrong)],
  ["batchNormTraining", "gamma", (wrong) => batchNormTraining(x(), { gamma: of(wrong) })],
  ["batchNormTraining", "residual", (wrong) => batchNormTraining(x(), { residual: wrong })],
  ["groupNorm", "x", (wrong) => groupNorm(wrong, 2)],
  ["groupNorm", "beta", (wrong) => groupNorm(x(), 2, { beta: of(wrong) })],
  ["maxPool", "x", (wrong) => maxPool(wrong, { filterSize: [2, 2], strides: [2, 2] })],
  ["averagePool", "x", (wrong) => averagePool(wrong, { filterSize: [2, 2], strides: [2, 2] })],
  ["softmaxCrossEntropy", "logits", (wrong) => softmaxCrossEntropy(of(wrong), of(tf.zeros([1], "int32")))],
  ["gelu", "x", (wrong) => gelu(wrong)],
  ["silu", "x", (wrong) => silu(wrong)],
];

describe.runIf(engine.available)("tensors that are not of float32", () => {
  beforeAll(async () => {
    await tf.setBackend("native");
  });

  it.each(typed)("%s: %s", (operation, argument, call) => {
    for (const dtype of ["int32", "bool"] as const) {
      expect(thrownBy(() => call(tf.ones([1, 8, 8, 4], dtype)))).toMatchObject({
        name: "ArgumentError",
        message: `${operation}: ${argument} must be a tensor of float32, got a tensor [1, 8, 8, 4] ${dtype}.`,
      });
    }
  });

  it("TensorFlow.js's operations take and refuse what they do on its CPU backend, with the same values", async () => {
    const images = tf.tensor4d([1, -2, 3, 4, 5, 6, 7, 8, 9], [1, 3, 3, 1], "int32");
    const calls: ((x: tf.Tensor4D) => tf.Tensor)[] = [
      (x) => tf.conv2d(x, tf.ones([2, 2, 1, 1]), 1, "same"),
      (x) => tf.depthwiseConv2d(x, tf.ones([2, 2, 1, 1]), 1, "same"),
      (x) => tf.maxPool(x, 2, 1, "same"),
      (x) => tf.avgPool(x, 2, 1, "same"),
      (x) => tf.relu(x),
      (x) => tf.relu6(x),
      (x) => tf.sigmoid(x),
      (x) => tf.prelu(of<tf.Tensor>(x), tf.tensor1d([0.5])),
      (x) => tf.batchNorm(x, tf.tensor1d([0]), tf.tensor1d([1])),
      (x) => tf.image.resizeBilinear(x, [4, 4]),
      (x) => tf.softmax(x),
      (x) => tf.matMul(tf.reshape(x, [3, 3]), tf.ones([3, 3])),
    ];
    const outcomes: unknown[][] = [];
    for (const backend of ["cpu", "native"]) {
      await tf.setBackend(backend);
      outcomes.push(
        calls.flatMap((call) =>
          [images, tf.cast(images, "bool")].map((x) => {
            try {
              const y = call(x);
              return [y.dtype, y.shape, Array.from(y.dataSync(), (n) => Math.fround(Number(n.toPrecision(5))))];
            } catch (error) {
              return (error as Error).message;
            }
          }),
        ),
      );
    }
    expect(outcomes[1]).toEqual(outcomes[0]);
    expect(outcomes[1]).toContain("Argument 'x' passed to 'conv2d' must be float32 tensor, but got int32 tensor");
  });
});
