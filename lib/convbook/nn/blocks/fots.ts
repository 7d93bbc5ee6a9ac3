/**
 * The parts of FOTS's text detector: hidden layers that merge features of two resolutions, and the detector's heads.
 *
 * Liu et al., "FOTS: Fast Oriented Text Spotting with a Unified Network", 2018; Zhou et al., "EAST", 2017. The batch normalisations have momentum 0.003, as
 * in the reference implementation in PyTorch, and each is followed by a ReLU.
 */
import * as tf from "@tensorflow/tfjs-core";
import { ReLU } from "../activations.ts";
import { BatchNorm2d } from "../batch-norm.ts";
import { Conv2d } from "../conv.ts";
import { Module } from "../module.ts";

/** Share of the newest batch in the running statistics: small, because text images come in small batches. */
export const fotsMomentum = 0.003;

/** Concatenates features [N, H, W, A] and [N, H, W, B], narrows them by a 1x1 convolution and mixes them by a 3x3 one: -> [N, H, W, outChannels]. */
export class HiddenLayer extends Module<[coarse: tf.Tensor4D, fine: tf.Tensor4D], tf.Tensor4D> {
  readonly conv1: Conv2d;
  readonly bn1: BatchNorm2d;
  readonly conv2: Conv2d;
  readonly bn2: BatchNorm2d;
  readonly #relu = new ReLU();

  /**
   * @param inChannels channels of both inputs together
   * @param outChannels channels of the output
   */
  constructor(inChannels: number, outChannels: number) {
    super();
    this.checkSizes({ inChannels, outChannels });
    this.conv1 = this.registerModule("conv1", new Conv2d(inChannels, outChannels, { kernelSize: 1 }));
    this.bn1 = this.registerModule("bn1", new BatchNorm2d(outChannels, { momentum: fotsMomentum }));
    this.conv2 = this.registerModule("conv2", new Conv2d(outChannels, outChannels, { kernelSize: 3, padding: 1 }));
    this.bn2 = this.registerModule("bn2", new BatchNorm2d(outChannels, { momentum: fotsMomentum }));
  }

  forward(coarse: tf.Tensor4D, fine: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => {
      const both = tf.concat([coarse, fine], 3);
      const narrow = this.#relu.forward(this.bn1.forward(this.conv1.forward(both)));
      return this.#relu.forward(this.bn2.forward(this.conv2.forward(narrow)));
    });
  }
}

/** What the detector says of each cell of its feature map. */
export interface Detection {
  /** Probability that the cell lies in a text, [N, H, W, 1]. */
  readonly score: tf.Tensor4D;
  /** Distances to the four sides of the text's box in pixels and its angle in radians, [N, H, W, 5]. */
  readonly geometry: tf.Tensor4D;
}

/** 1x1 convolutions that turn features into a score, four distances and an angle a cell. */
export class Detector extends Module<[features: tf.Tensor4D], Detection> {
  readonly scoreMap: Conv2d;
  readonly geoMap: Conv2d;
  readonly angleMap: Conv2d;
  readonly #size: number;

  /**
   * @param inChannels channels of the features
   * @param imageSize the largest distance, in pixels; 512 in the paper
   */
  constructor(inChannels: number, imageSize: number) {
    super();
    this.checkSizes({ inChannels, imageSize });
    this.scoreMap = this.registerModule("score_map", new Conv2d(inChannels, 1, { kernelSize: 1 }));
    this.geoMap = this.registerModule("geo_map", new Conv2d(inChannels, 4, { kernelSize: 1 }));
    this.angleMap = this.registerModule("angle_map", new Conv2d(inChannels, 1, { kernelSize: 1 }));
    this.#size = imageSize;
  }

  forward(features: tf.Tensor4D): Detection {
    const [score, geometry] = tf.tidy((): [tf.Tensor4D, tf.Tensor4D] => {
      const distances: tf.Tensor4D = tf.mul(tf.sigmoid(this.geoMap.forward(features)), this.#size);
      const angle: tf.Tensor4D = tf.mul(tf.sub(tf.sigmoid(this.angleMap.forward(features)), 0.5), Math.PI);
      return [tf.sigmoid(this.scoreMap.forward(features)), tf.concat([distances, angle], 3)];
    });
    return { score, geometry };
  }
}
