/** Inverted residual blocks in one call, on every instruction set and in strips of all kinds, beside the CPU backend's operations one by one. */
import { engine } from "@convbook/engine";
import * as tf from "@tensorflow/tfjs";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { instructionSets } from "./support.ts";

interface Case {
  readonly name: string;
  /** [N, H, W, C], channels within, channels of the result. */
  readonly shape: readonly [number, number, number, number];
  readonly wide: number;
  readonly out: number;
  readonly kernel?: readonly [number, number];
  readonly strides?: readonly [number, number];
  readonly pad?: readonly [top: number, bottom: number, left: number, right: number];
  readonly dilations?: readonly [number, number];
  readonly residual?: boolean;
  readonly bias?: boolean;
}

const cases: readonly Case[] = [
  { name: "one strip", shape: [3, 7, 7, 16], wide: 40, out: 16, residual: true },
  { name: "several strips of an image", shape: [1, 61, 64, 8], wide: 96, out: 8, residual: true },
  { name: "more images than threads", shape: [9, 24, 33, 12], wide: 72, out: 20, bias: true },
  { name: "stride 2", shape: [2, 57, 60, 16], wide: 96, out: 24, strides: [2, 2] },
  {
    name: "stride 2 and 1, a window of 5 by 3",
    shape: [2, 50, 44, 5],
    wide: 70,
    out: 9,
    kernel: [5, 3],
    strides: [2, 1],
    pad: [2, 1, 0, 2],
  },
  {
    name: "stride 3 past rows that nobody looks at",
    shape: [2, 64, 70, 6],
    wide: 90,
    out: 7,
    kernel: [2, 2],
    strides: [3, 3],
    pad: [0, 0, 0, 0],
  },
  {
    name: "a dilated window",
    shape: [2, 48, 50, 6],
    wide: 90,
    out: 7,
    dilations: [4, 2],
    pad: [4, 4, 2, 2],
    residual: true,
  },
  { name: "windows that lie beyond the image", shape: [2, 3, 2, 4], wide: 17, out: 3, pad: [6, 7, 1, 1] },
  { name: "rows too long for the cache", shape: [1, 6, 900, 4], wide: 160, out: 5, residual: true },
  { name: "a single pixel", shape: [1, 1, 1, 3], wide: 1, out: 1, kernel: [1, 1], pad: [0, 0, 0, 0] },
];

/** What the kernel is called with. */
function inputsOf({ shape, wide, out, kernel = [3, 3], bias = false }: Case) {
  const [, , , channels] = shape;
  let seed = 1;
  const normal = (size: readonly number[], deviation = 1) =>
    tf.randomNormal([...size], 0, deviation, "float32", seed++);
  const positive = (size: number) => tf.randomUniform([size], 0.5, 1.5, "float32", seed++);
  const filters = [
    normal([1, 1, channels, wide], 1 / Math.sqrt(channels)),
    normal([...kernel, wide, 1], 1 / Math.sqrt(kernel[0] * kernel[1])),
    normal([1, 1, wide, out], 1 / Math.sqrt(wide)),
  ];
  const inputs: Record<string, tf.Tensor> = { x: normal(shape, 2) };
  for (const [i, filter] of filters.entries()) {
    const size = i === 2 ? out : wide;
    Object.assign(inputs, {
      [`filter${i}`]: filter,
      [`mean${i}`]: normal([size]),
      [`variance${i}`]: positive(size),
      [`gamma${i}`]: positive(size),
      [`beta${i}`]: normal([size]),
      ...(bias && { [`bias${i}`]: normal([size]) }),
    });
  }
  return inputs;
}

function attributesOf({ strides = [1, 1], pad = [1, 1, 1, 1], dilations = [1, 1] }: Case) {
  return { strides, pad, dilations, activations: ["relu6", "relu", "linear"], epsilons: [1e-3, 1e-5, 0.1] };
}

