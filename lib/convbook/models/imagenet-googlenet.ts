/**
 * GoogLeNet for ImageNet with torchvision's names, so that its .pth files load: nine Inception blocks, and in training two further classifiers half-way.
 *
 * Szegedy et al., "Going Deeper with Convolutions", 2015. Reference: torchvision's googlenet.py, whose logits it gives for the same weights, and whose
 * weights it draws for the same seed. As there, convolutions are normalised, which the paper's are not, and its "5x5" branch has 3x3 kernels
 * (https://github.com/pytorch/vision/issues/906).
 */
import * as tf from "@tensorflow/tfjs-core";
import {
  Activation,
  AdaptiveAvgPool2d,
  BatchNorm2d,
  Conv2d,
  Dropout,
  Flatten,
  init,
  Linear,
  MaxPool2d,
  Module,
  OptionError,
  Sequential,
} from "../nn/index.ts";
import { type FeatureInfo, StagedNetwork, type Step } from "./staged-network.ts";

/** Hyper-parameters of {@link ImageNetGoogLeNet}. */
export interface ImageNetGoogLeNetHparams {
  /** Number of classes, 1000 by default. */
  readonly numClasses?: number;
  /** Whether it has the two further classifiers, false by default: torchvision's network has them until its weights are loaded. */
  readonly auxLogits?: boolean;
  /** Whether pictures normalised with ImageNet's means become such from -1 to 1, as torchvision's published weights need; false by default. */
  readonly transformInput?: boolean;
  /** Probability of the dropout before the last layer, 0.2 by default. */
  readonly dropout?: number;
  /** The same of the further classifiers, 0.7 by default. */
  readonly dropoutAux?: number;
}

const hparamNames = ["numClasses", "auxLogits", "transformInput", "dropout", "dropoutAux"] as const;

/** What {@link ImageNetGoogLeNet.forwardWithAux} gives; the further logits are there in training, where the network has them. */
export interface GoogLeNetOutputs {
  readonly logits: tf.Tensor2D;
  /** Of `aux1`, behind the first third of the blocks. */
  readonly auxLogits1: tf.Tensor2D | undefined;
  /** Of `aux2`, behind the second third. */
  readonly auxLogits2: tf.Tensor2D | undefined;
}

/** Convolution, normalisation and ReLU: [N, H, W, C] -> [N, H', W', C']. */
class BasicConv2d extends Module<[x: tf.Tensor4D], tf.Tensor4D> {
  readonly conv: Conv2d;
  readonly bn: BatchNorm2d;
  readonly #relu = new Activation("relu");

  constructor(
    inChannels: number,
    outChannels: number,
    options: { readonly kernelSize: number; readonly stride?: number; readonly padding?: number },
  ) {
    super();
    this.conv = this.registerModule("conv", new Conv2d(inChannels, outChannels, { ...options, bias: false }));
    this.bn = this.registerModule("bn", new BatchNorm2d(outChannels, { eps: 1e-3 }));
  }

  forward(x: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => this.#relu.forward(this.bn.forward(this.conv.forward(x))));
  }
}

type Widths = readonly [
  one: number,
  threeReduced: number,
  three: number,
  fiveReduced: number,
  five: number,
  pool: number,
];

/** Four branches side by side: [N, H, W, C] -> [N, H, W, C']. */
class Inception extends Module<[x: tf.Tensor4D], tf.Tensor4D> {
  readonly branch1: BasicConv2d;
  readonly branch2: Sequential<[BasicConv2d, BasicConv2d]>;
  readonly branch3: Sequential<[BasicConv2d, BasicConv2d]>;
  readonly branch4: Sequential<[MaxPool2d, BasicConv2d]>;

