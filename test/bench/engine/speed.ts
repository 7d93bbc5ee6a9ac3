/** Training steps and inference of the four networks, beside PyTorch in both of its memory layouts. */
import { engine } from "@convbook/engine";
import { compete, type Entry, fastestRate, type Mode, modes, rate, rounded, type Times } from "./contest.ts";
import { ours } from "./networks.ts";
import type { Options, Section } from "./options.ts";
import { peerEntries, pyTorch } from "./process.ts";

export async function speed(options: Options): Promise<Section> {
  const { batch, rounds, isa, python, names, profile } = options;
  const { threads, isa: running } = engine.info();
  const rows: Section["rows"][number][] = [];
  for (const name of names) {
    const own = ours(name, batch);
    const entries: Entry[] = [{ label: "ours", contestant: own }];
    if (python !== undefined) {
      entries.push(...peerEntries(pyTorch(python, name, batch, threads, isa)));
    }
    const times = await compete(entries, rounds);
    if (profile) {
      for (const mode of modes) {
        console.error(`${name}, ${mode}\n${await engine.profile(() => own.step(mode))}`);
      }
    }
    for (const { contestant } of entries) {
      contestant.close();
    }
    for (const mode of modes) {
      rows.push(...rowsOf(name, mode, batch, times));
    }
    engine.trim();
  }
  const note = `Images a second, batch ${batch}, ${threads} threads, ${running}; median of ${rounds}`;
  return { title: "Speed", note, rows };
}

/** One row for each of PyTorch's layouts; `ratio` is against its better one. */
function rowsOf(model: string, mode: Mode, batch: number, times: Times): Section["rows"][number][] {
  const own = times.get(`ours ${mode}`) ?? [];
  const first = { model, mode, ours: rate(batch, own), oursBest: fastestRate(batch, own) };
  const peers = [...times].filter(([key]) => key.startsWith("peer") && key.endsWith(mode));
  if (peers.length === 0) {
    return [{ ...first, peer: null, ratio: null, layout: null }];
  }
  const best = Math.max(...peers.map(([, values]) => rate(batch, values)));
  return peers.map(([key, values]) => ({
    ...first,
    peer: rate(batch, values),
    peerBest: fastestRate(batch, values),
    ratio: rounded(rate(batch, own) / best),
    layout: key.split(" ")[1] ?? null,
  }));
}
