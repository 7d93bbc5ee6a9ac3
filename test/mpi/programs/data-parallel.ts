/**
 * Trains the networks of fixtures/make_data_parallel.py on the ranks that there are, as it does, and reports what every rank has in the end.
 * Arguments: the fixture, and where reports go: FILE.RANK.
 */
import { readFileSync, writeFileSync } from "node:fs";
import type * as tf from "@tensorflow/tfjs-core";
import { selectBackend } from "../../../lib/convbook/backend/index.ts";
import { ArrayDataset, DataLoader, DistributedSampler } from "../../../lib/convbook/data/index.ts";
import { defaultResnetConfig, ResNet, ResnetClassifier } from "../../../lib/convbook/models/index.ts";
import * as nn from "../../../lib/convbook/nn/index.ts";
import { Generator, manualSeed, randint } from "../../../lib/convbook/random/index.ts";
import type { StateDict } from "../../../lib/convbook/tensor-data.ts";
import { type ClassificationBatch, SGD, Trainer, TrainingModule } from "../../../lib/convbook/training/index.ts";
import { quiet } from "../../../lib/convbook/training/testing/quiet.ts";
import { type Case, type Fixture, numbersOf, type Report } from "../data-parallel.ts";

const [fixtureFile = "", reportFile = ""] = process.argv.slice(2);
const fixture: Fixture = JSON.parse(readFileSync(fixtureFile, "utf8"));
const small = { numClasses: fixture.classes, numBlocks: [1, 1], cHidden: [4, 8] };

class Net extends TrainingModule<ClassificationBatch> {
  readonly losses: number[] = [];
  readonly loss = new nn.CrossEntropyLoss();
  readonly net;

  constructor(name: string) {
    super();
    const config = { ...defaultResnetConfig, outputDim: fixture.classes, firstKernelSize: 5 };
    const sizes = { resDims: [4, 6], resKernel: [5, 3], resStride: [2, 2], numBlocks: [1, 1] };
    const pool = { firstPoolKernelSize: 2, firstPoolStride: 2 };
    this.net =
      name === "ResNet1d"
        ? new ResnetClassifier({ ...config, ...sizes, ...pool })
        : new ResNet({ ...small, blockName: name === "PreAct" ? "PreActResNetBlock" : "ResNetBlock" });
    const state: StateDict = new Map(
      Object.entries(fixture.initial[name] ?? {}).map(([key, { shape, values }]) => [
        key,
        { dtype: "float32", shape: [...shape], data: numbersOf(values) },
      ]),
    );
    const counters = [...this.net.stateDict()].filter(([key]) => key.endsWith("num_batches_tracked"));
    this.net.loadStateDict(new Map([...state, ...counters]));
  }

  forward(x: tf.Tensor): tf.Tensor {
    return this.net instanceof ResNet ? this.net.forward(x as tf.Tensor4D) : this.net.forward(x as tf.Tensor3D).logits;
  }

  trainingStep([images, labels]: ClassificationBatch): tf.Tensor {
    const loss = this.loss.forward(this.forward(images), labels);
    this.losses.push(loss.dataSync()[0] ?? Number.NaN);
    return loss;
  }

  configureOptimizers() {
    const { lr, momentum, weight_decay: weightDecay } = fixture.sgd;
    return new SGD(this.parameters(), { lr, momentum, weightDecay });
  }
}

function datasetOf(shape: readonly number[], samples: number): ArrayDataset {
  const generator = new Generator(5);
  const draw = (high: number, sizes: readonly number[]) => randint(0, high, [...sizes], { generator }).data;
  const pixels = Float32Array.from<number | bigint>(draw(256, [samples, ...shape]), (n) => (Number(n) - 128) / 64);
  const labels = Int32Array.from<number | bigint>(draw(fixture.classes, [samples]), Number);
  return new ArrayDataset(pixels, shape, labels, { transform: null });
}

async function run(name: string, { samples, sync = false, accumulate = 1, uneven = false }: Case): Promise<Report> {
  manualSeed(fixture.seed);
  const module = new Net(name);
  const trainer = new Trainer({
    ...quiet,
    maxSteps: fixture.steps,
    accumulateGradBatches: accumulate,
    syncBatchnorm: sync,
    strategy: { name: "ddp", checkEveryNSteps: 1 },
  });
  const { worldSize: numReplicas, globalRank: rank } = trainer;
  const parted = { sampler: new DistributedSampler(samples, { numReplicas, rank, shuffle: false, uneven: true }) };
  const loader = new DataLoader(datasetOf(fixture.shapes[name] ?? [], samples), {
    batchSize: fixture.batch,
    numWorkers: 0,
    ...(uneven ? parted : { shuffle: true }),
  });
  await trainer.fit(module, loader);
  const state = [...module.net.stateDict()].map(([key, { data }]): [string, number[]] => [
    key,
    Array.from<number | bigint, number>(data, Number),
  ]);
  module.dispose();
  return { losses: module.losses, state: Object.fromEntries(state) };
}

await selectBackend({ announce: false });
const reports: Record<string, Report> = {};
for (const name of Object.keys(fixture.shapes)) {
  for (const [title, each] of Object.entries(fixture.cases)) {
    reports[`${name}, ${title}`] = await run(name, each);
  }
}
writeFileSync(`${reportFile}.${process.env.OMPI_COMM_WORLD_RANK ?? process.env.PMI_RANK}`, JSON.stringify(reports));
