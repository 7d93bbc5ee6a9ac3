import "@tensorflow/tfjs-backend-cpu";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import jpeg from "jpeg-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import imagenet from "../../data/fixtures/imagenet.json" with { type: "json" };
import petsFixture from "../../data/fixtures/pets.json" with { type: "json" };
import type { LabelledBatch } from "../../data/index.ts";
import { unpackPets } from "../../data/pets/prepare.ts";
import { encodePng } from "../../display/index.ts";
import { manualSeed } from "../../random/index.ts";
import { saveCheckpointFile } from "../checkpointing/checkpoint-file.ts";
import { ClassificationModule } from "../classification-module.ts";
import {
  bestCheckpoint,
  type ExperimentConfig,
  loadData,
  makeModule,
  makeTrainer,
  parseConfig,
  predictImages,
} from "./index.ts";

/** A picture of one colour, a little different each time. */
async function picture(path: string, [red, green, blue]: readonly number[], size = 40): Promise<void> {
  const rgba = new Uint8Array(4 * size * 30);
  for (let i = 0; i < rgba.length; i += 4) {
    rgba.set([red as number, green as number, blue as number, 255], i);
  }
  await mkdir(join(path, ".."), { recursive: true });
  const isJpeg = path.endsWith(".jpg");
  await writeFile(
    path,
    isJpeg
      ? jpeg.encode({ width: size, height: 30, data: rgba }, 95).data
      : encodePng({ width: size, height: 30, channels: 4, data: rgba }),
  );
}

let root = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "convbook-folders-"));
  for (const [set, count] of [
    ["train", 8],
    ["val", 2],
  ] as const) {
    for (let i = 0; i < count; i++) {
      await picture(join(root, "data", set, "blue", `${i}.png`), [10 + i, 20, 220 - 3 * i], 40 + i);
      await picture(join(root, "data", set, "red", `${i}.jpg`), [220 - 3 * i, 20, 10 + i], 44 - i);
    }
  }
});
afterAll(() => rm(root, { recursive: true, force: true }));

const recipe = (more = "") => `
output: ${JSON.stringify(join(root, "run"))}
model: { name: resnet18, hparams: { planes: 2 } }
data:
  name: imageFolder
  folder: ${JSON.stringify(join(root, "data"))}
  batchSize: 8
  numWorkers: 0
  augment: [{ RandomCrop: [24] }]
  prepare: [{ Resize: 24 }, { CenterCrop: 24 }]
optimizer: { name: Adam, lr: 0.01 }
trainer: { maxEpochs: 4, enableProgressBar: false, enableModelSummary: false }
${more}`;

