/** The most memory that a process holds which trains or infers, whole processes with everything that they load. */
import { engine } from "@convbook/engine";
import { type Mode, modes, rounded } from "./contest.ts";
import type { Options, Section } from "./options.ts";
import { type Layout, layouts, ownProcess, pyTorch, type StepProcess } from "./process.ts";

const steps = 4;

async function peak(start: () => StepProcess, mode: Mode, layout?: Layout): Promise<number> {
  const child = start();
  for (let i = 0; i < steps; i++) {
    await child.step(mode, layout);
  }
  const bytes = await child.peakMemory();
  child.close();
  return bytes;
}

export async function memory(options: Options): Promise<Section> {
  const { batch, names, python, threads, isa } = options;
  const { threads: running } = engine.info();
  const rows: Section["rows"][number][] = [];
  const megabytes = (bytes: number): number => Math.round(bytes / 1e6);
  for (const name of names) {
    for (const mode of modes) {
      const own = await peak(() => ownProcess(name, batch, threads, "native", isa), mode);
      if (python === undefined) {
        rows.push({ model: name, mode, ours: megabytes(own), peer: null, layout: null, ratio: null });
        continue;
      }
      const peers: { layout: Layout; bytes: number }[] = [];
      for (const layout of layouts) {
        const bytes = await peak(() => pyTorch(python, name, batch, running, isa), mode, layout);
        peers.push({ layout, bytes });
      }
      const least = Math.min(...peers.map(({ bytes }) => bytes));
      const ratio = rounded(own / least);
      for (const { layout, bytes } of peers) {
        rows.push({ model: name, mode, ours: megabytes(own), peer: megabytes(bytes), layout, ratio });
      }
    }
  }
  const note = `Megabytes, high-water mark of a process after ${steps} steps, batch ${batch}; ratio to PyTorch's smaller, at most 1`;
  return { title: "Memory", note, rows };
}
