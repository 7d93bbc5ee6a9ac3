/**
 * The ResNet of a CIFAR-100 course, with the identity block of each stage *shared*: the same weights are applied several times in a row.
 *
 * He et al., "Deep Residual Learning for Image Recognition", 2016; reference: the course's PyTorch code, whose state-dict names it has. Blocks are a 1x1
 * convolution and a 3x3 one (not the paper's 1x1, 3x3, 1x1 bottleneck), with biases as there. `shared: false` gives every repetition its own weights.
 */
import * as tf from "@tensorflow/tfjs-core";
import {
  AvgPool2d,
  BatchNorm2d,
  Conv2d,
  Flatten,
  Linear,
  MaxPool2d,
  Module,
  ModuleList,
  ReLU,
  Sequential,
} from "../nn/index.ts";

/** Hyper-parameters of {@link Cifar100ResNet}. */
export interface Cifar100ResNetHparams {
  /** Channels of the images, 3 by default. */
  readonly inChannels?: number;
  /** Number of classes, 100 by default. */
  readonly numClasses?: number;
  /** Channels after the first convolution, 64 by default; all others are multiples of it. */
  readonly width?: number;
  /** Whether the repetitions of a stage's identity block share their weights, as in the source; true by default. */
  readonly shared?: boolean;
}

const hparamNames = ["inChannels", "numClasses", "width", "shared"] as const;

/** How often each stage repeats its identity block. */
const repetitions = [3, 4, 2] as const;

function convShortcut(inChannels: number, outChannels: number, stride: number) {
  return new Sequential(new Conv2d(inChannels, outChannels, { kernelSize: 1, stride }), new BatchNorm2d(outChannels));
}

function block(inChannels: number, narrow: number, outChannels: number, stride: number) {
  return new Sequential(
    new Conv2d(inChannels, narrow, { kernelSize: 1, stride }),
    new BatchNorm2d(narrow),
    new ReLU(),
    new Conv2d(narrow, outChannels, { kernelSize: 3, padding: 1 }),
    new BatchNorm2d(outChannels),
  );
}

interface Stage {
  readonly shortcut: ReturnType<typeof convShortcut>;
  readonly conv: ReturnType<typeof block>;
  /** The identity blocks in the order of use; the same one again and again where it is shared. */
  readonly identities: readonly ReturnType<typeof block>[];
}

/** [N, 32, 32, inChannels] -> logits [N, numClasses]. */
export class Cifar100ResNet extends Module<[x: tf.Tensor4D], tf.Tensor2D> {
  readonly stage1;
  readonly stages: readonly Stage[];
  readonly classifier;

  constructor(hparams: Cifar100ResNetHparams = {}) {
    super();
    const {
      inChannels = 3,
      numClasses = 100,
      width = 64,
      shared = true,
    } = this.optionsOf(hparams, hparamNames, "hparams");
    this.checkSizes({ inChannels, numClasses, width });
    this.stage1 = this.registerModule(
      "stg1",
      new Sequential(
        new Conv2d(inChannels, width, { kernelSize: 3, padding: 1 }),
        new BatchNorm2d(width),
        new ReLU(),
        new MaxPool2d(3, { stride: 2 }),
      ),
    );
    this.stages = repetitions.map((count, i) => {
      const stage = i + 2;
      const narrow = width * 2 ** i;
      const outChannels = 4 * narrow;
      const from = i === 0 ? width : outChannels / 2;
      const stride = i === 0 ? 1 : 2;
      const shortcut = this.registerModule(`convShortcut${stage}`, convShortcut(from, outChannels, stride));
      const conv = this.registerModule(`conv${stage}`, block(from, narrow, outChannels, stride));
      const identity = () => block(outChannels, narrow, outChannels, 1);
      if (!shared) {
        const own = new ModuleList(Array.from({ length: count }, identity));
        return { shortcut, conv, identities: [...this.registerModule(`ident${stage}`, own)] };
      }
      const one = this.registerModule(`ident${stage}`, identity());
      return { shortcut, conv, identities: Array.from({ length: count }, () => one) };
    });
    this.classifier = this.registerModule(
      "classifier",
      new Sequential(new AvgPool2d(4), new Flatten(), new Linear(16 * width, numClasses)),
    );
  }

  forward(x: tf.Tensor4D): tf.Tensor2D {
    return tf.tidy(() => {
      let out: tf.Tensor4D = this.stage1.forward(x);
      for (const { shortcut, conv, identities } of this.stages) {
        out = tf.relu(tf.add(conv.forward(out), shortcut.forward(out)));
        for (const identity of identities) {
          out = tf.relu(tf.add(identity.forward(out), out));
        }
      }
      return this.classifier.forward(out);
    });
  }
}
