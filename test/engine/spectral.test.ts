/** Fourier transforms and complex tensors on the native backend, against float64 and tfjs's CPU backend. */
import { engine } from "@convbook/engine";
import * as tf from "@tensorflow/tfjs";
import { describe, expect, it } from "vitest";
import { type Data, data, expectSame, instructionSets, Random, tensor } from "./support.ts";

interface Spectrum {
  readonly re: number[];
  readonly im: number[];
}

/** The sum as it is defined, in float64. */
function exact({ re, im }: Spectrum, inverse: boolean): Spectrum {
  const n = re.length;
  const sign = inverse ? 1 : -1;
  const [cosines, sines] = [Math.cos, Math.sin].map((f) =>
    Array.from({ length: n }, (_, k) => f((2 * Math.PI * k) / n)),
  );
  const out: Spectrum = { re: [], im: [] };
  for (let k = 0; k < n; k++) {
    let [a, b] = [0, 0];
    for (let i = 0; i < n; i++) {
      const [c = 0, s = 0] = [cosines?.[(k * i) % n], sign * (sines?.[(k * i) % n] ?? 0)];
      a += (re[i] ?? 0) * c - (im[i] ?? 0) * s;
      b += (re[i] ?? 0) * s + (im[i] ?? 0) * c;
    }
    out.re.push(inverse ? a / n : a);
    out.im.push(inverse ? b / n : b);
  }
  return out;
}

const rowsOf = ({ values, shape }: Data): number[][] => {
  const n = shape[shape.length - 1] ?? 1;
  return Array.from({ length: values.length / n }, (_, row) => Array.from(values.subarray(row * n, (row + 1) * n)));
};

const complexOf = (re: Data, im: Data): tf.Tensor => tf.complex(tensor(re), tensor(im));
const partsOf = (x: tf.Tensor): tf.Tensor[] => [tf.real(x), tf.imag(x)];

/** Largest error, and root mean square, in parts of the root mean square of the right values. */
function errorsOf(re: Data, im: Data, inverse: boolean): { largest: number; rms: number } {
  const got = tf.tidy(() => partsOf((inverse ? tf.ifft : tf.fft)(complexOf(re, im))).map((part) => part.dataSync()));
  const imaginary = rowsOf(im);
  let [largest, errors, squares, count, at] = [0, 0, 0, 0, 0];
  for (const [row, real] of rowsOf(re).entries()) {
    const wanted = exact({ re: real, im: imaginary[row] ?? [] }, inverse);
    for (let k = 0; k < real.length; k++, at++) {
      for (const [part, values] of [wanted.re, wanted.im].entries()) {
        const error = Math.abs((got[part]?.[at] ?? Number.NaN) - (values[k] ?? 0));
        largest = Math.max(largest, error);
        errors += error ** 2;
        squares += (values[k] ?? 0) ** 2;
        count++;
      }
    }
  }
  const scale = Math.sqrt(squares / count) || 1;
  return { largest: largest / scale, rms: Math.sqrt(errors / count) / scale };
}

const sizes = [
  ...Array.from({ length: 34 }, (_, i) => i + 1),
  45,
  49,
  60,
  64,
  97,
  100,
  121,
  128,
  169,
  210,
  243,
  256,
  289,
];
describe.runIf(engine.available)("Fourier transforms", () => {
  it.each(instructionSets)("of any length, forward and back (%s)", (isa) => {
    engine.setInstructionSet(isa);
    tf.setBackend("native");
    const random = new Random(41);
    for (const n of [...sizes, 361, 362, 529, 667, 1000, 1021]) {
      const shape = [random.integer(1, 3), n];
      const [re, im] = [data(random, shape), data(random, shape)];
      for (const inverse of [false, true]) {
        const { largest, rms } = errorsOf(re, im, inverse);
        expect(rms, `${n}, inverse: ${inverse}`).toBeLessThan(3e-7);
        expect(largest, `${n}, inverse: ${inverse}`).toBeLessThan(1.5e-6);
      }
    }
    engine.setInstructionSet(undefined);
  });

  it("of many rows, whatever the number of threads", () => {
    tf.setBackend("native");
    const results = [1, 3].map((threads) => {
      engine.setThreads(threads);
      return [64, 60, 37].map((n) => {
        const [re, im] = [data(new Random(n), [5, 41, n]), data(new Random(n + 1), [5, 41, n])];
        const { rms } = errorsOf(re, im, false);
        expect(rms, `${n}`).toBeLessThan(3e-7);
        return rms;
      });
    });
    engine.setThreads(0);
    expect(results[0]).toEqual(results[1]);
  });

  it("as the CPU backend's, of real numbers and back, framed and padded", () => {
    const random = new Random(43);
    for (const n of [1, 2, 3, 8, 12, 17, 40]) {
      const [re, im] = [data(random, [3, n]), data(random, [3, n])];
      expectSame(() => [...partsOf(tf.fft(complexOf(re, im))), ...partsOf(tf.ifft(complexOf(re, im)))]);
      expectSame(() => partsOf(tf.spectral.rfft(tensor(re))));
    }
    const wave = data(random, [200]);
    expectSame(() => partsOf(tf.spectral.rfft(tensor(data(new Random(1), [2, 3, 10])), 16)));
    expectSame(() => partsOf(tf.spectral.rfft(tensor(data(new Random(1), [2, 3, 10])), 6)));
    expectSame(() => tf.spectral.irfft(complexOf(data(new Random(2), [2, 9]), data(new Random(3), [2, 9]))));
    expectSame(() => partsOf(tf.signal.stft(tensor(wave) as tf.Tensor1D, 32, 8)));
  });

  it("of what is not a number: nothing else is in its row, the others are as before", () => {
    tf.setBackend("native");
    for (const n of [8, 37]) {
      const values = new Random(n).values(3 * n);
      values[n + 2] = Number.NaN;
      const re = { values, shape: [3, n] };
      const im = data(new Random(1), [3, n]);
      const parts = tf.tidy(() => partsOf(tf.fft(complexOf(re, im))).map((part) => part.dataSync()));
      const isNan = Array.from({ length: 3 * n }, (_, i) => parts.some((part) => Number.isNaN(part[i])));
      expect(isNan).toEqual(Array.from({ length: 3 * n }, (_, i) => i >= n && i < 2 * n));
    }
  });

  it("of nothing", () => {
    tf.setBackend("native");
    const y = tf.tidy(() => tf.real(tf.fft(tf.complex(tf.zeros([0, 8]), tf.zeros([0, 8])))));
    expect(y.shape).toEqual([0, 8]);
    expect(y.dataSync().length).toBe(0);
  });
});

