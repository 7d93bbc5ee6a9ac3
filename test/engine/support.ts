/** What the engine's tests share: random tensors from a seed, and results of one function on two backends compared. */
import "@tensorflow/tfjs-backend-cpu";
import { engine } from "@convbook/engine";
import * as tf from "@tensorflow/tfjs";
import { expect } from "vitest";

if (!engine.available) {
  console.log(`The native engine is not available, its tests are left out: ${engine.reason}`);
}

/** Runs what it can of these: an instruction set that is not there would only be the best that is, once more. */
function isThere(isa: string): boolean {
  engine.setInstructionSet(isa);
  const there = engine.info().isa === isa;
  engine.setInstructionSet(undefined);
  return there;
}

function setsHere(): readonly string[] {
  if (!engine.available) {
    return [];
  }
  return engine.info().build === "wasm" ? ["wasm"] : ["amx", "avx512", "avx2", "generic"].filter(isThere);
}

/** The instruction sets that can be tried here: the processor's without AMX, which is AVX-512 but for its tiles; WebAssembly's in that build. */
export const allInstructionSets = setsHere();
export const instructionSets = allInstructionSets.filter((isa) => isa !== "amx");

/** A small generator (mulberry32), so that a failure can be repeated. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** In [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** From `low` to `high`, both included. */
  integer(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  pick<T>(values: readonly T[]): T {
    return values[this.integer(0, values.length - 1)] as T;
  }

  /** Values in [low, high). */
  values(count: number, low = -1, high = 1): Float32Array {
    return Float32Array.from({ length: count }, () => low + (high - low) * this.next());
  }
}

/** Numbers with a shape, to make a tensor of on any backend. */
export interface Data {
  readonly values: Float32Array;
  readonly shape: readonly number[];
}

export function data(random: Random, shape: readonly number[], low = -1, high = 1): Data {
  const count = shape.reduce((product, size) => product * size, 1);
  return { values: random.values(count, low, high), shape };
}

export function tensor<R extends tf.Rank = tf.Rank>({ values, shape }: Data): tf.Tensor<R> {
  return tf.tensor(values.slice(), [...shape] as tf.ShapeMap[R]);
}

/** Gradients of the sum of f's result times fixed weights, by all inputs, with the result in front. */
export function withGrads(f: (...xs: tf.Tensor[]) => tf.Tensor, inputs: readonly tf.Tensor[]): tf.Tensor[] {
  const y = f(...inputs);
  const weights = tf.reshape(tf.cos(tf.range(0, Math.max(y.size, 1), 1).slice(0, y.size)), y.shape);
  return [y, ...tf.grads(f)([...inputs], weights)];
}

/** The kernels that ran in plain JavaScript, as the CPU backend's, while a function did. */
export function ranInJavaScript(f: () => void): string[] {
  const before = engine.info().fallbackRuns;
  f();
  return Object.entries(engine.info().fallbackRuns).flatMap(([name, count]) => (count === before[name] ? [] : [name]));
}

type Result = tf.Tensor | tf.Tensor[];

function run(backend: string, f: () => Result): { shape: number[]; values: Float32Array }[] {
  tf.setBackend(backend);
  const result = tf.tidy(f);
  const list = Array.isArray(result) ? result : [result];
  const plain = list.map((t) => ({ shape: t.shape, values: Float32Array.from(t.dataSync()) }));
  tf.dispose(list);
  return plain;
}

/**
 * Expects a function to give the same on the native and on the CPU backend.
 *
 * @param tolerance Largest difference, as a share of the largest value in the tensor.
 * @param name What a failure calls it.
 */
export function expectSame(f: () => Result, tolerance = 1e-5, name = "output"): void {
  const expected = run("cpu", f);
  const got = run("native", f);
  expect(got.map(({ shape }) => shape)).toEqual(expected.map(({ shape }) => shape));
  got.forEach(({ values }, i) => {
    expectClose(values, expected[i]?.values as Float32Array, tolerance, `${name} ${i}`);
  });
}

/** Expects numbers to agree; NaN and infinities must stand in the same places. */
export function expectClose(got: Float32Array, wanted: Float32Array, tolerance: number, what: string): void {
  expect(got.length, what).toBe(wanted.length);
  let scale = 0;
  for (const value of wanted) {
    if (Number.isFinite(value)) {
      scale = Math.max(scale, Math.abs(value));
    }
  }
  for (let i = 0; i < wanted.length; i++) {
    const [a, b] = [got[i] as number, wanted[i] as number];
    const same = Number.isFinite(b) ? Math.abs(a - b) <= tolerance * scale + 1e-30 : Object.is(a, b);
    if (!same) {
      expect.fail(`${what}[${i}]: got ${a}, expected ${b} (largest value ${scale}, tolerance ${tolerance})`);
    }
  }
}
