/**
 * The residual blocks of ImageNet's ResNets: two 3x3 convolutions, or a 3x3 between two 1x1 that narrow and widen.
 *
 * He et al., "Deep Residual Learning for Image Recognition", 2016. Reference: torchvision's resnet.py, whose state-dict names they have; as there, a
 * bottleneck strides in its 3x3 convolution ("ResNet v1.5"), and ResNeXt's groups and Wide ResNet's widths are options of it. Squeeze and excitation
 * (Hu et al., 2018) has timm's place and name, `se` after the last normalisation.
 */
import * as tf from "@tensorflow/tfjs-core";
import { Activation } from "../activations.ts";
import { BatchNorm2d } from "../batch-norm.ts";
import type { Sequential } from "../containers.ts";
import { Conv2d } from "../conv.ts";
import { OptionError } from "../errors.ts";
import type { GroupNorm } from "../group-norm.ts";
import { Module } from "../module.ts";
import { SqueezeExcitation } from "./squeeze-excitation.ts";

/** Makes the normalisation for so many channels. */
export type NormLayer = (channels: number) => BatchNorm2d | GroupNorm;

/** Options of {@link BasicBlock} and {@link Bottleneck}. */
export interface ImageNetBlockOptions {
  /** Stride of the block, 1 by default. */
  readonly stride?: number;
  /** What brings the input to the output's shape, where the two differ. */
  readonly downsample?: Sequential | null;
  /** Groups of the 3x3 convolution, 1 by default (bottleneck only). */
  readonly groups?: number;
  /** Width of a group for 64 planes, 64 by default (bottleneck only). */
  readonly baseWidth?: number;
  /** Dilation of the 3x3 convolution, 1 by default (bottleneck only). */
  readonly dilation?: number;
  /** Normalisation, batch normalisation by default. */
  readonly normLayer?: NormLayer;
  /** Width of the squeeze and excitation before the sum; 0, the default, for none. */
  readonly squeezeChannels?: number;
}

const optionNames = [
  "stride",
  "downsample",
  "groups",
  "baseWidth",
  "dilation",
  "normLayer",
  "squeezeChannels",
] as const;

/** Squeeze and excitation under timm's name, where there is one. */
function squeeze(owner: BasicBlock | Bottleneck, channels: number, squeezeChannels: number): SqueezeExcitation | null {
  return squeezeChannels === 0 ? null : owner.registerModule("se", new SqueezeExcitation(channels, squeezeChannels));
}

const batchNorm: NormLayer = (channels) => new BatchNorm2d(channels);

/** [N, H, W, C] -> [N, H/stride, W/stride, planes]. */
export class BasicBlock extends Module<[x: tf.Tensor4D], tf.Tensor4D> {
  /** Channels of the output, in planes. */
  static readonly expansion = 1;
  readonly conv1: Conv2d;
  readonly bn1: BatchNorm2d | GroupNorm;
  readonly relu: Activation;
  readonly conv2: Conv2d;
  readonly bn2: BatchNorm2d | GroupNorm;
  readonly se: SqueezeExcitation | null;
  readonly downsample: Sequential | null;

  /**
   * @param inPlanes channels of the input
   * @param planes channels of the convolutions
   * @param options stride, shortcut and normalisation
   */
  constructor(inPlanes: number, planes: number, options: ImageNetBlockOptions = {}) {
    super();
    const {
      stride = 1,
      downsample = null,
      groups = 1,
      baseWidth = 64,
      dilation = 1,
      normLayer = batchNorm,
      squeezeChannels = 0,
    } = this.optionsOf(options, optionNames);
    this.checkSizes({ inPlanes, planes, stride, groups, baseWidth, dilation });
    if (groups !== 1 || baseWidth !== 64 || dilation !== 1) {
      const given = `groups ${groups}, width ${baseWidth}, dilation ${dilation}`;
      throw new OptionError(
        this.typeName,
        "the 3x3 convolution",
        given,
        "without groups, widening and dilation (use a Bottleneck)",
      );
    }
    const conv = (from: number, step: number) =>
      new Conv2d(from, planes, { kernelSize: 3, stride: step, padding: 1, bias: false });
    this.conv1 = this.registerModule("conv1", conv(inPlanes, stride));
    this.bn1 = this.registerModule("bn1", normLayer(planes));
    this.relu = this.registerModule("relu", new Activation("relu"));
    this.conv2 = this.registerModule("conv2", conv(planes, 1));
    this.bn2 = this.registerModule("bn2", normLayer(planes));
    this.se = squeeze(this, planes, squeezeChannels);
    this.downsample = downsample === null ? null : this.registerModule("downsample", downsample);
  }

