/** Training on several processes: equal to one process where the arithmetic allows it, the same on all ranks, each image counted once. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { stateDictOf } from "../../lib/convbook/checkpoints/index.ts";
import { loadCheckpointFile } from "../../lib/convbook/training/checkpointing/checkpoint-file.ts";
import { builtProgram } from "../built-program.ts";
import { type Ended, type LaunchOptions, type Library, launch, libraries } from "./launch.ts";
import type { Job } from "./programs/training.ts";

interface Report {
  readonly result: { readonly status: string; readonly globalStep: number; readonly metrics: Record<string, number> };
  readonly losses: readonly number[];
  readonly seen: readonly number[];
  readonly hash: string;
  readonly state: Readonly<Record<string, readonly number[]>>;
}

const program = fileURLToPath(new URL("./programs/training.ts", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "convbook-ddp-"));
afterAll(() => rmSync(folder, { recursive: true }));
const usual = { norm: "group", samples: 50, evaluated: 13, batchSize: 4, trainer: { maxEpochs: 2 } } as const;
let runs = 0;

function reportsIn(path: string): Report[] {
  const found: Report[] = [];
  for (let rank = 0; existsSync(`${path}.${rank}`); rank++) {
    found.push(JSON.parse(readFileSync(`${path}.${rank}`, "utf8")));
  }
  return found;
}

async function train(library: Library, ranks: number, changes: Partial<Job> = {}, options: LaunchOptions = {}) {
  const report = join(folder, `${runs++}`);
  const job = JSON.stringify({ ...usual, ...changes, report });
  const ended: Ended = await launch(library, ranks, program, [job], options);
  return { ...ended, ranks: reportsIn(report) };
}

async function alone(changes: Partial<Job> = {}): Promise<Report> {
  const report = join(folder, `${runs++}`);
  const args = [await builtProgram(program), JSON.stringify({ ...usual, ...changes, report })];
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  expect(status, stderr).toBe(0);
  return reportsIn(report)[0] as Report;
}

/** The largest difference between two states, of the largest number of each tensor. */
function distance(a: Report, b: Report): number {
  const of = (name: string) => {
    const [x = [], y = []] = [a.state[name], b.state[name]];
    const largest = Math.max(...y.map(Math.abs), 1e-3);
    return Math.max(...x.map((value, i) => Math.abs(value - (y[i] ?? Number.NaN)))) / largest;
  };
  return Math.max(...Object.keys(b.state).map(of));
}

