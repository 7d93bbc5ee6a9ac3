/** The ready-made module for sequences of one channel: the classifier of powder patterns, trained as its pipeline trains it. */
import * as tf from "@tensorflow/tfjs-core";
import { checkObject } from "../arguments/options.ts";
import { stateDictOf } from "../checkpoints/index.ts";
import { defaultResnetConfig, hparam, ResnetClassifier, type ResnetConfig } from "../models/index.ts";
import { OptionError, UnknownNameError, withParameterBudget } from "../nn/index.ts";
import { loadCheckpointFile } from "./checkpointing/checkpoint-file.ts";
import { type ClassificationHyperParameters, ClassificationModule, normalizeHparams } from "./classification-module.ts";
import type { HyperParameters } from "./core/json.ts";

/** The model's name in configurations and checkpoints. */
export const patternModelName = "ResnetClassifier";

/** Bounds that keep a stranger's file from asking for a network that fills the memory. */
const [mostWidth, mostElements] = [65_536, 2 ** 28];

const parsers: { readonly [K in keyof ResnetConfig]: hparam.ParseValue<ResnetConfig[K]> } = {
  inputDim: hparam.integer(1, mostWidth),
  outputDim: hparam.integer(1, mostWidth),
  resDims: hparam.integers(1, mostWidth),
  resKernel: hparam.integers(1, 1024),
  resStride: hparam.integers(1, 1024),
  numBlocks: hparam.integers(1, 1024),
  firstKernelSize: hparam.integer(1, 1024),
  firstStride: hparam.integer(1, 1024),
  firstPoolKernelSize: hparam.integer(1, 1024),
  firstPoolStride: hparam.integer(1, 1024),
  dropout: hparam.number(0, 1),
};

const known: Readonly<Record<string, hparam.ParseValue<unknown>>> = parsers;

/**
 * Builds the classifier from untrusted data: fields of its configuration, the pipeline's own where they are left out, and 14 classes.
 *
 * @throws {UnknownNameError | OptionError} naming what describes no such model
 */
export function patternModel(hparams: HyperParameters = {}): ResnetClassifier {
  checkObject(patternModelName, "hyper-parameters", hparams);
  const given = Object.entries(hparams).map(([name, value]) => {
    const parse = Object.hasOwn(known, name) ? known[name] : undefined;
    if (parse === undefined) {
      throw new UnknownNameError(`hyper-parameter of ${patternModelName}`, name, Object.keys(parsers));
    }
    return [name, parse(patternModelName, name, value)] as const;
  });
  const config = { ...defaultResnetConfig, outputDim: 14, ...Object.fromEntries(given) };
  return withParameterBudget(mostElements, () => new ResnetClassifier(config));
}

/**
 * Trains a {@link ResnetClassifier} on patterns `[N, L, 1]` and logs what {@link ClassificationModule} logs, and with it `val_top3_acc` and
 * `test_top3_acc`. Where nothing else is said its optimizer is the pipeline's: Adam with a rate of 0.0005 and an ε of 0.00001, without a schedule.
 *
 * @example
 * const module = new PatternModule({ modelHparams: { outputDim: 14 } });
 */
export class PatternModule extends ClassificationModule {
  /** @param hparams `modelHparams` are fields of a ResnetConfig; the pipeline's, and 14 classes, where they are left out */
  constructor(hparams: ClassificationHyperParameters = {}) {
    checkObject("PatternModule", "hparams", hparams);
    const { modelName = patternModelName, modelHparams } = hparams;
    if (modelName !== patternModelName) {
      throw new OptionError("PatternModule", "modelName", modelName, patternModelName);
    }
    const usual = {
      modelName,
      optimizerName: "Adam",
      optimizerHparams: { lr: 0.5e-3, eps: 1e-5 },
      schedulerName: null,
      topK: 3,
    };
    super({ ...usual, ...hparams }, patternModel(modelHparams));
  }

  /** The supervised logits, [N, L, 1] -> [N, classes]. */
  override forward(patterns: tf.Tensor): tf.Tensor {
    return tf.tidy(() => (this.model as ResnetClassifier).forward(patterns as tf.Tensor3D).logits);
  }

  /** Adam is Adam here. */
  override optimizerNamed(name: string): string {
    return name;
  }

  /**
   * Builds the module that a checkpoint of ours describes, with its weights.
   *
   * @throws CheckpointError when the file is damaged; what says that it describes no such module
   */
  static override async loadFromCheckpoint(path: string): Promise<PatternModule> {
    const { hyperParameters, stateDict } = await loadCheckpointFile(path);
    const module = new PatternModule(normalizeHparams(hyperParameters));
    module.loadStateDict(stateDictOf(stateDict, path));
    return module;
  }
}
