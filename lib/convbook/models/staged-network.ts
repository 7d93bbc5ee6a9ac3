/**
 * What networks for pictures have in common: layers that make a picture smaller stage by stage, and a head that makes logits of what is left. As in
 * timm, the features of the stages can be had: `forwardFeatures`, `featureInfo` and, by `createModel(name, { featuresOnly: true })`, a
 * {@link FeatureList}.
 */
import * as tf from "@tensorflow/tfjs-core";
import { type AnyModule, Module, OptionError, Sequential } from "../nn/index.ts";

/** Features that a network gives on its way, named as timm's `feature_info`. */
export interface FeatureInfo {
  /** The layer whose output they are, as `getSubmodule` knows it. */
  readonly module: string;
  /** Their channels. */
  readonly numChs: number;
  /** How many times smaller than the picture they are, along each side. */
  readonly reduction: number;
}

/** A layer with its dotted name. */
export type Step = readonly [name: string, layer: AnyModule];

/** [N, H, W, 3] -> logits [N, numClasses], by way of features at several sizes. */
export abstract class StagedNetwork extends Module<[x: tf.Tensor4D], tf.Tensor2D> {
  /** The last features at each size, large to small. */
  abstract readonly featureInfo: readonly FeatureInfo[];
  /** What is done to the pictures before the first layer; null for nothing. */
  readonly inputTransform: ((x: tf.Tensor4D) => tf.Tensor4D) | null = null;

  /** Children that a file may have and the network does without. */
  readonly optionalParts: readonly string[] = [];

  /** Today's name of an entry of the state dict that files know under an older one. */
  stateName(name: string): string {
    return name;
  }

  /** The layers in front of the head, each given what the one before gave. */
  abstract steps(): readonly Step[];

  /** The head: features, as {@link forwardFeatures} gives them, to logits [N, numClasses]. */
  abstract forwardHead(features: tf.Tensor4D): tf.Tensor2D;

  /** What the head is given, not pooled yet: [N, H, W, 3] -> [N, H', W', C]. */
  forwardFeatures(x: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => {
      let features = this.inputTransform === null ? x : this.inputTransform(x);
      for (const [, layer] of this.steps()) {
        features = layer.forward(features);
      }
      return features;
    });
  }

  forward(x: tf.Tensor4D): tf.Tensor2D {
    return tf.tidy(() => this.forwardHead(this.forwardFeatures(x)));
  }
}

/** The children of a chain as steps. */
export function stepsOf(name: string, chain: Sequential): Step[] {
  return chain.namedChildren().map(([child, layer]) => [`${name}.${child}`, layer]);
}

/** Options of {@link FeatureList}. */
export interface FeatureListOptions {
  /** Which of the network's `featureInfo`, from 0; negative numbers count from the end. All when left out. */
  readonly outIndices?: readonly number[];
}

/**
 * A network without its head, and without the layers behind the last features that are asked for: [N, H, W, 3] -> the features of the stages, large
 * to small. Its state dict has the network's own names, so that weights of the whole network load with `strict: false`.
 *
 * @example
 * const backbone = createModel("resnet18", { featuresOnly: true, outIndices: [1, 2, 3, 4] });
 * const [quarter, eighth] = backbone.forward(images);
 */
export class FeatureList extends Module<[x: tf.Tensor4D], tf.Tensor4D[]> {
  /** What the outputs are, in their order. */
  readonly featureInfo: readonly FeatureInfo[];
  readonly #inputTransform: ((x: tf.Tensor4D) => tf.Tensor4D) | null;
  readonly #steps: readonly Step[];

  /** @throws {OptionError} for a network without stages, or indices that it does not have */
  constructor(network: StagedNetwork, options: FeatureListOptions = {}) {
    super();
    if (!(network instanceof StagedNetwork)) {
      const given = (network as unknown) instanceof Module ? (network as AnyModule).typeName : network;
      throw new OptionError("FeatureList", "network", given, "a network whose stages are known (one with featureInfo)");
    }
    const all = network.featureInfo;
    const { outIndices = all.map((_, i) => i) } = this.optionsOf(options, ["outIndices"]);
    const wanted = new Set(placesOf(outIndices, all.length));
    this.featureInfo = all.filter((_, i) => wanted.has(i));
    this.#inputTransform = network.inputTransform;
    const steps = network.steps();
    const last = steps.findIndex(([name]) => name === this.featureInfo.at(-1)?.module);
    this.#steps = steps.slice(0, last + 1);
    const groups = new Map<string, Map<string, AnyModule>>();
    for (const [name, layer] of this.#steps) {
      const [, first = name, rest] = /^([^.]+)\.(.+)$/.exec(name) ?? [];
      if (rest === undefined) {
        this.registerModule(name, layer);
        continue;
      }
      const group = groups.get(first) ?? new Map<string, AnyModule>();
      groups.set(first, group.set(rest, layer));
    }
    for (const [name, layers] of groups) {
      this.registerModule(name, new Sequential(layers));
    }
  }

  forward(x: tf.Tensor4D): tf.Tensor4D[] {
    return tf.tidy(() => {
      let features = this.#inputTransform === null ? x : this.#inputTransform(x);
      const outputs: tf.Tensor4D[] = [];
      const taps = new Set(this.featureInfo.map(({ module }) => module));
      for (const [name, layer] of this.#steps) {
        features = layer.forward(features);
        if (taps.has(name)) {
          outputs.push(features);
        }
      }
      return outputs;
    });
  }
}

/** Indices from the front, each once. */
function placesOf(outIndices: readonly number[], count: number): readonly number[] {
  const expected = `a list of different whole numbers from ${-count} to ${count - 1}`;
  if (!Array.isArray(outIndices) || outIndices.length === 0) {
    throw new OptionError("FeatureList", "outIndices", outIndices, expected);
  }
  const places = outIndices.map((index) => (index < 0 ? index + count : index));
  const isWrong = places.some((place) => !Number.isInteger(place) || place < 0 || place >= count);
  if (isWrong || new Set(places).size !== places.length) {
    throw new OptionError("FeatureList", "outIndices", outIndices, expected);
  }
  return places;
}
