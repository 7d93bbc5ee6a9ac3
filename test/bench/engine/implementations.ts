/** The networks by the engine's own convolutions, by the faster of these and oneDNN for each shape, and by oneDNN wherever it can. */
import { engine, type ImplementationName } from "@convbook/engine";
import { type Contestant, compete, type Entry, modes, rate, rounded } from "./contest.ts";
import { ours } from "./networks.ts";
import type { Options, Section } from "./options.ts";

const contestants: Readonly<Record<string, readonly ImplementationName[]>> = {
  native: ["native"],
  chosen: ["native", "onednn"],
  onednn: ["onednn"],
};

/** Whether the engine was built with oneDNN; says so where it was not. */
export function hasOneDnn(): boolean {
  engine.setImplementations(["onednn"]);
  const there = engine.info().implementations.onednn !== null;
  engine.setImplementations(["native"]);
  return there;
}

export async function implementations(options: Options): Promise<Section | undefined> {
  if (!hasOneDnn()) {
    return undefined;
  }
  const { batch, rounds, names } = options;
  const { threads, isa } = engine.info();
  const rows: Section["rows"][number][] = [];
  for (const name of names) {
    const own = ours(name, batch);
    const entries: Entry[] = Object.entries(contestants).map(([label, use]) => {
      const contestant: Contestant = {
        async step(mode) {
          engine.setImplementations(use);
          // What is made anew with each switch is made before time runs.
          await own.step(mode);
          return own.step(mode);
        },
        close: () => {},
      };
      return { label, contestant };
    });
    const times = await compete(entries, rounds);
    for (const mode of modes) {
      const [native = 0, chosen = 0, onednn = 0] = Object.keys(contestants).map((label) =>
        rate(batch, times.get(`${label} ${mode}`) ?? []),
      );
      rows.push({ model: name, mode, native, chosen, onednn, gain: rounded(chosen / native) });
    }
    own.close();
    engine.trim();
  }
  engine.setImplementations(["native"]);
  const note = `Images a second, batch ${batch}, ${threads} threads, ${isa}; median of ${rounds}; gain: chosen by measurement against native`;
  return { title: "Implementations", note, rows };
}
