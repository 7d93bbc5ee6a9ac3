/**
 * Trains with one option of the Trainer after the other and reports what every rank has in the end. Arguments: the options' names separated by
 * commas, a folder for files, and where reports go: FILE.RANK.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Communicator } from "@convbook/mpi";
import * as tf from "@tensorflow/tfjs-core";
import { selectBackend } from "../../../lib/convbook/backend/index.ts";
import { ArrayDataset, DataLoader, DistributedSampler } from "../../../lib/convbook/data/index.ts";
import * as nn from "../../../lib/convbook/nn/index.ts";
import { Generator, manualSeed, randint, randn } from "../../../lib/convbook/random/index.ts";
import {
  BackboneFinetuning,
  Callback,
  type ClassificationBatch,
  CSVLogger,
  EarlyStopping,
  EMAWeightAveraging,
  findLr,
  GradientAccumulationScheduler,
  ModelCheckpoint,
  type OptimizerConfig,
  ReduceLROnPlateau,
  SGD,
  StochasticWeightAveraging,
  TensorBoardLogger,
  Trainer,
  type TrainerContext,
  type TrainerOptions,
  TrainingModule,
  WandbLogger,
} from "../../../lib/convbook/training/index.ts";
import { quiet } from "../../../lib/convbook/training/testing/quiet.ts";

const [names = "", folder = "", reportFile = ""] = process.argv.slice(2);

class Net extends TrainingModule<ClassificationBatch> {
  readonly body = this.registerModule(
    "body",
    new nn.Sequential(
      new nn.Conv2d(3, 8, { kernelSize: 3, padding: 1 }),
      new nn.GroupNorm(4, 8),
      new nn.ReLU(),
      new nn.AdaptiveAvgPool2d(1),
      new nn.Flatten(),
    ),
  );
  readonly head = this.registerModule("head", new nn.Linear(8, 4));
  readonly loss = new nn.CrossEntropyLoss();
  /** What a test wants logged by step. */
  watched: (step: number) => number = () => 0;
  readonly options: { readonly plateau?: boolean } = {};

  constructor(options: { readonly plateau?: boolean } = {}) {
    super();
    this.options = options;
  }

  forward(x: tf.Tensor): tf.Tensor {
    return this.head.forward(this.body.forward(x as tf.Tensor4D) as tf.Tensor2D);
  }

  trainingStep([images, labels]: ClassificationBatch, _index: number): tf.Tensor | undefined {
    const loss = this.loss.forward(this.forward(images), labels);
    this.log("train_loss", loss, { onStep: true, onEpoch: true, syncDist: true });
    const value = this.watched(this.globalStep);
    this.log("watched", value);
    for (const reduce of ["mean", "sum", "min", "max"] as const) {
      this.log(`shared_${reduce}`, value, { syncDist: true, reduce });
    }
    return loss;
  }

  override validationStep([images, labels]: ClassificationBatch): void {
    this.log("val_loss", this.loss.forward(this.forward(images), labels));
    this.log("val_images", labels.size, { reduce: "sum" });
  }

  override testStep(batch: ClassificationBatch): void {
    this.validationStep(batch);
  }

  configureOptimizers(): OptimizerConfig {
    const optimizer = new SGD(this.parameters(), { lr: 0.1, momentum: 0.9 });
    if (this.options.plateau !== true) {
      return optimizer;
    }
    const scheduler = new ReduceLROnPlateau(optimizer, { patience: 0, factor: 0.5 });
    return { optimizer, lrScheduler: { scheduler, interval: "step", monitor: "watched" } };
  }
}

/** Two optimizers, which step in turns; every other backward pass only adds to the gradients. */
class ByHand extends Net {
  override automaticOptimization = false;

