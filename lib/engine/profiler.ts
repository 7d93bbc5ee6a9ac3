/** Where the time goes: calls, milliseconds, GFLOP/s and bytes of each kernel while a profile runs. */
import { type TensorInfo, util } from "@tensorflow/tfjs-core";
import type { KernelBody, KernelCall } from "./kernels/kernel.ts";
import { profileBundle, profileVegaLite } from "./profile-figure.ts";

/** One kernel's share of a profile; plain enough for `console.table` and for a chart's data. */
export interface ProfileRow {
  readonly kernel: string;
  /** Whether it ran natively; else in plain JavaScript. */
  readonly native: boolean;
  readonly calls: number;
  readonly milliseconds: number;
  /** Of all kernels' time. */
  readonly share: number;
  /** Billions of multiplications and additions a second, for convolutions and products; else null. */
  readonly gflops: number | null;
  /** Inputs read and outputs written, in gigabytes a second. */
  readonly gigabytesPerSecond: number;
  readonly megabytes: number;
}

interface Tally {
  native: boolean;
  calls: number;
  milliseconds: number;
  operations: number;
  bytes: number;
}

let tallies: Map<string, Tally> | undefined;
let counted = 0;

/** For kernels that know best how much they multiply and add: counts operations of the call that is running. */
export function countOperations(operations: number): void {
  counted += operations;
}

/** Wraps a kernel so that a running profile sees it; without one it costs a comparison. */
export function profiled(name: string, body: KernelBody, native: boolean): KernelBody {
  return (call) => {
    if (tallies === undefined) {
      return body(call);
    }
    counted = 0;
    const start = performance.now();
    const result = body(call);
    const milliseconds = performance.now() - start;
    const tally = tallies.get(name) ?? { native, calls: 0, milliseconds: 0, operations: 0, bytes: 0 };
    tallies.set(name, tally);
    tally.calls++;
    tally.milliseconds += milliseconds;
    const outputs = Array.isArray(result) ? result : [result];
    tally.operations += counted + operationsOf(name, call, outputs);
    tally.bytes += bytesOf(Object.values<TensorInfo | undefined>(call.inputs)) + bytesOf(outputs);
    return result;
  };
}

function bytesOf(tensors: readonly (TensorInfo | undefined)[]): number {
  let bytes = 0;
  for (const tensor of tensors) {
    if (tensor?.shape !== undefined) {
      bytes += util.sizeFromShape(tensor.shape) * (tensor.dtype === "bool" ? 1 : 4);
    }
  }
  return bytes;
}

/** Multiplications and additions, for the kernels that are bound by them. */
function operationsOf(name: string, { inputs, attrs }: KernelCall, outputs: readonly TensorInfo[]): number {
  const size = (tensor: TensorInfo | undefined): number =>
    tensor === undefined ? 0 : util.sizeFromShape(tensor.shape);
  const taps = (filter: readonly number[]): number => (filter[0] ?? 1) * (filter[1] ?? 1) * (filter[2] ?? 1);
  const [y] = outputs;
  switch (name) {
    case "Conv2D":
    case "FusedConv2D":
    case "Convolution":
    case "ConvolutionActivation":
    case "ConvolutionNormalized":
      return 2 * size(y) * taps(inputs.filter.shape);
    case "Conv2DBackpropInput":
    case "ConvolutionInputGrad":
      return 2 * size(inputs.dy) * taps(inputs.filter.shape);
    case "Conv2DBackpropFilter":
    case "ConvolutionFilterGrad":
      return 2 * size(inputs.dy) * taps(attrs.filterShape);
    case "BatchMatMul":
    case "_FusedMatMul": {
      const { a } = inputs;
      return 2 * size(y) * (attrs.transposeA ? (a.shape.at(-2) ?? 1) : (a.shape.at(-1) ?? 1));
    }
    default:
      // None, or counted by the kernel.
      return 0;
  }
}

/** A finished profile: rows by time, a table in text, and a chart where a notebook shows it. */
export class Profile {
  readonly rows: readonly ProfileRow[];
  /** Wall time of the profiled function, in milliseconds; what kernels do not account for is JavaScript. */
  readonly wallMilliseconds: number;

  constructor(tallied: ReadonlyMap<string, Tally>, wallMilliseconds: number) {
    this.wallMilliseconds = wallMilliseconds;
    let total = 0;
    for (const { milliseconds } of tallied.values()) {
      total += milliseconds;
    }
    this.rows = [...tallied]
      .map(([kernel, { native, calls, milliseconds, operations, bytes }]) => ({
        kernel,
        native,
        calls,
        milliseconds,
        share: total > 0 ? milliseconds / total : 0,
        gflops: operations > 0 && milliseconds > 0 ? operations / milliseconds / 1e6 : null,
        gigabytesPerSecond: milliseconds > 0 ? bytes / milliseconds / 1e6 : 0,
        megabytes: bytes / 1e6,
      }))
      .sort((a, b) => b.milliseconds - a.milliseconds);
  }

  /** A table for a terminal. */
  toString(): string {
    const header = ["kernel", "calls", "ms", "share", "GFLOP/s", "GB/s", "MB"];
    const lines = this.rows.map((row) => [
      row.native ? row.kernel : `${row.kernel} (JavaScript)`,
      String(row.calls),
      row.milliseconds.toFixed(2),
      `${(row.share * 100).toFixed(1)} %`,
      row.gflops === null ? "" : row.gflops.toFixed(0),
      row.gigabytesPerSecond.toFixed(1),
      row.megabytes.toFixed(1),
    ]);
    const widths = header.map((title, i) => Math.max(title.length, ...lines.map((line) => (line[i] ?? "").length)));
    const format = (line: string[]): string =>
      line.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join("  ");
    const inKernels = this.rows.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
    const rest = `${inKernels.toFixed(1)} ms in kernels of ${this.wallMilliseconds.toFixed(1)} ms`;
    return [format(header), ...lines.map(format), rest].join("\n");
  }

  /** The figure's description in Vega-Lite: the slowest kernels on top, with time, GFLOP/s, bytes and calls. */
  toVegaLite(): Record<string, unknown> {
    return profileVegaLite(this.rows, this.#title());
  }

  [Symbol.for("Jupyter.display")](): Record<string, unknown> {
    return profileBundle(this.rows, this.#title(), this.toString()).bundle;
  }

  [Symbol.for("Jupyter.displayMetadata")](): Record<string, unknown> {
    return profileBundle(this.rows, this.#title(), this.toString()).metadata;
  }

  #title(): string {
    const inKernels = this.rows.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
    return `Time by kernel: ${inKernels.toFixed(1)} ms of ${this.wallMilliseconds.toFixed(1)} ms`;
  }
}

/**
 * Profiles the kernels that `body` runs on the native backend.
 *
 * @example
 * const profile = await engine.profile(() => model.predict(images));
 * console.log(String(profile));
 */
export async function profile(body: () => unknown): Promise<Profile> {
  if (tallies !== undefined) {
    throw new Error("A profile is running already");
  }
  const mine = new Map<string, Tally>();
  tallies = mine;
  const start = performance.now();
  try {
    await body();
    return new Profile(mine, performance.now() - start);
  } finally {
    tallies = undefined;
  }
}
