/** Depthwise convolutions and their gradients on every instruction set, beside PyTorch's and, drawn at random, beside plain loops. */
import { readFileSync } from "node:fs";
import { engine } from "@convbook/engine";
import * as tf from "@tensorflow/tfjs";
import { nn } from "convbook";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { instructionSets, Random } from "./support.ts";

type Pair = readonly [number, number];

interface Case {
  readonly shape: readonly [batch: number, height: number, width: number, channels: number];
  readonly kernel: Pair;
  readonly stride: Pair;
  readonly dilation: Pair;
  readonly padding: Pair;
}

interface Outcome {
  readonly y: ArrayLike<number>;
  readonly dx: ArrayLike<number>;
  readonly dw: ArrayLike<number>;
}

const fixture: readonly (Case & Outcome)[] = JSON.parse(
  readFileSync(new URL("./fixtures/depthwise.json", import.meta.url), "utf8"),
);

/** As fixtures/depthwise.py makes them. */
function numbers(count: number, seed: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => ((i * 7919 + seed * 104729) % 1009) / 1009 - 0.5);
}

const sizeOf = (shape: readonly number[]) => shape.reduce((product, n) => product * n, 1);

function outShapeOf({ shape: [batch, height, width, channels], kernel, stride, dilation, padding }: Case) {
  const places = (size: number, i: 0 | 1) =>
    Math.floor((size + 2 * padding[i] - dilation[i] * (kernel[i] - 1) - 1) / stride[i]) + 1;
  return [batch, places(height, 0), places(width, 1), channels] as const;
}

/** The engine's kernels. */
function ours(conv: Case, activation = "linear"): Outcome {
  const { shape, kernel, stride, dilation, padding } = conv;
  const channels = shape[3];
  const outShape = outShapeOf(conv);
  const [top, left] = padding;
  const pad = [
    [0, 0],
    [top, top],
    [left, left],
    [0, 0],
  ];
  const attributes = { strides: stride, pad, dilations: dilation, dataFormat: "NHWC" };
  const run = (name: string, inputs: tf.NamedTensorMap, more: object = {}) => {
    const result: tf.Tensor = tf.engine().runKernel(name, inputs, { ...attributes, ...more });
    return result.dataSync();
  };
  return tf.tidy(() => {
    const filterShape = [...kernel, channels, 1];
    const x = tf.tensor(numbers(sizeOf(shape), 1), [...shape]);
    const filter = tf.tensor(numbers(sizeOf(filterShape), 2), filterShape);
    const bias = tf.tensor(numbers(channels, 3));
    const dy = tf.tensor(numbers(sizeOf(outShape), 4), [...outShape]);
    return {
      y: run("FusedDepthwiseConv2D", { x, filter, bias }, { activation }),
      dx: run("DepthwiseConv2dNativeBackpropInput", { dy, filter }, { inputShape: shape }),
      dw: run("DepthwiseConv2dNativeBackpropFilter", { x, dy }, { filterShape }),
    };
  });
}

/** Plain loops, in double precision. */
function plain(conv: Case): Outcome {
  const { shape, kernel, stride, dilation, padding } = conv;
  const [batch, height, width, channels] = shape;
  const outShape = outShapeOf(conv);
  const [x, w, bias] = [numbers(sizeOf(shape), 1), numbers(sizeOf(kernel) * channels, 2), numbers(channels, 3)];
  const dy = numbers(sizeOf(outShape), 4);
  const y = Float64Array.from(dy, (_, i) => bias[i % channels] as number);
  const [dx, dw] = [new Float64Array(x.length), new Float64Array(w.length)];
  const at = (list: ArrayLike<number>, i: number) => list[i] as number;
  for (let n = 0; n < batch; n++) {
    for (let i = 0; i < outShape[1]; i++) {
      for (let j = 0; j < outShape[2]; j++) {
        for (let k = 0; k < sizeOf(kernel); k++) {
          const h = i * stride[0] - padding[0] + Math.floor(k / kernel[1]) * dilation[0];
          const v = j * stride[1] - padding[1] + (k % kernel[1]) * dilation[1];
          if (h < 0 || h >= height || v < 0 || v >= width) {
            continue;
          }
          for (let c = 0; c < channels; c++) {
            const to = ((n * outShape[1] + i) * outShape[2] + j) * channels + c;
            const from = ((n * height + h) * width + v) * channels + c;
            const tap = k * channels + c;
            y[to] = at(y, to) + at(x, from) * at(w, tap);
            dx[from] = at(dx, from) + at(dy, to) * at(w, tap);
            dw[tap] = at(dw, tap) + at(dy, to) * at(x, from);
          }
        }
      }
    }
  }
  return { y, dx, dw };
}

