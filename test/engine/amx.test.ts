/** Convolutions on AMX tiles: shapes that use them, against AVX-512, and values that they cannot take. */
import { convolution, engine } from "@convbook/engine";
import * as tf from "@tensorflow/tfjs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { amx, type Case, optionsOf } from "./amx-support.ts";
import { Random } from "./support.ts";

const cases: readonly Case[] = [
  { in: [2, 32, 32, 16], out: 16, kernel: [3, 3], pad: 1 },
  { in: [2, 16, 16, 32], out: 32, kernel: [3, 3], pad: 1 },
  { in: [3, 8, 8, 64], out: 64, kernel: [3, 3], pad: 1 },
  { in: [2, 32, 32, 16], out: 32, kernel: [3, 3], pad: 1, stride: [2, 2] },
  { in: [2, 17, 15, 24], out: 40, kernel: [3, 3], pad: 1, stride: [2, 2] },
  { in: [2, 19, 33, 16], out: 24, kernel: [3, 3], pad: 1, stride: [3, 2] },
  { in: [2, 16, 16, 8], out: 8, kernel: [5, 5], pad: 2 },
  { in: [2, 16, 16, 256], out: 96, kernel: [1, 1] },
  { in: [1, 9, 11, 150], out: 64, kernel: [1, 1] },
  { in: [8, 4, 4, 48], out: 16, kernel: [3, 3], pad: 1 },
  { in: [2, 12, 10, 33], out: 17, kernel: [3, 3], pad: 2, dilation: [2, 2] },
  { in: [1, 40, 50, 30], out: 3, kernel: [2, 3] },
  { in: [1, 64, 70, 96], out: 20, kernel: [3, 1], pad: 1 },
  { in: [1, 7, 7, 128], out: 130, kernel: [3, 3], pad: 1 },
  { in: [1, 20, 1, 64], out: 64, kernel: [3, 3], pad: 1 },
];

type Values = Float32Array;

describe.runIf(amx)("convolutions on AMX tiles", () => {
  beforeAll(async () => {
    await tf.setBackend("native");
  });
  afterAll(() => engine.setInstructionSet(undefined));

  /** Forward with everything fused, and the gradient by the image. */
  function run(c: Case, x: Values, w: Values, isa: string): { y: Values; dx: Values } {
    engine.setInstructionSet(isa);
    const random = new Random(7);
    return tf.tidy(() => {
      const image = tf.tensor4d(x, [...c.in]);
      const filter = tf.tensor4d(w, [...c.kernel, c.in[3], c.out]);
      const bias = tf.tensor1d(random.values(c.out));
      const options = optionsOf(c);
      const plain = convolution(image, filter, options);
      const residual = tf.tensor4d(random.values(plain.size), plain.shape as [number, number, number, number]);
      const y = convolution(image, filter, { ...options, bias, residual, activation: "relu" });
      const dy = tf.tensor4d(random.values(plain.size), residual.shape);
      const dx = tf.grad((a: tf.Tensor) => convolution(a as tf.Tensor4D, filter, options))(image, dy);
      return {
        y: Float32Array.from([...plain.dataSync(), ...y.dataSync()]),
        dx: dx.dataSync<"float32">().slice(),
      };
    });
  }

  function expectNear(got: Values, wanted: Values, tolerance: number): void {
    expect(got.length).toBe(wanted.length);
    let worst = 0;
    let largest = 0;
    for (const [i, b] of wanted.entries()) {
      worst = Math.max(worst, Math.abs((got[i] as number) - b));
      largest = Math.max(largest, Math.abs(b));
    }
    expect(worst).toBeLessThanOrEqual(tolerance * largest);
  }

  /** Bit by bit. */
  function expectSame(got: Values, wanted: Values): void {
    const bytes = (v: Values) => new Uint8Array(v.buffer, v.byteOffset, v.byteLength);
    expect(Buffer.compare(bytes(got), bytes(wanted))).toBe(0);
  }

  const values = (c: Case, scale = 1): { x: Values; w: Values } => {
    const random = new Random(3);
    const x = random.values(c.in.reduce((a, b) => a * b)).map((v) => v * scale);
    return { x, w: random.values(c.kernel[0] * c.kernel[1] * c.in[3] * c.out) };
  };

  it.each(cases)("agrees with AVX-512: %o", (c) => {
    const { x, w } = values(c);
    const wanted = run(c, x, w, "avx512");
    const got = run(c, x, w, "amx");
    // Six products of three parts forward: as exact as float32; three of two parts for gradients.
    expectNear(got.y, wanted.y, 2e-6);
    expectNear(got.dx, wanted.dx, 1e-5);
  });

  it("rounds otherwise than AVX-512, so that these shapes do use the tiles", () => {
    const differs = (a: Values, b: Values) => a.some((v, i) => v !== b[i]);
    const forward: Case[] = [];
    const gradient: Case[] = [];
    for (const c of cases) {
      const { x, w } = values(c);
      const [got, other] = [run(c, x, w, "amx"), run(c, x, w, "avx512")];
      if (differs(got.y, other.y)) {
        forward.push(c);
      }
      if (differs(got.dx, other.dx)) {
        gradient.push(c);
      }
    }
    expect(forward).toEqual(cases);
    // Sums of fewer than 64 products are left to AVX-512.
    const deep = ({ kernel, stride = [1, 1], out }: Case) =>
      Math.ceil(kernel[0] / stride[0]) * Math.ceil(kernel[1] / stride[1]) * out >= 64;
    expect(gradient).toEqual(cases.filter(deep));
  });

  it("gives bit-equal results run after run", () => {
    for (const c of cases.slice(0, 5)) {
      const { x, w } = values(c);
      const [once, again] = [run(c, x, w, "amx"), run(c, x, w, "amx")];
      expectSame(once.y, again.y);
      expectSame(once.dx, again.dx);
    }
  });

  const c = cases[0] as Case;

  it.each([
    ["infinity", Number.POSITIVE_INFINITY],
    ["minus infinity", Number.NEGATIVE_INFINITY],
    ["not a number", Number.NaN],
    ["nearly the largest number", 3.4e38],
  ])("passes %s on as AVX-512 does, in the image and in the filter", (_name, value) => {
    for (const where of ["x", "w"] as const) {
      const both = values(c);
      both[where][both[where].length >> 1] = value;
      const [got, wanted] = [run(c, both.x, both.w, "amx"), run(c, both.x, both.w, "avx512")];
      expectSame(got.y, wanted.y);
    }
  });

  it("keeps values that are so small or so large that tiles would lose them", () => {
    for (const scale of [1e-36, 1e-43, 1e37]) {
      const { x, w } = values(c, scale);
      const [got, wanted] = [run(c, x, w, "amx"), run(c, x, w, "avx512")];
      expectSame(got.y, wanted.y);
    }
    const zeros = values(c, 0);
    expectNear(run(c, zeros.x, zeros.w, "amx").y, run(c, zeros.x, zeros.w, "avx512").y, 0);
  });
});