describe.runIf(engine.available)("complex tensors", () => {
  it("sums, differences and products, with broadcasting", () => {
    const random = new Random(44);
    for (const [sa, sb] of [
      [[7], [7]],
      [[3, 4], [4]],
      [
        [2, 1, 3],
        [4, 1],
      ],
      [[], [5]],
      [[0, 3], [3]],
    ] as [number[], number[]][]) {
      const [a, b, c, d] = [data(random, sa), data(random, sa), data(random, sb), data(random, sb)];
      // The CPU backend has NaN where complex numbers are broadcast: their parts are the measure.
      tf.setBackend("native");
      tf.tidy(() => {
        const [p, q, r, s] = [a, b, c, d].map((x) => tensor(x)) as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
        const [x, y] = [tf.complex(p, q), tf.complex(r, s)];
        const products = [tf.sub(tf.mul(p, r), tf.mul(q, s)), tf.add(tf.mul(p, s), tf.mul(q, r))];
        const got = [tf.add(x, y), tf.sub(x, y), tf.mul(x, y)].flatMap(partsOf);
        const wanted = [tf.add(p, r), tf.add(q, s), tf.sub(p, r), tf.sub(q, s), ...products];
        expect(got.map(({ shape }) => shape)).toEqual(wanted.map(({ shape }) => shape));
        expect(got.map((t) => [...t.dataSync()])).toEqual(wanted.map((t) => [...t.dataSync()]));
      });
    }
    const reshaped = data(random, [6]);
    expectSame(() => {
      const x = complexOf(reshaped, reshaped);
      return partsOf(tf.mul(tf.reshape(x, [2, 3]), tf.reshape(x, [2, 3])));
    });
  });

  it("of whole numbers and truth values", () => {
    for (const dtype of ["int32", "bool"] as const) {
      const parts = () => [tf.tensor([1, 0, 1], [3], dtype), tf.complex([1, 2, 3], [4, 5, 6])] as const;
      expectSame(() => {
        const [x, z] = parts();
        const whole = tf.cast(x, "complex64");
        return [
          ...partsOf(tf.fft(whole)),
          ...partsOf(tf.ifft(tf.complex(x, x))),
          tf.abs(whole),
          ...partsOf(tf.add(x, z)),
        ];
      });
    }
    // TensorFlow.js's own backend gives NaN here.
    tf.setBackend("native");
    const y = tf.add(tf.tensor([1, 2, 3, 4, 5, 6], [2, 3], "int32"), tf.complex([1, 2, 3], [4, 5, 6]));
    expect([...tf.real(y).dataSync()]).toEqual([2, 4, 6, 5, 7, 9]);
    expect([...tf.imag(y).dataSync()]).toEqual([4, 5, 6, 4, 5, 6]);
    tf.dispose(y);
  });

  it("absolute values, that do not overflow", () => {
    const re = [3, -4, 0, 1e30, 1e-30, Number.NaN, Infinity, -Infinity, 2];
    const im = [4, 3, 0, 1e30, 1e-30, 1, Number.NaN, 2, Number.NaN];
    expectSame(() => [tf.abs(tf.complex(re, im))], 1e-6);
  });

  it("free what they are made of", () => {
    tf.setBackend("native");
    const before = engine.info().memory.used;
    for (let i = 0; i < 3; i++) {
      tf.tidy(() => {
        const x = tf.complex(tf.ones([1000]), tf.ones([1000]));
        tf.abs(tf.mul(tf.fft(x), tf.ifft(x))).dataSync();
      });
    }
    expect(engine.info().memory.used).toBe(before);
  });
});