describe("a folder of one's own pictures", () => {
  it("is trained on by a configuration, and what comes out names new pictures of either format", async () => {
    const config = parseConfig(recipe());
    const data = await loadData(config);
    expect(data.description).toMatchObject({
      name: "imageFolder",
      classes: ["blue", "red"],
      size: [24, 24, 3],
      mean: [0.485, 0.456, 0.406],
    });
    const module = makeModule(config, data.description);
    expect(module.hparams.modelHparams).toEqual({ planes: 2, numClasses: 2 });
    const result = await makeTrainer(config, { logger: false }).fit(module, data.train, data.val);
    expect(result.metrics.val_acc).toBe(1);
    module.dispose();
    const files = [join(root, "new.png"), join(root, "new.jpg")];
    await picture(files[0] as string, [225, 25, 15], 60);
    await picture(files[1] as string, [15, 25, 225], 60);
    const predictions = await predictImages(await bestCheckpoint(config), files, 1);
    expect(predictions.map((each) => each.predictions[0]?.class)).toEqual(["red", "blue"]);
  });

  it("is augmented by any policy and mixed by one of several, for as many classes as it has", async () => {
    const text = recipe("").replace(
      "augment: [{ RandomCrop: [24] }]",
      `augment: [{ RandomCrop: [24] }, TrivialAugmentWide, { RandAugment: { numOps: 1 } }, { AutoAugment: { policy: cifar10 } }]
  augmentTensor: [RandomErasing]
  mix: [{ MixUp: { alpha: 0.2 } }, CutMix]`,
    );
    // A run's copy of its configuration means the same.
    const configs = [parseConfig(text), parseConfig(stringify(parseConfig(text)))];
    const seen: number[][] = [];
    for (const config of configs) {
      manualSeed(3);
      const { train } = await loadData(config);
      for await (const [images, labels] of train as AsyncIterable<LabelledBatch>) {
        expect([images.shape, labels.shape]).toEqual([
          [8, 24, 24, 3],
          [8, 2],
        ]);
        seen.push([...labels.dataSync()]);
        tf.dispose([images, labels]);
      }
    }
    expect(seen.slice(2)).toEqual(seen.slice(0, 2));
    const shares = seen.flat();
    expect(shares.some((share) => share > 0 && share < 1)).toBe(true);
    for (let i = 0; i < shares.length; i += 2) {
      expect((shares[i] ?? 0) + (shares[i + 1] ?? 0)).toBeCloseTo(1, 6);
    }
    const [config] = configs as [ExperimentConfig];
    const data = await loadData(config);
    const module = makeModule(config, data.description);
    const { status, metrics } = await makeTrainer(config, { logger: false, maxEpochs: 1 }).fit(
      module,
      data.train,
      data.val,
    );
    expect([status, Number.isFinite(metrics.train_loss)]).toEqual(["completed", true]);
    module.dispose();
  });

  it("is ImageNet, from its archives", async () => {
    const folder = join(root, "imagenet");
    await mkdir(folder);
    for (const [name, content] of Object.entries(imagenet.archives)) {
      await writeFile(join(folder, name), Buffer.from(content, "base64"));
    }
    const config = parseConfig(
      recipe()
        .replace("name: imageFolder", "name: imagenet")
        .replace(join(root, "data"), folder)
        .replace("batchSize: 8", "batchSize: 2"),
      "x.yaml",
      ["data.augment=[{ RandomResizedCrop: 24 }]", "trainer.maxEpochs=1"],
    );
    const data = await loadData(config);
    expect(data.description).toMatchObject({ name: "imagenet", classes: ["tench", "kit fox", "golf ball"] });
    const module = makeModule(config, data.description);
    expect(module.hparams.modelHparams).toEqual({ planes: 2, numClasses: 3 });
    const trainer = makeTrainer(config, { logger: false, callbacks: [] });
    expect((await trainer.fit(module, data.train, data.val)).status).toBe("completed");
    module.dispose();
  });

  it("is shown to a network for grey pictures in grey", async () => {
    const data = { mean: [0], std: [1], size: [32, 32, 1], classes: ["dark", "bright"] };
    const modelHparams = { inChannels: 1, numClasses: 2, width: 2 };
    const module = new ClassificationModule({ modelName: "Cifar100ResNet", modelHparams, data });
    const path = join(root, "grey.safetensors");
    const stateDict = module.stateDict();
    const hyperParameters = module.hparams;
    const rest = { epoch: 0, globalStep: 0, moduleName: "ClassificationModule", callbacks: {}, extra: {} };
    await saveCheckpointFile(path, { ...rest, stateDict, hyperParameters });
    module.dispose();
    // Pillow: Image.new("RGB", (1, 1), (10, 200, 30)).convert("L") is 124.
    await picture(join(root, "colour.png"), [10, 200, 30]);
    await picture(join(root, "grey.png"), [124, 124, 124]);
    const [colour, grey] = await predictImages(path, [join(root, "colour.png"), join(root, "grey.png")], 2);
    expect(colour?.predictions).toEqual(grey?.predictions);
  });

  it("with other classes for validation than for training is refused", async () => {
    const folder = join(root, "odd");
    await picture(join(folder, "train/cat/1.png"), [0, 0, 0]);
    await picture(join(folder, "train/dog/1.png"), [0, 0, 0]);
    await picture(join(folder, "val/cat/1.png"), [0, 0, 0]);
    await picture(join(folder, "val/dig/1.png"), [0, 0, 0]);
    const config = parseConfig("", "x.yaml", ["data.name=imageFolder", `data.folder=${JSON.stringify(folder)}`]);
    await expect(loadData(config, "x.yaml")).rejects.toThrow(
      "x.yaml: data.folder has other classes in val than in train: missing dog; unknown dig.",
    );
  });

  it.each([
    ["data: { name: imageFolder }", "x.yaml: data.folder must name the folder that holds train and val."],
    [
      "data: { folder: pictures }",
      "x.yaml: data.folder is a setting of imageFolder, imagenet, diffraction, oxfordIIITPet only; the data set is cifar10.",
    ],
    [
      "data: { name: imagenet }",
      "x.yaml: data.folder must name the folder that holds ImageNet's archives, or train, val and meta.bin.",
    ],
    [
      "data: { name: imageFolder, folder: a, validation: 5 }",
      "x.yaml: data.validation must be left out: the folder val holds the validation images, got 5.",
    ],
    ["data: { mean: [0.5] }", "x.yaml: data.mean and std must be given together."],
    ["data: { mean: [0.5], std: [big] }", 'x.yaml: data.std must be a list of numbers, got ["big"].'],
  ])("is described by settings that are checked (%s)", (text, message) => {
    expect(() => parseConfig(text, "x.yaml")).toThrow(message);
  });
});

