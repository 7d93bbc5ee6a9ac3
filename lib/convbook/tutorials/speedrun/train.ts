/** The training: a loop written by hand, which goes on where it was interrupted. */
import { existsSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { dirname } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { checkFunction, checkInteger } from "../../arguments/check.ts";
import { OptionError } from "../../arguments/option-error.ts";
import { refuseUnknownOptions } from "../../arguments/options.ts";
import { loadCheckpoint, saveCheckpoint } from "../../checkpoints/index.ts";
import { ArrayDataset } from "../../data/index.ts";
import { evaluate, MultiCrop } from "../../evaluation/index.ts";
import { manualSeed } from "../../random/index.ts";
import type { StateDict } from "../../tensor-data.ts";
import { firstImages, plainLoader, trainingImages } from "./data.ts";
import { SpeedrunNet } from "./network.ts";
import { type Optimization, optimizersOf } from "./optimizers.ts";
import { checkRecipe, epochsOf, finalSize, type Recipe, stageOf, trainingOperations } from "./recipe.ts";
import { takeStep } from "./step.ts";

/** Training images that the whitening is computed from. */
const whiteningImages = 5000;

/** Where a training stands after an epoch. */
export interface EpochReport {
  /** Epochs done. */
  readonly epoch: number;
  /** Mean loss of the epoch. */
  readonly loss: number;
  /** Accuracy on the test images that were asked for, null where none were. */
  readonly accuracy: number | null;
  /** Time spent on training until now, by the clock. */
  readonly seconds: number;
  /** The same as processor time, of all threads. */
  readonly cpuSeconds: number;
}

/** What came of it. */
export interface SpeedrunResult {
  readonly seed: number;
  /** Accuracy on the test images with several views of each. */
  readonly accuracy: number;
  /** The same with one view. */
  readonly plainAccuracy: number;
  /** Training and evaluation with several views, by the clock. */
  readonly seconds: number;
  readonly cpuSeconds: number;
  /** Floating-point operations of the training. */
  readonly operations: number;
  readonly epochs: readonly EpochReport[];
}

export interface SpeedrunOptions {
  readonly recipe: Recipe;
  readonly seed: number;
  /** CIFAR-10's training images, without transform; or some of them. */
  readonly train: ArrayDataset;
  /** The images to be tested on. */
  readonly test: ArrayDataset;
  /** Where the state is kept after each epoch, so that the same call goes on from there; deleted at the end. Nowhere by default. */
  readonly checkpoint?: string;
  /** How many test images are looked at after each epoch, outside of the time that is reported; 0 by default. */
  readonly watch?: number;
  /** Called after each step: steps done and all of them. */
  readonly onStep?: (done: number, steps: number, loss: number) => void;
  readonly onEpoch?: (report: EpochReport) => void;
}

/** Refuses what the training could not go on with. */
function checkOptions(options: SpeedrunOptions): void {
  const known = ["recipe", "seed", "train", "test", "checkpoint", "watch", "onStep", "onEpoch"];
  refuseUnknownOptions("train", options, known);
  const { recipe, seed, train: images, test, watch = 0, checkpoint, ...callbacks } = options;
  if (checkpoint !== undefined && (typeof checkpoint !== "string" || checkpoint === "")) {
    throw new OptionError("train", "checkpoint", checkpoint, "a file's path");
  }
  for (const name of ["onStep", "onEpoch"] as const) {
    if (callbacks[name] !== undefined) {
      checkFunction("train", name, callbacks[name]);
    }
  }
  checkRecipe("train", recipe);
  checkInteger("train", "seed", seed, 0);
  checkInteger("train", "watch", watch, 0);
  for (const [name, dataset] of Object.entries({ train: images, test })) {
    if (!(dataset instanceof ArrayDataset)) {
      throw new OptionError("train", name, dataset, "an ArrayDataset, as cifar10() gives it");
    }
  }
  if (images.length < recipe.batchSize) {
    const expected = `at least one batch of ${recipe.batchSize} images`;
    throw new OptionError("train", "the number of training images", images.length, expected);
  }
}

/** Measures time that is spent between `start` and `stop`. */
class Stopwatch {
  seconds: number;
  cpuSeconds: number;
  #from = 0;
  #cpu = process.cpuUsage();

  constructor(seconds = 0, cpuSeconds = 0) {
    this.seconds = seconds;
    this.cpuSeconds = cpuSeconds;
  }

  start(): void {
    this.#from = performance.now();
    this.#cpu = process.cpuUsage();
  }

  stop(): void {
    this.seconds += (performance.now() - this.#from) / 1000;
    const { user, system } = process.cpuUsage(this.#cpu);
    this.cpuSeconds += (user + system) / 1e6;
  }
}

/** What is kept between epochs. */
interface Saved {
  readonly recipe: string;
  readonly seed: number;
  readonly stateDict: StateDict;
  readonly optimizers: readonly object[];
  readonly reports: readonly EpochReport[];
}

/**
 * Trains the network on CIFAR-10 and tests it.
 *
 * @returns accuracies, time and operations; the network is disposed of
 */
export async function train(options: SpeedrunOptions): Promise<SpeedrunResult> {
  checkOptions(options);
  const { recipe, seed, train: images, test, checkpoint, watch = 0, onStep, onEpoch } = options;
  const epochs = epochsOf(recipe);
  const perEpoch = Math.floor(images.length / recipe.batchSize);
  const steps = epochs * perEpoch;
  const size = finalSize(recipe);
  manualSeed(seed);
  const network = new SpeedrunNet(recipe.network);
  const optimization = optimizersOf(network, recipe, steps);
  const reports: EpochReport[] = [];
  if (checkpoint !== undefined && existsSync(checkpoint)) {
    reports.push(...(await restored(checkpoint, options, network, optimization)));
    for (const scheduler of optimization.schedulers) {
      scheduler.loadStateDict({ ...scheduler.stateDict(), lastEpoch: reports.length * perEpoch - 1 });
      scheduler.step();
    }
  }
  const last = reports.at(-1);
  const watchOf = new Stopwatch(last?.seconds, last?.cpuSeconds);
  watchOf.start();
  if (recipe.whitening && reports.length === 0) {
    const some = await firstImages(images, size, whiteningImages);
    network.whiten(some);
    some.dispose();
  }
  for (let epoch = reports.length; epoch < epochs; epoch++) {
    network.train();
    network.learnWhiteningBias(epoch < recipe.whiteningBias);
    const batches = trainingImages(images, recipe, stageOf(recipe, epoch).size, seed).epoch(epoch);
    let [sum, step] = [0, 0];
    for await (const [x, labels] of batches) {
      const loss = takeStep(network, optimization, recipe, x, labels);
      tf.dispose([x, labels]);
      sum += loss;
      step++;
      onStep?.(epoch * perEpoch + step, steps, loss);
    }
    watchOf.stop();
    const accuracy = watch === 0 ? null : (await evaluate(network, plainLoader(test, size), { limit: watch })).accuracy;
    const { seconds, cpuSeconds } = watchOf;
    const report = { epoch: epoch + 1, loss: sum / perEpoch, accuracy, seconds, cpuSeconds };
    reports.push(report);
    if (checkpoint !== undefined) {
      await save(checkpoint, options, network, optimization, reports);
    }
    onEpoch?.(report);
    watchOf.start();
  }
  const { accuracy } = await evaluate(new MultiCrop(network), plainLoader(test, size));
  watchOf.stop();
  const { accuracy: plainAccuracy } = await evaluate(network, plainLoader(test, size));
  const operations = trainingOperations(recipe, images.length);
  for (const optimizer of optimization.optimizers) {
    optimizer.dispose();
  }
  network.dispose();
  if (checkpoint !== undefined) {
    await rm(checkpoint, { force: true });
  }
  const { seconds, cpuSeconds } = watchOf;
  return { seed, accuracy, plainAccuracy, seconds, cpuSeconds, operations, epochs: reports };
}

async function save(
  path: string,
  { recipe, seed }: SpeedrunOptions,
  network: SpeedrunNet,
  { optimizers }: Optimization,
  reports: readonly EpochReport[],
): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const saved: Saved = {
    recipe: JSON.stringify(recipe),
    seed,
    stateDict: network.stateDict(),
    optimizers: optimizers.map((optimizer) => optimizer.stateDict()),
    reports,
  };
  await saveCheckpoint(path, { ...saved });
}

async function restored(
  path: string,
  { recipe, seed }: SpeedrunOptions,
  network: SpeedrunNet,
  { optimizers }: Optimization,
): Promise<readonly EpochReport[]> {
  const { data } = await loadCheckpoint(path);
  const saved = data as unknown as Saved;
  if (saved.recipe !== JSON.stringify(recipe) || saved.seed !== seed) {
    throw new Error(
      `${path} is of another training: of seed ${saved.seed}, or of another recipe. Delete it to begin anew.`,
    );
  }
  network.loadStateDict(saved.stateDict);
  for (const [i, optimizer] of optimizers.entries()) {
    optimizer.loadStateDict(saved.optimizers[i] ?? {});
  }
  return saved.reports;
}
