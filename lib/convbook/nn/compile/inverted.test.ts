/** Inverted residual blocks run as one in evaluation where nothing within is wanted, and come to the same as layer by layer. */
import { engine } from "@convbook/engine";
import * as tf from "@tensorflow/tfjs-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { manualSeed } from "../../random/index.ts";
import { type AnyModule, BatchNorm2d, Conv2d, eagerly, Hardswish, Module, ReLU6, Sequential, SiLU } from "../index.ts";

if (!engine.available) {
  console.log("inverted residual blocks: left out without the native engine (npm rebuild @convbook/engine)");
}

interface Options {
  readonly stride?: number;
  readonly act?: () => AnyModule;
  readonly kernelSize?: number;
  readonly bias?: boolean;
}

/** x + narrow(each(widen(x))), or without the sum where the shapes differ. */
class Block extends Module<[x: tf.Tensor4D], tf.Tensor4D> {
  readonly widen: Sequential;
  readonly each: Sequential;
  readonly narrow: Sequential;
  readonly #isResidual: boolean;

  constructor(channels: number, wide: number, out: number, options: Options = {}) {
    super();
    const { stride = 1, act = () => new ReLU6(), kernelSize = 3, bias = false } = options;
    const conv = (from: number, to: number, kernelSize: number, more: object = {}) => [
      new Conv2d(from, to, { kernelSize, bias, ...more }),
      new BatchNorm2d(to),
    ];
    const padding = (kernelSize - 1) / 2;
    this.widen = this.registerModule("widen", new Sequential(...conv(channels, wide, 1), act()));
    const filter = { stride, padding, groups: wide };
    this.each = this.registerModule("each", new Sequential(...conv(wide, wide, kernelSize, filter), act()));
    this.narrow = this.registerModule("narrow", new Sequential(...conv(wide, out, 1)));
    this.#isResidual = stride === 1 && channels === out;
  }

  forward(x: tf.Tensor4D): tf.Tensor4D {
    const y = this.narrow.forward(this.each.forward(this.widen.forward(x))) as tf.Tensor4D;
    return this.#isResidual ? tf.add(x, y) : y;
  }
}

/** A network in evaluation whose normalisations are not those of a new one. */
function evaluated<T extends AnyModule>(make: () => T, shape: readonly [number, number, number, number]) {
  manualSeed(7);
  const network = make();
  const x = tf.randomNormal<tf.Rank.R4>([...shape], 0, 2, "float32", 3);
  for (let i = 0; i < 3; i++) {
    tf.dispose(network.forward(x));
  }
  network.eval();
  // Calls in training may not have been worth a graph: it is found out anew.
  tf.dispose(network.forward(x));
  return { network, x };
}

async function kernelsOf(body: () => void): Promise<Record<string, number>> {
  const { rows } = await engine.profile(body);
  return Object.fromEntries(rows.map(({ kernel, calls }) => [kernel, calls]));
}

describe.runIf(engine.available)("inverted residual blocks", () => {
  beforeAll(() => tf.setBackend("native"));
  afterAll(() => tf.setBackend("cpu"));

  const large = [2, 40, 40, 12] as const;
  it.each([
    ["with a residual", () => new Block(12, 96, 12), 1],
    ["of stride 2, with biases", () => new Block(12, 96, 20, { stride: 2, bias: true }), 1],
    [
      "one behind the other",
      () => new Sequential(new Block(12, 96, 12), new Block(12, 96, 10), new Block(10, 90, 8)),
      3,
    ],
    ["of a window of 5", () => new Block(12, 100, 12, { kernelSize: 5 }), 1],
    ["of an activation that the kernel does not know", () => new Block(12, 96, 12, { act: () => new SiLU() }), 0],
    ["of another one", () => new Block(12, 96, 12, { act: () => new Hardswish() }), 0],
    ["whose weights are too large to be read for every few rows", () => new Block(64, 1600, 64), 0, [1, 14, 14, 64]],
  ] as const)("%s", async (_, make, expected, shape: readonly [number, number, number, number] = large) => {
    const { network, x } = evaluated<AnyModule>(make, shape);
    const run = () => tf.tidy(() => (network.forward(x) as tf.Tensor).dataSync<"float32">().slice());
    const want = eagerly(run);
    let got = new Float32Array();
    const kernels = await kernelsOf(() => {
      got = run();
    });
    expect(kernels.InvertedResidual ?? 0).toBe(expected);
    const most = want.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    expect(got.length).toBe(want.length);
    expect(
      got.reduce((worst, value, i) => Math.max(worst, Math.abs(value - (want[i] as number))), 0) / most,
    ).toBeLessThan(1e-5);
    x.dispose();
    network.dispose();
  });

  it("run layer by layer where they are small, in training, and where somebody looks within", async () => {
    const { network, x } = evaluated(() => new Block(12, 96, 12), large);
    const small = tf.slice(x, [0, 0, 0, 0], [1, 9, 9, 12]) as tf.Tensor4D;
    const calls = async (body: () => unknown) =>
      (await kernelsOf(() => void tf.tidy(() => void body()))).InvertedResidual ?? 0;
    expect(await calls(() => network.forward(x))).toBe(1);
    expect(await calls(() => network.forward(small))).toBe(0);
    let seen: number[] = [];
    const remove = network.each.registerForwardHook((_, __, y) => {
      seen = (y as tf.Tensor).shape;
      return undefined;
    });
    expect(await calls(() => network.forward(x))).toBe(0);
    expect(seen).toEqual([2, 40, 40, 96]);
    remove();
    network.train();
    expect(await calls(() => network.forward(x))).toBe(0);
    tf.dispose([x, small]);
    network.dispose();
  });
});