describe.each(libraries.slice(0, 1))("on $family", (library) => {
  it("two ranks with batches of 4 and three of 3 are one process with batches of 8 and 9", async () => {
    for (const [ranks, batchSize] of [
      [2, 4],
      [3, 3],
    ] as const) {
      // 48 and 49 samples: for three ranks PyTorch's sampler gives the first two twice.
      const samples = 48;
      const { code, stderr, ranks: reports } = await train(library, ranks, { samples, batchSize });
      expect(code, stderr).toBe(0);
      expect(reports).toHaveLength(ranks);
      const one = await alone({ samples, batchSize: ranks * batchSize });
      for (const report of reports) {
        expect(report.hash).toBe(reports[0]?.hash);
        expect(distance(report, one)).toBeLessThan(1e-5);
        expect(report.result.globalStep).toBe(one.result.globalStep);
        expect(report.result.metrics).toEqual(reports[0]?.result.metrics);
        for (const [name, value] of Object.entries(one.result.metrics)) {
          expect(report.result.metrics[name], name).toBeCloseTo(value, 5);
        }
      }
    }
  });

  it("with syncBatchnorm two ranks with batches of 4 are one process with batches of 8, running statistics too", async () => {
    const trainer = { maxEpochs: 2, syncBatchnorm: true };
    const { code, stderr, ranks } = await train(library, 2, { norm: "batch", samples: 48, trainer });
    expect(code, stderr).toBe(0);
    const one = await alone({ norm: "batch", samples: 48, batchSize: 8 });
    expect(distance(ranks[0] as Report, one)).toBeLessThan(1e-5);
    expect(ranks[1]?.hash).toBe(ranks[0]?.hash);
    const apart = await train(library, 2, { norm: "batch", samples: 48 });
    expect(distance(apart.ranks[0] as Report, one)).toBeGreaterThan(1e-3);
  });

  it("each of 13 images is evaluated once, on two ranks and on five", async () => {
    const one = await alone({ trainer: { maxEpochs: 1 } });
    expect(one.seen).toHaveLength(13);
    for (const ranks of [2, 5]) {
      const { code, stderr, ranks: reports } = await train(library, ranks, { trainer: { maxEpochs: 1 } });
      expect(code, stderr).toBe(0);
      expect(reports.flatMap(({ seen }) => seen).toSorted((a, b) => a - b)).toEqual(one.seen);
      expect(reports.map(({ result }) => result.metrics.val_images)).toEqual(Array(ranks).fill(13));
    }
  });

  it("two runs are the same to the bit, with batch normalisation too", async () => {
    const [first, second] = [await train(library, 2, { norm: "batch" }), await train(library, 2, { norm: "batch" })];
    expect(first.code, first.stderr).toBe(0);
    expect(first.ranks[0]?.hash).toBe(second.ranks[0]?.hash);
    // Running statistics, too, are rank 0's everywhere.
    expect(first.ranks[1]?.hash).toBe(first.ranks[0]?.hash);
  });

  it("accumulated gradients go over the network once, and are one process's", async () => {
    const trainer = { maxEpochs: 2, accumulateGradBatches: 3, gradientClipValue: 0.05 };
    const { code, stderr, ranks } = await train(library, 2, { samples: 48, trainer });
    expect(code, stderr).toBe(0);
    const one = await alone({ samples: 48, batchSize: 8, trainer });
    expect(distance(ranks[0] as Report, one)).toBeLessThan(1e-5);
    expect(ranks[1]?.hash).toBe(ranks[0]?.hash);
  });

  it("rank 0 alone saves, and a run that goes on from there ends as one that was not stopped, running statistics too", async () => {
    const norm = "batch";
    const whole = await train(library, 2, { norm, folder: join(folder, "whole"), trainer: { maxEpochs: 3 } });
    const part = join(folder, "part");
    const first = await train(library, 2, { norm, folder: part, trainer: { maxEpochs: 1 } });
    expect(first.code, first.stderr).toBe(0);
    expect(readdirSync(part).sort()).toEqual(["epoch=0-step=7.safetensors", "last.safetensors"]);
    const second = await train(library, 2, { norm, folder: part, trainer: { maxEpochs: 3 }, ckptPath: "last" });
    expect(second.code, second.stderr).toBe(0);
    expect(second.ranks.map(({ hash }) => hash)).toEqual(whole.ranks.map(({ hash }) => hash));
  });

  it.each([
    ["throw", "Rank 1 failed: BatchError: "],
    ["hang", "rank 1 did not come to bucket of"],
  ] as const)("when a rank does this in a step: %s, the others end and say why", async (what, message) => {
    const part = join(folder, `fault-${what}`);
    const fault = { step: 9, rank: 1, what };
    const trainer = { maxEpochs: 3, strategy: { name: "ddp", timeout: 300 } as const };
    const { code, stderr, ranks } = await train(library, 3, { folder: part, fault, trainer, samples: 60 });
    expect(code).not.toBe(0);
    expect(ranks).toEqual([]);
    expect(stderr).toContain(message);
    expect(readdirSync(part).filter((name) => !/^(epoch=0-step=5|last)\.safetensors$/.test(name))).toEqual([]);
    const again = await train(library, 3, { folder: part, samples: 60, trainer: { maxEpochs: 2 }, ckptPath: "last" });
    expect(again.code, again.stderr).toBe(0);
  });

  it("a rank whose parameters differ is found by the parameter's name", async () => {
    const trainer = { maxEpochs: 3, strategy: { name: "ddp", checkEveryNSteps: 1 } as const };
    const { code, stderr } = await train(library, 2, { trainer, fault: { step: 3, rank: 1, what: "perturb" } });
    expect(code).not.toBe(0);
    expect(stderr).toContain(
      'The module\'s parameters must be the same on all ranks after 4 steps, got "net.0.weight on rank 1".',
    );
  });

  it("when one rank is asked to stop all stop after the same batch, rank 0 saves, and the run goes on from there to the bit", async () => {
    // In the middle of an epoch, when each rank has running statistics of its own batches.
    const norm = "batch";
    const whole = await train(library, 2, { norm, folder: join(folder, "uninterrupted") });
    const part = join(folder, "interrupted");
    const first = await train(library, 2, { norm, folder: part, fault: { step: 9, rank: 1, what: "stop" } });
    expect(first.code, first.stderr).toBe(0);
    expect(first.ranks.map(({ result }) => [result.status, result.globalStep])).toEqual([
      ["interrupted", 10],
      ["interrupted", 10],
    ]);
    const statistics = "net.1.running_mean";
    const path = join(part, "last.safetensors");
    const saved = stateDictOf((await loadCheckpointFile(path)).stateDict, path).get(statistics);
    expect(Array.from(saved?.data ?? [], Number)).toEqual(first.ranks[0]?.state[statistics]);
    const second = await train(library, 2, { norm, folder: part, ckptPath: "last" });
    expect(second.ranks[1]?.hash).toBe(second.ranks[0]?.hash);
    expect(second.ranks.map(({ hash }) => hash)).toEqual(whole.ranks.map(({ hash }) => hash));
  });

  it("a run that was stopped between the batches of one step goes on with each rank's own gradients", async () => {
    const trainer = { maxEpochs: 2, accumulateGradBatches: 3 };
    const whole = await train(library, 2, { folder: join(folder, "accumulated"), trainer });
    const part = join(folder, "stopped");
    const first = await train(library, 2, { folder: part, trainer, fault: { step: 1, rank: 1, what: "stop" } });
    expect(first.code, first.stderr).toBe(0);
    expect(first.ranks[0]?.result).toMatchObject({ status: "interrupted", globalStep: 1 });
    expect(first.ranks[0]?.losses).toHaveLength(4);
    const second = await train(library, 2, { folder: part, trainer, ckptPath: "last" });
    expect(second.ranks.map(({ hash }) => hash)).toEqual(whole.ranks.map(({ hash }) => hash));
  });

  it("a run goes on with another number of ranks from an epoch's end, and says what is different; within one it does not", async () => {
    const part = join(folder, "numbers");
    const samples = 48;
    const first = await train(library, 2, { folder: part, samples, trainer: { maxEpochs: 1 } });
    expect(first.code, first.stderr).toBe(0);
    const trainer = { maxEpochs: 2 };
    // With as many samples in a step as before, it is what two ranks would have done.
    const whole = await alone({ samples, batchSize: 8, trainer });
    const one = await alone({ samples, batchSize: 8, trainer, ckptPath: join(part, "last.safetensors") });
    expect(distance(one, whole)).toBeLessThan(1e-5);
    const three = await train(library, 3, { folder: part, samples, batchSize: 2, trainer, ckptPath: "last" });
    expect(three.code, three.stderr).toBe(0);
    expect(
      three.stderr.split("was saved on 2 processes, and there are 3 now: batches are of other samples"),
    ).toHaveLength(2);
    expect(three.ranks.map(({ hash }) => hash)).toEqual(Array(3).fill(three.ranks[0]?.hash));
    // 6 steps of two ranks' 4, and 8 of three ranks' 2.
    expect(three.ranks[0]?.result).toMatchObject({ status: "completed", globalStep: 14 });
    const stopped = join(folder, "within");
    await train(library, 2, { folder: stopped, fault: { step: 2, rank: 0, what: "stop" } });
    const refused = await train(library, 3, { folder: stopped, ckptPath: "last" });
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain(
      "it was saved on 2 processes after 3 batches of an epoch, and there are 3 now; go on with as many, or from a checkpoint of an epoch's end.",
    );
  });
});
