/**
 * A one-dimensional ResNet that classifies patterns (powder diffraction, in notebook 04), and what it returns.
 *
 * Reference: the diffraction pipeline whose configuration {@link defaultResnetConfig} is. Its even stage strides (4 4 5 3) act in the first block
 * of each stage.
 */
import * as tf from "@tensorflow/tfjs-core";
import { at } from "../arguments/at.ts";
import { CNN1dLayer, Resnet1DBlock } from "../nn/blocks/index.ts";
import {
  AdaptiveAvgPool1d,
  CrossEntropyLoss,
  Flatten,
  Linear,
  MaxPool1d,
  Module,
  OptionError,
  Sequential,
} from "../nn/index.ts";
import { ofRank } from "../nn/ranks.ts";

/** Everything that decides the shape of a {@link ResNet1d}; one entry a stage in the lists. */
export interface ResnetConfig {
  /** Channels of the input: 1 for a pattern. */
  readonly inputDim: number;
  /** Number of classes. */
  readonly outputDim: number;
  readonly resDims: readonly number[];
  readonly resKernel: readonly number[];
  readonly resStride: readonly number[];
  readonly numBlocks: readonly number[];
  readonly firstKernelSize: number;
  readonly firstStride: number;
  readonly firstPoolKernelSize: number;
  readonly firstPoolStride: number;
  /** Probability of dropout behind every convolution. */
  readonly dropout: number;
}

/** The source's configuration; only the number of classes is open. */
export const defaultResnetConfig: Omit<ResnetConfig, "outputDim"> = {
  inputDim: 1,
  resDims: [32, 64, 64, 64],
  resKernel: [5, 7, 17, 13],
  resStride: [4, 4, 5, 3],
  numBlocks: [2, 2, 2, 2],
  firstKernelSize: 13,
  firstStride: 1,
  firstPoolKernelSize: 7,
  firstPoolStride: 7,
  dropout: 0,
};

/** The names of {@link ResnetConfig}; the network without its classifier is given the same. */
const configNames = [
  ...(Object.keys(defaultResnetConfig) as (keyof typeof defaultResnetConfig)[]),
  "outputDim",
] as const;

/** Features of a pattern, [N, L, inputDim] -> [N, L', resDims of the last stage]. */
export class ResNet1d extends Module<[x: tf.Tensor3D], tf.Tensor3D> {
  readonly conv: CNN1dLayer;
  readonly maxpool: MaxPool1d;
  readonly stages: readonly Sequential<Resnet1DBlock[]>[];

  /** @throws {OptionError} where the lists of the stages differ in length */
  constructor(config: Omit<ResnetConfig, "outputDim"> = defaultResnetConfig) {
    super();
    const given: Omit<ResnetConfig, "outputDim"> & Partial<ResnetConfig> = config;
    const { inputDim, resDims, resKernel, resStride, numBlocks, dropout } = this.optionsOf(
      given,
      configNames,
      "config",
    );
    this.checkSizes({ inputDim });
    this.checkSizeLists({ resDims, resKernel, resStride, numBlocks });
    for (const [name, list] of Object.entries({ resKernel, resStride, numBlocks })) {
      if (list.length !== resDims.length) {
        throw new OptionError("ResNet1d", name, list, `a list of ${resDims.length} numbers, one a stage, as resDims`);
      }
    }
    const [width] = resDims as readonly [number, ...number[]];
    const { firstKernelSize: kernelSize, firstStride: stride, firstPoolKernelSize, firstPoolStride } = config;
    this.conv = this.registerModule("conv", new CNN1dLayer(inputDim, width, { kernelSize, stride, dropout }));
    this.maxpool = this.registerModule("maxpool", new MaxPool1d(firstPoolKernelSize, { stride: firstPoolStride }));
    let inDim = width;
    this.stages = resDims.map((outDim, stage) => {
      const [kernelSize, stride] = [at(resKernel, stage), at(resStride, stage)];
      const blocks = Array.from({ length: at(numBlocks, stage) }, (_, i) => {
        const options = { kernelSize, stride: i === 0 ? stride : 1, dropout };
        return new Resnet1DBlock(i === 0 ? inDim : outDim, outDim, options);
      });
      inDim = outDim;
      return this.registerModule(`layer${stage + 1}`, new Sequential(...blocks));
    });
  }

