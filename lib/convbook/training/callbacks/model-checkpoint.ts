/** Saves checkpoints: the best by a metric, the last, every so often. As PyTorch Lightning's ModelCheckpoint. */
import { rm } from "node:fs/promises";
import { resolve } from "node:path";
import { found } from "../../arguments/found.ts";
import { linkCheckpointFile, saveCheckpointFile } from "../checkpointing/checkpoint-file.ts";
import { Callback } from "../core/callback.ts";
import { Interruption } from "../core/interruption.ts";
import { rankZeroWarn } from "../core/rank-zero.ts";
import type { Stage, TrainerContext } from "../core/trainer-context.ts";
import type { AnyTrainingModule } from "../core/training-module.ts";
import { MonitorError } from "../errors.ts";
import type { Metrics } from "../logging/results.ts";
import { freePath, isWithin, mayRemove, prepareFolder } from "./checkpoint-folder.ts";
import { checkpointName, type NamePattern, parseNamePattern, warnOfMissing } from "./checkpoint-name.ts";
import { CheckpointRanking } from "./checkpoint-ranking.ts";
import { checkModelCheckpointOptions, type ModelCheckpointOptions } from "./model-checkpoint-options.ts";
import { SaveQueue } from "./save-queue.ts";
import { SaveSchedule } from "./save-schedule.ts";

/** Files that any callback of this process is about to write. */
const underWay = new Set<string>();

/**
 * @example
 * new ModelCheckpoint({ monitor: "val_acc", mode: "max", saveLast: true, filename: "{epoch:02d}-{val_acc:.3f}" })
 */
export class ModelCheckpoint extends Callback {
  readonly options: ModelCheckpointOptions;
  readonly monitor: string | undefined;
  readonly mode: "min" | "max";
  readonly saveTopK: number;
  /** The best checkpoint that is on disk, whole. */
  bestModelPath: string | undefined;
  bestModelScore: number | undefined;
  /** The newest `last` that is on disk, whole. */
  lastModelPath: string | undefined;
  /** Scores by path of the checkpoints that are kept. */
  readonly bestKModels: Map<string, number>;
  readonly #ranking: CheckpointRanking;
  readonly #pattern: NamePattern;
  /** Metrics of the pattern that were warned of. */
  readonly #warned = new Set<string>();
  readonly #schedule: SaveSchedule;
  /** Without a monitor, what was saved last, or is about to be. */
  #newest: string | undefined;
  /** What is on disk when all saves under way are done; what a file says of the best is true when the file is there. */
  #promised: Saved = {};
  #lastStepSaved = 0;
  /** The step at which this fit began. */
  #firstStep = 0;
  /** Whether this fit has written a checkpoint. */
  #hasSaved = false;
  #isDeferred = false;
  #hasValidated = false;
  /** This run's `last`; undefined until it is needed. */
  #last: string | undefined;
  #folder: string | undefined;
  /** Saves under way. */
  readonly #queue = new SaveQueue();

  constructor(options: ModelCheckpointOptions = {}) {
    super();
    checkModelCheckpointOptions(options);
    const { monitor, mode = "min", saveTopK = 1 } = options;
    this.#pattern = parseNamePattern(options.filename ?? "{epoch}-{step}");
    this.options = options;
    this.monitor = monitor;
    this.mode = mode;
    this.#ranking = new CheckpointRanking(mode);
    this.bestKModels = this.#ranking.scores;
    this.saveTopK = saveTopK;
    this.#schedule = new SaveSchedule(options);
  }

  override get runsLast(): boolean {
    return true;
  }

  override get monitors(): readonly string[] {
    return this.monitor === undefined ? [] : [this.monitor];
  }

  override get stateKey(): string {
    const { monitor, mode } = this;
    const { everyNEpochs, everyNTrainSteps, interval } = this.#schedule;
    return `ModelCheckpoint${JSON.stringify({ monitor, mode, everyNEpochs, everyNTrainSteps, interval })}`;
  }

  /** Whether the folder was given, rather than the logger's. */
  get hasOwnFolder(): boolean {
    return this.options.dirPath !== undefined;
  }