  constructor(inChannels: number, [one, threeReduced, three, fiveReduced, five, pool]: Widths) {
    super();
    const reduced = (width: number, out: number) =>
      new Sequential(
        new BasicConv2d(inChannels, width, { kernelSize: 1 }),
        new BasicConv2d(width, out, { kernelSize: 3, padding: 1 }),
      );
    this.branch1 = this.registerModule("branch1", new BasicConv2d(inChannels, one, { kernelSize: 1 }));
    this.branch2 = this.registerModule("branch2", reduced(threeReduced, three));
    this.branch3 = this.registerModule("branch3", reduced(fiveReduced, five));
    this.branch4 = this.registerModule(
      "branch4",
      new Sequential(
        new MaxPool2d(3, { stride: 1, padding: 1, ceilMode: true }),
        new BasicConv2d(inChannels, pool, { kernelSize: 1 }),
      ),
    );
  }

  forward(x: tf.Tensor4D): tf.Tensor4D {
    const { branch1, branch2, branch3, branch4 } = this;
    return tf.tidy(() =>
      tf.concat([branch1.forward(x), branch2.forward(x), branch3.forward(x), branch4.forward(x)], 3),
    );
  }
}

/** A classifier half-way, for training: [N, H, W, C] -> logits [N, numClasses]. */
class InceptionAux extends Module<[x: tf.Tensor4D], tf.Tensor2D> {
  readonly conv: BasicConv2d;
  readonly fc1: Linear;
  readonly fc2: Linear;
  readonly dropout: Dropout;
  readonly #pool = new AdaptiveAvgPool2d(4);
  readonly #flatten = new Flatten();
  readonly #relu = new Activation("relu");

  constructor(inChannels: number, numClasses: number, dropout: number) {
    super();
    this.conv = this.registerModule("conv", new BasicConv2d(inChannels, 128, { kernelSize: 1 }));
    this.fc1 = this.registerModule("fc1", new Linear(2048, 1024));
    this.fc2 = this.registerModule("fc2", new Linear(1024, numClasses));
    this.dropout = this.registerModule("dropout", new Dropout(dropout));
  }

