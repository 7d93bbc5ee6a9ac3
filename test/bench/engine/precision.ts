/** Inference in bf16 beside float32, and beside PyTorch's autocast to bfloat16. */
import { engine, type Precision } from "@convbook/engine";
import { type Contestant, compete, type Entry, fastestRate, rate, rounded, type Times } from "./contest.ts";
import { ours } from "./networks.ts";
import type { Options, Section } from "./options.ts";
import { layouts, peerEntries, pyTorch } from "./process.ts";

/** The same network, at a precision. */
function at(precision: Precision, contestant: Contestant): Contestant {
  return { step: (mode) => engine.withPrecision(precision, () => contestant.step(mode)), close: () => {} };
}

export async function precision(options: Options): Promise<Section | undefined> {
  const { batch, rounds, isa, python, names } = options;
  const { threads, isa: running, hasBf16 } = engine.info();
  if (!hasBf16) {
    console.error(`Left out: bf16, which ${running} does not have`);
    return undefined;
  }
  const rows: Section["rows"][number][] = [];
  for (const name of names) {
    const own = ours(name, batch);
    const entries: Entry[] = [
      { label: "float32", contestant: at("float32", own) },
      { label: "bf16", contestant: at("bf16", own) },
    ];
    const peer = python === undefined ? undefined : pyTorch(python, name, batch, threads, isa);
    if (peer !== undefined) {
      entries.push(...peerEntries(peer, "bf16"));
    }
    rows.push(rowOf(name, batch, await compete(entries, rounds, { which: ["infer"] })));
    own.close();
    peer?.close();
    engine.trim();
  }
  const note =
    `Images a second of inference, batch ${batch}, ${threads} threads, ${running}; median of ${rounds}; ` +
    "peer: PyTorch under its autocast to bfloat16, in the better of its layouts";
  return { title: "Precision", note, rows };
}

/** Medians, and in columns that end in Best the fastest steps, which a busy machine disturbs less. */
function rowOf(model: string, batch: number, times: Times): Section["rows"][number] {
  const column = (of: typeof rate, suffix: string): Record<string, number | null> => {
    const one = (label: string): number => of(batch, times.get(`${label} infer`) ?? []);
    // A layout that ended early has no times.
    const peers = layouts.map((layout) => `peer ${layout}bf16`).filter((label) => times.has(`${label} infer`));
    const [float32, bf16] = [one("float32"), one("bf16")];
    const own = { [`float32${suffix}`]: float32, [`bf16${suffix}`]: bf16, [`gain${suffix}`]: rounded(bf16 / float32) };
    if (peers.length === 0) {
      return { ...own, [`peer${suffix}`]: null, [`ratio${suffix}`]: null };
    }
    const better = Math.max(...peers.map(one));
    return { ...own, [`peer${suffix}`]: better, [`ratio${suffix}`]: rounded(bf16 / better) };
  };
  return { model, ...column(rate, ""), ...column(fastestRate, "Best") };
}