  override trainingStep([images, labels]: ClassificationBatch, index: number): undefined {
    const [body, head] = this.optimizers();
    this.manualBackward(this.loss.forward(this.forward(images), labels));
    if (index % 2 === 0 || body === undefined || head === undefined) {
      return;
    }
    this.clipGradients(body, 0.05);
    for (const optimizer of [body, head]) {
      optimizer.step();
      optimizer.zeroGrad();
    }
  }

  override configureOptimizers(): OptimizerConfig {
    return [new SGD(this.body.parameters(), { lr: 0.1 }), new SGD(this.head.parameters(), { lr: 0.05, momentum: 0.9 })];
  }
}

function dataset(count: number): ArrayDataset {
  const generator = new Generator(5);
  const values = randn([count, 6, 6, 3], { generator }).data;
  const labels = Int32Array.from<number | bigint>(randint(0, 4, [count], { generator }).data, Number);
  return new ArrayDataset(values, [6, 6, 3], labels, { transform: null });
}

/** Eight samples in a batch of all ranks together, in the same order whatever their number. */
function loaderFor(trainer: TrainerContext, samples = 48, batch = 8) {
  const data = dataset(samples);
  const size = trainer.strategy.size;
  const alone = { sampler: new DistributedSampler(samples, { numReplicas: 1, rank: 0, seed: 11 }) };
  const order = size > 1 ? { shuffle: true } : alone;
  return new DataLoader(data, { batchSize: batch / size, numWorkers: 0, ...order });
}

const evaluated = (samples: number, batchSize = 4) => new DataLoader(dataset(samples), { batchSize, numWorkers: 0 });

function makeTrainer(options: TrainerOptions = {}): Trainer {
  manualSeed(11);
  return new Trainer({ ...quiet, maxEpochs: 2, numSanityValSteps: 0, ...options });
}

const stateOf = (module: TrainingModule<ClassificationBatch>) =>
  Object.fromEntries(
    [...module.stateDict()].map(([name, { data }]) => [name, Array.from<number | bigint, number>(data, Number)]),
  );

/** Its head is trained first, and its body from the second epoch on. */
class Transfer extends Net {
  get backbone(): nn.AnyModule {
    return this.body;
  }

  override configureOptimizers(): OptimizerConfig {
    return new SGD(
      this.parameters().filter(({ requiresGrad }) => requiresGrad),
      { lr: 0.1, momentum: 0.9 },
    );
  }
}

/** Uses one of its heads on rank 0 and the other one on the others, and logs what only one of them has. */
class TwoHeads extends Net {
  readonly second = this.registerModule("second", new nn.Linear(8, 4));

  override trainingStep([images, labels]: ClassificationBatch): tf.Tensor {
    const isFirst = (this.trainer as Trainer).globalRank === 0;
    const features = this.body.forward(images) as tf.Tensor2D;
    const loss = this.loss.forward((isFirst ? this.head : this.second).forward(features), labels);
    if (!isFirst && this.globalStep % 2 === 1) {
      this.log("second_loss", 3, { syncDist: true });
    }
    return loss;
  }
}

/** Statistics of the images themselves, whatever is trained. */
class Standardized extends TrainingModule<ClassificationBatch> {
  readonly norm = this.registerModule("norm", new nn.BatchNorm2d(3));
  readonly head = this.registerModule("head", new nn.Sequential(new nn.Flatten(), new nn.Linear(108, 4)));
  readonly loss = new nn.CrossEntropyLoss();

  forward(images: tf.Tensor): tf.Tensor {
    return this.head.forward(this.norm.forward(images as tf.Tensor4D)) as tf.Tensor;
  }

  trainingStep([images, labels]: ClassificationBatch): tf.Tensor {
    return this.loss.forward(this.forward(images), labels);
  }

  configureOptimizers() {
    return new SGD(this.parameters(), { lr: 0.01 });
  }
}

/** Does something when an epoch of training has ended. */
class AtEpochEnd extends Callback {
  readonly #act: (trainer: Trainer) => void;
  constructor(act: (trainer: Trainer) => void) {
    super();
    this.#act = act;
  }
  override onTrainEpochEnd(trainer: Trainer): void {
    this.#act(trainer);
  }
}