  forward(x: tf.Tensor3D): tf.Tensor3D {
    return tf.tidy(() => {
      let features = this.maxpool.forward(this.conv.forward(x));
      for (const stage of this.stages) {
        features = stage.forward(features);
      }
      return features;
    });
  }
}

/** Logits with what is asked of them. Its tensors belong to the caller. */
export class ModelOutput {
  /** Supervised logits, [N, classes]. */
  readonly logits: tf.Tensor2D;
  /** Unsupervised logits, one a pattern, [N]. */
  readonly unsupervisedLogits: tf.Tensor1D;
  /** Cross-entropy, where labels were given. */
  readonly loss: tf.Scalar | null;

  constructor(logits: tf.Tensor2D, unsupervisedLogits: tf.Tensor1D, loss: tf.Scalar | null) {
    this.logits = logits;
    this.unsupervisedLogits = unsupervisedLogits;
    this.loss = loss;
  }

  /** The likeliest class of each pattern, [N] int32. */
  preds(): tf.Tensor1D {
    return tf.argMax(this.logits, 1);
  }

  /** The share of patterns whose likeliest class is the label. */
  accuracy(labels: tf.Tensor1D): number {
    return this.topKAcc(labels, 1);
  }

  /**
   * The k likeliest classes of each pattern, likeliest first, [N, k] int32.
   *
   * @throws {OptionError} for k below 1 or above the number of classes
   */
  topKPreds(k: number): tf.Tensor2D {
    const classes = this.logits.shape[1];
    if (!Number.isInteger(k) || k < 1 || k > classes) {
      throw new OptionError("ModelOutput", "k", k, `a whole number from 1 to the ${classes} classes`);
    }
    return tf.tidy(() => tf.topk(this.logits, k).indices);
  }

  /** The share of patterns whose label is among the k likeliest classes. */
  topKAcc(labels: tf.Tensor1D, k: number): number {
    const [batch] = this.logits.shape;
    if (labels.shape.length !== 1 || labels.shape[0] !== batch) {
      throw new OptionError("ModelOutput", "the labels' shape", labels.shape, `[${batch}]`);
    }
    return tf.tidy(() => {
      const hits = tf.any(tf.equal(this.topKPreds(k), tf.expandDims(tf.cast(labels, "int32"), 1)), 1);
      const share: tf.Scalar = tf.mean(tf.cast(hits, "float32"));
      return share.arraySync();
    });
  }

  /** Frees the tensors. */
  dispose(): void {
    tf.dispose([this.logits, this.unsupervisedLogits]);
    this.loss?.dispose();
  }
}

/** A {@link ResNet1d} with two heads behind an average over the pattern: classes (supervised) and one number (unsupervised). */
export class ResnetClassifier extends Module<[x: tf.Tensor3D, labels?: tf.Tensor1D], ModelOutput> {
  readonly resnet: ResNet1d;
  readonly classifier: Linear;
  readonly adv: Linear;
  readonly #pool = new AdaptiveAvgPool1d(1);
  readonly #flatten = new Flatten();
  readonly #lossFct = new CrossEntropyLoss();

  constructor(config: ResnetConfig) {
    super();
    this.resnet = this.registerModule("resnet", new ResNet1d(this.optionsOf(config, configNames, "config")));
    this.checkSizes({ outputDim: config.outputDim });
    const width = config.resDims.at(-1) ?? 0;
    this.classifier = this.registerModule("classifier", new Linear(width, config.outputDim));
    this.adv = this.registerModule("adv", new Linear(width, 1));
  }

  /**
   * @param x patterns [N, L, inputDim]
   * @param labels classes [N] int32; with them the output has a loss
   */
  forward(x: tf.Tensor3D, labels?: tf.Tensor1D): ModelOutput {
    type Heads = [logits: tf.Tensor2D, unsupervised: tf.Tensor1D, loss?: tf.Scalar];
    const [logits, unsupervised, loss] = tf.tidy((): Heads => {
      const features = this.#flatten.forward(this.#pool.forward(this.resnet.forward(x)));
      const classes = this.classifier.forward(features);
      const single: tf.Tensor1D = tf.reshape(this.adv.forward(features), [-1]);
      return labels === undefined
        ? [classes, single]
        : [classes, single, ofRank(this.#lossFct.forward(classes, labels), 0)];
    });
    return new ModelOutput(logits, unsupervised, loss ?? null);
  }
}
