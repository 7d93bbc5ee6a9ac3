/**
 * DenseNet for CIFAR: dense blocks, between which transitions halve the size and the channels.
 *
 * Huang et al., "Densely Connected Convolutional Networks", 2017. Reference: UvA Deep Learning Tutorial 5 (PyTorch), with its initialisation and
 * state-dict names.
 */
import * as tf from "@tensorflow/tfjs-core";
import { DenseBlock, TransitionLayer } from "../nn/blocks/index.ts";
import {
  Activation,
  type ActivationName,
  AdaptiveAvgPool2d,
  BatchNorm2d,
  Conv2d,
  Flatten,
  init,
  Linear,
  Module,
  parseActivationName,
  Sequential,
} from "../nn/index.ts";

/** Hyper-parameters of {@link DenseNet}. */
export interface DenseNetHparams {
  /** Number of classes, 10 by default. */
  readonly numClasses?: number;
  /** Dense layers in each block, [6, 6, 6, 6] by default. */
  readonly numLayers?: readonly number[];
  /** Width of the bottlenecks in growth rates, 2 by default. */
  readonly bnSize?: number;
  /** Feature maps that each layer adds, 16 by default. */
  readonly growthRate?: number;
  /** Activation, "relu" by default. */
  readonly actFnName?: ActivationName;
}

const hparamNames = ["numClasses", "numLayers", "bnSize", "growthRate", "actFnName"] as const;

/** [N, 32, 32, 3] -> logits [N, numClasses]; other image sizes work too. */
export class DenseNet extends Module<[x: tf.Tensor4D], tf.Tensor2D> {
  readonly inputNet;
  readonly blocks: Sequential<(DenseBlock | TransitionLayer)[]>;
  readonly outputNet;

  constructor(hparams: DenseNetHparams = {}) {
    super();
    const {
      numClasses = 10,
      numLayers = [6, 6, 6, 6],
      bnSize = 2,
      growthRate = 16,
    } = this.optionsOf(hparams, hparamNames, "hparams");
    const { actFnName = "relu" } = hparams;
    this.checkSizes({ numClasses, bnSize, growthRate });
    this.checkSizeLists({ numLayers });
    const actFn = parseActivationName(actFnName);
    let width = growthRate * bnSize;

    // No normalisation or activation here: the dense layers begin with theirs.
    this.inputNet = this.registerModule(
      "input_net",
      new Sequential(new Conv2d(3, width, { kernelSize: 3, padding: 1 })),
    );

    const blocks: (DenseBlock | TransitionLayer)[] = [];
    for (const [i, layers] of numLayers.entries()) {
      blocks.push(new DenseBlock(width, { numLayers: layers, bnSize, growthRate, actFn }));
      width += layers * growthRate;
      if (i === numLayers.length - 1) {
        break;
      }
      const cOut = Math.floor(width / 2);
      blocks.push(new TransitionLayer(width, { cOut, actFn }));
      width = cOut;
    }
    this.blocks = this.registerModule("blocks", new Sequential(...blocks));

    // The last features have not passed a non-linearity yet.
    this.outputNet = this.registerModule(
      "output_net",
      new Sequential(
        new BatchNorm2d(width),
        new Activation(actFn),
        new AdaptiveAvgPool2d(1),
        new Flatten(),
        new Linear(width, numClasses),
      ),
    );

    for (const module of this.modules()) {
      if (module instanceof Conv2d) {
        init.kaimingNormal_(module.weight, { nonlinearity: actFn });
      }
    }
  }

  forward(x: tf.Tensor4D): tf.Tensor2D {
    return tf.tidy(() => this.outputNet.forward(this.blocks.forward(this.inputNet.forward(x))));
  }
}