/** Tells of each call of a communicator's method while something runs. */
async function onCalls(method: "allreduce" | "allreduceBucket", tell: () => void, run: () => Promise<unknown>) {
  const own = Communicator.prototype[method];
  Communicator.prototype[method] = function (this: Communicator, ...args: never[]) {
    tell();
    return Reflect.apply(own, this, args);
  } as never;
  await run();
  Communicator.prototype[method] = own as never;
}

/** Notes when the backward pass comes to its first layer, the last one whose gradients it computes. */
class Marked extends Net {
  readonly events: string[] = [];
  readonly #mark = tf.customGrad((x) => ({
    value: tf.clone(x as tf.Tensor),
    gradFunc: (dy) => {
      this.events.push("first layer");
      return tf.clone(dy);
    },
  }));

  override forward(x: tf.Tensor): tf.Tensor {
    const [first, ...rest] = this.body.children() as nn.Module<[tf.Tensor], tf.Tensor>[];
    const features = rest.reduce((y, layer) => layer.forward(y), this.#mark(first?.forward(x) as tf.Tensor));
    return this.head.forward(features as tf.Tensor2D);
  }
}

/** Freezes its batch normalisation after an epoch, and keeps a mean of its own; notes what each step reads of both. */
class Reading extends TrainingModule<ClassificationBatch> {
  readonly norm = this.registerModule("norm", new nn.BatchNorm2d(3));
  readonly head = this.registerModule(
    "head",
    new nn.Sequential(new nn.AdaptiveAvgPool2d(1), new nn.Flatten(), new nn.Linear(3, 4)),
  );
  readonly mean = this.registerBuffer("mean", new nn.Buffer([1]));
  readonly loss = new nn.CrossEntropyLoss();
  readonly read: (readonly number[])[] = [];

  override onTrainBatchStart(): void {
    this.norm.train(this.trainer.currentEpoch === 0);
  }

  trainingStep([images, labels]: ClassificationBatch): tf.Tensor {
    const of = (buffer: nn.Buffer | null) => Array.from(buffer?.toTensorData().data ?? [], Number);
    this.read.push([...of(this.mean), ...(this.norm.training ? [] : of(this.norm.runningMean))]);
    this.mean.load({ dtype: "float32", shape: [1], data: Float32Array.from(tf.mean(images).dataSync()) });
    return this.loss.forward(this.forward(images), labels);
  }

  forward(images: tf.Tensor): tf.Tensor {
    return this.head.forward(this.norm.forward(images as tf.Tensor4D)) as tf.Tensor;
  }

  configureOptimizers() {
    return new SGD(this.parameters(), { lr: 0.05 });
  }
}

/** Has a backward pass of its own, which may change gradients when they are there. */
class OwnBackward extends Marked {
  override backward(loss: tf.Tensor): void {
    super.backward(loss);
  }
}

