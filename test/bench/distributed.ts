/**
 * Two ranks on one thread each against PyTorch's DistributedDataParallel over gloo and against one process with two threads, in turns in the same
 * run; what of a step is communication; an allreduce against one in C; and from what was measured a model of step time on many ranks.
 *
 * Arguments: networks (all five), `batch=64` a rank, `rounds=5` of `steps=4`, `ranks=4` to check the model on more ranks than two. ResNet18 is the one of ImageNet,
 * at 224 x 224, with a quarter of the batch and two rounds: it is there for its 47 MB of gradients. Rows go to standard error, too, as soon as they are known.
 */
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { mpi } from "@convbook/mpi";
import { createModel } from "../../lib/convbook/models/index.ts";
import { launchCommand, launchEnvironment } from "../../lib/convbook/training/launched/command.ts";
import { bucketsOf } from "../../lib/convbook/training/strategies/buckets.ts";
import {
  efficiency,
  fitLine,
  type Network,
  networks,
  smallestBatch,
  stepTime,
  type Work,
} from "./distributed/model.ts";
import type { Request } from "./distributed/rank.ts";
import type { BenchResult, BenchRow } from "./main.ts";
import { median } from "./support/median.ts";
import { hasTorch } from "./support/torch-steps.ts";

/** How many times as fast as PyTorch's two ranks ours are to be. */
const floors: Readonly<Record<string, number>> = { ResNet: 1.3, ResNetPreAct: 1.3, GoogleNet: 2, DenseNet: 2 };
const networkNames: readonly string[] = [...Object.keys(floors), "ResNet18"];
/** The part of one process with two threads that two ranks with one each are to reach; what C's allreduce may be faster by. */
const [scalingFloor, allreduceLimit] = [0.9, 1.2];
/** What communication may take of a step. */
const communicationLimit = (name: string) => (name === "ResNet18" ? 0.15 : 0.05);
/** ResNet-18's gradients. */
const large = 11_700_000;
const sizes = [1_000, 100_000, 272_378, 1_000_000, large];
/** Of a step, what the backward pass takes: two of three convolutions are in it. */
const backwardShare = 0.6;

const here = (name: string) => fileURLToPath(new URL(`./distributed/${name}`, import.meta.url));

/** A process that answers lines. */
class Peer {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #answers: AsyncIterator<string>;

  constructor([command = "", ...args]: readonly string[]) {
    this.#process = spawn(command, args, { env: launchEnvironment() });
    this.#process.stderr.pipe(process.stderr);
    this.#answers = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();
  }

  async ask(line: string): Promise<string> {
    this.#process.stdin.write(`${line}\n`);
    const { done, value } = await this.#answers.next();
    if (done) {
      throw new Error(`The process that was asked ${line} has ended.`);
    }
    return value;
  }

  async ours(request: Request): Promise<number[]> {
    return JSON.parse(await this.ask(JSON.stringify(request)));
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once("close", resolve));
    this.#process.stdin.end();
    await ended;
  }
}

/** The launcher's words for so many ranks of a program, each free to run where it likes. */
function launched(ranks: number, program: readonly string[]): string[] {
  const plan = { devices: ranks, numNodes: 1, args: [] };
  return [...launchCommand(plan, mpi.family ?? "", availableParallelism()), ...program];
}

const program = (name: string, batch: number, threads: number) => [
  process.execPath,
  "--conditions=source",
  "--import",
  fileURLToPath(import.meta.resolve("tsx")),
  here("rank.ts"),
  name,
  `${batch}`,
  `${threads}`,
];

interface Settings {
  readonly batch: number;
  readonly rounds: number;
  readonly steps: number;
  readonly ranks: number;
}

/** Milliseconds of a step, medians over the rounds. */
interface Measured {
  readonly ours: number;
  readonly silent: number;
  readonly torch: number;
  readonly one: number;
}

const rounded = (value: number, digits = 2) => (Number.isFinite(value) ? Number(value.toFixed(digits)) : null);

/** What a network is measured with. */
function settingsFor(name: string, settings: Settings): Settings {
  const { batch, rounds } = settings;
  return name === "ResNet18" ? { ...settings, batch: Math.ceil(batch / 4), rounds: Math.min(2, rounds) } : settings;
}

/** Tells of a row at once: whoever waits sees that it goes on, and what there is when it is broken off. */
function tell(title: string, row: BenchRow): BenchRow {
  const cells = Object.entries(row).flatMap(([column, value]) => (value === null ? [] : [`${column} ${value}`]));
  process.stderr.write(`${title}: ${cells.join(", ")}\n`);
  return row;
}

