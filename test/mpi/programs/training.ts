/**
 * Trains a network and reports what every rank has in the end. Arguments: what to train, as JSON.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { mpi } from "@convbook/mpi";
import * as tf from "@tensorflow/tfjs-core";
import { selectBackend } from "../../../lib/convbook/backend/index.ts";
import { ArrayDataset, DataLoader, DistributedSampler } from "../../../lib/convbook/data/index.ts";
import * as nn from "../../../lib/convbook/nn/index.ts";
import { Generator, manualSeed, randint, randn } from "../../../lib/convbook/random/index.ts";
import {
  type ClassificationBatch,
  ModelCheckpoint,
  SGD,
  StepLR,
  Trainer,
  type TrainerOptions,
  TrainingModule,
} from "../../../lib/convbook/training/index.ts";

export interface Job {
  readonly norm: "batch" | "group";
  readonly samples: number;
  readonly evaluated: number;
  readonly batchSize: number;
  readonly trainer: TrainerOptions;
  /** Where reports go: FILE.RANK. */
  readonly report: string;
  /** A folder for checkpoints; without it there are none. */
  readonly folder?: string;
  readonly ckptPath?: string;
  /** At which global step which rank does what. */
  readonly fault?: {
    readonly step: number;
    readonly rank: number;
    readonly what: "throw" | "hang" | "kill" | "perturb" | "stop" | "heap" | "refused" | "kernel";
    /** Of `kernel`: the control group whose memory is limited. */
    readonly group?: string;
  };
}

const job = JSON.parse(process.argv[2] ?? "{}") as Job;

/** Takes memory until there is none. */
function fill(take: () => unknown): void {
  const taken: unknown[] = [];
  for (;;) {
    taken.push(take());
  }
}

class Net extends TrainingModule<ClassificationBatch> {
  readonly net = this.registerModule(
    "net",
    new nn.Sequential(
      new nn.Conv2d(3, 8, { kernelSize: 3, padding: 1 }),
      job.norm === "group" ? new nn.GroupNorm(4, 8) : new nn.BatchNorm2d(8),
      new nn.ReLU(),
      new nn.Conv2d(8, 8, { kernelSize: 3, padding: 1, stride: 2 }),
      job.norm === "group" ? new nn.GroupNorm(4, 8) : new nn.BatchNorm2d(8),
      new nn.ReLU(),
      new nn.AdaptiveAvgPool2d(1),
      new nn.Flatten(),
      new nn.Linear(8, 4),
    ),
  );
  readonly loss = new nn.CrossEntropyLoss();
  readonly losses: number[] = [];
  seen: number[] = [];

  forward(x: tf.Tensor): tf.Tensor {
    return this.net.forward(x as tf.Tensor4D);
  }

  trainingStep([images, labels]: ClassificationBatch): tf.Tensor {
    const { fault } = job;
    if (fault?.what === "hang" && fault.step === this.globalStep) {
      // From here on; until now ranks may have waited for one another as long as starting takes on a busy machine.
      mpi.init({ timeout: 6 });
    }
    if (fault !== undefined && fault.step === this.globalStep && fault.rank === (trainer.globalRank ?? 0)) {
      this.#fail(fault.what);
    }
    const loss = this.loss.forward(this.forward(images), labels);
    this.log("train_loss", loss, { onStep: true, onEpoch: true, syncDist: true });
    this.losses.push(loss.dataSync()[0] ?? Number.NaN);
    return loss;
  }

  #fail(what: NonNullable<Job["fault"]>["what"]): void {
    switch (what) {
      case "throw":
        throw new RangeError("the data is bad");
      case "kill":
        process.kill(process.pid, "SIGKILL");
        break;
      case "hang": {
        const end = Date.now() + 600_000;
        while (Date.now() < end) {
          // For ever.
        }
        break;
      }
      case "perturb": {
        const [first] = this.parameters();
        first?.variable.assign(tf.add(first.variable, 1e-6));
        break;
      }
      case "stop":
        process.kill(process.pid, "SIGTERM");
        break;
      case "heap":
        fill(() => new Array(1_000_000).fill(0.5));
        break;
      case "refused": {
        // As `ulimit -v` does, but not before everything is loaded.
        const [, size = ""] = /^VmSize:\s*(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
        execFileSync("prlimit", ["--pid", `${process.pid}`, `--as=${(Number(size) + 100_000) * 1024}`]);
        fill(() => tf.keep(tf.fill([1_000_000], 0.5)));
        break;
      }
      case "kernel":
        writeFileSync(`${job.fault?.group}/cgroup.procs`, `${process.pid}`);
        fill(() => Buffer.alloc(10_000_000, 1));
    }
  }

  override validationStep([images, labels]: ClassificationBatch): void {
    const logits = this.forward(images);
    this.log("val_loss", this.loss.forward(logits, labels), { onEpoch: true });
    this.log("val_images", labels.size, { onEpoch: true, reduce: "sum" });
    this.seen.push(...Array.from(images.dataSync()).filter((_, i) => i % (6 * 6 * 3) === 0));
  }

  configureOptimizers() {
    const optimizer = new SGD(this.parameters(), { lr: 0.1, momentum: 0.9, weightDecay: 1e-3 });
    return { optimizer, lrScheduler: new StepLR(optimizer, { stepSize: 1, gamma: 0.5 }) };
  }
}

await selectBackend({ announce: false });
const generator = new Generator(5);
const dataset = (count: number) =>
  new ArrayDataset(
    randn([count, 6, 6, 3], { generator }).data,
    [6, 6, 3],
    Int32Array.from<number | bigint>(randint(0, 4, [count], { generator }).data, Number),
    { transform: null } as never,
  );
const [train, val] = [dataset(job.samples), dataset(job.evaluated)];
manualSeed(11);
const module = new Net();
const checkpoint =
  job.folder === undefined ? [] : [new ModelCheckpoint({ dirPath: job.folder, monitor: "val_loss", saveLast: true })];
const trainer = new Trainer({
  logger: false,
  enableProgressBar: false,
  enableModelSummary: false,
  enableCheckpointing: job.folder !== undefined,
  callbacks: checkpoint,
  numSanityValSteps: 0,
  ...job.trainer,
});
const result = await trainer.fit(
  module,
  // The order that several processes share.
  new DataLoader(train, {
    batchSize: job.batchSize,
    numWorkers: 0,
    ...(trainer.worldSize > 1
      ? { shuffle: true }
      : { sampler: new DistributedSampler(train.length, { numReplicas: 1, rank: 0, seed: 11 }) }),
  }),
  new DataLoader(val, { batchSize: job.batchSize, numWorkers: 0 }),
  job.ckptPath === undefined ? {} : { ckptPath: job.ckptPath },
);
const state = Object.fromEntries(
  [...module.stateDict()].map(([name, { data }]) => [name, Array.from<number | bigint, number>(data, Number)]),
);
const hash = createHash("sha256").update(JSON.stringify(state)).digest("hex");
const { losses, seen } = module;
const report = { result, losses, seen: seen.toSorted((a, b) => a - b), hash, state, tensors: tf.memory().numTensors };
writeFileSync(`${job.report}.${trainer.globalRank}`, JSON.stringify(report));
