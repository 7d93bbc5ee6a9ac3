/**
 * Each training step by itself against PyTorch: at the tutorial's rate a run of 20 steps carries the last digits of its sums up to its first ones, so
 * that no two programs end alike (first-steps.test.ts). Here every step begins where PyTorch's did, with its weights, running statistics and momentum,
 * and must end where PyTorch's ended.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type * as tf from "@tensorflow/tfjs-core";
import { afterAll, describe, expect, it } from "vitest";
import { selectBackend } from "../../../lib/convbook/backend/index.ts";
import { engineBackend } from "../../../lib/convbook/backend/testing/engine-backend.ts";
import { DataLoader } from "../../../lib/convbook/data/index.ts";
import { manualSeed } from "../../../lib/convbook/random/index.ts";
import type { StateDict } from "../../../lib/convbook/tensor-data.ts";
import { Callback, type CIFARModule, type Optimizer, Trainer } from "../../../lib/convbook/training/index.ts";
import { quiet } from "../../../lib/convbook/training/testing/quiet.ts";
import { canTrain, hasTorch, trainingImages, tutorialResNet } from "./support.ts";

const STEPS = 20;
const BATCH = 128;
const runs = canTrain("single steps of ResNet") && hasTorch("single steps of ResNet");
const folder = mkdtempSync(join(tmpdir(), "convbook-each-step-"));
afterAll(() => rmSync(folder, { recursive: true }));

type Numbers = Map<string, Float32Array>;
/** What a training step changes. */
interface State {
  readonly model: Numbers;
  readonly momentum: Numbers;
}

/** How far two programs are from each other after one step: their losses, and the changes of their tensors. */
interface Distances {
  readonly loss: number;
  readonly model: number;
  readonly momentum: number;
}

/** The states before the first step and after each, and the losses, as PyTorch computes them on the same batches. */
function runTorch(batches: readonly (readonly [tf.Tensor, tf.Tensor])[]) {
  const [given, out] = [join(folder, "batches"), join(folder, "states")];
  const bytes = ({ buffer, byteOffset, byteLength }: ArrayBufferView) => Buffer.from(buffer, byteOffset, byteLength);
  writeFileSync(
    given,
    Buffer.concat([
      ...batches.map(([images]) => bytes(images.dataSync())),
      ...batches.map(([, labels]) => bytes(labels.dataSync())),
    ]),
  );
  const script = fileURLToPath(new URL("./fixtures/each_step.py", import.meta.url));
  const said = execFileSync("/usr/bin/python3", [script, given, `${STEPS}`, `${BATCH}`, out], { encoding: "utf8" });
  const { losses, own, state, momentum } = JSON.parse(said) as {
    losses: number[];
    own: Distances[];
    state: Record<string, number[]>;
    momentum: Record<string, number[]>;
  };
  const file = readFileSync(out);
  const all = new Float32Array(file.buffer, file.byteOffset, file.byteLength / 4);
  let at = 0;
  const take = (shapes: Record<string, number[]>): Numbers =>
    new Map(
      Object.entries(shapes).map(([name, shape]) => {
        const size = shape.reduce((a, b) => a * b, 1);
        at += size;
        return [name, all.subarray(at - size, at)];
      }),
    );
  const states = Array.from({ length: STEPS + 1 }, () => ({ model: take(state), momentum: take(momentum) }));
  expect(at).toBe(all.length);
  return { losses, own, states };
}

const dataOf = (value: unknown) => (value as { data: Float32Array }).data;

/** The module's and the optimizer's numbers in PyTorch's names and layouts. */
function stateOf(trainer: Trainer): State {
  const module = trainer.module as CIFARModule;
  const floats = [...module.model.stateDict()].filter(([, { dtype }]) => dtype === "float32");
  const { state } = (trainer.optimizers[0] as Optimizer).stateDict();
  const names = module.model.namedParameters().map(([name]) => name);
  return {
    model: new Map(floats.map(([name, { data }]) => [name, data as Float32Array])),
    momentum: new Map(names.map((name, i) => [name, dataOf(state.get(i)?.momentum_buffer)])),
  };
}

