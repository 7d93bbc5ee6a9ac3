/**
 * ConvNeXt: a convolutional network with what made vision transformers strong: patches for a stem, large depthwise kernels, normalisation over channels,
 * GELU, few activations.
 *
 * Liu et al., "A ConvNet for the 2020s", 2022. Reference: torchvision's convnext.py, whose state-dict names it has, whose logits it gives for the same
 * weights, and whose weights it draws for the same seed. Pictures have their channels last here, so that its permutations are nothing.
 */
import * as tf from "@tensorflow/tfjs-core";
import { Conv2dNormActivation } from "../nn/blocks/index.ts";
import {
  AdaptiveAvgPool2d,
  type AnyModule,
  Conv2d,
  Flatten,
  GELU,
  Identity,
  init,
  LayerNorm,
  Linear,
  Module,
  OptionError,
  Parameter,
  Sequential,
  StochasticDepth,
  UnknownNameError,
} from "../nn/index.ts";
import { type FeatureInfo, StagedNetwork, type Step, stepsOf } from "./staged-network.ts";

/** Hyper-parameters of {@link ConvNeXt}; the defaults are ConvNeXt-T's. */
export interface ConvNeXtHparams {
  /** Number of classes, 1000 by default. */
  readonly numClasses?: number;
  /** Blocks in each stage, [3, 3, 9, 3] by default. */
  readonly depths?: readonly number[];
  /** Channels of each stage, [96, 192, 384, 768] by default. */
  readonly dims?: readonly number[];
  /** Towards which the probability grows that a block is left out for a sample, 0.1 by default. */
  readonly stochasticDepthProb?: number;
  /** What each block's output is scaled with at first, 1e-6 by default. */
  readonly layerScale?: number;
}

const hparamNames = ["numClasses", "depths", "dims", "stochasticDepthProb", "layerScale"] as const;

/** As the paper has it, a tenth of PyTorch's own default. */
const eps = 1e-6;
const normLayer = (channels: number) => new LayerNorm(channels, { eps });

/** [N, H, W, C] -> [N, H, W, C]. */
class CNBlock extends Module<[x: tf.Tensor4D], tf.Tensor4D> {
  readonly block: Sequential;
  readonly layerScale: Parameter;
  readonly stochasticDepth: StochasticDepth;

  constructor(dim: number, options: { readonly layerScale: number; readonly stochasticDepth: number }) {
    super();
    // The identities stand where the reference permutes.
    const layers: AnyModule[] = [
      new Conv2d(dim, dim, { kernelSize: 7, padding: 3, groups: dim }),
      new Identity(),
      normLayer(dim),
      new Linear(dim, 4 * dim),
      new GELU(),
      new Linear(4 * dim, dim),
      new Identity(),
    ];
    this.block = this.registerModule("block", new Sequential(...layers));
    this.layerScale = this.registerParameter("layer_scale", new Parameter([dim, 1, 1], [1, 2, 0]));
    init.constant_(this.layerScale, options.layerScale);
    this.stochasticDepth = this.registerModule("stochastic_depth", new StochasticDepth(options.stochasticDepth, "row"));
  }

  forward(x: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => {
      const out: tf.Tensor4D = tf.mul(this.block.forward(x), this.layerScale.variable);
      return tf.add(this.stochasticDepth.forward(out), x);
    });
  }
}

/** [N, 224, 224, 3] -> logits [N, numClasses]; other image sizes of at least 32 work too. */
export class ConvNeXt extends StagedNetwork {
  readonly features: Sequential;
  readonly avgpool: AdaptiveAvgPool2d;
  readonly classifier: Sequential<[LayerNorm, Flatten, Linear]>;
  readonly featureInfo: readonly FeatureInfo[];

  constructor(hparams: ConvNeXtHparams = {}) {
    super();
    const {
      numClasses = 1000,
      depths = [3, 3, 9, 3],
      dims = [96, 192, 384, 768],
    } = this.optionsOf(hparams, hparamNames, "hparams");
    const { stochasticDepthProb = 0.1, layerScale = 1e-6 } = hparams;
    this.checkSizes({ numClasses });
    this.checkSizeLists({ depths, dims });
    const [first] = dims;
    if (first === undefined || dims.length !== depths.length) {
      throw new OptionError("ConvNeXt", "dims", dims, `one width for each of the ${depths.length} stages of depths`);
    }
    const total = depths.reduce((sum, depth) => sum + depth, 0);
    const layers: AnyModule[] = [
      new Conv2dNormActivation(3, first, {
        ...{ kernelSize: 4, stride: 4, padding: 0, bias: true, activation: null },
        normLayer,
      }),
    ];
    const featureInfo: FeatureInfo[] = [];
    let block = 0;
    for (const [stage, dim] of dims.entries()) {
      const blocks = Array.from({ length: depths[stage] ?? 0 }, () => {
        const stochasticDepth = (stochasticDepthProb * block) / Math.max(1, total - 1);
        block += 1;
        return new CNBlock(dim, { layerScale, stochasticDepth });
      });
      layers.push(new Sequential(...blocks));
      featureInfo.push({ module: `features.${layers.length - 1}`, numChs: dim, reduction: 4 * 2 ** stage });
      const next = dims[stage + 1];
      if (next !== undefined) {
        layers.push(new Sequential(normLayer(dim), new Conv2d(dim, next, { kernelSize: 2, stride: 2 })));
      }
    }
    this.featureInfo = featureInfo;
    const width = dims.at(-1) ?? first;
    this.features = this.registerModule("features", new Sequential(...layers));
    this.avgpool = this.registerModule("avgpool", new AdaptiveAvgPool2d(1));
    this.classifier = this.registerModule(
      "classifier",
      new Sequential(normLayer(width), new Flatten(), new Linear(width, numClasses)),
    );
    for (const module of this.modules()) {
      if (module instanceof Conv2d || module instanceof Linear) {
        init.truncNormal_(module.weight, { std: 0.02 });
        if (module.bias !== null) {
          init.zeros_(module.bias);
        }
      }
    }
  }

  steps(): readonly Step[] {
    return stepsOf("features", this.features);
  }

  forwardHead(features: tf.Tensor4D): tf.Tensor2D {
    return tf.tidy(() => this.classifier.forward(this.avgpool.forward(features)));
  }
}

/** What makes each named network. */
const presets = {
  convnext_tiny: { depths: [3, 3, 9, 3], dims: [96, 192, 384, 768], stochasticDepthProb: 0.1 },
  convnext_small: { depths: [3, 3, 27, 3], dims: [96, 192, 384, 768], stochasticDepthProb: 0.4 },
  convnext_base: { depths: [3, 3, 27, 3], dims: [128, 256, 512, 1024], stochasticDepthProb: 0.5 },
} as const;

/** Name of a preset, as torchvision has it. */
export type ConvNeXtName = keyof typeof presets;

/**
 * One of torchvision's networks, with weights drawn from the default generator.
 *
 * @param name as torchvision has it, for example "convnext_tiny"
 * @param hparams what is to differ from it
 */
export function convNeXt(name: ConvNeXtName, hparams: ConvNeXtHparams = {}): ConvNeXt {
  if (!Object.hasOwn(presets, name)) {
    throw new UnknownNameError("model", name, Object.keys(presets));
  }
  return new ConvNeXt({ ...presets[name], ...hparams });
}
