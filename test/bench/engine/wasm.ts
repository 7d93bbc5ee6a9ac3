/** The engine in WebAssembly beside the native one without newer instructions, and TensorFlow.js's WebAssembly backend. */
import { engine } from "@convbook/engine";
import { compete, type Entry, type Mode, median, modes, rounded } from "./contest.ts";
import { networksOf, type Options, type Section } from "./options.ts";
import { ownProcess } from "./process.ts";

/** What tfjs's backend is given where the others get whole batches. */
const peerBatch = 16;

export async function wasm(options: Options): Promise<Section> {
  const { batch, rounds } = options;
  const rows: Section["rows"][number][] = [];
  const counts = options.threads > 0 ? [options.threads] : [...new Set([1, engine.info().processors])];
  for (const name of networksOf(options, ["ResNet", "PreActResNet", "GoogleNet", "DenseNet"])) {
    for (const threads of counts) {
      const entries: Entry[] = ["wasm", "generic"].map((isa) => ({
        label: isa,
        contestant: ownProcess(name, batch, threads, "native", isa),
      }));
      const own = await compete(entries, rounds);
      const peer = { label: "tfjs", contestant: ownProcess(name, peerBatch, threads, "wasm") };
      const theirs = await compete([peer], rounds, { which: ["infer"] });
      for (const { contestant } of [...entries, peer]) {
        contestant.close();
      }
      const speed = (label: string, mode: Mode) => (batch / median(own.get(`${label} ${mode}`) ?? [])) * 1000;
      for (const mode of modes) {
        const tfjs = mode === "infer" ? (peerBatch / median(theirs.get("tfjs infer") ?? [])) * 1000 : undefined;
        const [ours, generic] = [speed("wasm", mode), speed("generic", mode)];
        rows.push({
          model: name,
          mode,
          threads,
          wasm: rounded(ours, 0),
          generic: rounded(generic, 0),
          ofGeneric: rounded(ours / generic),
          tfjsWasm: tfjs === undefined ? "cannot" : rounded(tfjs, 0),
          ofTfjsWasm: tfjs === undefined ? null : rounded(ours / tfjs),
        });
      }
    }
  }
  const note = `Images a second, batch ${batch} (tfjs's: ${peerBatch}); targets: at least 0.5 of generic, 1.4 of tfjs's WebAssembly`;
  return { title: "WebAssembly", note, rows };
}
