/**
 * `npm run bench -- engine [MODEL ...] [--json]`: training steps and inference of the tutorial's four networks, on the
 * native engine and in PyTorch with both of its memory layouts, taking turns in one run, so that whatever else the
 * machine does slows all of them alike.
 *
 * Options: `--batch=128`, `--rounds=5`, `--threads=N`, `--isa=avx2`, `--own` (leave PyTorch out), `--profile`.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { engine, sgdStep, valueAndGrads } from "@convbook/engine";
import * as tf from "@tensorflow/tfjs";
import { createModelFrom } from "../../lib/convbook/models/index.ts";
import { type AnyModule, CrossEntropyLoss } from "../../lib/convbook/nn/index.ts";
import { manualSeed } from "../../lib/convbook/random/index.ts";
import type { BenchResult, BenchRow } from "./main.ts";

type Mode = "train" | "infer";
const modes: readonly Mode[] = ["train", "infer"];

/** The tutorial's four networks: names of the registry with hyper-parameters. */
const networks: Readonly<Record<string, { readonly model: string; readonly hparams: Record<string, unknown> }>> = {
  ResNet: { model: "ResNet", hparams: {} },
  PreActResNet: { model: "ResNet", hparams: { blockName: "PreActResNetBlock" } },
  GoogleNet: { model: "GoogleNet", hparams: {} },
  DenseNet: {
    model: "DenseNet",
    hparams: { numLayers: [6, 6, 6, 6], bnSize: 2, growthRate: 16 },
  },
};

/** Runs one step of one kind and gives its milliseconds. */
interface Contestant {
  step(mode: Mode): Promise<number>;
  close(): void;
}

function ours(name: string, batch: number): Contestant {
  manualSeed(42);
  const { model, hparams } = networks[name] as (typeof networks)[string];
  const module: AnyModule = createModelFrom(model, hparams);
  const variables = module.parameters().map(({ variable }) => variable);
  const velocities = variables.map((variable) => tf.variable(tf.zerosLike(variable), false));
  const images = tf.randomNormal<tf.Rank.R4>([batch, 32, 32, 3]);
  const labels = tf.randomUniform<tf.Rank.R1>([batch], 0, 10, "int32");
  const loss = new CrossEntropyLoss();
  let first = true;
  const native = tf.getBackend() === "native";
  const optimizer = native ? undefined : tf.train.momentum(0.1, 0.9);
  const train = (): void => {
    const forward = () => loss.forward(module.forward(images), labels) as tf.Scalar;
    const { value, grads } = valueAndGrads(forward, variables);
    if (native) {
      const options = { learningRate: 0.1, momentum: 0.9, weightDecay: 1e-4, first };
      sgdStep(variables, grads as tf.Tensor[], velocities, options);
    } else {
      const named = variables.map((variable, i) => ({ name: variable.name, tensor: grads[i] as tf.Tensor }));
      optimizer?.applyGradients(named);
    }
    first = false;
    value.dataSync();
    tf.dispose([value, ...(grads as tf.Tensor[])]);
  };
  const infer = (): void => {
    const logits: tf.Tensor = tf.tidy(() => module.forward(images));
    logits.dataSync();
    logits.dispose();
  };
  return {
    async step(mode) {
      module.train(mode === "train");
      const start = performance.now();
      if (mode === "train") train();
      else infer();
      return performance.now() - start;
    },
    close() {
      module.dispose();
      tf.dispose([images, labels, ...velocities]);
    },
  };
}

const layouts = ["default", "channels_last"] as const;

/** The same in PyTorch, in a process that waits for its turn. */
function pyTorch(python: string, name: string, batch: number, threads: number, isa: string): PyTorch {
  const script = fileURLToPath(new URL("engine.py", import.meta.url));
  const child: ChildProcess = spawn(python, [script, name, String(batch), String(threads)], {
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...process.env, ...(isa === "avx2" ? { ATEN_CPU_CAPABILITY: "avx2", ONEDNN_MAX_CPU_ISA: "AVX2" } : {}) },
  });
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
  return {
    async step(mode, layout) {
      child.stdin?.write(`${mode} ${layout}\n`);
      const { value, done } = await lines.next();
      if (done) throw new Error(`PyTorch ended early on ${name}`);
      return Number(value);
    },
    close() {
      child.stdin?.end();
    },
  };
}