/** Begins every step where PyTorch began it, and keeps where it ended. */
class Resynchronize extends Callback {
  readonly losses: number[] = [];
  readonly ends: State[] = [];
  readonly #states: readonly State[];
  constructor(states: readonly State[]) {
    super();
    this.#states = states;
  }
  override onTrainBatchStart(trainer: Trainer, module: CIFARModule, _batch: unknown, index: number): void {
    const { model, momentum } = this.#states[index] as State;
    const state: StateDict = new Map(
      [...module.model.stateDict()].map(([name, entry]) => [
        name,
        model.has(name) ? { ...entry, data: model.get(name) as Float32Array } : entry,
      ]) as never,
    );
    module.model.loadStateDict(state);
    const optimizer = trainer.optimizers[0] as Optimizer;
    const buffers = module.model.namedParameters().map(([name]) => {
      const shape = state.get(name)?.shape;
      return { momentum_buffer: { dtype: "float32", shape, data: momentum.get(name) } };
    });
    optimizer.loadStateDict({ ...optimizer.stateDict(), state: new Map(buffers.entries()) } as never);
  }
  override onTrainBatchEnd(trainer: Trainer): void {
    this.losses.push(trainer.callbackMetrics.train_loss as number);
    this.ends.push(stateOf(trainer));
  }
}

const norm = (values: Iterable<number>) => Math.sqrt([...values].reduce((sum, value) => sum + value * value, 0));
const minus = (a: Float32Array, b: Float32Array) => a.map((value, i) => value - (b[i] as number));

/** The largest distance of our change of a tensor from PyTorch's, in lengths of that change. */
function farthest(before: Numbers, theirs: Numbers, ours: Numbers): number {
  expect([...ours.keys()]).toEqual([...theirs.keys()]);
  return Math.max(
    ...[...theirs].map(
      ([name, wanted]) =>
        norm(minus(ours.get(name) as Float32Array, wanted)) / norm(minus(wanted, before.get(name) as Float32Array)),
    ),
  );
}

describe.runIf(runs)("the tutorial's ResNet with seed 42, each step begun where PyTorch begins it", () => {
  it("has PyTorch's loss, and changes weights, running statistics and momentum as PyTorch does", async () => {
    await selectBackend({ ...(engineBackend && { backend: engineBackend }), announce: false });
    const train = await trainingImages();
    manualSeed(42);
    const module = tutorialResNet(0.1);
    const batches: (readonly [tf.Tensor, tf.Tensor])[] = [];
    for await (const batch of new DataLoader(train, { batchSize: BATCH, shuffle: true, dropLast: true })) {
      batches.push(batch);
      if (batches.length === STEPS) {
        break;
      }
    }
    const torch = runTorch(batches);
    const first = new Map([...module.model.stateDict()].map(([name, { data }]) => [name, data as Float32Array]));
    // The same seed gives the same weights, but for the last digits: another library's logarithms and cosines.
    for (const [name, wanted] of torch.states[0]?.model ?? []) {
      const got = first.get(name) as Float32Array;
      for (const [i, value] of wanted.entries()) {
        if (!(Math.abs((got[i] as number) - value) <= 1e-6 * Math.abs(value))) {
          expect(got[i], `${name}[${i}]`).toBe(value);
        }
      }
    }
    const callback = new Resynchronize(torch.states);
    await new Trainer({ ...quiet, maxEpochs: 1, callbacks: [callback] }).fit(module, batches as never);
    module.dispose();
    expect(callback.losses).toHaveLength(STEPS);
    const ours = callback.ends.map((end, step): Distances => {
      const [before, after] = [torch.states[step] as State, torch.states[step + 1] as State];
      return {
        loss: Math.abs((callback.losses[step] as number) / (torch.losses[step] as number) - 1),
        model: farthest(before.model, after.model, end.model),
        momentum: farthest(before.momentum, after.momentum, end.momentum),
      };
    });
    const largest = (list: readonly Distances[], key: keyof Distances) => Math.max(...list.map((each) => each[key]));
    const shown = JSON.stringify({ ours, own: torch.own }, (_, value) =>
      typeof value === "number" ? Number(value.toPrecision(2)) : value,
    );
    expect(largest(ours, "loss"), shown).toBeLessThan(1e-6);
    // Where a sum is all but zero, its last digit decides whether a ReLU lets a gradient through: the bound is what that does to PyTorch itself.
    for (const key of ["model", "momentum"] as const) {
      expect(largest(ours, key), shown).toBeLessThan(Math.min(0.01, largest(torch.own, key)));
    }
  }, 900_000);
});