/** The block, one operation after the other. */
function oneByOne(test: Case, inputs: Record<string, tf.Tensor>): tf.Tensor {
  const { strides, pad, dilations, epsilons } = attributesOf(test);
  const [top, bottom, left, right] = pad;
  const behind = (y: tf.Tensor, i: number) => {
    const of = (name: string) => inputs[`${name}${i}`] as tf.Tensor1D;
    const biased = inputs[`bias${i}`] === undefined ? y : tf.add(y, of("bias"));
    const slope = tf.div(of("gamma"), tf.sqrt(tf.add(of("variance"), epsilons[i] as number)));
    return tf.add(tf.mul(tf.sub(biased, of("mean")), slope), of("beta")) as tf.Tensor4D;
  };
  const filter = (i: number) => inputs[`filter${i}`] as tf.Tensor4D;
  const widened = tf.relu6(behind(tf.conv2d(inputs.x as tf.Tensor4D, filter(0), 1, "valid"), 0));
  const padded = tf.pad(widened, [[0, 0], [top, bottom], [left, right], [0, 0]]); // biome-ignore format: pairs
  // The CPU backend dilates or strides, not both: a dilated filter has zeros between its weights.
  const [height, width, channels] = filter(1).shape;
  const spread = tf.buffer([(height - 1) * dilations[0] + 1, (width - 1) * dilations[1] + 1, channels, 1]);
  const weights = filter(1).dataSync();
  for (let h = 0, at = 0; h < height; h++) {
    for (let w = 0; w < width; w++) {
      for (let c = 0; c < channels; c++) {
        spread.set(weights[at++] as number, h * dilations[0], w * dilations[1], c, 0);
      }
    }
  }
  const each = depthwise(padded as tf.Tensor4D, spread.toTensor() as tf.Tensor4D, strides);
  const filtered = tf.relu(behind(each, 1)) as tf.Tensor4D;
  const narrow = behind(tf.conv2d(filtered, filter(2), 1, "valid"), 2);
  return inputs.residual === undefined ? narrow : tf.add(narrow, inputs.residual);
}

/** With a stride for each axis. */
function depthwise(x: tf.Tensor4D, filter: tf.Tensor4D, [down, sideways]: readonly [number, number]): tf.Tensor4D {
  const all = tf.depthwiseConv2d(x, filter, 1, "valid");
  const [, height, width] = all.shape;
  const rows = tf.gather(all, tf.range(0, height, down, "int32"), 1);
  return tf.gather(rows, tf.range(0, width, sideways, "int32"), 2);
}

describe.skipIf(!engine.available)("inverted residual blocks", () => {
  beforeAll(() => tf.setBackend("native"));
  afterEach(() => {
    engine.setInstructionSet(undefined);
    engine.setThreads(0);
  });
  afterAll(() => tf.disposeVariables());

  const run = (inputs: Record<string, tf.Tensor>, test: Case): Float32Array => {
    const y = tf
      .engine()
      .runKernel("InvertedResidual", inputs, attributesOf(test) as unknown as tf.NamedAttrMap) as tf.Tensor;
    const values = y.dataSync<"float32">().slice();
    y.dispose();
    return values;
  };

  it.each(cases)("$name", async (test) => {
    await tf.setBackend("cpu");
    const numbers: Record<string, [number[], Float32Array]> = {};
    const want = tf.tidy(() => {
      const inputs = inputsOf(test);
      if (test.residual) {
        inputs.residual = tf.randomNormal(oneByOne(test, inputs).shape, 0, 1, "float32", 99);
      }
      for (const [name, tensor] of Object.entries(inputs)) {
        numbers[name] = [tensor.shape, tensor.dataSync<"float32">().slice()];
      }
      return oneByOne(test, inputs).dataSync<"float32">().slice();
    });
    await tf.setBackend("native");
    const inputs = Object.fromEntries(
      Object.entries(numbers).map(([name, [shape, values]]) => [name, tf.tensor(values, shape)]),
    );
    const most = want.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    for (const isa of instructionSets) {
      engine.setInstructionSet(isa);
      const results = [1, 2, 5].map((threads) => {
        engine.setThreads(threads);
        return run(inputs, test);
      });
      for (const got of results) {
        expect(got.length).toBe(want.length);
        const worst = got.reduce((worst, value, i) => Math.max(worst, Math.abs(value - (want[i] as number))), 0);
        expect(worst / most, isa).toBeLessThan(1e-5);
        expect(got).toEqual(results[0]);
      }
    }
    tf.dispose(inputs);
  });

  it("lets through what is not a number, and nothing beside it", async () => {
    await tf.setBackend("native");
    const test: Case = { name: "", shape: [1, 40, 40, 4], wide: 96, out: 4 };
    const inputs = inputsOf(test);
    const clean = run(inputs, test);
    const values = (inputs.x as tf.Tensor).dataSync<"float32">().slice();
    // A pixel in the middle, at [20, 17].
    values[(20 * 40 + 17) * 4] = Number.NaN;
    const dirty = run({ ...inputs, x: tf.tensor(values, test.shape as unknown as number[]) }, test);
    dirty.forEach((value, i) => {
      const [row, column] = [Math.floor(i / 160), Math.floor(i / 4) % 40];
      if (Math.abs(row - 20) <= 1 && Math.abs(column - 17) <= 1) {
        expect(value).toBeNaN();
      } else {
        expect(value).toBe(clean[i]);
      }
    });
    tf.dispose(inputs);
  });
});
