/** Inference in bf16 beside float32, and beside PyTorch's autocast to bfloat16. */
import { engine, type Precision } from "@convbook/engine";
import { type Contestant, compete, type Entry, rate, rounded, type Times } from "./contest.ts";
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
    if (peer !== undefined) entries.push(...peerEntries(peer), ...peerEntries(peer, "bf16"));
    rows.push(rowOf(name, batch, await compete(entries, rounds, { which: ["infer"] })));
    own.close();
    peer?.close();
    engine.trim();
  }
  const note =
    `Images a second of inference, batch ${batch}, ${threads} threads, ${running}; median of ${rounds}; ` +
    "PyTorch in the better of its layouts, bf16 under its autocast";
  return { title: "Precision", note, rows };
}

function rowOf(model: string, batch: number, times: Times): Section["rows"][number] {
  const of = (label: string): number => rate(batch, times.get(`${label} infer`) ?? []);
  const better = (precision: string): number => Math.max(...layouts.map((layout) => of(`peer ${layout}${precision}`)));
  const own = { model, float32: of("float32"), bf16: of("bf16"), gain: rounded(of("bf16") / of("float32")) };
  if (!times.has(`peer ${layouts[0]} infer`)) return { ...own, peerFloat32: null, peerBf16: null, ratio: null };
  const peerBf16 = better("bf16");
  return { ...own, peerFloat32: better(""), peerBf16, ratio: rounded(of("bf16") / peerBf16) };
}
