/**
 * Data parallelism over MPI: each rank has the whole module and its part of the batches, and gradients are averaged before each optimizer step.
 * PyTorch's DistributedDataParallel, with Lightning's ways around it.
 */
import { type Mpi, mpi, type World } from "@convbook/mpi";
import type * as tf from "@tensorflow/tfjs-core";
import { DataLoader, DistributedSampler, RandomSampler } from "../../data/index.ts";
import { BatchNorm, convertSyncBatchnorm, SyncBatchNorm } from "../../nn/batch-norm.ts";
import { defaultGenerator } from "../../random/index.ts";
import type { Purpose, Strategy } from "../core/strategy.ts";
import type { DataParallelOptions } from "../core/strategy-options.ts";
import type { TrainerContext } from "../core/trainer-context.ts";
import { type AnyTrainingModule, TrainingModule } from "../core/training-module.ts";
import { ConfigurationError } from "../errors.ts";
import type { Loader } from "../loaders.ts";
import { ResultCollection } from "../logging/results.ts";
import { BucketOfGradients, BucketsOnTheirWay, bucketsOf } from "./buckets.ts";
import { differenceOf, requireSameParameters } from "./equality.ts";
import { shareOfWorkers, takeShareOfThreads } from "./machine.ts";
import { broadcastBuffers, broadcastEntries, broadcastModule } from "./state.ts";

export class DataParallel implements Strategy {
  readonly name = "ddp";
  readonly rank: number;
  readonly size: number;
  readonly #options: Required<DataParallelOptions>;
  readonly #usesSampler: boolean;
  readonly #syncs: boolean;
  readonly #mpi: Mpi;
  #seed = 0;
  /** Buckets of the optimizers' variables, as long as these stay the same. */
  #buckets: readonly (readonly tf.Variable[])[] = [];
  #bucketed = "";
  #underWay: BucketsOnTheirWay | undefined;
  /** Whether a layer normalises over all ranks, and speaks with them in the backward pass. */
  #normalisesTogether = false;
  /** Layers with running statistics, and those whose may differ from rank 0's. */
  #norms: readonly BatchNorm[] = [];
  readonly #moved = new Set<BatchNorm>();
  #warned = false;

  /**
   * @param usesSampler whether loaders are parted among the ranks
   * @param syncs whether batches are normalised over all ranks
   */
  constructor(options: DataParallelOptions, usesSampler: boolean, syncs: boolean, of: Mpi = mpi) {
    const { timeout = 1800, bucketSizeMb = 25, checkEveryNSteps = 100 } = options;
    this.#options = { timeout, bucketSizeMb, checkEveryNSteps };
    this.#usesSampler = usesSampler;
    this.#syncs = syncs;
    this.#mpi = of;
    this.rank = of.launcher?.rank ?? 0;
    this.size = of.launcher?.size ?? 1;
  }

  get isRoot(): boolean {
    return this.rank === 0;
  }

  get isFirstOfMachine(): boolean {
    return this.#world.localRank === 0;
  }

