/**
 * The pipeline with its own network on two processes, by the command, against PyTorch's DistributedDataParallel from the same seed: losses, accuracies,
 * parameters, running statistics and the optimizer's state. The bounds are those of one process against PyTorch, in ../parity/training.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { mpi } from "@convbook/mpi";
import { afterAll, expect, it } from "vitest";
import { loadTorch } from "../../lib/convbook/checkpoints/index.ts";
import { createTrainAndValidation, savePatterns } from "../../lib/convbook/data/diffraction/index.ts";
import { Generator, randint } from "../../lib/convbook/random/index.ts";
import type { TensorData } from "../../lib/convbook/tensor-data.ts";
import { readReference } from "../parity/reference.ts";
import { distanceOf, numbersOf, someOf } from "./data-parallel.ts";
import "@tensorflow/tfjs-backend-cpu";

/** What fixtures/make_pipeline.py wrote. Tensors are some of their elements. */
interface Fixture {
  readonly settings: Readonly<Record<"seed" | "epochs" | "batch" | "classes" | "points", number>>;
  readonly patterns: { readonly count: number; readonly validation: number };
  /** Of rank 0. */
  readonly losses: readonly number[];
  /** Training, top 1 and top 3 on the patterns held out, of each epoch. */
  readonly history: readonly (readonly number[])[];
  readonly initial: Readonly<Record<string, string>>;
  readonly state: Readonly<Record<string, string>>;
  readonly moments: Readonly<Record<string, readonly [first: string, second: string]>>;
}

/** What `torch.save` was given. */
type Saved = Map<string, Map<string, unknown>>;

const fixture = readReference<Fixture>(new URL("./fixtures/pipeline.json", import.meta.url));
const cli = fileURLToPath(new URL("../../lib/convbook/dist/cli/main.js", import.meta.url));
const root = mkdtempSync(join(tmpdir(), "convbook-pipeline-parity-"));
afterAll(() => rmSync(root, { recursive: true }));

/** A broad peak whose place says the class, in noise. */
async function writeData(): Promise<void> {
  const { classes, points } = fixture.settings;
  const { count, validation } = fixture.patterns;
  const generator = new Generator(5);
  const data = Float32Array.from<number | bigint>(randint(0, 64, [count, points], { generator }).data, Number);
  const labels = Int32Array.from<number | bigint>(randint(0, classes, [count], { generator }).data, Number);
  const wide = Math.floor(points / classes);
  for (const [i, label] of labels.entries()) {
    const start = i * points + wide * label;
    data.set(
      data.subarray(start, start + wide).map((value) => value + 192),
      start,
    );
  }
  const path = join(root, "patterns.pt");
  await savePatterns(path, { data: data.map((value) => value / 256), points, labels });
  await createTrainAndValidation(path, validation, join(root, "data"), "peaks", { generator: new Generator(2) });
}

/** Losses of rank 0, step by step, as its logger wrote them. */
function lossesIn(folder: string): number[] {
  const file = readdirSync(folder, { recursive: true }).find((name) => String(name).endsWith("metrics.csv"));
  const [head = "", ...rows] = readFileSync(join(folder, String(file)), "utf8")
    .trim()
    .split("\n");
  const column = head.split(",").indexOf("train_loss");
  return rows.map((row) => row.split(",")[column] ?? "").flatMap((cell) => (cell === "" ? [] : Number(cell)));
}

it.runIf(mpi.available)(
  "on two processes the pipeline trains as PyTorch's DistributedDataParallel does",
  async () => {
    if (!existsSync(cli)) {
      throw new Error("This test runs what `npm run build` makes; build first.");
    }
    await writeData();
    const { seed, epochs, batch } = fixture.settings;
    writeFileSync(
      join(root, "peaks.yaml"),
      `
seed: ${seed}
output: runs
tag: peaks
experiment: parity
data: { name: diffraction, folder: data, batchSize: ${batch}, numWorkers: 0 }
trainer: { maxEpochs: ${epochs}, devices: 2, logEveryNSteps: 1, enableModelSummary: false, enableProgressBar: false }
`,
    );
    const { status, stderr } = spawnSync(process.execPath, [cli, "train", "peaks.yaml"], {
      cwd: root,
      encoding: "utf8",
    });
    expect(status, stderr).toBe(0);
    const folder = join(root, "runs/peaks/parity");

    const losses = lossesIn(folder);
    expect(losses).toHaveLength(fixture.losses.length);
    for (const [i, loss] of losses.entries()) {
      expect(Math.abs(loss / (fixture.losses[i] ?? Number.NaN) - 1), `step ${i + 1}`).toBeLessThan(1e-3);
    }

    const history = (await loadTorch(join(folder, "train-t1_test-t3-test.pt"))) as TensorData;
    const rows = [0, 1, 2].map((row) => Array.from(history.data.subarray(row * epochs, (row + 1) * epochs), Number));
    for (const [epoch, row] of fixture.history.entries()) {
      for (const [i, value] of row.entries()) {
        expect(rows[i]?.[epoch], `epoch ${epoch + 1}, ${i}`).toBeCloseTo(value, 6);
      }
    }

    const saved = (await loadTorch(join(folder, "model.pt"))) as Saved;
    const own = (tensor: TensorData | undefined) => someOf(tensor?.data ?? [], 16);
    const model = saved.get("model") as Map<string, TensorData>;
    expect([...model.keys()]).toEqual(Object.keys(fixture.state));
    // A bias before batch normalisation has a gradient of rounding alone, of which Adam makes steps as long as any.
    const isShifted = (name: string) => name.endsWith("conv.bias");
    for (const [name, values] of Object.entries(fixture.state).filter(([name]) => !isShifted(name))) {
      const initial = numbersOf(fixture.initial[name] ?? "");
      expect(distanceOf(own(model.get(name)), numbersOf(values), initial), name).toBeLessThanOrEqual(0.01);
    }
    const names = [...model.keys()].filter((name) => /\.(weight|bias)$/.test(name));
    const optimizer = saved.get("optimizer") ?? new Map();
    const states = [...(optimizer.get("state") as Map<number, Map<string, TensorData>>)];
    expect(states.map(([i]) => names[i])).toEqual(Object.keys(fixture.moments));
    for (const [i, state] of states.filter(([i]) => !isShifted(names[i] ?? ""))) {
      const name = names[i] ?? "";
      for (const [which, values] of fixture.moments[name]?.entries() ?? []) {
        const key = ["exp_avg", "exp_avg_sq"][which] ?? "";
        expect(distanceOf(own(state.get(key)), numbersOf(values)), `${key} of ${name}`).toBeLessThanOrEqual(0.01);
      }
    }
  },
  300_000,
);
