/**
 * A ready-made module for classifiers: the CIFARModule of UvA Deep Learning Tutorial 5 (P. Lippe), with its metrics' names, its optimizers and
 * its schedule as the default.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { NameLike } from "../arguments/names.ts";
import { checkObject } from "../arguments/options.ts";
import { stateDictOf } from "../checkpoints/index.ts";
import { createModelFrom, type ModelName } from "../models/index.ts";
import { CrossEntropyLoss } from "../nn/index.ts";
import type { AnyModule } from "../nn/module.ts";
import { loadCheckpointFile } from "./checkpointing/checkpoint-file.ts";
import type { HyperParameters } from "./core/json.ts";
import type { OptimizerConfig } from "./core/module-results.ts";
import { TrainingModule } from "./core/training-module.ts";
import { ConfigurationError, ResumeError, requireOption } from "./errors.ts";
import { createOptimizer, type OptimizerName } from "./optimizers/registry.ts";
import { createScheduler, type SchedulerName } from "./schedulers/registry.ts";

/** A batch of a classifier: inputs `[N, ...]` float32, class numbers `[N]` int32 or distributions `[N, K]`. */
export type ClassificationBatch = readonly [inputs: tf.Tensor, labels: tf.Tensor];

/** Hyper-parameters, all of them JSON. */
export type ClassificationHyperParameters = HyperParameters & {
  /** The model's name in the registry, for example `ResNet`. */
  readonly modelName?: NameLike<ModelName>;
  readonly modelHparams?: HyperParameters;
  /** `SGD`, `Adam`, `AdamW` or `RMSprop`; `Adam` means AdamW, as in the tutorial. Default `SGD`. (`Muon` is for matrices alone.) */
  readonly optimizerName?: NameLike<OptimizerName>;
  /** Default `{ lr: 0.1, momentum: 0.9, weightDecay: 1e-4 }`. */
  readonly optimizerHparams?: HyperParameters;
  /** A scheduler's name, or null for none. Default: the tutorial's `MultiStepLR` with milestones 100 and 150. */
  readonly schedulerName?: NameLike<SchedulerName> | null;
  readonly schedulerHparams?: HyperParameters;
  /** Whether the scheduler steps after each `epoch` (default) or each `step`. */
  readonly schedulerInterval?: "epoch" | "step";
  /** The metric that `ReduceLROnPlateau` watches; default `val_loss`. */
  readonly schedulerMonitor?: string;
  /** Share of the target spread over all classes; default 0. */
  readonly labelSmoothing?: number;
  /** Also logs how often the class is among so many likeliest ones, for 3 as `val_top3_acc` and `test_top3_acc`; default: not. */
  readonly topK?: number;
};

/**
 * Trains a classifier and logs `train_loss`, `train_acc`, `val_loss`, `val_acc`, `test_loss`, `test_acc`.
 *
 * @example
 * const module = new ClassificationModule({
 *   modelName: "ResNet",
 *   optimizerName: "SGD",
 *   optimizerHparams: { lr: 0.1, momentum: 0.9, weightDecay: 1e-4 },
 * });
 */
export class ClassificationModule extends TrainingModule<
  ClassificationBatch,
  ClassificationHyperParameters,
  [inputs: tf.Tensor],
  tf.Tensor