  get #world(): World {
    return this.#mpi.world ?? this.#mpi.init({ timeout: this.#options.timeout });
  }

  async setUp(module: AnyTrainingModule): Promise<void> {
    // Once a run: whoever changes the time in the middle of it is not to be undone by the next step.
    this.#mpi.init({ timeout: this.#options.timeout });
    this.#seed = await this.fromRoot(Number(BigInt.asUintN(31, defaultGenerator.initialSeed())));
    await takeShareOfThreads(this.#world);
    this.#underWay = undefined;
    this.#normalisesTogether = false;
    this.#norms = module.modules().filter((layer) => layer instanceof BatchNorm);
    this.#moved.clear();
    // Layers that a module made as SyncBatchNorm need no option.
    for (const layer of module.modules()) {
      if (layer instanceof BatchNorm && (this.#syncs || layer instanceof SyncBatchNorm)) {
        layer.processGroup = this.#world;
        this.#normalisesTogether = true;
      }
    }
    await requireSameParameters(this, module);
    await broadcastModule(this.#world, module);
  }

  async tearDown(module: AnyTrainingModule): Promise<void> {
    convertSyncBatchnorm(module, null);
    await this.#world.barrier();
  }

  fail(error: unknown): void {
    this.#mpi.fail(error);
  }

  share(loader: Loader, purpose: Purpose): Loader {
    if (!this.#usesSampler || (loader instanceof DataLoader && loader.sampler instanceof DistributedSampler)) {
      return loader;
    }
    if (!(loader instanceof DataLoader)) {
      if (this.isRoot && !this.#warned) {
        this.#warned = true;
        console.warn(
          `The ${purpose === "training" ? "training" : "evaluation"} loader is none of this library's DataLoaders: every rank gets all of its batches.`,
        );
      }
      return loader;
    }
    const shared = { numReplicas: this.size, rank: this.rank, seed: this.#seed };
    const { sampler } = loader;
    const isRandom = sampler instanceof RandomSampler;
    const options =
      purpose === "training" ? { ...shared, shuffle: isRandom } : { ...shared, shuffle: false, uneven: true };
    // A sampler of another kind is asked for its order, which is the same on all ranks where they are seeded alike.
    const numWorkers = shareOfWorkers(loader.numWorkers, this.#world.localSize);
    return loader.withSampler(new DistributedSampler(isRandom ? sampler.length : sampler, options), { numWorkers });
  }

  async fromRoot<T>(value: T): Promise<T> {
    return unpack(await this.#world.broadcastJson(pack(value)));
  }

  async gather<T>(value: T): Promise<T[]> {
    return (await this.#world.allgatherJson(pack(value))).map((text) => unpack<T>(text));
  }

  async gatherArrays(array: Float32Array): Promise<Float32Array[]> {
    const all = await this.#world.allgather(array);
    return Array.from({ length: this.size }, (_, rank) => all.subarray(rank * array.length, (rank + 1) * array.length));
  }

  #bucketsFor(trainer: TrainerContext): readonly (readonly tf.Variable[])[] {
    const variables = trainer.optimizers.flatMap((optimizer) => optimizer.variables());
    const key = variables.map(({ id }) => id).join();
    if (key !== this.#bucketed) {
      this.#buckets = bucketsOf(variables, this.#options.bucketSizeMb * 2 ** 20);
      this.#bucketed = key;
    }
    return this.#buckets;
  }

  #startBuckets(trainer: TrainerContext): BucketsOnTheirWay {
    return new BucketsOnTheirWay(this.#bucketsFor(trainer), trainer.gradients, this.#world);
  }

  expectGradients(trainer: TrainerContext): void {
    // A backward pass of the module's own may change gradients when they have come, and layers that speak with the other ranks in it must find all of
    // them at the same place: both wait until it is over.
    if (trainer.module.backward !== TrainingModule.prototype.backward || this.#normalisesTogether) {
      return;
    }
    const buckets = this.#startBuckets(trainer);
    this.#underWay = buckets;
    trainer.gradientStore.onComplete = (variable) => buckets.complete(variable);
  }

  async dropGradients(error: unknown): Promise<void> {
    this.fail(error);
    await this.#underWay?.settle();
    this.#underWay = undefined;
  }

  async reduceGradients(trainer: TrainerContext): Promise<void> {
    const buckets = this.#underWay ?? this.#startBuckets(trainer);
    this.#underWay = undefined;
    await buckets.finish();
  }

  reduceGradientsSync(trainer: TrainerContext, gradients: Map<tf.Variable, tf.Tensor>): void {
    for (const variables of this.#bucketsFor(trainer)) {
      const bucket = new BucketOfGradients(variables, gradients);
      bucket.reduceSync(this.#world);
      bucket.putBack(gradients);
    }
  }

  async mergeResults(results: ResultCollection): Promise<ResultCollection> {
    return ResultCollection.merge(await this.gather(results.stateDict()));
  }

  async mergeSteps(results: ResultCollection): Promise<void> {
    const own = results.sharedSteps();
    // A module may log a value of what only some ranks' batches have, so that all ask whether anybody has one.
    const counts = await this.#world.allgather(Int32Array.of(own.length));
    if (counts.some((count) => count > 0)) {
      results.takeSteps(await this.gather(own));
    }
  }

  async agree(trainer: TrainerContext): Promise<void> {
    const { listener } = trainer;
    const own = Int32Array.of(listener.received, trainer.shouldStop ? this.size - this.rank : 0);
    const [requests = 0, stops = 0] = await this.#world.allreduce(own, "max");
    listener.requests = Math.max(listener.requests, requests);
    if (stops > 0 && !trainer.shouldStop) {
      trainer.shouldStop = true;
      trainer.stopReason = `rank ${this.size - stops} asked to stop`;
    }
  }

  async shareBuffers(module: AnyTrainingModule): Promise<void> {
    this.#moved.clear();
    await broadcastBuffers(this.#world, module);
  }

  async prepareStep(module: AnyTrainingModule): Promise<void> {
    // Statistics that a step does not read may differ until somebody does: layers that train read their batch's own, those that do not read these.
    const read = new Set(module.buffers());
    for (const layer of this.#norms) {
      const isRead = !layer.training && this.#moved.delete(layer);
      if (layer.training) {
        this.#moved.add(layer);
      }
      for (const buffer of isRead ? [] : layer.buffers()) {
        read.delete(buffer);
      }
    }
    if (read.size > 0) {
      await broadcastEntries(this.#world, [...read]);
    }
  }

  async checkEquality(trainer: TrainerContext): Promise<void> {
    const { checkEveryNSteps } = this.#options;
    if (checkEveryNSteps === 0 || trainer.globalStep % checkEveryNSteps !== 0) {
      return;
    }
    const difference = await differenceOf(this.#world, trainer.module);
    if (difference !== undefined) {
      throw new ConfigurationError(
        "The module's parameters",
        difference,
        `the same on all ranks after ${trainer.globalStep} steps`,
        "Something other than the optimizer changes them, or changes the optimizer, on some ranks only.",
      );
    }
  }
}

/** JSON that keeps NaN and infinities. */
function pack(value: unknown): string {
  const keep = (_: string, each: unknown) =>
    typeof each === "number" && !Number.isFinite(each) ? { $number: String(each) } : each;
  return JSON.stringify(value, keep) ?? "null";
}

function unpack<T>(text: string): T {
  const give = (_: string, each: unknown) =>
    typeof each === "object" && each !== null && "$number" in each ? Number(each.$number) : each;
  return JSON.parse(text, give);
}