  /** The folder that checkpoints go to. */
  resolveFolder(trainer: TrainerContext): string {
    if (this.options.dirPath !== undefined) {
      return resolve(this.options.dirPath);
    }
    const logger = trainer.loggers.find(({ logDir }) => logDir !== undefined);
    return resolve(logger?.logDir ?? trainer.options.defaultRootDir, "checkpoints");
  }

  override async setup(trainer: TrainerContext, _module: AnyTrainingModule, stage: Stage): Promise<void> {
    this.#folder = await trainer.strategy.fromRoot(this.resolveFolder(trainer));
    if (!trainer.isGlobalZero) {
      return;
    }
    if (trainer.options.fastDevRun > 0 || stage !== "fit" || (this.saveTopK === 0 && !this.options.saveLast)) {
      return;
    }
    await prepareFolder(this.#folder);
  }

  override onTrainStart(trainer: TrainerContext): void {
    this.#schedule.start();
    this.#lastStepSaved = trainer.globalStep;
    this.#firstStep = trainer.globalStep;
    this.#hasSaved = false;
    this.#last = undefined;
    this.#hasValidated = false;
    this.#isDeferred = false;
  }

  override async onTrainBatchEnd(trainer: TrainerContext): Promise<void> {
    if (!(await this.#schedule.isBatchDue(trainer))) {
      return;
    }
    if (this.monitor !== undefined && this.#awaitsValidation(trainer, this.monitor)) {
      this.#isDeferred = true;
      return;
    }
    await this.#save(trainer);
  }

  /** Whether only the validation to come knows the metric of these weights; what is known is of none, or of weights before. */
  #awaitsValidation(trainer: TrainerContext, monitor: string): boolean {
    if (!(monitor in this.#candidates(trainer))) {
      return true;
    }
    return this.#isOfValidation(trainer) && trainer.isValidationNext();
  }

  override async onTrainEpochEnd(trainer: TrainerContext): Promise<void> {
    if (this.#isDeferred && this.#hasValidated && !this.#isOfValidation(trainer)) {
      this.#isDeferred = false;
      await this.#save(trainer);
    }
    if (this.#schedule.savesOnTrainEpochEnd(trainer) && this.#schedule.isEpochDue(trainer)) {
      await this.#save(trainer);
    }
  }

  /** Whether validation gives the metric. */
  #isOfValidation(trainer: TrainerContext): boolean {
    return this.monitor !== undefined && trainer.validationNames?.has(this.monitor) === true;
  }

  override async onValidationEnd(trainer: TrainerContext): Promise<void> {
    if (!trainer.isFitting || trainer.isSanityChecking) {
      return;
    }
    this.#hasValidated = true;
    const isEpochs = !this.#schedule.savesOnTrainEpochEnd(trainer) && this.#schedule.isEpochDue(trainer);
    // A metric of whole training epochs is known when this one ends.
    const isKnown = this.monitor === undefined || this.monitor in this.#candidates(trainer);
    if (isEpochs || (this.#isDeferred && isKnown)) {
      this.#isDeferred = false;
      await this.#save(trainer);
    }
  }

  override async onTrainEnd(trainer: TrainerContext): Promise<void> {
    // Nothing came that was worth a save, and the end is what `last` is for.
    const hasTrained = trainer.globalStep !== this.#firstStep && trainer.options.fastDevRun === 0;
    if (this.options.saveLast && !this.#hasSaved && hasTrained) {
      await this.#enqueueLast(trainer);
    }
    await this.#settle();
  }

  override async onException(trainer: TrainerContext, _module: AnyTrainingModule, error: unknown): Promise<void> {
    if (
      error instanceof Interruption &&
      (this.options.saveOnInterrupt ?? true) &&
      trainer.options.fastDevRun === 0 &&
      !trainer.listener.urgent &&
      this.#folder !== undefined
    ) {
      if (trainer.progress.totalBatch > 0) {
        await this.#enqueueLast(trainer);
      }
    }
    await this.#settle();
  }

  override async teardown(): Promise<void> {
    await this.#settle();
  }

  #candidates(trainer: TrainerContext): Metrics {
    return { ...trainer.callbackMetrics, epoch: trainer.currentEpoch, step: trainer.globalStep };
  }

  /** Saves the state of this moment as it deserves; the files are written while training goes on. */
  async #save(trainer: TrainerContext): Promise<void> {
    this.#queue.throwFailure();
    if (trainer.options.fastDevRun > 0 || this.#lastStepSaved === trainer.globalStep) {
      return;
    }
    this.#lastStepSaved = trainer.globalStep;
    // What is logged by step may differ between processes: rank 0's decides.
    const metrics = await trainer.strategy.fromRoot(this.#candidates(trainer));
    if (trainer.isGlobalZero) {
      warnOfMissing(this.#pattern, metrics, this.#warned);
    }
    if (this.saveTopK !== 0) {
      if (this.monitor === undefined) {
        await this.#saveNewest(trainer, metrics);
      } else {
        await this.#saveIfBest(trainer, metrics, this.monitor);
      }
    }
    if (this.options.saveLast && !this.#linksLast) {
      await this.#enqueueLast(trainer);
    }
    // Where the disk is slower than training, training waits, so that memory stays bounded.
    if (this.#queue.pendingCount > 2) {
      await this.#queue.wait();
    }
  }

  /** Whether `last` points to what is kept; where nothing is, it is a file. */
  get #linksLast(): boolean {
    return this.options.saveLast === "link" && this.saveTopK !== 0;
  }

  get #folderOfThisRun(): string {
    return found(this.#folder, "The folder of the checkpoints");
  }

  /** Where this run's `last` goes: over its own of before, and never over another run's. */
  async #lastPath(trainer: TrainerContext): Promise<string> {
    if (this.#last === undefined) {
      const folder = this.#folderOfThisRun;
      const before = this.lastModelPath;
      const isOwn = before !== undefined && isWithin(folder, before) && before.endsWith(`.${this.#extension}`);
      const own = isOwn ? resolve(before) : undefined;
      const path = own ?? (await freePath(folder, "last", this.#extension, undefined, (other) => underWay.has(other)));
      this.#last = await trainer.strategy.fromRoot(path);
    }
    return this.#last;
  }

  async #saveNewest(trainer: TrainerContext, metrics: Metrics): Promise<void> {
    // The one before may still be on its way to the disk.
    const before = this.#newest ?? this.bestModelPath;
    const path = await trainer.strategy.fromRoot(await this.#freePath(metrics, before));
    const isRemoved = this.saveTopK === 1 && before !== undefined && before !== path;
    this.#newest = path;
    await this.#enqueue(trainer, path, isRemoved ? before : undefined, { bestModelPath: path });
  }

  async #saveIfBest(trainer: TrainerContext, metrics: Metrics, monitor: string): Promise<void> {
    const current = metrics[monitor];
    const validates = trainer.valLoaders.length > 0 || trainer.options.limitValBatches === 0;
    if (current === undefined && validates && !this.#hasValidated) {
      rankZeroWarn(
        `ModelCheckpoint monitors "${monitor}", which is not known before the first validation: no checkpoint is kept by it until then.`,
      );
      return;
    }
    if (current === undefined) {
      throw new MonitorError("ModelCheckpoint", monitor, Object.keys(trainer.callbackMetrics));
    }
    // A run that diverged is the worst of all.
    const score = Number.isNaN(current) ? this.#ranking.worstScore : current;
    const worstKept = this.#ranking.extreme("worst");
    const isFull = this.saveTopK !== -1 && this.bestKModels.size >= this.saveTopK;
    if (isFull && (worstKept === undefined || !this.#ranking.isBetter(score, worstKept[1]))) {
      if (this.options.verbose && trainer.isGlobalZero) {
        console.log(
          `Epoch ${metrics.epoch}, step ${metrics.step}: ${monitor} ${current} was not in the top ${this.saveTopK}.`,
        );
      }
      return;
    }
    const removed = isFull ? worstKept?.[0] : undefined;
    if (removed !== undefined) {
      this.bestKModels.delete(removed);
    }
    const path = await trainer.strategy.fromRoot(await this.#freePath(metrics, removed));
    this.bestKModels.set(path, score);
    const [best, bestScore] = this.#ranking.extreme("best") ?? [path, score];
    const gives = { bestModelPath: best, bestModelScore: bestScore };
    await this.#enqueue(trainer, path, removed !== path ? removed : undefined, gives);
    if (this.options.verbose && trainer.isGlobalZero) {
      console.log(`Epoch ${metrics.epoch}, step ${metrics.step}: ${monitor} reached ${current}, saved as ${path}.`);
    }
  }

  async #enqueueLast(trainer: TrainerContext): Promise<void> {
    const path = await this.#lastPath(trainer);
    await this.#enqueue(trainer, path, undefined, { lastModelPath: path });
  }

  /**
   * Takes a copy of the state now and writes it behind the saves before it.
   *
   * @param removed a checkpoint to delete when this one is there
   * @param gives what is known when the file is there
   */
  async #enqueue(trainer: TrainerContext, path: string, removed: string | undefined, gives: Saved): Promise<void> {
    const resumedFrom = trainer.ckptPath;
    this.#hasSaved = true;
    const last = this.#linksLast ? await this.#lastPath(trainer) : undefined;
    const link = path !== last ? last : undefined;
    if (link !== undefined) {
      gives.lastModelPath = link;
    }
    // What the file itself says of the best and the last includes this one and those before it, which are written first:
    // what they replace is deleted by then.
    const { bestModelPath, bestModelScore, lastModelPath } = this;
    Object.assign(this.#promised, gives);
    Object.assign(this, this.#promised);
    const captured = trainer.captureCheckpoint({ weightsOnly: this.options.saveWeightsOnly ?? false });
    Object.assign(this, { bestModelPath, bestModelScore, lastModelPath });
    const checkpoint = await captured;
    if (!trainer.isGlobalZero) {
      Object.assign(this, gives);
      return;
    }
    underWay.add(path);
    this.#queue.add(async () => {
      try {
        await saveCheckpointFile(path, checkpoint);
        // Before the one that it pointed to is deleted.
        if (link !== undefined) {
          await linkCheckpointFile(path, link);
        }
        Object.assign(this, gives);
        if (removed !== undefined && mayRemove(this.#folderOfThisRun, removed, resumedFrom)) {
          await rm(removed, { force: true });
        }
      } catch (error) {
        this.#promised = {};
        throw error;
      } finally {
        underWay.delete(path);
      }
    });
  }

  async #settle(): Promise<void> {
    await this.#queue.wait();
    this.#queue.throwFailure();
  }

  get #extension(): string {
    return this.options.format ?? "safetensors";
  }

