/** Features of the stages, and names by pattern. */
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { init, OptionError, summary, UnknownOptionError } from "../nn/index.ts";
import { createModel, createModelFrom, FeatureList, listModels, modelNames, StagedNetwork } from "./index.ts";

beforeAll(() => tf.setBackend("cpu"));

/** Small networks of each architecture that has stages, and channels and reductions of their features, as timm's feature_info has them for its own widths. */
const networks = [
  [
    "ImageNetResNet",
    { layers: [1, 1, 1, 1], planes: 4, blockName: "BasicBlock" },
    [4, 4, 8, 16, 32],
    [2, 4, 8, 16, 32],
  ],
  [
    "ImageNetResNet",
    { layers: [1, 1, 1, 1], planes: 4, widthPerGroup: 64, replaceStrideWithDilation: [false, true, true] },
    [4, 16, 32, 64, 128],
    [2, 4, 8, 8, 8],
  ],
  ["vgg11_bn", { widths: [2, 3, 4, 5, 6], hidden: 4 }, [2, 3, 4, 5, 6, 6], [1, 2, 4, 8, 16, 32]],
  ["mobilenet_v2", { widthMult: 0.1 }, [8, 8, 8, 16, 32], [2, 4, 8, 16, 32]],
  ["mobilenet_v3_small", { widthMult: 0.1 }, [8, 8, 8, 8, 96], [2, 4, 8, 16, 32]],
  ["efficientnet_b0", { widthMult: 0.1, depthMult: 0.2 }, [8, 8, 8, 16, 32], [2, 4, 8, 16, 32]],
  ["convnext_tiny", { dims: [2, 4, 6, 8], depths: [1, 1, 1, 1] }, [2, 4, 6, 8], [4, 8, 16, 32]],
  ["densenet121", { growthRate: 2, blockConfig: [1, 1, 1, 1], numInitFeatures: 4 }, [4, 6, 5, 4, 4], [2, 4, 8, 16, 32]],
] as const;

describe.each(networks)("%s %o", (name, hparams, channels, reductions) => {
  const make = () => createModelFrom(name, hparams).eval() as unknown as StagedNetwork;

  it("says which features it has, and gives them", () => {
    const model = make();
    expect(model).toBeInstanceOf(StagedNetwork);
    expect(model.featureInfo.map(({ reduction }) => reduction)).toEqual(reductions);
    expect(model.featureInfo.map(({ numChs }) => numChs)).toEqual(channels);
    for (const { module } of model.featureInfo) {
      expect(() => model.getSubmodule(module)).not.toThrow();
    }
    const images = tf.randomUniform<tf.Rank.R4>([1, 64, 96, 3]);
    const features = new FeatureList(model).eval();
    const outputs = features.forward(images);
    expect(outputs.map(({ shape }) => shape)).toEqual(
      channels.map((width, i) => [1, 64 / (reductions[i] ?? 1), 96 / (reductions[i] ?? 1), width]),
    );
    // Layer by layer, where the whole is one: normalisations are not folded into convolutions.
    const parts = tf.tidy(() => model.forwardHead(model.forwardFeatures(images))).dataSync();
    const whole = model.forward(images).dataSync();
    const largest = Math.max(...whole.map(Math.abs));
    expect(parts.every((value, i) => Math.abs(value - (whole[i] as number)) <= 1e-4 * largest)).toBe(true);
  });

  it("gives those that are asked for, without the layers behind, under the network's names", () => {
    const model = make();
    const features = new FeatureList(model, { outIndices: [1, 0] });
    const [first, second] = model.featureInfo;
    expect(features.featureInfo).toEqual([first, second]);
    const own = [...features.stateDict().keys()];
    const names = [...model.stateDict().keys()];
    expect(own.length).toBeLessThan(names.length / 1.5);
    expect(own.every((key) => names.includes(key))).toBe(true);
    // In the order of the whole network.
    expect(own).toEqual(names.filter((key) => own.includes(key)));
    expect(features.loadStateDict(model.stateDict(), { strict: false }).missing).toEqual([]);
    const images = tf.randomUniform<tf.Rank.R4>([1, 32, 32, 3]);
    const all = new FeatureList(model).eval().forward(images);
    const some = features.eval().forward(images);
    expect(some.map((each) => each.dataSync())).toEqual(all.slice(0, 2).map((each) => each.dataSync()));
    expect(new FeatureList(model, { outIndices: [-1] }).featureInfo).toEqual([model.featureInfo.at(-1)]);
  });
});

