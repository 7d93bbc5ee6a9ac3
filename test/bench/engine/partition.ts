/**
 * What many cores could make of a step: the engine pretends to have up to 64 threads, whose tasks run one by one and are timed. A run of tasks is over
 * when the last of the threads that share them would be done; what is in no run is done by one thread.
 */
import { engine } from "@convbook/engine";
import * as tf from "@tensorflow/tfjs";
import { createModelFrom } from "../../../lib/convbook/models/index.ts";
import { manualSeed } from "../../../lib/convbook/random/index.ts";
import type { NativeAddon } from "../../../lib/engine/native-addon.ts";
import { type Contestant, type Mode, modes } from "./contest.ts";
import { contestantOf, networks, ours } from "./networks.ts";
import type { Options, Section } from "./options.ts";

const counts = [1, 2, 4, 8, 16, 32, 64] as const;
const steps = 3;

/** Seconds of one native function's calls in a step. */
interface Part {
  /** In no run of tasks. */
  alone: number;
  total: number;
  span: number;
}

/** The four networks at CIFAR's size, and two at 224 x 224 with fewer images. */
const contestants: Readonly<Record<string, (batch: number) => Contestant>> = {
  ...Object.fromEntries(Object.keys(networks).map((name) => [name, (batch: number) => ours(name, batch)])),
  ...Object.fromEntries(
    ["resnet18", "mobilenet_v2"].map((model) => [
      model,
      (batch: number) => {
        manualSeed(42);
        return contestantOf(createModelFrom(model, { numClasses: 10 }), [Math.max(1, batch >> 4), 224, 224, 3]);
      },
    ]),
  ),
};

type Functions = Record<string, (...args: unknown[]) => unknown>;

/** Runs a function with every native call timed, each phase of a program by itself. */
async function timed(addon: NativeAddon, body: () => unknown): Promise<{ parts: Map<string, Part>; seconds: number }> {
  const functions = addon as unknown as Functions;
  const parts = new Map<string, Part>();
  const work = () => addon.simulatedWork?.() ?? [0, 0, 0, 0];
  const own = Object.entries(functions).filter(([name, f]) => typeof f === "function" && name !== "simulatedWork");
  for (const [name, f] of own) {
    functions[name] = (...args) => {
      const [, , total, span] = work();
      const start = performance.now();
      const result = f(...args);
      const seconds = (performance.now() - start) / 1000;
      const [, , totalAfter, spanAfter] = work();
      const key = name === "programPhase" ? `phase ${args[0]}` : name;
      const part = parts.get(key) ?? { alone: 0, total: 0, span: 0 };
      part.alone += seconds - (totalAfter - total);
      part.total += totalAfter - total;
      part.span += spanAfter - span;
      parts.set(key, part);
      return result;
    };
  }
  const start = performance.now();
  try {
    await body();
  } finally {
    Object.assign(functions, Object.fromEntries(own));
  }
  return { parts, seconds: (performance.now() - start) / 1000 };
}

const sum = (parts: Iterable<Part>, of: (part: Part) => number): number => {
  let all = 0;
  for (const part of parts) {
    all += of(part);
  }
  return all;
};

/** The share of a step's native work that so many threads would still take, and what takes longest alone. */
async function shares(addon: NativeAddon, contestant: Contestant, mode: Mode) {
  const row: Record<string, number | string> = {};
  for (const count of counts) {
    addon.simulateThreads?.(count);
    await contestant.step(mode);
    let least = Number.POSITIVE_INFINITY;
    for (let i = 0; i < steps; i++) {
      const { parts, seconds } = await timed(addon, () => contestant.step(mode));
      const [alone, total, span] = [
        sum(parts.values(), (part) => part.alone),
        sum(parts.values(), (part) => part.total),
        sum(parts.values(), (part) => part.span),
      ];
      const share = (alone + span) / (alone + total);
      if (share < least) {
        least = share;
        row[`${count}`] = Number((1 / share).toFixed(2));
        const [worst] = [...parts].sort(([, a], [, b]) => b.alone + b.span - (a.alone + a.span));
        row.longest =
          worst === undefined
            ? ""
            : `${worst[0]} ${Math.round((100 * (worst[1].alone + worst[1].span)) / (alone + span))} %`;
        row["alone, %"] = Number(((100 * alone) / (alone + total)).toFixed(2));
        row["javascript, %"] = Number((100 * (1 - (alone + total) / seconds)).toFixed(1));
      }
    }
  }
  return row;
}

export async function partition({ names, named, batch, threads }: Options): Promise<Section> {
  const { addon } = tf.engine().findBackend("native") as unknown as { addon: NativeAddon };
  if (addon.simulateThreads === undefined) {
    throw new Error("Threads are simulated by the native code alone, not in WebAssembly.");
  }
  const rows: Section["rows"][number][] = [];
  for (const [name, make] of Object.entries(contestants)) {
    if (named && !names.includes(name)) {
      continue;
    }
    const contestant = make(batch);
    for (const mode of modes) {
      rows.push({ network: name, mode, ...(await shares(addon, contestant, mode)) });
    }
    contestant.close();
    engine.trim();
  }
  engine.setThreads(threads);
  const note =
    "Bounds of the speed-up by 1 to 64 threads, which would be reached if no two of them waited for the same memory: the native work of a step by its longest " +
    `chain, the best of ${steps} steps. Of 64 threads: the function or phase of a program that takes longest, the share of native work that is not split, and JavaScript's share ` +
    "of a step that is run by one thread";
  return { title: "Partition", note, rows };
}
