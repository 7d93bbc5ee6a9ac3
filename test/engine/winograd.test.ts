/** Convolutions by Winograd's algorithm: against tfjs's CPU backend, on every instruction set; values it cannot take; and that it ran at all. */
import "@tensorflow/tfjs-backend-cpu";
import { convolution, engine } from "@convbook/engine";
import * as tf from "@tensorflow/tfjs";
import { createModel, optim, valueAndGrads } from "convbook";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { loadNative } from "../../lib/engine/native.ts";
import { type Case, optionsOf } from "./amx-support.ts";
import { instructionSets, Random } from "./support.ts";

type Values = Float32Array;
interface Passes {
  readonly y: Values;
  readonly dx: Values;
  readonly dw: Values;
  readonly db: Values;
}

const never = 0;
const whereFaster = 1;
const whereItCan = 2;
const inLargeTiles = 3;

const { addon } = loadNative();

/** Odd sizes, borders of all kinds, channels that fill no vector. */
const cases: readonly Case[] = [
  { in: [2, 8, 8, 16], out: 16, kernel: [3, 3], pad: 1 },
  { in: [3, 7, 7, 64], out: 48, kernel: [3, 3], pad: 1 },
  { in: [1, 14, 14, 40], out: 70, kernel: [3, 3], pad: 1 },
  { in: [2, 9, 71, 5], out: 3, kernel: [3, 3], pad: 0 },
  { in: [1, 5, 130, 17], out: 33, kernel: [3, 3], pad: 2 },
  { in: [2, 3, 3, 24], out: 20, kernel: [3, 3], pad: 0 },
  { in: [1, 1, 1, 16], out: 16, kernel: [3, 3], pad: 1 },
  { in: [1, 4, 4, 530], out: 24, kernel: [3, 3], pad: 1 },
];

/** The same for tiles of 6 x 6 inputs, and for filters of 5 x 5. */
const largeCases: readonly Case[] = [
  { in: [2, 8, 8, 16], out: 16, kernel: [3, 3], pad: 1 },
  { in: [3, 7, 7, 64], out: 48, kernel: [3, 3], pad: 1 },
  { in: [1, 14, 14, 40], out: 70, kernel: [3, 3], pad: 1 },
  { in: [2, 9, 71, 5], out: 3, kernel: [3, 3], pad: 0 },
  { in: [1, 5, 130, 17], out: 33, kernel: [3, 3], pad: 2 },
  { in: [2, 3, 3, 24], out: 20, kernel: [3, 3], pad: 0 },
  { in: [1, 1, 1, 16], out: 16, kernel: [3, 3], pad: 1 },
  { in: [1, 4, 4, 130], out: 24, kernel: [3, 3], pad: 1 },
  { in: [2, 8, 8, 16], out: 12, kernel: [5, 5], pad: 2 },
  { in: [1, 9, 71, 5], out: 33, kernel: [5, 5], pad: 0 },
  { in: [2, 6, 11, 17], out: 40, kernel: [5, 5], pad: 3 },
  { in: [1, 1, 1, 16], out: 16, kernel: [5, 5], pad: 2 },
];

const plain = cases[0] as Case;

function valuesOf(c: Case): { x: Values; w: Values } {
  const random = new Random(11);
  const x = random.values(c.in.reduce((a, b) => a * b));
  return { x, w: random.values(c.kernel[0] * c.kernel[1] * c.in[3] * c.out) };
}

/** Forward with bias, residual and ReLU, and all gradients of the plain convolution. */
function run(c: Case, x: Values, w: Values): Passes {
  const random = new Random(7);
  return tf.tidy(() => {
    const image = tf.tensor4d(x, [...c.in]);
    const filter = tf.tensor4d(w, [...c.kernel, c.in[3], c.out]);
    const bias = tf.tensor1d(random.values(c.out));
    const options = optionsOf(c);
    const shape = convolution(image, filter, options).shape;
    const size = shape.reduce((a, b) => a * b);
    const residual = tf.tensor4d(random.values(size), shape);
    const y = convolution(image, filter, { ...options, bias, residual, activation: "relu" });
    const dy = tf.tensor4d(random.values(size), shape);
    const [dx, dw, db] = tf.grads((a: tf.Tensor, b: tf.Tensor, d: tf.Tensor) =>
      convolution(a as tf.Tensor4D, b as tf.Tensor4D, { ...options, bias: d as tf.Tensor1D }),
    )([image, filter, bias], dy) as [tf.Tensor, tf.Tensor, tf.Tensor];
    const take = (t: tf.Tensor) => t.dataSync<"float32">().slice();
    return { y: take(y), dx: take(dx), dw: take(dw), db: take(db) };
  });
}

