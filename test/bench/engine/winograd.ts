/** Convolutions of a grid of shapes by loops and by Winograd's algorithm, taking turns, beside what the engine's cost model chooses. */
import { createRequire } from "node:module";
import { engine } from "@convbook/engine";
import type { NativeAddon } from "../../../lib/engine/native.ts";
import { rounded } from "./contest.ts";
import type { Options, Section } from "./options.ts";

const channels = [
  [16, 16],
  [32, 32],
  [16, 64],
  [64, 16],
  [64, 64],
  [128, 128],
  [256, 256],
] as const;
const sizes = [4, 7, 8, 14, 16, 28, 32, 56];
const batches = [1, 8, 128];
/** Beyond that a shape takes too long, and is like the ones before. */
const mostOperations = 4e10;
const leastRounds = 3;

interface Shape {
  readonly batch: number;
  readonly size: number;
  readonly inChannels: number;
  readonly outChannels: number;
}

const ways = { loops: 0, model: 1, winograd: 2 } as const;

function operationsOf({ batch, size, inChannels, outChannels }: Shape): number {
  return 2 * 9 * batch * size * size * inChannels * outChannels;
}

/** The passes of a shape, each on the same arrays. */
function passesOf(addon: NativeAddon, { batch, size, inChannels, outChannels }: Shape): Record<string, () => void> {
  const sizesOf = [batch, size, size, inChannels, size, size, outChannels, 3, 3, 1, 1, 1, 1, 1, 1, 1];
  const shape = Int32Array.from(sizesOf);
  const random = (count: number) => Float32Array.from({ length: count }, () => Math.random() - 0.5);
  const x = random(batch * size * size * inChannels);
  const y = random(batch * size * size * outChannels);
  const w = random(9 * inChannels * outChannels);
  const [toX, toY, toW] = [new Float32Array(x.length), new Float32Array(y.length), new Float32Array(w.length)];
  return {
    forward: () => addon.conv2d(shape, x, w, undefined, undefined, 0, toY, false),
    "input gradient": () => addon.conv2dInputGrad(shape, y, w, toX),
    "filter gradient": () => addon.conv2dFilterGrad(shape, x, y, toW, undefined),
  };
}

/** Best milliseconds of both ways, in turns. */
function measure(addon: NativeAddon, pass: () => void, rounds: number): { loops: number; winograd: number } {
  const best = { loops: Number.POSITIVE_INFINITY, winograd: Number.POSITIVE_INFINITY };
  const end = performance.now() + 20 * rounds;
  for (let round = 0; round < leastRounds || performance.now() < end; round++) {
    for (const way of ["loops", "winograd"] as const) {
      addon.useWinograd(ways[way]);
      const start = performance.now();
      pass();
      best[way] = Math.min(best[way], performance.now() - start);
    }
  }
  return best;
}

export async function winograd({ rounds }: Options): Promise<Section | undefined> {
  const { path, isa, threads } = engine.info();
  if (isa === "amx") {
    console.error("Winograd's algorithm is for processors without AMX: use --isa=avx512");
    return undefined;
  }
  const addon = createRequire(import.meta.url)(path) as NativeAddon;
  const rows: Section["rows"][number][] = [];
  let wrong = 0;
  for (const [inChannels, outChannels] of channels) {
    for (const size of sizes) {
      for (const batch of batches) {
        const shape = { batch, size, inChannels, outChannels };
        const operations = operationsOf(shape);
        if (operations > mostOperations) {
          continue;
        }
        for (const [name, pass] of Object.entries(passesOf(addon, shape))) {
          addon.useWinograd(ways.model);
          const before = addon.winogradPasses();
          pass();
          const chosen = addon.winogradPasses().some((count, i) => count !== before[i]) ? "winograd" : "loops";
          const times = measure(addon, pass, rounds);
          const loss = times[chosen] / Math.min(times.loops, times.winograd) - 1;
          wrong += loss > 0 ? 1 : 0;
          rows.push({
            pass: name,
            shape: `${batch}x${size}x${size}, ${inChannels} to ${outChannels}`,
            loops: rounded(operations / times.loops / 1e6, 0),
            winograd: rounded(operations / times.winograd / 1e6, 0),
            ratio: rounded(times.loops / times.winograd),
            chosen,
            loss: rounded(loss, 3),
          });
        }
      }
    }
  }
  addon.useWinograd(ways.model);
  const note =
    `GFLOP/s of the loops' arithmetic, ${threads} threads, ${isa}; ratio: time of loops by Winograd's; loss: time of the way that the model chose, ` +
    `by the faster, less 1. Not the faster one was chosen for ${wrong} of ${rows.length}`;
  return { title: "Winograd", note, rows };
}
