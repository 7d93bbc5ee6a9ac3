/**
 * What is known after training a classifier of patterns: its accuracies epoch by epoch, as saved on the way, and how it does on patterns
 * that it has never met.
 */
import * as tf from "@tensorflow/tfjs-core";
import { checkInteger, checkList, checkText } from "../arguments/check.ts";
import { OptionError } from "../arguments/option-error.ts";
import { checkObject, refuseUnknownOptions } from "../arguments/options.ts";
import { CheckpointError, loadCheckpoint, loadTorch, saveTorch, stateDictOf } from "../checkpoints/index.ts";
import { DiffractionDataset } from "../data/diffraction/index.ts";
import { DataError, DataLoader } from "../data/index.ts";
import { defaultResnetConfig, ResnetClassifier, type ResnetConfig } from "../models/index.ts";
import type { StateDict, TensorData } from "../tensor-data.ts";

/** Accuracies from 0 to 1, one number an epoch. */
export interface TrainingAnalytics {
  readonly train: ArrayLike<number>;
  /** Top 1 and top 3 on patterns that were not trained with. */
  readonly top1: ArrayLike<number>;
  readonly top3: ArrayLike<number>;
}

/**
 * Saves accuracies for an analysis after training, as one float32 tensor [3, epochs] (training, top 1, top 3) that `torch.load` reads.
 *
 * @param path for example `train-t1_test-t3-test.pt`
 * @throws {OptionError} naming the argument that is wrong
 * @throws {RangeError} when the three differ in length or there is no epoch; nothing is written
 */
export async function saveTrainingAnalytics(path: string, analytics: TrainingAnalytics): Promise<void> {
  const owner = "saveTrainingAnalytics";
  checkText(owner, "path", path);
  checkObject(owner, "analytics", analytics, "{ train, top1, top3 }");
  refuseUnknownOptions(owner, analytics, ["train", "top1", "top3"]);
  const { train, top1, top3 } = analytics;
  for (const [name, list] of Object.entries({ train, top1, top3 })) {
    checkList(owner, name, list, "a list of accuracies");
  }
  const epochs = train.length;
  if (epochs === 0 || top1.length !== epochs || top3.length !== epochs) {
    throw new RangeError(
      `Training analytics have one number an epoch, of each kind as many; got ${epochs} (train), ${top1.length} (top1), ${top3.length} (top3).`,
    );
  }
  const data = Float32Array.from([train, top1, top3].flatMap((row) => Array.from(row)));
  await saveTorch(path, { dtype: "float32", shape: [3, epochs], data } satisfies TensorData);
}

/**
 * Reads what {@link saveTrainingAnalytics} or the same pipeline in PyTorch wrote.
 *
 * @throws {CheckpointError} when it is no file of torch
 * @throws {DataError} when it holds anything but floating-point numbers [3, epochs]
 */
export async function loadTrainingAnalytics(path: string): Promise<{ [K in keyof TrainingAnalytics]: number[] }> {
  checkText("loadTrainingAnalytics", "path", path);
  const value = (await loadTorch(path)) as Partial<TensorData> | null;
  const epochs = value?.shape?.length === 2 && value.shape[0] === 3 ? (value.shape[1] ?? 0) : 0;
  if (epochs === 0 || (value?.dtype !== "float32" && value?.dtype !== "float64")) {
    const got = value?.shape === undefined ? "no tensor" : `${value.dtype} [${value.shape.join(", ")}]`;
    throw new DataError("format", `${path} needs one tensor, float32 or float64 [3, epochs]; it has ${got}.`, {
      file: path,
    });
  }
  const numbers = Array.from(value.data as Float32Array | Float64Array);
  const row = (i: number): number[] => numbers.slice(i * epochs, (i + 1) * epochs);
  return { train: row(0), top1: row(1), top3: row(2) };
}

export interface AnalyticsOptions {
  /** A checkpoint of the Trainer, or a torch file with the weights under `state_dict` or `model`, or nothing but weights. */
  readonly modelPath: string;
  /** What {@link saveTrainingAnalytics} wrote. */
  readonly trainingAnalyticsPath: string;
  readonly numClasses: number;
  /** Patterns that neither trained nor chose the model. */
  readonly test: DiffractionDataset;
  /** The model's, where it is not {@link defaultResnetConfig}. */
  readonly config?: Omit<ResnetConfig, "outputDim">;
  /** Patterns at a time; default 64. */
  readonly batchSize?: number;
}