const references = new Map<Case, Passes>();

/** The same in tfjs's own operations on its CPU backend, which sums in float64; once for all instruction sets. */
async function reference(c: Case, x: Values, w: Values): Promise<Passes> {
  const known = references.get(c);
  if (known !== undefined) {
    return known;
  }
  await tf.setBackend("cpu");
  const random = new Random(7);
  const result = tf.tidy(() => {
    const image = tf.tensor4d(x, [...c.in]);
    const filter = tf.tensor4d(w, [...c.kernel, c.in[3], c.out]);
    const bias = tf.tensor1d(random.values(c.out));
    const pad = c.pad ?? 0;
    const padded = (a: tf.Tensor) =>
      tf.pad(a, [
        [0, 0],
        [pad, pad],
        [pad, pad],
        [0, 0],
      ]) as tf.Tensor4D;
    const conv = (a: tf.Tensor, b: tf.Tensor, d: tf.Tensor) =>
      tf.add(tf.conv2d(padded(a), b as tf.Tensor4D, 1, "valid"), d);
    const shape = conv(image, filter, bias).shape as [number, number, number, number];
    const size = shape.reduce((a, b) => a * b);
    const residual = tf.tensor4d(random.values(size), shape);
    const y = tf.relu(tf.add(conv(image, filter, bias), residual));
    const dy = tf.tensor4d(random.values(size), shape);
    const [dx, dw, db] = tf.grads(conv)([image, filter, bias], dy) as [tf.Tensor, tf.Tensor, tf.Tensor];
    const take = (t: tf.Tensor) => t.dataSync<"float32">().slice();
    return { y: take(y), dx: take(dx), dw: take(dw), db: take(db) };
  });
  await tf.setBackend("native");
  references.set(c, result);
  return result;
}

/** What Winograd's algorithm computes while a function runs. */
function passes<T>(body: () => T): { result: T; forward: number; inputGradients: number; filterGradients: number } {
  const before = engine.info().winograd;
  const result = body();
  const { forward, inputGradients, filterGradients } = engine.info().winograd;
  return {
    result,
    forward: forward - before.forward,
    inputGradients: inputGradients - before.inputGradients,
    filterGradients: filterGradients - before.filterGradients,
  };
}

function worstOf(got: Values, wanted: Values): number {
  expect(got.length).toBe(wanted.length);
  let worst = 0;
  let largest = 0;
  for (const [i, b] of wanted.entries()) {
    worst = Math.max(worst, Math.abs((got[i] as number) - b));
    largest = Math.max(largest, Math.abs(b));
  }
  return worst / largest;
}

/** Bit by bit. */
function expectSame(got: Values, wanted: Values): void {
  const bytes = (v: Values) => new Uint8Array(v.buffer, v.byteOffset, v.byteLength);
  expect(Buffer.compare(bytes(got), bytes(wanted))).toBe(0);
}

