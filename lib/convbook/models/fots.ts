/**
 * FOTS's text detector: features of a ResNet at four resolutions, merged from coarse to fine ("shared convolutions"), and a detector on them.
 *
 * Liu et al., "FOTS: Fast Oriented Text Spotting with a Unified Network", 2018. Reference: an implementation in PyTorch whose angle lies within ±π/2, whose
 * upsampling is bilinear with aligned corners, and which convolves twice where the paper's figure shows one convolution.
 */
import * as tf from "@tensorflow/tfjs-core";
import { checkObject } from "../arguments/options.ts";
import { type Detection, Detector, fotsMomentum, HiddenLayer } from "../nn/blocks/index.ts";
import { BatchNorm2d, Conv2d, Module, OptionError, ReLU, Upsample } from "../nn/index.ts";
import { ImageNetResNet, type ImageNetResNetHparams, stemForward } from "./imagenet-resnet.ts";

/** Hyper-parameters of {@link Fots}. */
export interface FotsHparams {
  /** The ResNet in front, ResNet-50 by default. */
  readonly backbone?: ImageNetResNetHparams;
  /** The largest distance to a side of a box, in pixels; 512 by default. */
  readonly imageSize?: number;
}

/** One of each of a ResNet's stages, fine to coarse. */
type Four<T> = [quarter: T, eighth: T, sixteenth: T, coarsest: T];

/** The network in front, without its classifier: [N, H, W, 3] -> features at 1/4, 1/8, 1/16 and 1/32 of the size. */
export class FotsBackbone extends Module<[x: tf.Tensor4D], Four<tf.Tensor4D>> {
  readonly #stem: ImageNetResNet["stem"];
  readonly #stages: ImageNetResNet["stages"];
  /** Channels of the four features, fine to coarse. */
  readonly channels: Four<number>;

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
    for (const [i, stage] of resnet.stages.entries()) {
      this.registerModule(`layer${i + 1}`, stage);
    }
    this.#stages = resnet.stages;
    const { inFeatures } = resnet.fc;
    this.channels = [inFeatures / 8, inFeatures / 4, inFeatures / 2, inFeatures];
  }

  forward(x: tf.Tensor4D): Four<tf.Tensor4D> {
    return tf.tidy((): Four<tf.Tensor4D> => {
      const [first, second, third, fourth] = this.#stages;
      const quarter = first.forward(stemForward(this.#stem, x));
      const eighth = second.forward(quarter);
      const sixteenth = third.forward(eighth);
      return [quarter, eighth, sixteenth, fourth.forward(sixteenth)];
    });
  }
}

/** Features of an image at a quarter of its size, [N, H, W, 3] -> [N, H/4, W/4, 32]; H and W are multiples of 32. */
export class SharedConv extends Module<[x: tf.Tensor4D], tf.Tensor4D> {
  readonly backbone: FotsBackbone;
  readonly merges: readonly [HiddenLayer, HiddenLayer, HiddenLayer];
  readonly conv: Conv2d;
  readonly bn: BatchNorm2d;
  readonly #relu = new ReLU();
  readonly #unpool = new Upsample({ scaleFactor: 2, mode: "bilinear", alignCorners: true });

  constructor(backbone: ImageNetResNetHparams = {}) {
    super();
    this.backbone = this.registerModule("backbone", new FotsBackbone(backbone));
    const [quarter, eighth, sixteenth, coarsest] = this.backbone.channels;
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
      const [quarter, eighth, sixteenth, coarsest] = this.backbone.forward(x);
      const [first, second, third] = this.merges;
      const coarse = first.forward(this.#unpool.forward(coarsest), sixteenth);
      const middle = second.forward(this.#unpool.forward(coarse), eighth);
      const fine = third.forward(this.#unpool.forward(middle), quarter);
      return this.#relu.forward(this.bn.forward(this.conv.forward(fine)));
    });
  }
}

/** The text detector, [N, H, W, 3] -> score [N, H/4, W/4, 1] and geometry [N, H/4, W/4, 5]. */
export class Fots extends Module<[x: tf.Tensor4D], Detection> {
  readonly sharedConv: SharedConv;
  readonly detector: Detector;

  constructor(hparams: FotsHparams = {}) {
    super();
    const { backbone = {}, imageSize = 512 } = this.optionsOf(hparams, ["backbone", "imageSize"], "hparams");
    this.checkSizes({ imageSize });
    checkObject(this.typeName, "backbone", backbone);
    this.sharedConv = this.registerModule("shared_conv", new SharedConv(backbone));
    this.detector = this.registerModule("detector", new Detector(32, imageSize));
  }

  forward(x: tf.Tensor4D): Detection {
    const [score, geometry] = tf.tidy((): [tf.Tensor4D, tf.Tensor4D] => {
      const detection = this.detector.forward(this.sharedConv.forward(x));
      return [detection.score, detection.geometry];
    });
    return { score, geometry };
  }
}
