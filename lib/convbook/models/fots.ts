/**
 * FOTS's text detector: features of a ResNet at four resolutions, merged from coarse to fine ("shared convolutions"), and a detector on them.
 *
 * Liu et al., "FOTS: Fast Oriented Text Spotting with a Unified Network", 2018. Reference: an implementation in PyTorch whose angle lies within ±π/2, whose
 * upsampling is bilinear with aligned corners, and which convolves twice where the paper's figure shows one convolution.
 */
import * as tf from "@tensorflow/tfjs-core";
import { type Detection, Detector, fotsMomentum, HiddenLayer } from "../nn/blocks/index.ts";
import { BatchNorm2d, Conv2d, Module, OptionError, ReLU, type Sequential, Upsample } from "../nn/index.ts";
import { ImageNetResNet, type ImageNetResNetHparams, stemForward } from "./imagenet-resnet.ts";

/** Hyper-parameters of {@link Fots}. */
export interface FotsHparams {
  /** The ResNet in front, ResNet-50 by default. */
  readonly backbone?: ImageNetResNetHparams;
  /** The largest distance to a side of a box, in pixels; 512 by default. */
  readonly imageSize?: number;
}

/** The network in front, without its classifier: [N, H, W, 3] -> features at 1/4, 1/8, 1/16 and 1/32 of the size. */
export class FotsBackbone extends Module<[x: tf.Tensor4D], readonly tf.Tensor4D[]> {
  readonly #stem: ImageNetResNet["stem"];
  readonly #stages: readonly Sequential[];
  /** Channels of the four features, fine to coarse. */
  readonly channels: readonly number[];

  /** @param hparams those of the ResNet; a torchvision checkpoint loads into it with `strict: false` */
  constructor(hparams: ImageNetResNetHparams = {}) {
    super();
    const resnet = new ImageNetResNet(hparams);
    const [conv1, bn1, relu, maxpool] = resnet.stem;
    this.registerModule("conv1", conv1);
    this.registerModule("bn1", bn1);
    this.registerModule("relu", relu);
    this.registerModule("maxpool", maxpool);
    this.#stem = resnet.stem;
    this.#stages = resnet.stages.map((stage, i) => this.registerModule(`layer${i + 1}`, stage));
    this.channels = [8, 4, 2, 1].map((part) => resnet.fc.inFeatures / part);
  }

  forward(x: tf.Tensor4D): readonly tf.Tensor4D[] {
    return tf.tidy(() => {
      const features: tf.Tensor4D[] = [];
      let y = stemForward(this.#stem, x);
      for (const stage of this.#stages) {
        y = stage.forward(y);
        features.push(y as tf.Tensor4D);
      }
      return features;
    });
  }
}

/** Features of an image at a quarter of its size, [N, H, W, 3] -> [N, H/4, W/4, 32]; H and W are multiples of 32. */
export class SharedConv extends Module<[x: tf.Tensor4D], tf.Tensor4D> {
  readonly backbone: FotsBackbone;
  readonly merges: readonly HiddenLayer[];
  readonly conv: Conv2d;
  readonly bn: BatchNorm2d;
  readonly #relu = new ReLU();
  readonly #unpool = new Upsample({ scaleFactor: 2, mode: "bilinear", alignCorners: true });

  constructor(backbone: ImageNetResNetHparams = {}) {
    super();
    this.backbone = this.registerModule("backbone", new FotsBackbone(backbone));
    const [quarter, eighth, sixteenth, coarsest] = this.backbone.channels as readonly [number, number, number, number];
    this.merges = [
      this.registerModule("merge1", new HiddenLayer(coarsest + sixteenth, 128)),
      this.registerModule("merge2", new HiddenLayer(128 + eighth, 64)),
      this.registerModule("merge3", new HiddenLayer(64 + quarter, 32)),
    ];
    this.conv = this.registerModule("conv", new Conv2d(32, 32, { kernelSize: 3, padding: 1 }));
    this.bn = this.registerModule("bn", new BatchNorm2d(32, { momentum: fotsMomentum }));
  }

  forward(x: tf.Tensor4D): tf.Tensor4D {
    const [, height, width] = x.shape;
    if (height % 32 !== 0 || width % 32 !== 0) {
      throw new OptionError("SharedConv", "the images' size", [height, width], "a multiple of 32 in both directions");
    }
    return tf.tidy(() => {
      const features = [...this.backbone.forward(x)].reverse();
      let merged = features[0] as tf.Tensor4D;
      this.merges.forEach((merge, i) => {
        merged = merge.forward(this.#unpool.forward(merged), features[i + 1] as tf.Tensor4D);
      });
      return this.#relu.forward(this.bn.forward(this.conv.forward(merged))) as tf.Tensor4D;
    });
  }
}

/** The text detector, [N, H, W, 3] -> score [N, H/4, W/4, 1] and geometry [N, H/4, W/4, 5]. */
export class Fots extends Module<[x: tf.Tensor4D], Detection> {
  readonly sharedConv: SharedConv;
  readonly detector: Detector;

  constructor(hparams: FotsHparams = {}) {
    super();
    const { backbone = {}, imageSize = 512 } = this.optionsOf(hparams, "hparams");
    this.checkSizes({ imageSize });
    this.optionsOf(backbone, "backbone");
    this.sharedConv = this.registerModule("shared_conv", new SharedConv(backbone));
    this.detector = this.registerModule("detector", new Detector(32, imageSize));
  }

  forward(x: tf.Tensor4D): Detection {
    const [score, geometry] = tf.tidy(() => {
      const detection = this.detector.forward(this.sharedConv.forward(x));
      return [detection.score, detection.geometry];
    }) as [tf.Tensor4D, tf.Tensor4D];
    return { score, geometry };
  }
}
