import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { createModelFrom } from "../../models/index.ts";
import { ConfigError, loadConfig, parseConfig } from "./index.ts";

const recipes = fileURLToPath(new URL("../../../../datasets/pretrained/recipes/", import.meta.url));

describe("a configuration", () => {
  it("has defaults and takes changes from the command line", () => {
    const config = parseConfig("model: { name: DenseNet }", "x.yaml", [
      "trainer.maxEpochs=3",
      "optimizer.lr=1e-2",
      "scheduler.name=StepLR",
    ]);
    expect(config).toMatchObject({
      seed: 42,
      model: { name: "DenseNet" },
      data: { name: "cifar10", batchSize: 128, validation: 5000 },
      optimizer: { name: "SGD", lr: 0.01 },
      scheduler: { name: "StepLR", interval: "epoch" },
      trainer: { maxEpochs: 3 },
    });
    expect(parseConfig("").scheduler).toBeNull();
  });

  it.each([
    ["trainer: { maxEpoch: 3 }", 'x.yaml: trainer.maxEpoch is not a setting. Did you mean "maxEpochs"?'],
    ["modle: { name: ResNet }", 'x.yaml: modle is not a setting. Did you mean "model"?'],
    ["model: { name: Resnet50 }", "x.yaml: model.name must be one of "],
    ["data: { batchSize: 0 }", "x.yaml: data.batchSize must be a whole number of at least 1, got 0."],
    ["data: { augment: RandomCrop }", 'x.yaml: data.augment must be a list of transforms, got "RandomCrop".'],
    [
      "optimizer: { name: sgd }",
      'x.yaml: optimizer.name must be one of SGD, Adam, AdamW, RMSprop, got "sgd". Did you mean "SGD"?',
    ],
    ["trainer: 3", "x.yaml: trainer must hold settings by name, got 3."],
    ["- 1", "x.yaml: must hold settings by name"],
    ["a: [", "x.yaml: is not valid YAML"],
  ])("with a mistake (%s) is refused", (text, message) => {
    expect(() => parseConfig(text, "x.yaml")).toThrow(message);
    expect(() => parseConfig(text, "x.yaml")).toThrow(ConfigError);
  });

  it("lets no change reach beyond itself", () => {
    expect(() => parseConfig("", "x.yaml", ["__proto__.polluted=1"])).toThrow(
      "--set: __proto__.polluted=1 does not name a setting",
    );
    expect(() => parseConfig("", "x.yaml", ["seed"])).toThrow("--set: seed must be written as name.of.setting=value");
  });

  it.each(readdirSync(recipes).filter((name) => name.endsWith(".yaml")))(
    "of the recipe %s names a model that can be built",
    async (name) => {
      const { model } = await loadConfig(recipes + name);
      createModelFrom(model.name, model.hparams).dispose();
    },
  );
});
