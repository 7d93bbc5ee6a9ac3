/** What the parity tests share: seeded inputs as PyTorch draws them, tensors in its layout, and the comparison with packed fixtures. */
import { engine } from "@convbook/engine";
import * as tf from "@tensorflow/tfjs-core";
import { expect } from "vitest";
import type { AnyModule } from "../../../lib/convbook/nn/index.ts";
import { rand } from "../../../lib/convbook/random/index.ts";
import type { StateDict } from "../../../lib/convbook/tensor-data.ts";
import { readReference, referenceOf } from "../reference.ts";

/** A tensor as `pack.py` writes it: whole when small, else a sample of its elements, in PyTorch's order. */
export interface Packed {
  readonly shape: readonly number[];
  readonly rms: number;
  readonly values: string;
}

/** The number of elements from which on only a sample is stored, and the sample's size; as in `pack.py`. */
const defaultWhole = 160;
const defaultSample = 96;

const fixture = (name: string) => new URL(`fixtures/${name}`, import.meta.url);

/** Reads a fixture of this folder. */
export function readFixture<T>(name: string): T {
  return readReference<T>(fixture(name));
}

/** An entry of a fixture of this folder. */
export function entryOf<T>(name: string, entries: Readonly<Record<string, T>>, key: string): T {
  return referenceOf(fixture(name), entries, key);
}

/** The stored elements. */
export function unpack(packed: Packed): Float32Array {
  const bytes = Buffer.from(packed.values, "base64");
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}

/** A seed from a name: CRC-32, as zlib computes it. */
export function seedOf(name: string): number {
  let crc = 0xffffffff;
  for (const byte of Buffer.from(name)) {
    crc ^= byte;
    for (let i = 0; i < 8; i++) {
      crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
    }
  }
  return ~crc >>> 0;
}

/** Channels first to channels last for three or more dimensions; others stay. */
export function toChannelsLast(x: tf.Tensor): tf.Tensor {
  if (x.rank < 3) {
    return x;
  }
  return tf.transpose(x, [0, ...Array.from({ length: x.rank - 2 }, (_, i) => i + 2), 1]);
}

/** Channels last to channels first for three or more dimensions; others stay. */
export function toChannelsFirst(x: tf.Tensor): tf.Tensor {
  if (x.rank < 3) {
    return x;
  }
  return tf.transpose(x, [0, x.rank - 1, ...Array.from({ length: x.rank - 2 }, (_, i) => i + 1)]);
}

/** `torch.rand(shape) * scale + shift`, with channels last. */
export function randomImages(shape: readonly number[], scale = 1, shift = 0): tf.Tensor {
  const { data } = rand(shape);
  return tf.tidy(() =>
    toChannelsLast(
      tf.tensor(
        data.map((value) => value * scale + shift),
        [...shape],
      ),
    ),
  );
}

/** Weights from (-0.5, 0.5), running variances from (0.5, 1.5), as the fixture scripts fill a state dict. */
export function fill(module: AnyModule): void {
  const state: StateDict = module.stateDict();
  for (const [name, value] of state) {
    if (value.dtype !== "float32") {
      continue;
    }
    const shift = name.endsWith("running_var") ? 0.5 : -0.5;
    state.set(name, { ...value, data: rand(value.shape).data.map((drawn) => drawn + shift) });
  }
  module.loadStateDict(state);
}

/** How near a value must come to PyTorch's. */
export interface Closeness {
  readonly tolerance?: number;
  readonly scale?: number;
  /** As given to `pack.py`, where it was. */
  readonly whole?: number;
  readonly sample?: number;
}

/**
 * Expects a value in PyTorch's layout to agree with a fixture: each element within `tolerance` of the larger of itself and the root mean square of all.
 *
 * @param scale size of the numbers that went into the value: it counts only where the true value is zero (less than a millionth of it) and both
 *   have nothing but rounding errors, as for a bias's gradient in front of a batch normalisation; a tenth of it, times the tolerance, is what
 *   a float32 sum of some hundred terms of that size is good for.
 */
export function expectClose(
  what: string,
  shape: readonly number[],
  data: ArrayLike<number>,
  packed: Packed,
  { tolerance = 1e-4, scale = 0, whole = defaultWhole, sample = defaultSample }: Closeness = {},
): void {
  expect(shape, `shape of ${what}`).toEqual(packed.shape);
  const expected = unpack(packed);
  const at = (i: number) => (data.length <= whole ? i : Math.floor((i * data.length) / sample));
  const rounding = packed.rms < 1e-6 * scale ? scale / 10 : 0;
  let worst = { error: 0, index: 0, got: 0, wanted: 0 };
  for (let i = 0; i < expected.length; i++) {
    const wanted = expected[i] as number;
    const got = data[at(i)] as number;
    const error = Math.abs(got - wanted) / Math.max(Math.abs(wanted), packed.rms, rounding, 1e-12);
    if (!(error <= worst.error)) {
      worst = { error, index: at(i), got, wanted };
    }
  }
  const place = `${what}: element ${worst.index} is ${worst.got}, PyTorch has ${worst.wanted}`;
  expect(worst.error, place).toBeLessThanOrEqual(tolerance);
}

/** As {@link expectClose} for a tensor with channels last. */
export function expectTensorClose(what: string, x: tf.Tensor, packed: Packed, closeness?: Closeness): void {
  const first = tf.tidy(() => toChannelsFirst(x).clone());
  expectClose(what, first.shape, first.dataSync(), packed, closeness);
  first.dispose();
}

/** Every parameter of a module with its gradient in PyTorch's layout, from a gradient of its variable. */
export function gradientInTorchLayout(module: AnyModule, name: string, gradient: tf.Tensor) {
  const parameter = new Map(module.namedParameters()).get(name);
  if (parameter === undefined) {
    throw new Error(`${module.typeName} has no parameter ${name}`);
  }
  const kept = parameter.toTensorData();
  parameter.variable.assign(gradient as tf.Tensor<tf.Rank>);
  const value = parameter.toTensorData();
  parameter.load(kept);
  return value;
}

/** The backends that this machine can run. */
export const backends: readonly string[] = ["cpu", "wasm", ...(engine.available ? ["native"] : [])];
