import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { ConfigError, checkExperiment, loadConfig, parseConfig } from "./index.ts";

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
      'x.yaml: optimizer.name must be one of SGD, Adam, AdamW, RMSprop, Muon, got "sgd". Did you mean "SGD"?',
    ],
    ["trainer: 3", "x.yaml: trainer must hold settings by name, got 3."],
    ["- 1", "x.yaml: must hold settings by name"],
    ["a: [", "x.yaml: is not valid YAML"],
  ])("with a mistake (%s) is refused", (text, message) => {
    expect(() => parseConfig(text, "x.yaml")).toThrow(message);
    expect(() => parseConfig(text, "x.yaml")).toThrow(ConfigError);
  });

  it.each([
    [
      "model: { name: ResNet, hparams: { numBlock: [1] } }",
      'x.yaml: model cannot be used: Unknown hyper-parameter of ResNet "numBlock". Did you mean "numBlocks"?',
    ],
    [
      "optimizer: { learningRate: 0.1 }",
      'x.yaml: optimizer cannot be used: SGD has no option "learningRate". Did you mean "lr"?',
    ],
    ["optimizer: { lr: fast }", 'x.yaml: optimizer cannot be used: SGD.lr must be a number of at least 0, got "fast".'],
    [
      "scheduler: { name: StepLR, stepsize: 3 }",
      'x.yaml: scheduler cannot be used: StepLR has no option "stepsize". Did you mean "stepSize"?',
    ],
    ["trainer: { maxEpochs: many }", "x.yaml: trainer cannot be used: Trainer.maxEpochs must be a whole number"],
    ["trainer: { limitValBatches: all }", "x.yaml: trainer cannot be used: Trainer.limitValBatches must be a whole"],
    [
      "trainer: { detectNonFinite: yes please }",
      'x.yaml: trainer cannot be used: Trainer.detectNonFinite must be true or false, got "yes please".',
    ],
    [
      "data: { augment: [RandomCorp] }",
      'x.yaml: data.augment cannot be used: There is no transform named "RandomCorp". Did you mean "RandomCrop"?',
    ],
    [
      "data: { mix: MixOp }",
      'x.yaml: data.mix cannot be used: There is no batch transform named "MixOp". Did you mean',
    ],
    [
      "data: { mix: { MixUp: { alpha: 0 } } }",
      "x.yaml: data.mix cannot be used: MixUp's alpha is a positive number; got 0.",
    ],
    ["data: { mix: [] }", "x.yaml: data.mix cannot be used: RandomMix: mixes must be a list of at least one"],
    [
      "data: { augment: [{ AutoAugment: { policy: cifar } }] }",
      'x.yaml: data.augment cannot be used: AutoAugment\'s policy is "imagenet", "cifar10" or "svhn"; got "cifar".',
    ],
    ["checkpoint: { mode: biggest }", 'x.yaml: checkpoint cannot be used: ModelCheckpoint.mode must be "min" or "max"'],
    [
      "checkpoint: { monitor: val_ac }",
      'x.yaml: checkpoint.monitor must be one of train_loss, train_acc, val_loss, val_acc, got "val_ac". Did you mean "val_acc"?',
    ],
    [
      "earlyStopping: { patience: soon }",
      "x.yaml: earlyStopping cannot be used: EarlyStopping.patience must be a whole",
    ],
    [
      "earlyStopping: { monitor: loss }",
      "x.yaml: earlyStopping.monitor must be one of train_loss, train_acc, val_loss",
    ],
    [
      "scheduler: { name: ReduceLROnPlateau, monitor: val_ac }",
      'x.yaml: scheduler.monitor must be one of train_loss, train_acc, val_loss, val_acc, got "val_ac". Did you mean "val_acc"?',
    ],
    ["ema: { decay: 2 }", "x.yaml: ema cannot be used: EMAWeightAveraging.decay must be a number from 0 to 1, got 2."],
    [
      "deviceStats: { cpuStats: maybe }",
      'x.yaml: deviceStats cannot be used: DeviceStatsMonitor.cpuStats must be true or false, got "maybe".',
    ],
    [
      "trainer: { precision: 16-mixed }",
      'x.yaml: trainer cannot be used: Trainer.precision must be "32-true" (also 32) or "bf16-mixed" (also "bf16"), got "16-mixed".',
    ],
    [
      "{ data: { validation: 0 }, scheduler: { name: ReduceLROnPlateau } }",
      'x.yaml: scheduler.monitor must be one of train_loss, train_acc, got "val_loss".',
    ],
  ])("with a mistake that shows when it is used (%s) is refused before there is data", (text, message) => {
    const check = () => checkExperiment(parseConfig(text, "x.yaml"), "x.yaml");
    expect(check).toThrow(message);
    expect(check).toThrow(ConfigError);
  });

  it("lets no change reach beyond itself", () => {
    expect(() => parseConfig("", "x.yaml", ["__proto__.polluted=1"])).toThrow(
      "--set: __proto__.polluted=1 does not name a setting",
    );
    expect(() => parseConfig("", "x.yaml", ["seed"])).toThrow("--set: seed must be written as name.of.setting=value");
  });

  it.each(readdirSync(recipes).filter((name) => name.endsWith(".yaml")))(
    "of the recipe %s can be used",
    async (name) => {
      checkExperiment(await loadConfig(recipes + name), name);
    },
  );
});
