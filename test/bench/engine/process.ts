/** Contestants in processes of their own: PyTorch, and our side where a whole process is what is measured. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { type Contestant, EndedEarly, type Entry, type Mode } from "./contest.ts";
import type { Options } from "./options.ts";

/** PyTorch's memory layouts. */
export const layouts = ["default", "channels_last"] as const;
export type Layout = (typeof layouts)[number] | `${(typeof layouts)[number]}+compile`;

/** A process that makes steps when asked to; between them it waits. */
export interface StepProcess {
  /** `precision` is for PyTorch's inference: "bf16" infers under its autocast. */
  step(mode: Mode, layout?: Layout, precision?: string): Promise<number>;
  /** The most memory that the process has held so far, in bytes. */
  peakMemory(): Promise<number>;
  close(): void;
}

/** What else a process of ours runs in. */
export interface Surroundings {
  /** Another Node than this one. */
  readonly program?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** Steps in a process, which is started anew when it ends by itself. */
function start(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  what: string,
  cwd = process.cwd(),
): StepProcess {
  const launch = () => {
    const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"], env: { ...process.env, ...env }, cwd });
    // Of a process that has ended, reading says so.
    child.stdin.on("error", () => undefined);
    return { input: child.stdin, lines: createInterface({ input: child.stdout })[Symbol.asyncIterator]() };
  };
  let running: ReturnType<typeof launch> | undefined = launch();
  const ask = async (line: string): Promise<number> => {
    running ??= launch();
    running.input.write(`${line}\n`);
    const { value, done } = await running.lines.next();
    if (done) {
      running = undefined;
      throw new EndedEarly(`${what} ended early at "${line}"`);
    }
    return Number(value);
  };
  return {
    step: (mode, layout = "default", precision = "") => ask(`${mode} ${layout} ${precision}`.trim()),
    peakMemory: () => ask("memory"),
    close: () => void running?.input.end(),
  };
}

/** What keeps PyTorch and the libraries under it from newer instructions than these. */
const restrictions: Readonly<Record<string, NodeJS.ProcessEnv>> = {
  avx2: { ATEN_CPU_CAPABILITY: "avx2", ONEDNN_MAX_CPU_ISA: "AVX2", OPENBLAS_CORETYPE: "Haswell" },
  avx512: { ONEDNN_MAX_CPU_ISA: "AVX512_CORE_BF16", OPENBLAS_CORETYPE: "SkylakeX" },
};

/** What lets glibc's allocator keep what a program frees, as the allocators do that are put under PyTorch where its memory is taken anew each step. */
const kept: NodeJS.ProcessEnv = {
  MALLOC_ARENA_MAX: "1",
  MALLOC_MMAP_MAX_: "0",
  MALLOC_TRIM_THRESHOLD_: String(2 ** 36),
  MALLOC_TOP_PAD_: String(2 ** 26),
};

/** PyTorch on one network, both of its layouts in one process; `keeps`: the memory that it frees stays with the process. */
export function pyTorch(
  python: string,
  name: string,
  batch: number,
  threads: number,
  isa = "",
  keeps = false,
): StepProcess {
  const script = fileURLToPath(new URL("peer.py", import.meta.url));
  const env = { ...restrictions[isa], ...(keeps && kept) };
  return start(python, [script, name, String(batch), String(threads)], env, `PyTorch on ${name}`);
}

/** Our side in a process of its own. */
export function ownProcess(
  name: string,
  batch: number,
  threads: number,
  backend = "native",
  isa = "",
  surroundings: Surroundings = {},
): StepProcess {
  return processOf(fileURLToPath(new URL(".", import.meta.url)), name, batch, threads, backend, isa, surroundings);
}

/** The same of the checkout that this folder, `test/bench/engine`, belongs to. */
export function processOf(
  folder: string,
  name: string,
  batch: number,
  threads: number,
  backend = "native",
  isa = "",
  { program: node = process.execPath, env: more = {} }: Surroundings = {},
): StepProcess {
  const program = join(folder, "own.ts");
  const args = ["--conditions=source", "--import", "tsx", program, name, String(batch), backend];
  const env = { CONVBOOK_THREADS: threads > 0 ? String(threads) : "", CONVBOOK_ISA: isa, ...more };
  return start(node, args, env, `Our side on ${name}`, folder);
}

/** One entry for each of PyTorch's layouts, in one process. */
export function peerEntries(peer: StepProcess, precision = ""): Entry[] {
  return entriesOf(peer, layouts, "peer", precision);
}

/**
 * One entry for each PyTorch that was found and each of its layouts, under `torch.compile`, too, where that is wanted and there (from 2.0 on).
 * Labels are "peer VERSION LAYOUT"; a PyTorch's entries share a process.
 */
export function allPeers(options: Options, name: string, batch: number, threads: number): Entry[] {
  const { pythons, compiles, isa, keepsMemory } = options;
  return pythons.flatMap(({ program, version }) => {
    const compiled = layouts.map((layout): Layout => `${layout}+compile`);
    const all = compiles && !version.startsWith("1.") ? [...layouts, ...compiled] : layouts;
    return entriesOf(pyTorch(program, name, batch, threads, isa, keepsMemory), all, `peer ${version}`);
  });
}

function entriesOf(peer: StepProcess, which: readonly Layout[], label: string, precision = ""): Entry[] {
  return which.map((layout) => {
    const contestant: Contestant = { step: (mode) => peer.step(mode, layout, precision), close: () => peer.close() };
    return { label: `${label} ${layout}${precision}`, contestant, mayEnd: true };
  });
}
