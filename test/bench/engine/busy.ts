/** One process that computes beside us: how much it slows us down, and how much PyTorch. */
import { spawn } from "node:child_process";
import { engine } from "@convbook/engine";
import { compete, type Entry, median, modes, rounded } from "./contest.ts";
import { ours } from "./networks.ts";
import { networksOf, type Options, type Section } from "./options.ts";
import { peerEntries, pyTorch } from "./process.ts";

export async function busy(options: Options): Promise<Section> {
  const { batch, rounds, python, isa } = options;
  const { threads } = engine.info();
  const rows: Section["rows"][number][] = [];
  const beside = spawn(process.execPath, ["--eval", "for (;;);"], { stdio: "ignore" });
  try {
    for (const name of networksOf(options, ["ResNet"])) {
      const entries: Entry[] = [{ label: "ours", contestant: ours(name, batch) }];
      if (python !== undefined) {
        entries.push(...peerEntries(pyTorch(python, name, batch, threads, isa)));
      }
      // Each takes one step with the busy process halted and one with it running.
      const turns = entries.flatMap(({ label, contestant }): Entry[] =>
        (["quiet", "busy"] as const).map((state) => ({
          label: `${label} ${state}`,
          contestant: {
            async step(mode) {
              beside.kill(state === "busy" ? "SIGCONT" : "SIGSTOP");
              // The scheduler takes a moment to spread the processes over the processors.
              await new Promise((resolve) => setTimeout(resolve, 100));
              return contestant.step(mode);
            },
            close: () => contestant.close(),
          },
        })),
      );
      const times = await compete(turns, rounds);
      for (const { contestant } of entries) {
        contestant.close();
      }
      engine.trim();
      for (const mode of modes) {
        const slowdowns = entries.map(({ label }) => {
          const of = (state: string): number => median(times.get(`${label} ${state} ${mode}`) ?? []);
          return { label, slowdown: of("busy") / of("quiet"), quiet: of("quiet") };
        });
        const [own, ...peers] = slowdowns;
        // PyTorch's better layout.
        const peer = peers.sort((a, b) => a.quiet - b.quiet)[0];
        rows.push({
          model: name,
          mode,
          ours: rounded(own?.slowdown ?? Number.NaN),
          peer: peer === undefined ? null : rounded(peer.slowdown),
          layout: peer?.label.split(" ")[1] ?? null,
          target: "ours <= peer",
        });
      }
    }
  } finally {
    beside.kill("SIGKILL");
  }
  const note = `Time of a step with one busy process beside it / time without, batch ${batch}, ${threads} threads; median of ${rounds} each`;
  return { title: "Beside a busy process", note, rows };
}
