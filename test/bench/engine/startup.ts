/**
 * What starting costs: importing the engine, and the first step in a fresh process against a steady one.
 *
 * A first step is largely the system's work of finding memory. On a virtual machine whose host takes back what lies free, huge pages, which
 * the engine asks for, come up to twenty times slower some seconds after they were freed than at once (450 and 20 ms for 200 MB were seen);
 * small ones are mostly still there. So every first step is measured twice: with memory that the machine has at hand, as one without a host
 * always has, and after a pause.
 */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { freemem } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { engine } from "@convbook/engine";
import * as tf from "@tensorflow/tfjs";
import type { NativeBackend } from "../../../lib/engine/backend.ts";
import { type Mode, median, modes, rounded } from "./contest.ts";
import { networksOf, type Options, type Section } from "./options.ts";
import { ownProcess, pyTorch, type StepProcess } from "./process.ts";

const repository = fileURLToPath(new URL("../../../", import.meta.url));

/** Milliseconds of `import "@convbook/engine"` as it is published, with TensorFlow.js there already and without. */
function importTimes(repeats: number): { alone: number; withCore: number } | undefined {
  if (!existsSync(fileURLToPath(new URL("../../../lib/engine/dist/index.js", import.meta.url)))) {
    console.error("The import time is left out: the engine is not built (npm run build)");
    return undefined;
  }
  const measure = (before: string): number => {
    const program = `${before} const start = performance.now(); await import("@convbook/engine"); console.log(performance.now() - start);`;
    const run = () =>
      Number(
        execFileSync(process.execPath, ["--input-type=module", "--eval", program], {
          cwd: repository,
          encoding: "utf8",
        }),
      );
    return median(Array.from({ length: repeats }, run));
  };
  return {
    alone: measure('await import("@tensorflow/tfjs-core"); await import("@tensorflow/tfjs-backend-cpu");'),
    withCore: measure(""),
  };
}

export async function startup(options: Options): Promise<Section> {
  const { batch, threads, isa, python } = options;
  const { threads: running } = engine.info();
  const rows: Section["rows"][number][] = [];
  const times = importTimes(7);
  if (times !== undefined) {
    const what = "import the engine";
    rows.push({ what, first: rounded(times.alone, 1), steady: null, ratio: null, target: "<= 50 ms" });
    rows.push({ what: `${what} and tfjs`, first: rounded(times.withCore, 1), steady: null, ratio: null, target: "" });
  }
  for (const name of networksOf(options, ["ResNet"])) {
    for (const mode of modes) {
      for (const [when, prepare] of memories) {
        const own = await firstStep(() => ownProcess(name, batch, threads, "native", isa), mode, prepare);
        rows.push({ what: `first step, ${name} ${mode}, ${when}`, ...own, target: "<= 2" });
        if (python === undefined) continue;
        const peer = await firstStep(() => pyTorch(python, name, batch, running, isa), mode, prepare);
        rows.push({ what: `first step, ${name} ${mode}, ${when}, PyTorch`, ...peer, target: "" });
      }
    }
  }
  return { title: "Start-up", note: `Milliseconds in fresh processes, batch ${batch}; medians`, rows };
}

/** Writes to a gigabyte of huge pages, or half of what is free, and gives it back: what is asked for next needs nothing from a host. */
async function memoryAtHand(): Promise<void> {
  await sleep(loadingMilliseconds);
  const { addon } = tf.backend() as NativeBackend;
  const block = addon.alloc(Math.floor(Math.min(1e9, freemem() / 2)));
  while (addon.settle(block));
  new Uint8Array(block).fill(1);
  addon.drop(block);
}

/** How long a process is given to load before its first step. */
const loadingMilliseconds = 3000;
const memories = [
  ["memory at hand", memoryAtHand],
  ["after a pause", () => sleep(loadingMilliseconds + 2000)],
] as const;

/** The first step of five processes and their 21st to 25th; PyTorch's in its better layout. */
async function firstStep(start: () => StepProcess, mode: Mode, prepare: () => Promise<void>) {
  const first: number[] = [];
  const steady: number[] = [];
  const layout = "channels_last";
  for (let repeat = 0; repeat < 5; repeat++) {
    const child = start();
    await prepare();
    first.push(await child.step(mode, layout));
    for (let i = 1; i < 20; i++) await child.step(mode, layout);
    for (let i = 0; i < 5; i++) steady.push(await child.step(mode, layout));
    child.close();
  }
  const [cold, warm] = [median(first), median(steady)];
  return { first: rounded(cold, 1), steady: rounded(warm, 1), ratio: rounded(cold / warm) };
}