async function compare(name: string, { batch, rounds, steps }: Settings): Promise<Measured> {
  const two = new Peer(launched(2, program(name, batch, 1)));
  // The same images in a step, in one process.
  const single = new Peer(program(name, 2 * batch, 2));
  const torch =
    hasTorch() && Object.hasOwn(floors, name)
      ? new Peer(["/usr/bin/python3", here("torch_ddp.py"), name, `${batch}`, "2", "1"])
      : undefined;
  const all: Record<keyof Measured, number[]> = { ours: [], silent: [], torch: [], one: [] };
  const turn = async (keep: boolean, count: number) => {
    const take = (key: keyof Measured, times: readonly number[]) => keep && all[key].push(...times);
    take("ours", await two.ours({ kind: "steps", count, sums: true }));
    take("torch", torch === undefined ? [] : (await torch.ask(`${count}`)).split(" ").map(Number));
    take("silent", await two.ours({ kind: "steps", count, sums: false }));
    take("one", await single.ours({ kind: "steps", count, sums: true }));
  };
  await turn(false, 1);
  for (let round = 0; round < rounds; round++) {
    await turn(true, steps);
  }
  await Promise.all([two.stop(), single.stop(), torch?.stop()]);
  const middle = (key: keyof Measured) => (all[key].length === 0 ? Number.NaN : median(all[key]));
  return { ours: middle("ours"), silent: middle("silent"), torch: middle("torch"), one: middle("one") };
}

function rowOf(name: string, { batch }: Settings, { ours, silent, torch, one }: Measured): BenchRow {
  const [ratio, scaling, share] = [torch / ours, one / ours, Math.max(0, 1 - silent / ours)];
  return {
    network: name,
    "images/s, two ranks": Math.round((2000 * batch) / ours),
    "torch DDP": rounded((2000 * batch) / torch, 0),
    "ours / torch": rounded(ratio),
    floor: floors[name] ?? null,
    "one process, two threads": Math.round((2000 * batch) / one),
    "two ranks / one process": rounded(scaling),
    "at least": scalingFloor,
    "communication of a step": `${(100 * share).toFixed(1)} %`,
    "at most": `${100 * communicationLimit(name)} %`,
  };
}

/** Allreduces of ours and C's in turns. */
async function allreduces(rounds: number): Promise<{ rows: BenchRow[]; network: Network }> {
  const folder = mkdtempSync(join(tmpdir(), "convbook-bench-"));
  const binary = join(folder, "allreduce");
  const compilers = [mpi.family === "MPICH" ? "mpicc.mpich" : "mpicc.openmpi", "mpicc"];
  const hasC = compilers.some((each) => spawnSync(each, ["-O2", "-o", binary, here("allreduce.c")]).status === 0);
  const ours = new Peer(launched(2, program("ResNet", 1, 1)));
  const c = hasC ? new Peer(launched(2, [binary])) : undefined;
  const rows: BenchRow[] = [];
  const points: [number, number][] = [];
  try {
    for (const floats of sizes) {
      const count = floats > 500_000 ? 8 : 100;
      const [mine, theirs]: [number[], number[]] = [[], []];
      for (let round = 0; round < Math.max(3, rounds); round++) {
        mine.push(...(await ours.ours({ kind: "allreduce", floats, count })));
        theirs.push(...(c === undefined ? [] : [Number(await c.ask(`${floats} ${count}`))]));
      }
      // The best of a busy machine's turns is what the two can do.
      const [best, peer] = [Math.min(...mine), theirs.length === 0 ? Number.NaN : Math.min(...theirs)];
      points.push([4 * floats, best / 1000]);
      const row = {
        floats,
        "ours, ms": rounded(best, 3),
        "C, ms": rounded(peer, 3),
        "ours / C": rounded(best / peer),
        "at most": floats === large ? allreduceLimit : null,
      };
      rows.push(tell("Allreduce on two ranks", row));
    }
  } finally {
    await Promise.all([ours.stop(), c?.stop()]);
    rmSync(folder, { recursive: true });
  }
  // Of two ranks a tree has one message: its time is the latency and the bytes over the bandwidth.
  const line = fitLine(points);
  return { rows, network: { latency: line.fixed, bandwidth: 1 / line.each } };
}

function bucketBytes(name: string): number[] {
  const hparams = name === "ResNetPreAct" ? { blockName: "PreActResNetBlock" as const } : {};
  const known = { ResNetPreAct: "ResNet", ResNet18: "resnet18" }[name] ?? name;
  const model = createModel(known as "ResNet", hparams);
  const variables = model.parameters().map(({ variable }) => variable);
  const buckets = bucketsOf(variables, 25 * 2 ** 20).map((bucket) =>
    bucket.reduce((sum, { size }) => sum + 4 * size, 0),
  );
  model.dispose();
  return buckets;
}

