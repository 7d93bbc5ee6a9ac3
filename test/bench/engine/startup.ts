/** What starting costs: importing the engine, and the first step in a fresh process against a steady one. */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
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
      const own = await firstStep(() => ownProcess(name, batch, threads, "native", isa), mode);
      rows.push({ what: `first step, ${name} ${mode}`, ...own, target: "<= 2" });
      if (python === undefined) continue;
      const peer = await firstStep(() => pyTorch(python, name, batch, running, isa), mode);
      rows.push({ what: `first step, ${name} ${mode}, PyTorch`, ...peer, target: "" });
    }
  }
  return { title: "Start-up", note: `Milliseconds in fresh processes, batch ${batch}; medians`, rows };
}

/** The first step of three processes and their fourth to eighth; PyTorch's in its better layout. */
async function firstStep(start: () => StepProcess, mode: Mode) {
  const first: number[] = [];
  const steady: number[] = [];
  const layout = "channels_last";
  for (let repeat = 0; repeat < 3; repeat++) {
    const child = start();
    first.push(await child.step(mode, layout));
    await child.step(mode, layout);
    await child.step(mode, layout);
    for (let i = 0; i < 5; i++) steady.push(await child.step(mode, layout));
    child.close();
  }
  const [cold, warm] = [median(first), median(steady)];
  return { first: rounded(cold, 1), steady: rounded(warm, 1), ratio: rounded(cold / warm) };
}