describe.each(instructionSets)("Winograd's algorithm on %s", (isa) => {
  beforeAll(async () => {
    await tf.setBackend("native");
    engine.setInstructionSet(isa);
  });
  afterEach(() => {
    addon?.useWinograd(whereFaster);
    engine.setThreads(0);
  });
  afterAll(() => engine.setInstructionSet(undefined));

  it.each(cases)("gives what float64 gives: %o", async (c) => {
    const { x, w } = valuesOf(c);
    const wanted = await reference(c, x, w);
    for (const threads of [1, 3]) {
      engine.setThreads(threads);
      addon?.useWinograd(whereItCan);
      const { result, ...counts } = passes(() => run(c, x, w));
      expect(counts).toEqual({ forward: 3, inputGradients: 1, filterGradients: 1 });
      for (const name of ["y", "dx", "dw", "db"] as const) {
        expect(worstOf(result[name], wanted[name]), name).toBeLessThan(2e-6);
      }
    }
  });

  it.each(largeCases)("gives what float64 gives in large tiles: %o", async (c) => {
    const { x, w } = valuesOf(c);
    const wanted = await reference(c, x, w);
    for (const threads of [1, 3]) {
      engine.setThreads(threads);
      addon?.useWinograd(inLargeTiles);
      const { result, ...counts } = passes(() => run(c, x, w));
      expect(counts).toEqual({ forward: 3, inputGradients: 1, filterGradients: 1 });
      for (const name of ["y", "dx", "dw", "db"] as const) {
        expect(worstOf(result[name], wanted[name]), name).toBeLessThan(4e-6);
      }
    }
  });

  it("takes large tiles where they are exact enough: other bits than small ones give, up to 128 channels forwards", () => {
    const of = (c: Case, how: 0 | 1 | 2 | 3): Passes => {
      const { x, w } = valuesOf(c);
      addon?.useWinograd(how);
      return run(c, x, w);
    };
    const isSame = (a: Values, b: Values) => a.every((value, i) => value === b[i]);
    const few: Case = { in: [1, 16, 16, 128], out: 32, kernel: [3, 3], pad: 1 };
    const many: Case = { ...few, in: [1, 16, 16, 136] };
    expect(isSame(of(few, whereFaster).y, of(few, inLargeTiles).y)).toBe(true);
    expect(isSame(of(few, inLargeTiles).y, of(few, whereItCan).y)).toBe(false);
    expect(isSame(of(many, whereFaster).y, of(many, whereItCan).y)).toBe(true);
    expect(isSame(of(many, whereFaster).dx, of(many, inLargeTiles).dx)).toBe(true);
    const five: Case = { in: [2, 16, 16, 32], out: 32, kernel: [5, 5], pad: 2 };
    expect(isSame(of(five, whereFaster).y, of(five, inLargeTiles).y)).toBe(true);
    expect(isSame(of(five, whereFaster).dx, of(five, inLargeTiles).dx)).toBe(true);
    expect(isSame(of(five, whereFaster).dw, of(five, never).dw)).toBe(true);
  });

  it.each([
    { in: [2, 8, 8, 32], out: 32, kernel: [3, 3], pad: 1, stride: [2, 2] },
    { in: [2, 8, 8, 32], out: 32, kernel: [3, 3], pad: 1, stride: [1, 2] },
    { in: [2, 8, 8, 32], out: 32, kernel: [3, 3], pad: 2, dilation: [2, 2] },
    { in: [2, 8, 8, 32], out: 32, kernel: [5, 5], pad: 2 },
    { in: [2, 8, 8, 32], out: 32, kernel: [1, 1] },
    { in: [2, 8, 8, 32], out: 32, kernel: [3, 1] },
  ] satisfies Case[])("leaves to loops what it is not for: %o", (c) => {
    addon?.useWinograd(whereItCan);
    const { x, w } = valuesOf(c);
    const { result: _, ...counts } = passes(() => run(c, x, w));
    expect(counts).toEqual({ forward: 0, inputGradients: 0, filterGradients: 0 });
  });

  it("is taken for many channels and not for few, whatever the batch", () => {
    for (const batch of [1, 2, 7]) {
      const count = (channels: number) => {
        const c: Case = { in: [batch, 16, 16, channels], out: channels, kernel: [3, 3], pad: 1 };
        const { x, w } = valuesOf(c);
        const { result: _, ...counts } = passes(() => run(c, x, w));
        return counts;
      };
      expect(count(64)).toEqual({ forward: 3, inputGradients: 1, filterGradients: 1 });
      expect(count(3)).toEqual({ forward: 0, inputGradients: 0, filterGradients: 0 });
      addon?.useWinograd(never);
      expect(count(64)).toEqual({ forward: 0, inputGradients: 0, filterGradients: 0 });
      addon?.useWinograd(whereFaster);
    }
  });

  it("gives every image the same bits, with whatever images and threads", () => {
    const c: Case = { in: [5, 11, 9, 32], out: 48, kernel: [3, 3], pad: 1 };
    const { x, w } = valuesOf(c);
    const pixels = (images: number) => images * 11 * 9;
    const all = (threads: number, images: number, first: number) => {
      engine.setThreads(threads);
      const from = x.slice(pixels(first) * 32, pixels(first + images) * 32);
      return passes(() =>
        tf.tidy(() => {
          const image = tf.tensor4d(from, [images, 11, 9, 32]);
          const filter = tf.tensor4d(w, [3, 3, 32, 48]);
          const y = convolution(image, filter, { pad: [1, 1, 1, 1] });
          const dx = tf.grad((a: tf.Tensor) => convolution(a as tf.Tensor4D, filter, { pad: [1, 1, 1, 1] }))(image, y);
          return { y: y.dataSync<"float32">().slice(), dx: dx.dataSync<"float32">().slice() };
        }),
      );
    };
    const { result: wanted, forward, inputGradients } = all(1, 5, 0);
    expect([forward, inputGradients]).toEqual([2, 1]);
    for (const [threads, images, first] of [
      [2, 5, 0],
      [7, 5, 0],
      [1, 1, 4],
      [7, 2, 1],
    ] as const) {
      const { result } = all(threads, images, first);
      expectSame(result.y, wanted.y.slice(pixels(first) * 48, pixels(first + images) * 48));
      expectSame(result.dx, wanted.dx.slice(pixels(first) * 32, pixels(first + images) * 32));
    }
  });

  it.each([
    ["infinity", Number.POSITIVE_INFINITY],
    ["minus infinity", Number.NEGATIVE_INFINITY],
    ["not a number", Number.NaN],
    ["nearly the largest number", 3.4e38],
  ])("passes %s on as loops do, in the image and in the filter", (_name, value) => {
    for (const where of ["x", "w"] as const) {
      const both = valuesOf(plain);
      both[where][both[where].length >> 1] = value;
      addon?.useWinograd(never);
      const wanted = run(plain, both.x, both.w);
      for (const how of [whereItCan, inLargeTiles] as const) {
        addon?.useWinograd(how);
        const got = run(plain, both.x, both.w);
        expectSame(got.y, wanted.y);
        expectSame(got.dx, where === "w" ? wanted.dx : got.dx);
        expectSame(got.dw, where === "x" ? wanted.dw : got.dw);
      }
    }
  });

  it("runs in the kernels that are several layers, in training and inference", async () => {
    const random = new Random(5);
    const images = random.values(4 * 32 * 32 * 3);
    const step = () => {
      const model = createModel("ResNet");
      const state = new Random(9);
      for (const p of model.parameters()) {
        p.variable.assign(tf.tensor(state.values(p.variable.size, -0.1, 0.1), p.variable.shape));
      }
      const x = tf.tensor4d(images, [4, 32, 32, 3]);
      const optimizer = new optim.SGD(model.parameters(), { lr: 0.1 });
      const { value, gradients } = valueAndGrads(
        () => tf.mean(tf.square(model.forward(x))) as tf.Scalar,
        optimizer.variables(),
      );
      model.eval();
      const y = passes(() => tf.tidy(() => model.forward(x)));
      const all = [value, ...gradients.values(), y.result as tf.Tensor].map((t) => t.dataSync<"float32">().slice());
      tf.dispose([x, value, y.result as tf.Tensor, ...gradients.values(), ...optimizer.variables()]);
      return { all, inference: y.forward };
    };
    addon?.useWinograd(never);
    const wanted = step();
    addon?.useWinograd(whereFaster);
    const { result, ...counts } = passes(step);
    expect(wanted.inference).toBe(0);
    expect(result.inference).toBeGreaterThan(8);
    expect(counts.forward).toBeGreaterThan(16);
    expect(counts.inputGradients).toBeGreaterThan(8);
    expect(counts.filterGradients).toBeGreaterThan(8);
    for (const [i, values] of wanted.all.entries()) {
      expect(worstOf(result.all[i] as Values, values), `number ${i}`).toBeLessThan(1e-4);
    }
  });
});
