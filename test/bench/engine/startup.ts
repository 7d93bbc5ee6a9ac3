/**
 * What starting costs: importing the engine, and the first step in a fresh process against a steady one.
 *
 * The first step is measured twice: as soon as the process can make it, and after it has done nothing for some seconds. The second says more
 * about the machine than about who computes: on a virtual one whose host watches or takes back what lies idle, a page of 4 KB that was used
 * half a second ago may take 15 to 30 microseconds to be touched again, and a huge page that was free as long several milliseconds.
 */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { engine } from "@convbook/engine";
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
      for (const [when, wait] of waits) {
        const own = await firstStep(() => ownProcess(name, batch, threads, "native", isa), mode, wait);
        rows.push({ what: `first step, ${name} ${mode}, ${when}`, ...own, target: "<= 2" });
        if (python === undefined) {
          continue;
        }
        const peer = await firstStep(() => pyTorch(python, name, batch, running, isa), mode, wait);
        rows.push({ what: `first step, ${name} ${mode}, ${when}, PyTorch`, ...peer, target: "" });
      }
    }
  }
  return { title: "Start-up", note: `Milliseconds in fresh processes, batch ${batch}; medians`, rows };
}

/** Milliseconds between the start of a process and its first step; the longer one leaves it some seconds behind loading. */
const waits = [
  ["at once", 0],
  ["after a pause", 5000],
] as const;

/** The first step of five processes and their 21st to 25th; PyTorch's in its better layout. */
async function firstStep(start: () => StepProcess, mode: Mode, wait: number) {
  const first: number[] = [];
  const steady: number[] = [];
  const layout = "channels_last";
  for (let repeat = 0; repeat < 5; repeat++) {
    const child = start();
    await sleep(wait);
    first.push(await child.step(mode, layout));
    for (let i = 1; i < 20; i++) {
      await child.step(mode, layout);
    }
    for (let i = 0; i < 5; i++) {
      steady.push(await child.step(mode, layout));
    }
    child.close();
  }
  const [cold, warm] = [median(first), median(steady)];
  return { first: rounded(cold, 1), steady: rounded(warm, 1), ratio: rounded(cold / warm) };
}
