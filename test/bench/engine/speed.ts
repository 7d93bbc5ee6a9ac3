/** Training steps and inference of the four networks, beside every PyTorch that was found in both of its memory layouts. */
import { engine } from "@convbook/engine";
import { compete, type Entry, fastestRate, type Mode, modes, rate, rounded, steady, type Times } from "./contest.ts";
import { type Goal, speedGoals, standing } from "./floors.ts";
import { ours } from "./networks.ts";
import type { Options, Section } from "./options.ts";
import { allPeers } from "./process.ts";

export async function speed(options: Options): Promise<Section> {
  const { batch, rounds, names, profile } = options;
  const { threads, isa: running } = engine.info();
  const rows: Section["rows"][number][] = [];
  for (const name of names) {
    const own = ours(name, batch);
    const entries: Entry[] = [{ label: "ours", contestant: own }, ...allPeers(options, name, batch, threads)];
    // The first step of a turn does not count: while the others had theirs, memory of the one before went back to the system.
    const times = await compete(entries, rounds, steady);
    if (profile) {
      for (const mode of modes) {
        console.error(`${name}, ${mode}\n${await engine.profile(() => own.step(mode))}`);
      }
    }
    for (const { contestant } of entries) {
      contestant.close();
    }
    rows.push(...modes.map((mode) => rowOf(name, mode, batch, times, speedGoals[name]?.[mode])));
    engine.trim();
  }
  const note = `Images a second, batch ${batch}, ${threads} threads, ${running}; median of ${rounds}; ${againstBest}`;
  return { title: "Speed", note, rows };
}

/** How rows of {@link rowOf} are to be read. */
export const againstBest =
  "ratio: against the best PyTorch of all versions and layouts, whose name stands beside it; met: whether the ratio reaches the aim, or the floor";

/** One row: ours, the best peer, and how the ratio stands to its floor and aim; `Best` are the fastest steps. */
export function rowOf(model: string, mode: Mode, batch: number, times: Times, goal: Goal | undefined) {
  const own = times.get(`ours ${mode}`) ?? [];
  const peers = [...times]
    .filter(([key]) => key.startsWith("peer") && key.endsWith(` ${mode}`))
    .map(([key, values]) => ({ name: key.split(" ").slice(1, -1).join(" "), values }))
    .sort((a, b) => rate(batch, b.values) - rate(batch, a.values));
  const [best, ...others] = peers;
  const ratio = best === undefined ? null : rounded(rate(batch, own) / rate(batch, best.values));
  return {
    model,
    batch,
    mode,
    ours: rate(batch, own),
    oursBest: fastestRate(batch, own),
    peer: best === undefined ? null : rate(batch, best.values),
    peerBest: best === undefined ? null : Math.max(...peers.map(({ values }) => fastestRate(batch, values))),
    ratio,
    ...standing(goal, ratio),
    best: best?.name ?? null,
    others: others.map(({ name, values }) => `${name} ${rate(batch, values)}`).join(", "),
  };
}
