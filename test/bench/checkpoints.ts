/** Loading and saving checkpoints against PyTorch: the tutorial's ResNet with its optimizer, and a model of 25 million parameters. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { loadCheckpoint, saveCheckpoint } from "../../lib/convbook/checkpoints/index.ts";
import type { StateDict } from "../../lib/convbook/tensor-data.ts";
import type { BenchResult, BenchRow } from "./main.ts";

/** Weights of that many tensors, and the momentum of each. */
function content(tensors: number, elements: number): Record<string, unknown> {
  const stateDict: StateDict = new Map();
  const state = new Map<number, unknown>();
  for (let i = 0; i < tensors; i++) {
    const data = () => Float32Array.from({ length: elements }, (_, k) => Math.sin(k + i));
    stateDict.set(`layer${i}.weight`, { dtype: "float32", shape: [elements], data: data() });
    state.set(i, { momentum_buffer: { dtype: "float32", shape: [elements], data: data() } });
  }
  return {
    epoch: 1,
    global_step: 351,
    state_dict: stateDict,
    optimizer_states: [{ state, param_groups: [{ lr: 0.1 }] }],
  };
}

function median(times: readonly number[]): number {
  return [...times].sort((a, b) => a - b)[times.length >> 1] ?? Number.NaN;
}

/** @param args an optional number of rounds, 15 by default */
export async function run(args: readonly string[]): Promise<BenchResult> {
  const rounds = Number(args[0] ?? 15);
  const folder = mkdtempSync(join(tmpdir(), "convbook-bench-"));
  const script = fileURLToPath(new URL("checkpoints.py", import.meta.url));
  const python = spawn("/usr/bin/python3", [script], { stdio: ["pipe", "pipe", "inherit"] });
  const answers = createInterface({ input: python.stdout })[Symbol.asyncIterator]();
  const torch = async (kind: string, path: string): Promise<number> => {
    python.stdin.write(`${kind} ${path}\n`);
    return Number((await answers.next()).value);
  };
  const ours = async (work: () => Promise<unknown>): Promise<number> => {
    const start = performance.now();
    await work();
    return performance.now() - start;
  };
  const rows: BenchRow[] = [];
  try {
    for (const [name, tensors, elements] of [
      ["ResNet of the tutorial", 65, 4190],
      ["25 million parameters", 160, 156_250],
    ] as const) {
      const data = content(tensors, elements);
      const [zip, legacy, own, theirs] = ["a.ckpt", "b.ckpt", "c.safetensors", "d.ckpt"].map((file) =>
        join(folder, file),
      ) as [string, string, string, string];
      await saveCheckpoint(zip, data);
      await torch("prepare", zip);
      await torch("legacy", legacy);
      const cases: [string, () => Promise<number>, () => Promise<number>][] = [
        ["load torch's zip file", () => ours(() => loadCheckpoint(zip)), () => torch("load", zip)],
        ["load torch's legacy file", () => ours(() => loadCheckpoint(legacy)), () => torch("load", legacy)],
        ["load our safetensors", () => ours(() => loadCheckpoint(own)), () => torch("load", zip)],
        ["save torch's zip file, synced", () => ours(() => saveCheckpoint(zip, data)), () => torch("durable", theirs)],
        ["save our safetensors, synced", () => ours(() => saveCheckpoint(own, data)), () => torch("durable", theirs)],
        ["save ours synced, torch's not", () => ours(() => saveCheckpoint(own, data)), () => torch("save", theirs)],
      ];
      await saveCheckpoint(own, data);
      for (const [what, mine, other] of cases) {
        const times: [number[], number[]] = [[], []];
        for (let i = 0; i < rounds + 5; i++) {
          const pair = [await mine(), await other()] as const;
          // The first five rounds warm up both.
          if (i >= 5) {
            for (const side of [0, 1] as const) {
              times[side].push(pair[side]);
            }
          }
        }
        const [a, b] = [median(times[0]), median(times[1])];
        rows.push({
          model: name,
          MB: Math.round(statSync(zip).size / 1e5) / 10,
          what,
          "ours ms": Math.round(a * 100) / 100,
          "PyTorch ms": Math.round(b * 100) / 100,
          "PyTorch / ours": Math.round((b / a) * 100) / 100,
        });
      }
    }
  } finally {
    python.stdin.end();
    await once(python, "close");
    rmSync(folder, { recursive: true });
  }
  return {
    note: `Checkpoints, medians of ${rounds} alternating rounds, files in the page cache; ours against Debian's PyTorch on one thread.`,
    rows,
  };
}
