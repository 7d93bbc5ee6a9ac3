/** Convolutions of a grid of shapes by loops and by Winograd's algorithm in both sizes of tiles, taking turns, beside what the engine's cost model chooses. */
import { engine } from "@convbook/engine";
import * as tf from "@tensorflow/tfjs-core";
import type { NativeBackend } from "../../../lib/engine/backend.ts";
import type { NativeAddon } from "../../../lib/engine/native.ts";
import { rounded } from "./contest.ts";
import type { Options, Section } from "./options.ts";

/** Of filters of each size. */
const channels = {
  3: [
    [16, 16],
    [32, 32],
    [16, 64],
    [64, 16],
    [64, 64],
    [128, 128],
    [256, 256],
  ],
  5: [
    [16, 8],
    [16, 16],
    [32, 32],
    [64, 64],
  ],
} as const;
const sizes = [4, 7, 8, 14, 16, 28, 32, 56];
const batches = [1, 8, 128];
/** Beyond that a shape takes too long, and is like the ones before. */
const mostOperations = 4e10;
const leastRounds = 3;

interface Shape {
  readonly batch: number;
  readonly size: number;
  readonly filter: 3 | 5;
  readonly inChannels: number;
  readonly outChannels: number;
}

const ways = { loops: 0, model: 1, small: 2, large: 3 } as const;
type Way = Exclude<keyof typeof ways, "model">;
/** Small tiles are for filters of 3 x 3. */
const waysFor: Readonly<Record<3 | 5, readonly Way[]>> = { 3: ["loops", "small", "large"], 5: ["loops", "large"] };

function operationsOf({ batch, size, filter, inChannels, outChannels }: Shape): number {
  return 2 * filter ** 2 * batch * size * size * inChannels * outChannels;
}

type F = Float32Array;

/** A pass, and where it writes to. */
interface Timed {
  readonly run: () => void;
  readonly result: Float32Array;
}

/** The passes of a shape, each on the same arrays, which lie in the engine's memory and are given back in the end. */
function passesOf(
  backend: NativeBackend,
  { batch, size, filter, inChannels, outChannels }: Shape,
): { readonly passes: Record<string, Timed>; readonly end: () => void } {
  const { addon } = backend;
  const pad = (filter - 1) / 2;
  const sizesOf = [batch, size, size, inChannels, size, size, outChannels, filter, filter, 1, 1, pad, pad, 1, 1, 1];
  const shape = Int32Array.from(sizesOf);
  const counts = [
    batch * size * size * inChannels,
    batch * size * size * outChannels,
    filter ** 2 * inChannels * outChannels,
  ];
  const tensors = [...counts, ...counts].map((count) => backend.output([count]));
  for (const { values } of tensors) {
    values.forEach((_, i) => {
      values[i] = Math.random() - 0.5;
    });
  }
  const [x, y, w, toX, toY, toW] = tensors.map(({ values }) => values) as [F, F, F, F, F, F];
  return {
    passes: {
      forward: { run: () => addon.conv2d(shape, x, w, undefined, undefined, 0, toY, false), result: toY },
      "input gradient": { run: () => addon.conv2dInputGrad(shape, y, w, toX), result: toX },
      "filter gradient": { run: () => addon.conv2dFilterGrad(shape, x, y, toW, undefined), result: toW },
    },
    end() {
      for (const { dataId } of tensors) {
        backend.disposeData(dataId);
      }
    },
  };
}

/** Best milliseconds of each way, in turns. */
function measure(addon: NativeAddon, which: readonly Way[], pass: () => void, rounds: number): Map<Way, number> {
  const best = new Map<Way, number>();
  const end = performance.now() + 20 * rounds;
  for (let round = 0; round < leastRounds || performance.now() < end; round++) {
    for (const way of which) {
      addon.useWinograd(ways[way]);
      const start = performance.now();
      pass();
      best.set(way, Math.min(best.get(way) ?? Number.POSITIVE_INFINITY, performance.now() - start));
    }
  }
  return best;
}

/** Whether the model leaves a pass to loops, or takes the tiles whose result has the same bits; the passes write to `result`. */
function chosenFor(addon: NativeAddon, which: readonly Way[], pass: () => void, result: Float32Array): Way {
  const bitsOf = (how: 0 | 1 | 2 | 3) => {
    addon.useWinograd(how);
    pass();
    return Buffer.from(result.slice().buffer);
  };
  const before = addon.winogradPasses();
  const chosen = bitsOf(ways.model);
  if (addon.winogradPasses().every((count, i) => count === before[i])) {
    return "loops";
  }
  return which.find((way) => way !== "loops" && bitsOf(ways[way]).equals(chosen)) ?? "loops";
}

function shapes(): Shape[] {
  return ([3, 5] as const).flatMap((filter) =>
    channels[filter].flatMap(([inChannels, outChannels]) =>
      sizes.flatMap((size) => batches.map((batch) => ({ batch, size, filter, inChannels, outChannels }))),
    ),
  );
}

export async function winograd({ rounds }: Options): Promise<Section | undefined> {
  const { isa, threads } = engine.info();
  if (isa === "amx") {
    console.error("Winograd's algorithm is for processors without AMX: use --isa=avx512");
    return undefined;
  }
  const backend = tf.engine().findBackend("native") as NativeBackend;
  const { addon } = backend;
  const rows: Section["rows"][number][] = [];
  let wrong = 0;
  for (const shape of shapes()) {
    const operations = operationsOf(shape);
    if (operations > mostOperations) {
      continue;
    }
    const { batch, size, filter, inChannels, outChannels } = shape;
    const which = waysFor[filter];
    const { passes, end } = passesOf(backend, shape);
    for (const [name, { run: pass, result }] of Object.entries(passes)) {
      const chosen = chosenFor(addon, which, pass, result);
      const times = measure(addon, which, pass, rounds);
      const timeOf = (way: Way) => times.get(way) ?? Number.NaN;
      const rateOf = (way: Way) => (times.has(way) ? rounded(operations / timeOf(way) / 1e6, 0) : null);
      const fastest = Math.min(...times.values());
      const loss = timeOf(chosen) / fastest - 1;
      wrong += loss > 0 ? 1 : 0;
      rows.push({
        pass: name,
        shape: `${batch}x${size}x${size}, ${inChannels} to ${outChannels}, ${filter}x${filter}`,
        loops: rateOf("loops"),
        small: rateOf("small"),
        large: rateOf("large"),
        ratio: rounded(timeOf("loops") / fastest),
        chosen,
        loss: rounded(loss, 3),
      });
    }
    end();
  }
  addon.useWinograd(ways.model);
  const note =
    `GFLOP/s of the loops' arithmetic, ${threads} threads, ${isa}, by loops and in tiles of 4 x 4 and 6 x 6 inputs; ratio: time of loops by the fastest; ` +
    `loss: time of the way that the model chose, by the fastest, less 1. Not the fastest was chosen for ${wrong} of ${rows.length}`;
  return { title: "Winograd", note, rows };
}
