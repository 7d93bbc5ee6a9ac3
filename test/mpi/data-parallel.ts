/** What fixtures/make_data_parallel.py wrote, and what programs/data-parallel.ts reports. */

/** Samples, and how they are trained on. */
export interface Case {
  readonly samples: number;
  readonly sync?: boolean;
  readonly accumulate?: number;
  readonly uneven?: boolean;
}

export interface Fixture {
  readonly steps: number;
  readonly batch: number;
  readonly classes: number;
  readonly seed: number;
  readonly sgd: { readonly lr: number; readonly momentum: number; readonly weight_decay: number };
  readonly cases: Readonly<Record<string, Case>>;
  /** Of a sample, channels last. */
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  readonly initial: Readonly<
    Record<string, Readonly<Record<string, { readonly shape: readonly number[]; readonly values: string }>>>
  >;
  /** By number of ranks, then by network and case: each rank's losses, and some elements of rank 0's state. */
  readonly ranks: Readonly<
    Record<
      string,
      Readonly<
        Record<
          string,
          { readonly losses: readonly (readonly number[])[]; readonly state: Readonly<Record<string, string>> }
        >
      >
    >
  >;
}

export interface Report {
  readonly losses: readonly number[];
  readonly state: Readonly<Record<string, readonly number[]>>;
}

/** The numbers in base64. */
export function numbersOf(values: string): Float32Array {
  const bytes = Buffer.from(values, "base64");
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}

/** As many elements as a fixture has of a longer tensor. */
export function someOf(all: ArrayLike<number | bigint>, most: number): Float32Array {
  const count = Math.min(all.length, most);
  return Float32Array.from({ length: count }, (_, i) => Number(all[Math.floor((i * all.length) / count)]));
}

/** How far two tensors are from each other, as a part of how far one of them has come. */
export function distanceOf(
  own: Float32Array,
  theirs: Float32Array,
  start: Float32Array = new Float32Array(theirs.length),
): number {
  const apart = (from: Float32Array) => Math.hypot(...theirs.map((value, i) => value - (from[i] ?? Number.NaN)));
  const off = apart(own);
  return off === 0 ? 0 : off / apart(start);
}