function expectClose(got: ArrayLike<number>, expected: ArrayLike<number>, what: string): void {
  expect(got.length, what).toBe(expected.length);
  const most = Math.max(1e-3, ...Array.from(expected, Math.abs));
  const errors = Array.from(got, (value, i) => Math.abs(value - (expected[i] as number)) / most);
  expect(errors.every(Number.isFinite), what).toBe(true);
  expect(Math.max(...errors), what).toBeLessThan(3e-6);
}

describe.each(instructionSets)("depthwise convolutions, %s", (isa) => {
  beforeAll(async () => {
    await tf.setBackend("native");
    engine.setInstructionSet(isa);
  });
  afterEach(() => engine.setThreads(0));
  afterAll(() => engine.setInstructionSet(undefined));

  const described = fixture.map((entry) => ({
    entry,
    title: `[${entry.shape}] through ${entry.kernel}, strides ${entry.stride}, dilations ${entry.dilation}, padding ${entry.padding}`,
  }));

  it.each(described)("are PyTorch's: $title", ({ entry }) => {
    const got = ours(entry);
    expectClose(got.y, entry.y, "y");
    expectClose(got.dx, entry.dx, "dx");
    expectClose(got.dw, entry.dw, "dw");
  });

  it("are those of plain loops: sizes, strides, dilations and paddings drawn at random, on one to three threads", () => {
    const random = new Random(7);
    const pair = (low: number, high: number): Pair => [random.integer(low, high), random.integer(low, high)];
    let cases = 0;
    while (cases < 60) {
      const conv: Case = {
        shape: [random.integer(1, 3), random.integer(1, 12), random.integer(1, 30), random.integer(1, 70)],
        kernel: pair(1, 7),
        stride: pair(1, 3),
        dilation: pair(1, 3),
        padding: pair(0, 8),
      };
      if (outShapeOf(conv).some((n) => n < 1)) {
        continue;
      }
      engine.setThreads(1 + (cases % 3));
      const [got, expected] = [ours(conv), plain(conv)];
      for (const key of ["y", "dx", "dw"] as const) {
        expectClose(got[key], expected[key], `${key} of ${JSON.stringify(conv)}`);
      }
      cases += 1;
    }
  });

  it.each(["relu", "relu6"])("apply %s on the way out, and let NaN through", (activation) => {
    const conv: Case = { shape: [1, 5, 9, 19], kernel: [3, 3], stride: [1, 1], dilation: [1, 1], padding: [1, 1] };
    const most = activation === "relu6" ? 6 : Number.POSITIVE_INFINITY;
    const expected = Array.from(plain(conv).y, (value) => Math.min(most, Math.max(0, value)));
    expectClose(ours(conv, activation).y, expected, activation);
    const inputs = { x: tf.fill([1, 3, 9, 2], Number.NaN), filter: tf.ones([3, 3, 2, 1]) };
    const attributes = { strides: [1, 1], pad: "same", dilations: [1, 1], activation };
    const y: tf.Tensor = tf.engine().runKernel("FusedDepthwiseConv2D", inputs, attributes);
    expect(Array.from(y.dataSync())).toEqual(new Array(54).fill(Number.NaN));
  });

  it.each(["relu", "relu6", "hardswish"] as const)("of a layer take bias and %s along in evaluation", (name) => {
    const layer = new nn.Conv2d(6, 6, { kernelSize: 3, padding: 1, groups: 6 });
    const network = new nn.Sequential(layer, new nn.Activation(name)).eval();
    const x = tf.randomNormal<tf.Rank.R4>([2, 7, 11, 6], 0, 4, "float32", 5);
    const got = tf.tidy(() => network.forward(x)).dataSync();
    const expected = tf.tidy(() => {
      const filter: tf.Tensor4D = tf.reshape(layer.weight.variable, [3, 3, 6, 1]);
      const sums = tf.add(tf.depthwiseConv2d(x, filter, 1, "same"), layer.bias?.variable ?? 0);
      return new nn.Activation(name).forward(sums).dataSync();
    });
    expectClose(got, expected, name);
  });
});