/** Computing on one rank as a line over the batch, from steps without sums; and the model's word on 1, 2 and more ranks beside what was measured. */
async function model(name: string, { batch, steps, ranks }: Settings, local: Network) {
  const points: [number, number][] = [];
  const cores = availableParallelism();
  for (const size of [batch / 4, batch / 2, batch].map((each) => Math.max(1, Math.round(each)))) {
    const alone = new Peer(launched(1, program(name, size, 1)));
    const times = await alone.ours({ kind: "steps", count: steps + 1, sums: true });
    await alone.stop();
    points.push([size, median(times) / 1000]);
  }
  const line = fitLine(points);
  const workOf = (each: number): Work => {
    const compute = line.fixed + line.each * each;
    return { compute, backward: backwardShare * compute, buckets: bucketBytes(name), overlaps: false, input: 0 };
  };
  const rows: BenchRow[] = [];
  for (const count of [...new Set([1, 2, ranks])]) {
    const peer = new Peer(launched(count, program(name, batch, 1)));
    const measured = median(await peer.ours({ kind: "steps", count: steps + 1, sums: true }));
    await peer.stop();
    const work = workOf(batch);
    // More ranks than processors take turns.
    const slower = Math.max(1, count / cores);
    const busy = { ...work, compute: work.compute * slower, backward: work.backward * slower };
    const predicted = 1000 * stepTime(busy, count, local).step;
    const row = {
      ranks: count,
      "measured, ms": rounded(measured, 1),
      "model, ms": rounded(predicted, 1),
      "model / measured": rounded(predicted / measured),
    };
    rows.push(tell(`The model's step time, ${name}`, row));
  }
  return { line, workOf, rows };
}

/** What the model says of networks between machines, one rank a machine. */
function predictions(workOf: (batch: number) => Work, batch: number): BenchRow[] {
  return [8, 16, 32, 64, 128, 256, 512, 1024].map((ranks) => ({
    ranks,
    ...Object.fromEntries(
      Object.entries(networks).map(([name, network]) => {
        const share = efficiency(workOf(batch), ranks, network);
        return [name, `${(100 * share).toFixed(1)} %, batch ≥ ${smallestBatch(workOf, ranks, network, 0.8) ?? "none"}`];
      }),
    ),
  }));
}

function settingsOf(args: readonly string[]): Settings & { readonly names: readonly string[] } {
  const read = (key: string, fallback: number) =>
    Number(args.find((arg) => arg.startsWith(`${key}=`))?.slice(key.length + 1) ?? fallback);
  const names = args.filter((arg) => !arg.includes("="));
  const unknown = names.find((name) => !networkNames.includes(name));
  if (unknown !== undefined) {
    throw new Error(`There is no network ${unknown}; networks: ${networkNames.join(", ")}.`);
  }
  return {
    batch: read("batch", 64),
    rounds: read("rounds", 5),
    steps: read("steps", 4),
    ranks: read("ranks", 4),
    names: names.length === 0 ? networkNames : names,
  };
}

export async function run(args: readonly string[]): Promise<BenchResult> {
  const { names, ...settings } = settingsOf(args);
  if (!mpi.available) {
    return { note: `Left out: ${mpi.reason}`, rows: [] };
  }
  const before = loadavg()[0] ?? 0;
  const rows: BenchRow[] = [];
  for (const name of names) {
    const own = settingsFor(name, settings);
    rows.push(tell("Two ranks", rowOf(name, own, await compare(name, own))));
  }
  const { rows: sums, network } = await allreduces(settings.rounds);
  const [first = "ResNet"] = names;
  const { line, workOf, rows: checked } = await model(first, settings, network);
  const after = loadavg()[0] ?? 0;
  const [{ model: processor = "?" } = {}] = cpus();
  const each = `${(1000 * line.fixed).toFixed(1)} ms and ${(1000 * line.each).toFixed(2)} ms an image`;
  const link = `${(1e6 * network.latency).toFixed(0)} µs, ${(network.bandwidth / 1e9).toFixed(1)} GB/s`;
  return {
    note: `${processor.trim()}, ${availableParallelism()} processors, ${mpi.library}; batches of ${settings.batch} a rank; medians of ${settings.rounds} rounds in turns of ${settings.steps} steps. Load of the machine ${before.toFixed(1)} before and ${after.toFixed(1)} after: above 0.5 before, others were at work.`,
    rows,
    sections: [
      { title: "Allreduce on two ranks", note: `Best of the rounds. As a line: ${link}.`, rows: sums },
      {
        title: `The model's step time, ${first}`,
        note: `One rank on one thread: ${each}. Ranks beyond the processors take turns.`,
        rows: checked,
      },
      {
        title: "Predicted efficiency",
        note: `One rank a machine, as fast as one here, batches of ${settings.batch}; and the smallest batch that keeps 80 %.`,
        rows: predictions(workOf, settings.batch),
      },
    ],
  };
}
