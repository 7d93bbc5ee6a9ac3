/**
 * The engine in WebAssembly beside the native one without newer instructions and TensorFlow.js's own WebAssembly and CPU backends, and with
 * relaxed SIMD beside without. Rates are those of the fastest step of each, taking turns; each row is said as soon as it is there.
 */
import { engine } from "@convbook/engine";
import { hasRelaxedSimd } from "../../../lib/engine/wasm/webassembly.ts";
import { compete, type Entry, fastestRate, type Mode, modes, rounded, type Times } from "./contest.ts";
import { type Goal, standing, wasmGoals } from "./floors.ts";
import { networksOf, type Options, type Section } from "./options.ts";
import { ownProcess, type StepProcess } from "./process.ts";
import { wasmStart } from "./wasm-start.ts";

/** What tfjs's WebAssembly backend is given where the others get whole batches; a batch of 128 takes it as long an image. */
const peerBatch = 16;
/** What tfjs's CPU backend is given, which trains an image in five seconds. */
const cpuBatch = 2;

type Row = Section["rows"][number];

export async function wasm(options: Options): Promise<readonly Section[]> {
  const { batch, rounds } = options;
  const rows: Row[] = [];
  const counts = options.threads > 0 ? [options.threads] : [...new Set([1, engine.info().processors])];
  for (const model of networksOf(options, ["ResNet", "PreActResNet", "GoogleNet", "DenseNet"])) {
    for (const threads of counts) {
      const own = ["wasm", "generic"].map((isa) => entry(isa, ownProcess(model, batch, threads, "native", isa)));
      const peer = entry("tfjs", ownProcess(model, peerBatch, threads, "wasm"));
      const times = new Map([
        ...(await compete(own, rounds, { which: ["train"] })),
        ...(await compete([...own, peer], rounds, { which: ["infer"] })),
      ]);
      for (const { contestant } of [...own, peer]) {
        contestant.close();
      }
      const rate = (label: string, mode: Mode, size = batch) => rateOf(times, label, mode, size);
      for (const mode of modes) {
        const ours = rate("wasm", mode);
        rows.push(row(model, mode, threads, "native, generic", ours, rate("generic", mode), wasmGoals.generic));
      }
      const theirs = rate("tfjs", "infer", peerBatch);
      rows.push(row(model, "infer", threads, "tfjs's wasm", rate("wasm", "infer"), theirs, wasmGoals.tfjsWasm));
    }
  }
  const note = `Images a second, batch ${batch} (tfjs's wasm: ${peerBatch}, one thread in Node; its CPU backend: ${cpuBatch}), fastest step of ${rounds}`;
  rows.push(...(await besideCpu(options)), ...(await relaxedBesideNot(options)));
  return [{ title: "WebAssembly", note, rows }, await wasmStart()];
}

function entry(label: string, contestant: StepProcess): Entry {
  return { label, contestant };
}

function rateOf(times: Times, label: string, mode: Mode, batch: number): number {
  return fastestRate(batch, times.get(`${label} ${mode}`) ?? []);
}

function row(
  model: string,
  mode: Mode,
  threads: number,
  beside: string,
  ours: number,
  theirs: number,
  goal: Goal,
): Row {
  const ratio = rounded(ours / theirs);
  console.error(`${model}, ${mode}, ${threads} threads: ${ours} images/s, ${beside} ${theirs}: ${ratio}`);
  return { model, mode, threads, beside, ours, theirs, ratio, ...standing(goal, ratio) };
}

/** Training of the first network beside tfjs's CPU backend, which has one thread; one step of it is waited for. */
async function besideCpu({ batch, rounds, names }: Options): Promise<Row[]> {
  const [model = "ResNet"] = names;
  const contestants = [ownProcess(model, batch, 0, "native", "wasm"), ownProcess(model, cpuBatch, 1, "cpu")] as const;
  const [ours, theirs] = contestants;
  const own = await compete([entry("wasm", ours)], rounds, { which: ["train"] });
  const cpu = await compete([entry("cpu", theirs)], 1, { which: ["train"], warmUp: 0 });
  for (const contestant of contestants) {
    contestant.close();
  }
  const rates = [rateOf(own, "wasm", "train", batch), rateOf(cpu, "cpu", "train", cpuBatch)] as const;
  return [row(model, "train", engine.info().processors, "tfjs's CPU", ...rates, wasmGoals.tfjsCpu)];
}

/** With relaxed SIMD and without, in the Node that was named or in this one, where it has relaxed SIMD. */
async function relaxedBesideNot(options: Options): Promise<Row[]> {
  const { batch, rounds, node } = options;
  if (node === undefined && !hasRelaxedSimd()) {
    console.error("Relaxed SIMD is left out: this Node does not have it (--node=PROGRAM names one of 22 or later)");
    return [];
  }
  const program = node ?? process.execPath;
  const rows: Row[] = [];
  for (const model of networksOf(options, ["ResNet"])) {
    const entries = ["1", "0"].map((relaxed) =>
      entry(
        relaxed,
        ownProcess(model, batch, 1, "native", "wasm", { program, env: { CONVBOOK_RELAXED_SIMD: relaxed } }),
      ),
    );
    const times = await compete(entries, rounds);
    for (const { contestant } of entries) {
      contestant.close();
    }
    for (const mode of modes) {
      const [ours, theirs] = ["1", "0"].map((label) => rateOf(times, label, mode, batch)) as [number, number];
      rows.push(row(model, mode, 1, "without relaxed SIMD", ours, theirs, wasmGoals.relaxed));
    }
  }
  return rows;
}