  forward(x: tf.Tensor4D): tf.Tensor4D {
    const { conv1, bn1, relu, conv2, bn2, se, downsample } = this;
    return tf.tidy(() => {
      const residual = downsample === null ? x : downsample.forward(x);
      const hidden = relu.forward(bn1.forward(conv1.forward(x)));
      const out = bn2.forward(conv2.forward(hidden));
      return relu.forward(tf.add(se === null ? out : se.forward(out), residual));
    });
  }
}

/** [N, H, W, C] -> [N, H/stride, W/stride, 4 planes]. */
export class Bottleneck extends Module<[x: tf.Tensor4D], tf.Tensor4D> {
  /** Channels of the output, in planes. */
  static readonly expansion = 4;
  readonly conv1: Conv2d;
  readonly bn1: BatchNorm2d | GroupNorm;
  readonly conv2: Conv2d;
  readonly bn2: BatchNorm2d | GroupNorm;
  readonly conv3: Conv2d;
  readonly bn3: BatchNorm2d | GroupNorm;
  readonly se: SqueezeExcitation | null;
  readonly relu: Activation;
  readonly downsample: Sequential | null;

  /**
   * @param inPlanes channels of the input
   * @param planes a quarter of the channels of the output
   * @param options stride, groups, width, dilation, shortcut and normalisation
   */
  constructor(inPlanes: number, planes: number, options: ImageNetBlockOptions = {}) {
    super();
    const {
      stride = 1,
      downsample = null,
      groups = 1,
      baseWidth = 64,
      dilation = 1,
      normLayer = batchNorm,
      squeezeChannels = 0,
    } = this.optionsOf(options, optionNames);
    this.checkSizes({ inPlanes, planes, stride, groups, baseWidth, dilation });
    const width = Math.trunc(planes * (baseWidth / 64)) * groups;
    const outPlanes = planes * Bottleneck.expansion;
    this.conv1 = this.registerModule("conv1", new Conv2d(inPlanes, width, { kernelSize: 1, bias: false }));
    this.bn1 = this.registerModule("bn1", normLayer(width));
    this.conv2 = this.registerModule(
      "conv2",
      new Conv2d(width, width, { kernelSize: 3, stride, padding: dilation, dilation, groups, bias: false }),
    );
    this.bn2 = this.registerModule("bn2", normLayer(width));
    this.conv3 = this.registerModule("conv3", new Conv2d(width, outPlanes, { kernelSize: 1, bias: false }));
    this.bn3 = this.registerModule("bn3", normLayer(outPlanes));
    this.se = squeeze(this, outPlanes, squeezeChannels);
    this.relu = this.registerModule("relu", new Activation("relu"));
    this.downsample = downsample === null ? null : this.registerModule("downsample", downsample);
  }

  forward(x: tf.Tensor4D): tf.Tensor4D {
    const { conv1, bn1, conv2, bn2, conv3, bn3, se, relu, downsample } = this;
    return tf.tidy(() => {
      const residual = downsample === null ? x : downsample.forward(x);
      const narrow = relu.forward(bn1.forward(conv1.forward(x)));
      const mixed = relu.forward(bn2.forward(conv2.forward(narrow)));
      const out = bn3.forward(conv3.forward(mixed));
      return relu.forward(tf.add(se === null ? out : se.forward(out), residual));
    });
  }
}