  /** The pattern's path, with a version when a file of this name is there already. */
  async #freePath(metrics: Metrics, mayReplace: string | undefined): Promise<string> {
    const name = this.formatName(metrics);
    const isPromised = (path: string) => this.bestKModels.has(path) || underWay.has(path);
    return freePath(this.#folderOfThisRun, name, this.#extension, mayReplace, isPromised);
  }

  /** A file's name from the pattern, without folder and extension. */
  formatName(metrics: Metrics): string {
    return checkpointName(this.#pattern, metrics, this.options.autoInsertMetricName ?? true);
  }

  override stateDict(): Readonly<Record<string, unknown>> {
    return {
      bestModelPath: this.bestModelPath ?? null,
      bestModelScore: this.bestModelScore ?? null,
      lastModelPath: this.lastModelPath ?? null,
      bestKModels: [...this.bestKModels],
      folder: this.#folder ?? null,
    };
  }

  override loadStateDict(state: Readonly<Record<string, unknown>>): void {
    // Of another folder only the best is remembered, so that nothing there is counted or deleted.
    this.#newest = undefined;
    this.#promised = {};
    this.bestModelPath = asText(state.bestModelPath);
    this.bestModelScore = typeof state.bestModelScore === "number" ? state.bestModelScore : undefined;
    const folder = this.#folder;
    if (folder === undefined || state.folder !== folder) {
      return;
    }
    this.lastModelPath = asText(state.lastModelPath);
    this.bestKModels.clear();
    for (const [path, score] of state.bestKModels as [string, number][]) {
      if (isWithin(folder, path)) {
        this.bestKModels.set(path, score);
      }
    }
  }
}

/** What a save changes. */
type Saved = { bestModelPath?: string; bestModelScore?: number; lastModelPath?: string };

const asText = (value: unknown) => (typeof value === "string" ? value : undefined);