const cases: Readonly<Record<string, () => Promise<unknown>>> = {
  async manual() {
    const trainer = makeTrainer();
    const module = new ByHand();
    const { status, globalStep } = await trainer.fit(module, loaderFor(trainer));
    return { status, globalStep, state: stateOf(module) };
  },
  async overfit() {
    const trainer = makeTrainer({ maxEpochs: 4, overfitBatches: 2 });
    const module = new Net();
    const { globalStep, metrics } = await trainer.fit(module, loaderFor(trainer), evaluated(16, 8 / trainer.worldSize));
    return { globalStep, metrics, state: stateOf(module) };
  },
  async fast() {
    const trainer = makeTrainer({ fastDevRun: true, enableCheckpointing: true, defaultRootDir: join(folder, "fast") });
    const module = new Net();
    const { globalStep, metrics } = await trainer.fit(module, loaderFor(trainer), evaluated(16, 8 / trainer.worldSize));
    return { globalStep, metrics, state: stateOf(module) };
  },
  async early() {
    // Each rank alone would stop at another time.
    const trainer = makeTrainer({
      maxEpochs: 9,
      callbacks: [new EarlyStopping({ monitor: "watched", patience: 2, checkOnTrainEpochEnd: true, verbose: true })],
    });
    const module = new Net();
    module.watched = (step) => (trainer.globalRank === 0 && step < 20 ? -step : 0);
    const { globalStep, reason } = await trainer.fit(module, loaderFor(trainer));
    return { globalStep, reason };
  },
  async plateau() {
    const trainer = makeTrainer();
    const module = new Net({ plateau: true });
    module.watched = (step) => (trainer.globalRank === 0 ? step : -step);
    await trainer.fit(module, loaderFor(trainer));
    return { lr: trainer.optimizers[0]?.paramGroups[0]?.lr, state: stateOf(module) };
  },
  async stop() {
    // As a timer whose clock is ahead of the others'.
    const stops = new AtEpochEnd((trainer) => {
      trainer.shouldStop = trainer.globalRank === trainer.worldSize - 1;
    });
    const trainer = makeTrainer({ maxEpochs: 5, callbacks: [stops] });
    const { globalStep, status } = await trainer.fit(new Net(), loaderFor(trainer));
    return { globalStep, status };
  },
  async shared() {
    const trainer = makeTrainer({ maxEpochs: 1 });
    const module = new Net();
    module.watched = () => 1 + trainer.globalRank;
    const { metrics } = await trainer.fit(module, loaderFor(trainer));
    return metrics;
  },
  async finder() {
    manualSeed(11);
    const module = new Net();
    const before = stateOf(module);
    // The loader's order is the ranks' own affair here.
    const trainer = makeTrainer();
    const { lrs, losses } = await findLr(module, loaderFor(trainer, 48), { steps: 30, maxLr: 100 });
    return { lrs, losses, same: JSON.stringify(stateOf(module)) === JSON.stringify(before) };
  },
  async collectives() {
    const trainer = makeTrainer({ maxEpochs: 1, accumulateGradBatches: 3 });
    const loader = loaderFor(trainer, 56);
    let sums = 0;
    await onCalls(
      "allreduceBucket",
      () => sums++,
      () => trainer.fit(new Net(), loader),
    );
    return { sums, steps: trainer.globalStep, batches: trainer.progress.totalBatch };
  },
  async buffers() {
    const module = new Reading();
    const trainer = makeTrainer({ maxEpochs: 2, limitTrainBatches: 3 });
    await trainer.fit(module, loaderFor(trainer));
    return module.read;
  },
  async overlap() {
    const all: string[][] = [];
    for (const module of [new Marked(), new OwnBackward()]) {
      // A bucket for each of the six parameters.
      const strategy = { name: "ddp", bucketSizeMb: 1e-6 } as const;
      const trainer = makeTrainer({ maxEpochs: 1, limitTrainBatches: 1, strategy });
      const send = () => module.events.push("bucket");
      await onCalls("allreduceBucket", send, () => trainer.fit(module, loaderFor(trainer)));
      all.push(module.events);
    }
    return all;
  },
  async best() {
    const trainer = makeTrainer({
      maxEpochs: 3,
      enableCheckpointing: true,
      callbacks: [new ModelCheckpoint({ dirPath: join(folder, "best"), monitor: "val_loss", mode: "max" })],
    });
    const module = new Net();
    // What is worst of all is the best here: the first epoch's.
    const { bestModelPath } = await trainer.fit(module, loaderFor(trainer), evaluated(13));
    const trained = stateOf(module);
    const [metrics] = await trainer.test(module, evaluated(13), { ckptPath: "best", verbose: false });
    return { bestModelPath, metrics, differs: JSON.stringify(stateOf(module)) !== JSON.stringify(trained) };
  },
  async few() {
    const all: unknown[] = [];
    for (const [samples, limitValBatches] of [
      [1, 1],
      [5, "34%"],
      [5, 0.5],
    ] as const) {
      const trainer = makeTrainer({ maxEpochs: 1, limitValBatches });
      const { metrics } = await trainer.fit(new Net(), loaderFor(trainer), evaluated(samples, 1));
      all.push(metrics.val_images);
    }
    return all;
  },
  async finetuning() {
    const trainer = makeTrainer({ callbacks: [new BackboneFinetuning({ unfreezeBackboneAtEpoch: 1, verbose: true })] });
    const module = new Transfer();
    const { globalStep } = await trainer.fit(module, loaderFor(trainer));
    return { globalStep, state: stateOf(module) };
  },
  async ema() {
    const trainer = makeTrainer({ callbacks: [new EMAWeightAveraging({ decay: 0.7 })] });
    const module = new Net();
    const { globalStep } = await trainer.fit(module, loaderFor(trainer));
    return { globalStep, state: stateOf(module) };
  },
  async schedule() {
    // Six batches: two steps of four, the second one of two; then six.
    const trainer = makeTrainer({ callbacks: [new GradientAccumulationScheduler({ scheduling: { 0: 4, 1: 1 } })] });
    const module = new Net();
    const { globalStep } = await trainer.fit(module, loaderFor(trainer));
    return { globalStep, state: stateOf(module) };
  },
  async swa() {
    const module = new Standardized();
    const swa = new StochasticWeightAveraging({ swaLrs: 0.01, swaEpochStart: 1 });
    const trainer = makeTrainer({ callbacks: [swa] });
    await trainer.fit(module, loaderFor(trainer));
    return Array.from(module.norm.runningMean?.toTensorData().data ?? [], Number);
  },
  async heads() {
    const trainer = makeTrainer({ maxEpochs: 1 });
    const module = new TwoHeads();
    const before = stateOf(module);
    const { metrics } = await trainer.fit(module, loaderFor(trainer));
    const after = stateOf(module);
    const changed = Object.keys(after).filter((name) => `${after[name]}` !== `${before[name]}`);
    return { changed, state: after, logged: metrics.second_loss };
  },
  async tiny() {
    const trainer = makeTrainer();
    const module = new Net();
    const { globalStep } = await trainer.fit(module, loaderFor(trainer, 1));
    return { globalStep, state: stateOf(module) };
  },
  async logs() {
    const runs: unknown[] = [];
    const sdk = {
      init: async (options: { id: string }) => {
        runs.push(options.id);
        return { log: () => {}, finish: async () => {} };
      },
    };
    const rootDir = join(folder, "logs");
    const logger = [
      new TensorBoardLogger({ rootDir }),
      new CSVLogger({ rootDir, name: "csv" }),
      new WandbLogger({ id: "run", apiKey: "key", sdk }),
    ];
    const trainer = makeTrainer({
      maxEpochs: 1,
      logger,
      logEveryNSteps: 1,
      profiler: "simple",
      enableCheckpointing: true,
    });
    await trainer.fit(new Net(), loaderFor(trainer));
    return { runs, saved: trainer.checkpointCallback?.bestModelPath };
  },
  async unequal() {
    const trainer = makeTrainer();
    const batches = new DataLoader(dataset(8 + 8 * trainer.globalRank), { batchSize: 4, numWorkers: 0 });
    const own = { length: batches.length, [Symbol.asyncIterator]: () => batches[Symbol.asyncIterator]() };
    return trainer.fit(new Net(), own).then(
      () => "trained",
      (error: Error) => error.message,
    );
  },
};

await selectBackend({ announce: false });
const reports: Record<string, unknown> = {};
let rank = 0;
for (const name of names.split(",")) {
  reports[name] = await cases[name]?.();
  rank = makeTrainer().globalRank;
  writeFileSync(`${reportFile}.${rank}`, JSON.stringify(reports));
}