interface PyTorch {
  step(mode: Mode, layout: string): Promise<number>;
  close(): void;
}

/** A Python that has PyTorch: Debian's before whatever stands first on the PATH. */
function findPython(): string | undefined {
  return ["/usr/bin/python3", "python3"].find(
    (python) => spawnSync(python, ["-c", "import torch"], { stdio: "ignore" }).status === 0,
  );
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}

interface Contest {
  readonly label: string;
  readonly contestant: Contestant;
}

/** Each takes one step in turn, `rounds` times after two to warm up; milliseconds by label and mode. */
async function compete(contests: readonly Contest[], rounds: number): Promise<Map<string, number[]>> {
  const times = new Map<string, number[]>();
  for (const mode of modes) {
    for (let round = -2; round < rounds; round++) {
      for (const { label, contestant } of contests) {
        const milliseconds = await contestant.step(mode);
        const key = `${label} ${mode}`;
        if (round >= 0) times.set(key, [...(times.get(key) ?? []), milliseconds]);
      }
    }
  }
  return times;
}

function option(args: readonly string[], name: string): string | undefined {
  return args.find((arg) => arg.startsWith(`--${name}=`))?.slice(name.length + 3);
}

export async function run(args: readonly string[]): Promise<BenchResult> {
  if (!engine.available) throw new Error(`The native engine is not available: ${engine.reason}`);
  const batch = Number(option(args, "batch") ?? 128);
  const rounds = Number(option(args, "rounds") ?? 5);
  const isa = option(args, "isa") ?? "";
  engine.setThreads(Number(option(args, "threads") ?? 0));
  engine.setInstructionSet(isa === "" ? undefined : isa);
  const { threads, isa: running } = engine.info();
  const wanted = args.filter((arg) => !arg.startsWith("--"));
  const names = Object.keys(networks).filter((name) => wanted.length === 0 || wanted.includes(name));
  const python = args.includes("--own") ? undefined : findPython();
  if (python === undefined && !args.includes("--own")) {
    console.error("PyTorch was not found (Debian: apt install python3-torch): measuring our own side only");
  }
  await tf.setBackend("native");
  const rows: BenchRow[] = [];
  for (const name of names) {
    const contests: Contest[] = [{ label: "ours", contestant: ours(name, batch) }];
    if (python !== undefined) {
      const peer = pyTorch(python, name, batch, threads, isa);
      for (const layout of layouts) {
        const step = (mode: Mode): Promise<number> => peer.step(mode, layout);
        contests.push({ label: `peer ${layout}`, contestant: { step, close: () => peer.close() } });
      }
    }
    const times = await compete(contests, rounds);
    if (args.includes("--profile")) {
      for (const mode of modes) {
        const profile = await engine.profile(() => contests[0]?.contestant.step(mode));
        console.error(`${name}, ${mode}\n${profile}`);
      }
    }
    for (const { contestant } of contests) contestant.close();
    for (const mode of modes) rows.push(...rowsOf(name, mode, batch, times));
    engine.trim();
  }
  return { note: `Images a second, batch ${batch}, ${threads} threads, ${running}; median of ${rounds}`, rows };
}

/** One row for each of PyTorch's layouts; `ratio` is against its better one. */
function rowsOf(model: string, mode: Mode, batch: number, times: ReadonlyMap<string, number[]>): BenchRow[] {
  const own = times.get(`ours ${mode}`) ?? [];
  const rate = (values: readonly number[]): number => Math.round((batch / median(values)) * 1000);
  const fastest = (values: readonly number[]): number => Math.round((batch / Math.min(...values)) * 1000);
  const peers = [...times].filter(([key]) => key.startsWith("peer") && key.endsWith(mode));
  if (peers.length === 0) {
    return [{ model, mode, ours: rate(own), oursBest: fastest(own), peer: null, ratio: null, layout: null }];
  }
  const best = Math.max(...peers.map(([, values]) => rate(values)));
  return peers.map(([key, values]) => ({
    model,
    mode,
    ours: rate(own),
    oursBest: fastest(own),
    peer: rate(values),
    peerBest: fastest(values),
    ratio: Number((rate(own) / best).toFixed(2)),
    layout: key.split(" ")[1] ?? null,
  }));
}