  forward(x: tf.Tensor4D): tf.Tensor2D {
    return tf.tidy(() => {
      const flat = this.#flatten.forward(this.conv.forward(this.#pool.forward(x)));
      return this.fc2.forward(this.dropout.forward(this.#relu.forward(this.fc1.forward(flat))));
    });
  }
}

/** The layers in front of the head, but the further classifiers: the paper's table 1. */
const blocks: readonly (
  | readonly [name: string, inChannels: number, widths: Widths]
  | readonly [name: string, window: number]
)[] = [
  ["inception3a", 192, [64, 96, 128, 16, 32, 32]],
  ["inception3b", 256, [128, 128, 192, 32, 96, 64]],
  ["maxpool3", 3],
  ["inception4a", 480, [192, 96, 208, 16, 48, 64]],
  ["inception4b", 512, [160, 112, 224, 24, 64, 64]],
  ["inception4c", 512, [128, 128, 256, 24, 64, 64]],
  ["inception4d", 512, [112, 144, 288, 32, 64, 64]],
  ["inception4e", 528, [256, 160, 320, 32, 128, 128]],
  ["maxpool4", 2],
  ["inception5a", 832, [256, 160, 320, 32, 128, 128]],
  ["inception5b", 832, [384, 192, 384, 48, 128, 128]],
];

/** From pictures normalised with ImageNet's means and deviations to such normalised with 0.5 and 0.5. */
function fromImageNet(x: tf.Tensor4D): tf.Tensor4D {
  return tf.tidy(() => {
    const scale = tf.tensor1d([0.229, 0.224, 0.225].map((std) => std / 0.5));
    const shift = tf.tensor1d([0.485, 0.456, 0.406].map((mean) => (mean - 0.5) / 0.5));
    return tf.add(tf.mul(x, scale), shift);
  });
}

/** [N, 224, 224, 3] -> logits [N, numClasses]; other image sizes of at least 15 work too. */
export class ImageNetGoogLeNet extends StagedNetwork {
  override readonly inputTransform: ((x: tf.Tensor4D) => tf.Tensor4D) | null;
  override readonly optionalParts: readonly string[] = ["aux1", "aux2"];
  readonly aux1: InceptionAux | null;
  readonly aux2: InceptionAux | null;
  readonly avgpool: AdaptiveAvgPool2d;
  readonly dropout: Dropout;
  readonly fc: Linear;
  readonly featureInfo: readonly FeatureInfo[] = [
    { module: "conv1", numChs: 64, reduction: 2 },
    { module: "conv3", numChs: 192, reduction: 4 },
    { module: "inception3b", numChs: 480, reduction: 8 },
    { module: "inception4e", numChs: 832, reduction: 16 },
    { module: "inception5b", numChs: 1024, reduction: 32 },
  ];
  readonly #steps: readonly Step[];
  readonly #flatten = new Flatten();

  constructor(hparams: ImageNetGoogLeNetHparams = {}) {
    super();
    const {
      numClasses = 1000,
      auxLogits = false,
      transformInput = false,
    } = this.optionsOf(hparams, hparamNames, "hparams");
    const { dropout = 0.2, dropoutAux = 0.7 } = hparams;
    this.checkSizes({ numClasses });
    for (const [name, value] of Object.entries({ auxLogits, transformInput })) {
      if (typeof value !== "boolean") {
        throw new OptionError("ImageNetGoogLeNet", name, value, "true or false");
      }
    }
    this.inputTransform = transformInput ? fromImageNet : null;
    const pool = (window: number) => new MaxPool2d(window, { stride: 2, ceilMode: true });
    const layers: readonly Step[] = [
      ["conv1", new BasicConv2d(3, 64, { kernelSize: 7, stride: 2, padding: 3 })],
      ["maxpool1", pool(3)],
      ["conv2", new BasicConv2d(64, 64, { kernelSize: 1 })],
      ["conv3", new BasicConv2d(64, 192, { kernelSize: 3, padding: 1 })],
      ["maxpool2", pool(3)],
      ...blocks.map(
        ([name, size, widths]): Step => [name, widths === undefined ? pool(size) : new Inception(size, widths)],
      ),
    ];
    this.#steps = layers;
    for (const [name, layer] of layers) {
      this.registerModule(name, layer);
    }
    this.aux1 = auxLogits ? this.registerModule("aux1", new InceptionAux(512, numClasses, dropoutAux)) : null;
    this.aux2 = auxLogits ? this.registerModule("aux2", new InceptionAux(528, numClasses, dropoutAux)) : null;
    this.avgpool = this.registerModule("avgpool", new AdaptiveAvgPool2d(1));
    this.dropout = this.registerModule("dropout", new Dropout(dropout));
    this.fc = this.registerModule("fc", new Linear(1024, numClasses));
    for (const module of this.modules()) {
      if (module instanceof Conv2d || module instanceof Linear) {
        init.truncNormal_(module.weight, { std: 0.01 });
      }
    }
  }

  steps(): readonly Step[] {
    return this.#steps;
  }

  forwardHead(features: tf.Tensor4D): tf.Tensor2D {
    return tf.tidy(() => this.fc.forward(this.dropout.forward(this.#flatten.forward(this.avgpool.forward(features)))));
  }

  /**
   * Logits, and in training those of the further classifiers, whose losses the paper adds at 0.3 of their size. `forward` gives the first alone, where
   * torchvision gives all in training.
   */
  forwardWithAux(x: tf.Tensor4D): GoogLeNetOutputs {
    return tf.tidy(() => {
      let features = this.inputTransform === null ? x : this.inputTransform(x);
      let auxLogits1: tf.Tensor2D | undefined;
      let auxLogits2: tf.Tensor2D | undefined;
      for (const [name, layer] of this.#steps) {
        features = layer.forward(features);
        if (name === "inception4a" && this.training && this.aux1 !== null) {
          auxLogits1 = this.aux1.forward(features);
        } else if (name === "inception4d" && this.training && this.aux2 !== null) {
          auxLogits2 = this.aux2.forward(features);
        }
      }
      return { logits: this.forwardHead(features), auxLogits1, auxLogits2 };
    });
  }
}
