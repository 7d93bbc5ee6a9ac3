/**
 * Operations at the edges of float32 (zeros of both signs, tiny, huge, infinite and no numbers), and reductions over NaN and infinities,
 * against PyTorch's values in float64, on every instruction set.
 */
import { readFileSync } from "node:fs";
import { engine, gelu, silu } from "@convbook/engine";
import * as tf from "@tensorflow/tfjs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { instructionSets } from "./support.ts";

type Printed = number | string;

interface Fixture {
  readonly line: Printed[];
  readonly unary: Record<string, Printed[]>;
  readonly a: Printed[];
  readonly b: Printed[];
  readonly binary: Record<string, Printed[]>;
  readonly inputs: Record<string, { shape: [number, number]; values: Printed[] }>;
  readonly reductions: { name: string; input: string; axis: number; value: Printed[] }[];
}

const fixture: Fixture = JSON.parse(readFileSync(new URL("fixtures/special_values.json", import.meta.url), "utf8"));

/** Units in the last place of float32 that results may be off by. */
const mostUlps = 4;
/** tfjs follows JavaScript, in which any power of NaN is NaN. */
const javaScripts: Record<string, (a: number, b: number) => boolean> = { pow: (a, b) => a === 1 && Number.isNaN(b) };
/** Functions f(-x) = -f(x): their zeros have signs. */
const odd = "neg tanh sin tan asin atan sinh asinh atanh erf expm1 log1p sqrt round floor ceil relu elu selu".split(
  " ",
);
/** Products of x and what underflows lose places below the smallest normal number. */
const underflowing = ["silu", "gelu"];
/** Shares of the value that results may be off by beside those. */
const shares: Record<string, number> = { gelu: 1e-6 };

function ulp(value: number): number {
  const size = Math.abs(Math.fround(value));
  return 2 ** (Math.max(-126, Math.floor(Math.log2(size || Number.MIN_VALUE))) - 23);
}

const unaryCalls: Record<string, (x: tf.Tensor) => tf.Tensor> = {
  gelu,
  silu,
  leakyRelu: (x) => tf.leakyRelu(x, 0.2),
  clip: (x) => tf.clipByValue(x, -2, 3),
};

const alongRows: Record<string, (x: tf.Tensor) => tf.Tensor> = {
  sort: (x) => tf.topk(x, x.shape[1]).values,
  softmax: (x) => tf.softmax(x),
  logSoftmax: (x) => tf.logSoftmax(x),
};

/** A function of tfjs by name. */
function operation<F>(name: string): F {
  return (tf as unknown as Record<string, F>)[name] as F;
}

describe.runIf(engine.available).each(instructionSets)("with %s", (isa) => {
  beforeAll(async () => {
    await tf.setBackend("native");
    engine.setInstructionSet(isa);
  });
  afterAll(() => engine.setInstructionSet(undefined));

  const check = (got: number, printed: Printed, what: string, slack = 0, signed = false) => {
    const wanted = Number(printed);
    const near = Number.isFinite(wanted) && Math.abs(got - wanted) <= Math.max(mostUlps * ulp(wanted), slack);
    if (!near && !Object.is(got, wanted)) {
      expect.fail(`${what}: got ${got}, PyTorch gives ${wanted}`);
    }
    if (signed && wanted === 0) {
      expect(Object.is(got, -0), `${what}: whether it is -0`).toBe(Object.is(wanted, -0));
    }
  };

  it.each(Object.keys(fixture.unary))("%s", (name) => {
    const values = tf.tidy(() => {
      const x = tf.tensor1d(fixture.line.map(Number));
      return (unaryCalls[name] ?? operation<(x: tf.Tensor) => tf.Tensor>(name))(x).dataSync();
    });
    for (const [i, at] of fixture.line.entries()) {
      const wanted = fixture.unary[name]?.[i] as Printed;
      const share = (shares[name] ?? 0) * Math.abs(Number(wanted));
      const slack = Math.max(underflowing.includes(name) ? 1e-40 : 0, Number.isFinite(share) ? share : 0);
      check(values[i] as number, wanted, `${name}(${at})`, slack, odd.includes(name));
    }
  });

  it.each(Object.keys(fixture.binary))("%s", (name) => {
    const [a, b] = [fixture.a.map(Number), fixture.b.map(Number)];
    const values = tf.tidy(() =>
      operation<(a: tf.Tensor, b: tf.Tensor) => tf.Tensor>(name)(tf.tensor1d(a), tf.tensor1d(b)).dataSync(),
    );
    for (const [i, p] of a.entries()) {
      const q = b[i] as number;
      if (javaScripts[name]?.(p, q)) {
        expect(values[i]).toBeNaN();
      } else {
        check(values[i] as number, fixture.binary[name]?.[i] as Printed, `${name}(${p}, ${q})`);
      }
    }
  });

  it.each(fixture.reductions)("$name of $input along axis $axis", ({ name, input, axis, value }) => {
    const { values, shape } = fixture.inputs[input] as Fixture["inputs"][string];
    const got = tf.tidy(() => {
      const x = tf.tensor2d(values.map(Number), shape);
      const rows = alongRows[name];
      if (rows === undefined) {
        return operation<(x: tf.Tensor, axis: number) => tf.Tensor>(name)(x, axis).dataSync();
      }
      return axis === 1 ? rows(x).dataSync() : tf.transpose(rows(tf.transpose(x))).dataSync();
    });
    const sizes = value.map((each) => Math.abs(Number(each))).filter((size) => size < 1e6);
    const scale = Math.max(1e-3, ...sizes);
    expect(got.length).toBe(value.length);
    for (const [i, wanted] of value.entries()) {
      check(got[i] as number, wanted, `${name}[${i}]`, 2e-6 * Math.max(scale, Math.abs(Number(wanted)) || 0));
    }
  });

  it("gives the places of the largest, NaN first, of equal ones the first", () => {
    const { NaN: nan, POSITIVE_INFINITY: infinity } = Number;
    const x = tf.tensor2d([
      [1, nan, 2, nan, infinity],
      [3, 1, 3, -infinity, 3],
    ]);
    const { values, indices } = tf.topk(x, 4);
    expect(values.arraySync()).toEqual([
      [nan, nan, infinity, 2],
      [3, 3, 3, 1],
    ]);
    expect(indices.arraySync()).toEqual([
      [1, 3, 4, 2],
      [0, 2, 4, 1],
    ]);
  });
});