describe("features", () => {
  it("can be summed up, trained and refused", () => {
    const model = createModel("mobilenet_v2", { widthMult: 0.1 });
    expect(`${summary(new FeatureList(model, { outIndices: [2] }), { inputShape: [1, 32, 32, 3] })}`).toContain(
      "FeatureList",
    );
    for (const outIndices of [[5], [-6], [0, 0], [0, -5], [0.5], [], "0", null]) {
      expect(() => new FeatureList(model, { outIndices: outIndices as never }), `${outIndices}`).toThrow(
        "FeatureList: outIndices must be a list of different whole numbers from -5 to 4, got",
      );
    }
    expect(() => new FeatureList(createModel("ResNet") as never)).toThrow(
      "FeatureList: network must be a network whose stages are known (one with featureInfo), got",
    );
  });
});

describe("listModels", () => {
  it.each([
    ["resnet*", ["resnet18", "resnet34", "resnet50", "resnet101", "resnet152"]],
    ["resnext*_32x*", ["resnext50_32x4d", "resnext101_32x8d"]],
    [
      ["vgg1?", "wide_*"],
      ["vgg11", "vgg13", "vgg16", "vgg19", "wide_resnet50_2", "wide_resnet101_2"],
    ],
    ["densenet1[26]*", ["densenet121", "densenet161", "densenet169"]],
    ["densenet[!1]*", ["densenet201"]],
    ["ResNet", ["ResNet"]],
    ["res", []],
    ["resnet.*", []],
    ["resnet5[0", []],
    ["", []],
    [[], []],
  ] as const)("finds %o", (filter, names) => {
    expect(listModels(filter)).toEqual(names);
  });

  it("gives all names, and leaves some out", () => {
    expect(listModels()).toHaveLength(modelNames().length);
    expect(listModels("*resne?t50*", { excludeFilters: ["se*", "wide*"] })).toEqual(["resnext50_32x4d"]);
    expect(listModels("*resnext50*", { excludeFilters: "se*" })).toEqual(["resnext50_32x4d"]);
  });

  it("is not kept busy by stars", () => {
    expect(listModels("*".repeat(5000))).toHaveLength(modelNames().length);
    expect(listModels(`${"*a".repeat(12)}*b`)).toEqual([]);
  });

  it("names what is wrong", () => {
    expect(() => listModels(5 as never)).toThrow("listModels: filter must be a pattern, or a list of patterns, got 5.");
    expect(() => listModels([5] as never)).toThrow(OptionError);
    expect(() => listModels("*", { excludes: "a" } as never)).toThrow(UnknownOptionError);
  });
});

describe("parameter counts", () => {
  // As torchvision's documentation has them.
  it.each([
    ["vgg11", 132_863_336],
    ["vgg16_bn", 138_365_992],
    ["resnext101_64x4d", 83_455_272],
    ["wide_resnet101_2", 126_886_696],
    ["mobilenet_v3_large", 5_483_032],
    ["mobilenet_v3_small", 2_542_856],
    ["efficientnet_b0", 5_288_548],
    ["efficientnet_b4", 19_341_616],
    ["convnext_tiny", 28_589_128],
    ["convnext_base", 88_591_464],
    ["densenet121", 7_978_856],
    ["densenet201", 20_013_928],
    ["googlenet", 6_624_904],
  ] as const)("%s", (name, count) => {
    expect(init.skipInit(() => createModelFrom(name, {})).parameterCount()).toBe(count);
  });
});