describe("cats and dogs", () => {
  it("are trained on by their breeds, some held out by the seed of the split", async () => {
    const folder = join(root, "pets", "oxford-iiit-pet");
    await mkdir(folder, { recursive: true });
    for (const part of ["images", "annotations"] as const) {
      const archive = join(root, `${part}.tar.gz`);
      await writeFile(archive, Buffer.from(petsFixture.archives[part], "base64"));
      await unpackPets(archive, part, folder);
    }
    const config = parseConfig(`
output: ${JSON.stringify(join(root, "pets-run"))}
model: { name: resnet18, hparams: { planes: 2 } }
data:
  name: oxfordIIITPet
  folder: ${JSON.stringify(join(root, "pets"))}
  batchSize: 2
  validation: 2
  numWorkers: 0
  augment: [{ Resize: [[16, 16]] }, AugMix]
  prepare: [{ Resize: [[16, 16]] }]
trainer: { maxEpochs: 1, enableProgressBar: false, enableModelSummary: false }`);
    const data = await loadData(config);
    const classes = petsFixture.expected.trainval.classes;
    expect(data.description).toMatchObject({
      name: "oxfordIIITPet",
      classes,
      size: [16, 16, 3],
      mean: [0.485, 0.456, 0.406],
    });
    expect([data.train, data.val, data.test].map((loader) => loader?.length)).toEqual([3, 1, 2]);
    const module = makeModule(config, data.description);
    expect(module.hparams.modelHparams).toEqual({ planes: 2, numClasses: 4 });
    const result = await makeTrainer(config, { logger: false }).fit(module, data.train, data.val);
    expect(result.metrics.val_acc).toBeGreaterThanOrEqual(0);
    module.dispose();
    expect(parseConfig("data: { name: oxfordIIITPet }").data).toMatchObject({ folder: undefined, validation: 736 });
    const all = parseConfig(
      `data: { name: oxfordIIITPet, validation: 8, folder: ${JSON.stringify(join(root, "pets"))} }`,
    );
    await expect(loadData(all)).rejects.toThrow("data.validation must be below the 8 training images, got 8.");
    expect(() => parseConfig("data: { name: cifar10, folder: x }")).toThrow(
      "data.folder is a setting of imageFolder, imagenet, diffraction, oxfordIIITPet only; the data set is cifar10.",
    );
  });
});