> {
  readonly model: AnyModule;
  readonly lossModule: CrossEntropyLoss;

  /**
   * @param hparams the hyper-parameters; `modelName` may be left out when a model is given
   * @param model a model of your own; the registry's by default
   */
  constructor(hparams: ClassificationHyperParameters, model?: AnyModule) {
    super();
    checkObject("ClassificationModule", "hparams", hparams);
    this.saveHyperParameters(hparams);
    if (model === undefined && hparams.modelName === undefined) {
      throw new ConfigurationError(
        "ClassificationModule.modelName",
        undefined,
        "the name of a model, unless a model is given",
      );
    }
    const { topK } = hparams;
    requireOption(
      topK === undefined || (Number.isInteger(topK) && topK >= 1),
      "ClassificationModule.topK",
      topK,
      "a whole number of at least 1",
    );
    this.model = this.registerModule(
      "model",
      model === undefined ? createModelFrom(hparams.modelName, hparams.modelHparams ?? {}) : model,
    );
    this.lossModule = this.registerModule(
      "loss_module",
      new CrossEntropyLoss({ labelSmoothing: hparams.labelSmoothing ?? 0 }),
    );
  }

  forward(inputs: tf.Tensor): tf.Tensor {
    return this.model.forward(inputs) as tf.Tensor;
  }

  configureOptimizers(): OptimizerConfig {
    const { optimizerName = "SGD", optimizerHparams = { lr: 0.1, momentum: 0.9, weightDecay: 1e-4 } } = this.hparams;
    const {
      schedulerName = "MultiStepLR",
      schedulerHparams,
      schedulerInterval = "epoch",
      schedulerMonitor = "val_loss",
    } = this.hparams;
    const optimizer = createOptimizer(this.optimizerNamed(optimizerName), this.parameters(), optimizerHparams);
    if (schedulerName === null) {
      return optimizer;
    }
    const options = schedulerHparams ?? (schedulerName === "MultiStepLR" ? { milestones: [100, 150], gamma: 0.1 } : {});
    const scheduler = createScheduler(schedulerName, optimizer, this.#completed(schedulerName, options));
    return { optimizer, lrScheduler: { scheduler, interval: schedulerInterval, monitor: schedulerMonitor } };
  }

  /** Which optimizer a name means: the tutorial's Adam is AdamW. */
  optimizerNamed(name: string): string {
    return name === "Adam" ? "AdamW" : name;
  }

  /** A one-cycle schedule that does not say how long it is lasts as long as the training. */
  #completed(name: string, options: HyperParameters): HyperParameters {
    if (name !== "OneCycleLR" || options.totalSteps !== undefined || options.epochs !== undefined) {
      return options;
    }
    return { ...options, totalSteps: this.trainer.estimatedSteps };
  }

  #evaluate([inputs, labels]: ClassificationBatch, stage: "train" | "val" | "test"): tf.Tensor {
    const logits = this.forward(inputs);
    const loss = this.lossModule.forward(logits, labels);
    const classes = labels.rank === 2 ? tf.argMax(labels, -1) : labels;
    const accuracy = tf.mean(tf.cast(tf.equal(tf.argMax(logits, -1), tf.cast(classes, "int32")), "float32"));
    this.log(`${stage}_acc`, accuracy, { onStep: false, onEpoch: true, progressBar: true });
    const isTraining = stage === "train";
    if (!isTraining && this.hparams.topK !== undefined) {
      this.log(`${stage}_top${this.hparams.topK}_acc`, topKAccuracy(logits, classes, this.hparams.topK));
    }
    this.log(`${stage}_loss`, loss, { onStep: isTraining, onEpoch: !isTraining, progressBar: isTraining });
    return loss;
  }

  trainingStep(batch: ClassificationBatch): tf.Tensor {
    return this.#evaluate(batch, "train");
  }

  override validationStep(batch: ClassificationBatch): void {
    this.#evaluate(batch, "val");
  }

  override testStep(batch: ClassificationBatch): void {
    this.#evaluate(batch, "test");
  }

  /**
   * Builds the module that a checkpoint describes, with its weights: one of ours, or the tutorial's `.ckpt` files.
   *
   * @throws CheckpointError when the file is damaged, ResumeError when it does not say which model it is
   */
  static async loadFromCheckpoint(path: string): Promise<ClassificationModule> {
    const { hyperParameters, stateDict } = await loadCheckpointFile(path);
    const hparams = normalizeHparams(hyperParameters);
    if (hparams.modelName === undefined) {
      throw new ResumeError(path, "its hyper-parameters do not name a model.");
    }
    const module = new ClassificationModule(hparams);
    module.loadStateDict(stateDictOf(stateDict, path));
    return module;
  }
}

/** The tutorial's name for {@link ClassificationModule}. */
export const CIFARModule = ClassificationModule;
export type CIFARModule = ClassificationModule;

/** How often the class is among the k likeliest. */
function topKAccuracy(logits: tf.Tensor, classes: tf.Tensor, k: number): tf.Tensor {
  const count = logits.shape.at(-1) ?? 0;
  requireOption(k <= count, "ClassificationModule.topK", k, `at most ${count}, the number of classes`);
  const { indices } = tf.topk(logits, k);
  const hits = tf.any(tf.equal(indices, tf.expandDims(tf.cast(classes, "int32"), -1)), -1);
  return tf.mean(tf.cast(hits, "float32"));
}

/** Hyper-parameters with the names of this class; files from Python have theirs. */
export function normalizeHparams(hparams: HyperParameters): ClassificationHyperParameters {
  return Object.fromEntries(
    Object.entries(hparams).map(([key, value]) => [
      key.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
      typeof value === "bigint" ? Number(value) : value,
    ]),
  );
}
