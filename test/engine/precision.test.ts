/** Inference in bf16: against PyTorch with rounded factors, what must stay float32, and how it is switched. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { convolution, engine, UnsupportedPrecisionError, valueAndGrads } from "@convbook/engine";
import * as tf from "@tensorflow/tfjs";
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { tilePasses } from "./amx-support.ts";
import { expectClose, Random } from "./support.ts";

const there = engine.available && engine.info().hasBf16;
if (!there) {
  console.log("This processor has no AMX: the tests of bf16 are left out");
}

interface ConvolutionCase {
  readonly x: [number, number, number, number];
  readonly w: [number, number, number, number];
  readonly stride: number;
  readonly pad: number;
  readonly dilation: number;
  readonly y: string;
}
interface ProductCase {
  readonly a: [number, number, number];
  readonly b: [number, number, number];
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  readonly y: string;
}
const fixture = JSON.parse(readFileSync(new URL("fixtures/bf16.json", import.meta.url), "utf8")) as {
  convolutions: ConvolutionCase[];
  products: ProductCase[];
};

/** The inputs of fixtures/bf16.py. */
function values(count: number, seed: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => (((i * 7919 + seed) % 10007) / 10007) * 2 - 1);
}

function made<R extends tf.Rank>(shape: readonly number[], seed: number): tf.Tensor<R> {
  const size = shape.reduce((product, length) => product * length, 1);
  return tf.tensor(values(size, seed), [...shape] as tf.ShapeMap[R]);
}

function unpacked(text: string): Float32Array {
  const bytes = Buffer.from(text, "base64");
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}

function valuesOf(f: () => tf.Tensor): Float32Array {
  return tf.tidy(() => f().dataSync<"float32">().slice());
}

/** The largest difference as a share of the largest value. */
function distance(a: Float32Array, b: Float32Array): number {
  let worst = 0;
  let largest = 0;
  for (const [i, value] of a.entries()) {
    worst = Math.max(worst, Math.abs(value - (b[i] as number)));
    largest = Math.max(largest, Math.abs(b[i] as number));
  }
  return worst / largest;
}

function convolve(c: ConvolutionCase, x = made<tf.Rank.R4>(c.x, 1)): tf.Tensor4D {
  const { stride, pad, dilation } = c;
  return convolution(x, made<tf.Rank.R4>(c.w, 2), {
    strides: [stride, stride],
    dilations: [dilation, dilation],
    pad: [pad, pad, pad, pad],
    bias: made<tf.Rank.R1>([c.w[3]], 3),
  }) as tf.Tensor4D;
}

const first = fixture.convolutions[0] as ConvolutionCase;

