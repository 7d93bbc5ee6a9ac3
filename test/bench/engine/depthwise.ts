/** Depthwise convolutions of mobile networks and of ConvNeXt, forward and both gradients, beside PyTorch's better memory layout, taking turns. */
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { engine } from "@convbook/engine";
import type { NativeAddon } from "../../../lib/engine/native.ts";
import { rounded } from "./contest.ts";
import type { Options, Section } from "./options.ts";

interface Shape {
  readonly size: number;
  readonly channels: number;
  readonly kernel: number;
  readonly stride: number;
}

const shapes: readonly Shape[] = [
  { size: 112, channels: 32, kernel: 3, stride: 1 },
  { size: 112, channels: 96, kernel: 3, stride: 2 },
  { size: 56, channels: 144, kernel: 3, stride: 1 },
  { size: 56, channels: 144, kernel: 5, stride: 2 },
  { size: 28, channels: 240, kernel: 5, stride: 1 },
  { size: 14, channels: 480, kernel: 3, stride: 1 },
  { size: 14, channels: 672, kernel: 5, stride: 1 },
  { size: 7, channels: 960, kernel: 3, stride: 1 },
  { size: 56, channels: 96, kernel: 7, stride: 1 },
  { size: 7, channels: 768, kernel: 7, stride: 1 },
];
const batches = [1, 32];
/** Seconds of a turn. */
const seconds = 0.05;
const passes = ["forward", "input gradient", "filter gradient"] as const;

type Times = Record<(typeof passes)[number], number>;

/** Milliseconds of one kind of pass, the fastest of a turn. */
function fastest(pass: () => void): number {
  pass();
  let least = Number.POSITIVE_INFINITY;
  const end = performance.now() + 1000 * seconds;
  while (performance.now() < end) {
    const start = performance.now();
    pass();
    least = Math.min(least, performance.now() - start);
  }
  return least;
}

/** The part of it that gives memory. */
interface Allocating extends NativeAddon {
  alloc(bytes: number): ArrayBuffer;
}

function ours(addon: Allocating, batch: number, { size, channels, kernel, stride }: Shape): () => Times {
  const pad = (kernel - 1) / 2;
  const out = Math.floor((size - 1) / stride) + 1;
  const sizes = [batch, size, size, channels, out, out, channels, kernel, kernel, stride, stride, pad, pad, 1, 1, 1];
  const shape = Int32Array.from(sizes);
  // The engine's own memory, which begins where lines of the cache do.
  const zeros = (count: number) => new Float32Array(addon.alloc(4 * count), 0, count);
  const random = (count: number) => {
    const values = zeros(count);
    for (let i = 0; i < count; i++) {
      values[i] = Math.random() - 0.5;
    }
    return values;
  };
  const [x, y] = [random(batch * size * size * channels), random(batch * out * out * channels)];
  const [w, bias] = [random(kernel * kernel * channels), random(channels)];
  const [toX, toY, toW] = [zeros(x.length), zeros(y.length), zeros(w.length)];
  return () => ({
    forward: fastest(() => addon.depthwise(shape, x, w, bias, 0, toY)),
    "input gradient": fastest(() => addon.depthwiseInputGrad(shape, y, w, toX)),
    "filter gradient": fastest(() => addon.depthwiseFilterGrad(shape, x, y, toW)),
  });
}

/** PyTorch's process. */
function peerOf(python: string) {
  const script = fileURLToPath(new URL("./depthwise.py", import.meta.url));
  const process = spawn(python, [script], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: process.stdout })[Symbol.asyncIterator]();
  return {
    async times(batch: number, shape: Shape, threads: number): Promise<Times> {
      process.stdin.write(`${JSON.stringify({ batch, ...shape, threads, seconds })}\n`);
      const { value, done } = await lines.next();
      if (done === true) {
        throw new Error("PyTorch's side of the depthwise convolutions has ended early");
      }
      return JSON.parse(value) as Times;
    },
    close: () => process.stdin.end(),
  };
}

export async function depthwise({ rounds, python }: Options): Promise<Section> {
  const { path, isa, threads } = engine.info();
  const addon = createRequire(import.meta.url)(path) as Allocating;
  const peer = python === undefined ? undefined : peerOf(python);
  const rows: Section["rows"][number][] = [];
  for (const batch of batches) {
    for (const shape of shapes) {
      const own = ours(addon, batch, shape);
      const best = new Map<string, number>();
      const take = (who: string, times: Times) => {
        for (const pass of passes) {
          const key = `${who} ${pass}`;
          best.set(key, Math.min(best.get(key) ?? Number.POSITIVE_INFINITY, times[pass]));
        }
      };
      for (let round = 0; round < rounds; round++) {
        take("own", own());
        if (peer !== undefined) {
          take("peer", await peer.times(batch, shape, threads));
        }
      }
      const row: Record<string, string | number> = { batch, ...shape };
      for (const pass of passes) {
        const least = best.get(`own ${pass}`) ?? Number.NaN;
        row[`${pass} ms`] = rounded(least, 3);
        if (peer !== undefined) {
          row[pass] = rounded((best.get(`peer ${pass}`) ?? Number.NaN) / least);
        }
      }
      rows.push(row);
    }
  }
  peer?.close();
  const note = `${isa}, ${threads} threads; fastest of ${rounds} turns of ${seconds} s, and how many times as long PyTorch takes in its better layout`;
  return { title: "Depthwise convolutions", note, rows };
}