export interface Analytics {
  readonly epochs: number;
  readonly trainAccuracy: readonly number[];
  readonly top1ValidationAccuracy: readonly number[];
  readonly top3ValidationAccuracy: readonly number[];
  readonly top1TestAccuracy: number;
  readonly top3TestAccuracy: number;
  /** The likeliest class of each test pattern, in the data set's order. */
  readonly top1Predictions: Int32Array;
  /** The three likeliest classes of each, likeliest first. */
  readonly top3Predictions: readonly (readonly [number, number, number])[];
}

/**
 * Loads a trained classifier and its training's accuracies, and tests it in evaluation mode.
 *
 * @throws {OptionError} naming the option that is wrong
 * @throws {RangeError} when the test set has another number of classes than `numClasses`
 * @throws {CheckpointError} when the model's file is damaged or has no weights of such a classifier
 * @throws {StateDictError} naming the weights that do not fit `numClasses` and `config`
 * @throws {DataError} when the accuracies' file has another shape
 */
export async function returnAnalytics(options: AnalyticsOptions): Promise<Analytics> {
  const owner = "returnAnalytics";
  const known = ["modelPath", "trainingAnalyticsPath", "numClasses", "test", "config", "batchSize"];
  refuseUnknownOptions(owner, options, known);
  const { modelPath, trainingAnalyticsPath, numClasses, test, config = defaultResnetConfig, batchSize = 64 } = options;
  checkText(owner, "modelPath", modelPath);
  checkText(owner, "trainingAnalyticsPath", trainingAnalyticsPath);
  checkInteger(owner, "numClasses", numClasses, 1);
  checkObject(owner, "config", config, "a configuration of ResnetClassifier");
  checkInteger(owner, "batchSize", batchSize, 1);
  if (!(test instanceof DiffractionDataset)) {
    throw new OptionError(owner, "test", test, "a DiffractionDataset");
  }
  if (test.numClasses !== numClasses) {
    throw new RangeError(`The test set has ${test.numClasses} classes; numClasses is ${numClasses}.`);
  }
  const history = await loadTrainingAnalytics(trainingAnalyticsPath);
  const weights = await loadWeights(modelPath);
  const model = new ResnetClassifier({ ...config, outputDim: numClasses });
  try {
    model.loadStateDict(weights);
    model.eval();
    const top3Predictions = await topThree(model, test, batchSize);
    const { targets } = test;
    const hits = (k: number) => top3Predictions.filter((top, i) => top.slice(0, k).includes(targets[i] ?? 0)).length;
    return {
      epochs: history.train.length,
      trainAccuracy: history.train,
      top1ValidationAccuracy: history.top1,
      top3ValidationAccuracy: history.top3,
      top1TestAccuracy: hits(1) / test.length,
      top3TestAccuracy: hits(3) / test.length,
      top1Predictions: Int32Array.from(top3Predictions, ([best]) => best),
      top3Predictions,
    };
  } finally {
    model.dispose();
  }
}

async function topThree(model: ResnetClassifier, test: DiffractionDataset, batchSize: number) {
  const predictions: [number, number, number][] = [];
  for await (const [patterns, labels] of new DataLoader(test, { batchSize, numWorkers: 0 })) {
    const rows = tf.tidy(() =>
      model
        .forward(patterns as unknown as tf.Tensor3D)
        .topKPreds(3)
        .arraySync(),
    );
    predictions.push(...(rows as [number, number, number][]));
    tf.dispose([patterns, labels]);
  }
  return predictions;
}

/** A parameter that every such classifier has, whatever its configuration. */
const landmark = "resnet.conv.conv.weight";

/** The classifier's weights, without what wrappers put before their names (`model.` of a training module, `module.` of data parallelism). */
async function loadWeights(path: string): Promise<StateDict> {
  const { data } = await loadCheckpoint(path);
  const nested = data.stateDict ?? data.state_dict ?? data.model;
  const all = nested instanceof Map ? nested : new Map(Object.entries(data));
  const key = [...all.keys()].map(String).find((name) => name.endsWith(landmark));
  if (key === undefined) {
    throw new CheckpointError(path, null, "mismatch", `it has no ${landmark}, so it is not of a ResnetClassifier`);
  }
  return stateDictOf(all, path, key.slice(0, -landmark.length));
}
