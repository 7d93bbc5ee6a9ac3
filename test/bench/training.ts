/**
 * The Trainer against the bare step and against PyTorch, batch 128, and what a checkpoint costs. Arguments: models (all four) and
 * `steps=10`. How fast batches are prepared is measured by the benchmark `data`.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as tf from "@tensorflow/tfjs-core";
import { selectBackend } from "../../lib/convbook/backend/index.ts";
import { manualSeed, randn } from "../../lib/convbook/random/index.ts";
import { saveCheckpointFile } from "../../lib/convbook/training/checkpoint-file.ts";
import { Callback, ClassificationModule, SGD, Trainer, valueAndGrads } from "../../lib/convbook/training/index.ts";
import type { BenchResult, BenchRow } from "./main.ts";

const BATCH = 128;
const models: Readonly<Record<string, { modelName: string; modelHparams?: { blockName: string } }>> = {
  ResNet: { modelName: "ResNet" },
  ResNetPreAct: { modelName: "ResNet", modelHparams: { blockName: "PreActResNetBlock" } },
  GoogleNet: { modelName: "GoogleNet" },
  DenseNet: { modelName: "DenseNet" },
};
const optimizerHparams = { lr: 0.01, momentum: 0.9, weightDecay: 1e-4 };
const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] as number;
const images = randn([BATCH, 32, 32, 3]).data;
const labels = Int32Array.from({ length: BATCH }, (_, i) => i % 10);
const makeBatch = (): [tf.Tensor, tf.Tensor] => [tf.tensor(images, [BATCH, 32, 32, 3]), tf.tensor1d(labels, "int32")];

/** The time of each step, measured in the step of one kind and then the other, so that a noisy machine is unfair to neither. */
class Alternating extends Callback {
  readonly trainer: number[] = [];
  readonly bare: number[] = [];
  private readonly step: () => void;
  private last = 0;
  constructor(step: () => void) {
    super();
    this.step = step;
  }
  override onTrainBatchEnd(): void {
    if (this.last > 0) this.trainer.push(performance.now() - this.last);
    const start = performance.now();
    this.step();
    this.bare.push(performance.now() - start);
    this.last = performance.now();
  }
}

async function measure(name: string, steps: number): Promise<BenchRow> {
  manualSeed(0);
  const module = new ClassificationModule({ ...models[name], optimizerHparams, schedulerName: null } as never);
  const other = new ClassificationModule({ ...models[name], optimizerHparams, schedulerName: null } as never);
  const optimizer = new SGD(other.parameters(), optimizerHparams);
  const variables = optimizer.variables();
  const bareStep = () => {
    const [x, y] = makeBatch();
    const { value, gradients } = valueAndGrads(() => other.lossModule.forward(other.forward(x), y), variables);
    optimizer.step(gradients);
    value.dataSync();
    tf.dispose([x, y, value, ...gradients.values()]);
  };
  bareStep();
  const alternating = new Alternating(bareStep);
  const loader = {
    length: steps + 2,
    *[Symbol.iterator]() {
      for (let i = 0; i < steps + 2; i++) yield makeBatch();
    },
  };
  const folder = mkdtempSync(join(tmpdir(), "convbook-bench-"));
  const costs = { capture: [] as number[], write: [] as number[], bytes: 0 };
  class Saving extends Callback {
    override async onTrainEnd(running: Trainer): Promise<void> {
      for (let i = 0; i < 5; i++) {
        const start = performance.now();
        const checkpoint = await running.captureCheckpoint();
        costs.capture.push(performance.now() - start);
        const path = join(folder, `${i}.safetensors`);
        await saveCheckpointFile(path, checkpoint);
        costs.write.push(performance.now() - start);
        costs.bytes = statSync(path).size;
      }
    }
  }
  const trainer = new Trainer({
    maxEpochs: 1,
    callbacks: [alternating, new Saving()],
    logger: false,
    enableCheckpointing: false,
    enableProgressBar: false,
    enableModelSummary: false,
  });
  await trainer.fit(module, loader as never);
  rmSync(folder, { recursive: true });
  optimizer.dispose();
  module.dispose();
  other.dispose();
  const [ours, bare] = [median(alternating.trainer.slice(1)), median(alternating.bare.slice(1))];
  const script = fileURLToPath(new URL("training.py", import.meta.url));
  let torch: number | null = null;
  try {
    torch = Number(
      execFileSync("/usr/bin/python3", [script, name, String(BATCH), String(steps)], { encoding: "utf8" }),
    );
  } catch {
    console.error("PyTorch is left out: /usr/bin/python3 has no torch (apt install python3-torch).");
  }
  return {
    model: name,
    "trainer img/s": Math.round((1000 * BATCH) / ours),
    "bare step img/s": Math.round((1000 * BATCH) / bare),
    "overhead %": Number((100 * (ours / bare - 1)).toFixed(1)),
    "PyTorch img/s": torch === null ? null : Math.round(torch),
    "trainer / PyTorch": torch === null ? null : Number(((1000 * BATCH) / ours / torch).toFixed(2)),
    "checkpoint, critical path ms": Number(median(costs.capture).toFixed(1)),
    "checkpoint, until on disk ms": Number(median(costs.write).toFixed(1)),
    "checkpoint KB": Math.round(costs.bytes / 1024),
  };
}

export async function run(args: readonly string[]): Promise<BenchResult> {
  const chosen = args.filter((arg) => arg in models);
  const steps = Number(args.find((arg) => arg.startsWith("steps="))?.slice(6) ?? 10);
  const backend = await selectBackend({ announce: false });
  const rows: BenchRow[] = [];
  for (const name of chosen.length > 0 ? chosen : Object.keys(models)) rows.push(await measure(name, steps));
  return {
    note: `Training, batch ${BATCH}, ${steps} steps, medians; ${backend.description}; bare step and Trainer step by step in turns`,
    rows,
  };
}
