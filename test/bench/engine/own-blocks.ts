/**
 * Networks from a student's own blocks beside the library's, taking turns: a block that somebody writes in a notebook is to be as fast as ours.
 * With `--against=FOLDER`, another checkout of this project (installed and built there), the library's beside that one's, too, each in a process.
 */
import { join } from "node:path";
import { createModelFrom } from "../../../lib/convbook/models/index.ts";
import { type AnyModule, eagerly } from "../../../lib/convbook/nn/index.ts";
import { compete, type Entry, fastestRate, modes, rounded } from "./contest.ts";
import { contestantOf, createNetwork } from "./networks.ts";
import type { Options, Section } from "./options.ts";
import { ownNetworks } from "./own-networks.ts";
import { ownProcess, processOf } from "./process.ts";

const wide = { numBlocks: [2, 2, 2, 2], cHidden: [64, 128, 256, 512] };

function numbersOf(module: AnyModule): number {
  return module.parameters().reduce((sum, { variable }) => sum + variable.size, 0);
}

export async function ownBlocks({ batch, rounds, names, named, threads, isa, against }: Options): Promise<Section> {
  const rows: Section["rows"][number][] = [];
  for (const [name, create] of Object.entries(ownNetworks)) {
    const isWide = name === "WideResNet";
    if (isWide ? named : !names.includes(name)) {
      continue;
    }
    const library = isWide ? createModelFrom("ResNet", wide) : createNetwork(name);
    const own = create();
    if (numbersOf(own) !== numbersOf(library)) {
      throw new Error(`${name}: ${numbersOf(own)} parameters, the library's has ${numbersOf(library)}`);
    }
    const shape: [number, number, number, number] = [isWide ? Math.min(batch, 32) : batch, 32, 32, 3];
    const entries: Entry[] = [
      { label: "library", contestant: contestantOf(library, shape) },
      { label: "own", contestant: contestantOf(own, shape) },
      { label: "off", contestant: contestantOf(library, shape, eagerly) },
    ];
    const times = await compete(entries, rounds, { burst: 3 });
    const before = against === undefined || isWide ? undefined : await compareWith(against);
    for (const mode of modes) {
      const at = (label: string) => fastestRate(shape[0], times.get(`${label} ${mode}`) ?? []);
      rows.push({
        model: name,
        mode,
        library: at("library"),
        own: at("own"),
        ratio: rounded(at("own") / at("library")),
        off: at("off"),
        "library / off": rounded(at("library") / at("off")),
        ...(before === undefined ? {} : { "library / before": rounded(before[mode]) }),
      });
    }
    for (const { contestant } of entries.slice(0, 2)) {
      contestant.close();
    }

    async function compareWith(folder: string) {
      const now = ownProcess(name, batch, threads, "native", isa);
      const then = processOf(join(folder, "test/bench/engine"), name, batch, threads, "native", isa);
      const both = await compete(
        [
          { label: "now", contestant: now },
          { label: "then", contestant: then },
        ],
        rounds,
        { burst: 3 },
      );
      now.close();
      then.close();
      const ratio = (mode: string) =>
        fastestRate(1e6, both.get(`now ${mode}`) ?? []) / fastestRate(1e6, both.get(`then ${mode}`) ?? []);
      return { train: ratio("train"), infer: ratio("infer") };
    }
  }
  const note =
    `Images a second, batch ${batch} (WideResNet at most 32), fastest of ${2 * rounds} steps in turns; ` +
    "ratio: own / library, at least 0.98; library / off: beside the same without programs, at least 0.98" +
    (against === undefined ? "" : `; library / before: beside ${against}, at least 0.99`);
  return { title: "Own blocks", note, rows };
}
