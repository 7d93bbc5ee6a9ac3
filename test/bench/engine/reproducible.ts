/** What reproducible mode costs: the networks with it and without, taking turns, on each instruction set, on one thread and on all. */
import { engine } from "@convbook/engine";
import { type Contestant, compete, type Entry, fastestRate, modes, rounded } from "./contest.ts";
import { ours } from "./networks.ts";
import type { Options, Section } from "./options.ts";

/** How much time may be lost: a rate of 1 / 1.15 of the one without. */
const floor = rounded(1 / 1.15);

/** Steps of a turn: the first, in which programs are made anew after the switch, does not count. */
const burst = 3;
/** Images of a step, where the command line says nothing: half of what the other parts take, because every row is a network trained twice. */
const usualBatch = 64;

export async function reproducible(options: Options): Promise<Section> {
  const { names, rounds } = options;
  const batch = options.batchGiven ? options.batch : usualBatch;
  const turns = Math.ceil(rounds / (burst - 1));
  const rows: Section["rows"][number][] = [];
  const counts = options.threads > 0 ? [options.threads] : [...new Set([1, engine.info().processors])];
  for (const isa of ["amx", "avx512", "avx2", "generic", "wasm"]) {
    const isOther = (isa === "wasm") !== (engine.info().build === "wasm");
    if (isOther || !runsOn(isa)) {
      continue;
    }
    // Generic code takes three times as long as AVX2 and is cut for threads as that is: all of them say enough.
    for (const threads of isa === "generic" ? counts.slice(-1) : counts) {
      engine.setThreads(threads);
      for (const name of names) {
        const own = ours(name, batch);
        const entries: Entry[] = [false, true].map((isOn) => {
          const contestant: Contestant = {
            async step(mode) {
              if ((engine.info().reproducible !== "off") !== isOn) {
                engine.setReproducible(isOn);
              }
              return own.step(mode);
            },
            close: () => {},
          };
          return { label: isOn ? "on" : "off", contestant };
        });
        const times = await compete(entries, turns, { warmUp: 0, burst });
        for (const mode of modes) {
          const [off = 0, on = 0] = ["off", "on"].map((label) =>
            fastestRate(batch, times.get(`${label} ${mode}`) ?? []),
          );
          const ratio = rounded(on / off);
          rows.push({ isa, threads, model: name, mode, off, on, ratio, floor, met: ratio >= floor ? "yes" : "no" });
          console.error(`${isa}, ${threads} threads, ${name}, ${mode}: ${off} without, ${on} with: ${ratio}`);
        }
        own.close();
        engine.trim();
      }
    }
  }
  engine.setReproducible(false);
  engine.setThreads(options.threads);
  engine.setInstructionSet(options.isa === "" ? undefined : options.isa);
  const note = `Images a second, batch ${batch}, the fastest of ${turns * (burst - 1)} steps, without reproducible mode and with it`;
  return { title: "Reproducible mode", note, rows };
}

/** Whether an instruction set is here; it is the one in use then. */
function runsOn(isa: string): boolean {
  engine.setReproducible(false);
  if (isa !== "wasm") {
    engine.setInstructionSet(isa);
  }
  return engine.info().isa.startsWith(isa);
}
