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
const steps = 5;

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

/** A step's parts, each as it was in the step where it took least, so that what else the machine does is left out. */
async function leastParts(
  addon: NativeAddon,
  step: () => unknown,
): Promise<{ parts: Map<string, Part>; seconds: number }> {
  const parts = new Map<string, Part>();
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < steps; i++) {
    const { parts: own, seconds } = await timed(addon, step);
    least = Math.min(least, seconds);
    for (const [name, part] of own) {
      const known = parts.get(name) ?? part;
      const of = (key: keyof Part) => Math.min(known[key], part[key]);
      parts.set(name, { alone: of("alone"), total: of("total"), span: of("span") });
    }
  }
  return { parts, seconds: least };
}

/** How many times as fast the native work of a step would be with so many threads, and of the most threads what takes longest. */
async function bounds(addon: NativeAddon, contestant: Contestant, mode: Mode): Promise<Section["rows"][number]> {
  const row: Record<string, number | string> = {};
  for (const count of counts) {
    addon.simulateThreads?.(count);
    await contestant.step(mode);
    const { parts, seconds } = await leastParts(addon, () => contestant.step(mode));
    const of = (key: keyof Part): number => [...parts.values()].reduce((all, part) => all + part[key], 0);
    const [alone, total, span] = [of("alone"), of("total"), of("span")];
    row[`x${count}`] = Number(((alone + total) / (alone + span)).toFixed(2));
    if (count === counts.at(-1)) {
      const chain = (part: Part): number => (part.alone + part.span) / (alone + span);
      const longest = [...parts].sort(([, p], [, q]) => chain(q) - chain(p)).slice(0, 3);
      row.longest = longest.map(([name, part]) => `${name} ${Math.round(100 * chain(part))} %`).join(", ");
      row.alone = `${((100 * alone) / (alone + total)).toFixed(2)} %`;
      row.javascript = `${Math.max(0, 100 * (1 - (alone + total) / seconds)).toFixed(1)} %`;
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
      rows.push({ network: name, mode, ...(await bounds(addon, contestant, mode)) });
    }
    contestant.close();
    engine.trim();
  }
  engine.setThreads(threads);
  const note =
    "Bounds of the speed-up by 1 to 64 threads, which would be reached if no two of them waited for the same memory: the native work of a step by its longest " +
    `chain, each part the best of ${steps} steps. Of 64 threads: the functions or phases of programs that take longest, the share of native work that is not split, and JavaScript's share ` +
    "of a step that is run by one thread";
  return { title: "Partition", note, rows };
}