describe.runIf(there)("bf16", () => {
  beforeAll(async () => {
    await tf.setBackend("native");
  });
  afterEach(() => {
    engine.setInstructionSet(undefined);
    engine.setPrecision("float32");
  });

  it.each(fixture.convolutions)("convolves $x with $w as PyTorch does with rounded factors", (c) => {
    engine.setPrecision("bf16");
    const got = valuesOf(() => convolve(c));
    // Nothing is left but the order of sums in float32.
    expectClose(got, unpacked(c.y), 2e-6, "convolution");
    engine.setPrecision("float32");
    const exact = valuesOf(() => convolve(c));
    expect(distance(got, exact)).toBeGreaterThan(1e-4);
    expect(distance(got, exact)).toBeLessThan(1e-2);
  });

  it.each(fixture.products)("multiplies $a by $b as PyTorch does with rounded factors", (c) => {
    const product = () =>
      tf.matMul(made<tf.Rank.R3>(c.a, 1), made<tf.Rank.R3>(c.b, 2), c.transposeA, c.transposeB) as tf.Tensor;
    engine.setPrecision("bf16");
    const got = valuesOf(product);
    expectClose(got, unpacked(c.y), 2e-6, "product");
    engine.setPrecision("float32");
    expect(distance(got, valuesOf(product))).toBeGreaterThan(1e-4);
  });

  it("adds a residual and applies ReLU as float32 does", () => {
    const [x, w, residual] = [
      made<tf.Rank.R4>(first.x, 1),
      made<tf.Rank.R4>(first.w, 2),
      made<tf.Rank.R4>([2, 9, 9, 16], 4),
    ];
    const options = { strides: [1, 1], pad: [1, 1, 1, 1] } as const;
    engine.setPrecision("bf16");
    const fused = valuesOf(() => convolution(x, w, { ...options, residual, activation: "relu" }));
    const apart = valuesOf(() => tf.relu(tf.add(convolution(x, w, options), residual)));
    expect(distance(fused, apart)).toBeLessThan(1e-6);
    tf.dispose([x, w, residual]);
  });

  it("gives bit-equal results run after run", () => {
    engine.setPrecision("bf16");
    const once = valuesOf(() => convolve(first));
    for (let i = 0; i < 5; i++) {
      expect(valuesOf(() => convolve(first))).toEqual(once);
    }
  });

  it.each([Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN, 3.4e38, 1e-42])(
    "passes %s on as float32 does",
    (value) => {
      const image = values(2 * 9 * 9 * 16, 1);
      if (value === 1e-42) {
        image.fill(value);
      }
      image[777] = value;
      const run = () => valuesOf(() => convolve(first, tf.tensor4d(image, first.x)));
      const exact = run();
      engine.setPrecision("bf16");
      expect(run()).toEqual(exact);
    },
  );

  it("leaves training alone, to the bit", () => {
    const random = new Random(5);
    const x = tf.tensor4d(random.values(4 * 8 * 8 * 16), [4, 8, 8, 16]);
    const w = tf.variable(tf.tensor4d(random.values(3 * 3 * 16 * 32), [3, 3, 16, 32]));
    const head = tf.variable(tf.tensor2d(random.values(32 * 8 * 8 * 40), [2048, 40]));
    const loss = () => tf.sum(tf.square(tf.matMul(tf.reshape(tf.conv2d(x, w, 1, "same"), [4, -1]), head))) as tf.Scalar;
    const passes: Record<string, () => Float32Array[]> = {
      "the engine's own": () => {
        const { value, grads } = valueAndGrads(loss, [w, head]);
        return [value, ...(grads as tf.Tensor[])].map((tensor) => tensor.dataSync<"float32">().slice());
      },
      "tfjs's": () => {
        const { value, grads } = tf.variableGrads(loss, [w, head]);
        return [value, ...Object.values(grads)].map((tensor) => tensor.dataSync<"float32">().slice());
      },
    };
    for (const [name, pass] of Object.entries(passes)) {
      engine.setPrecision("float32");
      const exact = pass();
      engine.setPrecision("bf16");
      const { result: inference, rounded } = tilePasses(() => valuesOf(loss));
      // The convolution and the product of matrices.
      expect(rounded, name).toBe(2);
      expect(
        tilePasses(() => expect(pass(), name).toEqual(exact)),
        name,
      ).toMatchObject({ rounded: 0 });
      // And what comes after a gradient is inference again.
      expect(valuesOf(loss), name).toEqual(inference);
    }
    tf.dispose([x, w, head]);
  });

  it("holds within a function only, asynchronous ones to their end", async () => {
    const inside = (): string => engine.info().precision;
    expect(engine.withPrecision("bf16", inside)).toBe("bf16");
    expect(inside()).toBe("float32");
    const later = engine.withPrecision("bf16", async () => {
      await tf.nextFrame();
      return inside();
    });
    expect(await later).toBe("bf16");
    expect(inside()).toBe("float32");
    expect(() =>
      engine.withPrecision("bf16", () => {
        throw new Error("no");
      }),
    ).toThrow("no");
    expect(inside()).toBe("float32");
  });

  it("goes on in float32 where the instruction set lacks it, and says so once", () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    expect(engine.setPrecision("bf16")).toBe("bf16");
    engine.setInstructionSet("avx512");
    expect(engine.info()).toMatchObject({ precision: "float32", hasBf16: false });
    expect(engine.setPrecision("bf16")).toBe("float32");
    expect(warn.mock.calls).toEqual([
      [
        "native engine: The precision bf16 needs a processor with AMX, and the engine runs on avx512; going on in float32",
      ],
    ]);
    expect(() => engine.setPrecision("bf16", { strict: true })).toThrow(UnsupportedPrecisionError);
    engine.setInstructionSet(undefined);
    expect(engine.info().precision).toBe("bf16");
    warn.mockRestore();
  });
});

describe.runIf(engine.available)("the name of a precision", () => {
  it("is checked", () => {
    expect(() => engine.setPrecision("bfloat16" as never)).toThrow(
      'A precision is one of float32, bf16; got "bfloat16"; did you mean "bf16"?',
    );
    expect(engine.info().precision).toBe("float32");
  });

  it("comes from CONVBOOK_PRECISION", () => {
    const program = 'import { engine } from "@convbook/engine"; console.log(engine.info().precision);';
    const run = (precision: string): string =>
      execFileSync(process.execPath, ["--input-type=module", "--eval", program], {
        cwd: fileURLToPath(new URL("../..", import.meta.url)),
        env: { ...process.env, CONVBOOK_PRECISION: precision },
        encoding: "utf8",
        stdio: ["ignore", "pipe", "ignore"],
      }).trim();
    expect(run("bf16")).toBe(there ? "bf16" : "float32");
    expect(run("half")).toBe("float32");
  });
});
