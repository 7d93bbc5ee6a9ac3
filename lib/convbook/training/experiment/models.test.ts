/** What a configuration can name as its model: every name is accepted, each kind of network is trained, the others say who trains them. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { selectBackend } from "../../backend/index.ts";
import { engineBackend } from "../../backend/testing/engine-backend.ts";
import { encodePng } from "../../display/index.ts";
import { listModels } from "../../models/index.ts";
import { loadData, makeModule, makeTrainer, parseConfig } from "./index.ts";

let root = "";
beforeAll(async () => {
  await selectBackend({ backend: engineBackend ?? "cpu", training: true, announce: false });
  root = await mkdtemp(join(tmpdir(), "convbook-models-"));
  for (const set of ["train", "val"]) {
    for (const [name, colour] of [
      ["dark", 40],
      ["light", 200],
    ] as const) {
      await mkdir(join(root, "data", set, name), { recursive: true });
      for (let i = 0; i < 2; i++) {
        const data = Uint8Array.from({ length: 3 * 40 * 40 }, (_, k) => colour + ((k * 7 + i) % 30));
        await writeFile(
          join(root, "data", set, name, `${i}.png`),
          encodePng({ width: 40, height: 40, channels: 3, data }),
        );
      }
    }
  }
});
afterAll(() => rm(root, { recursive: true, force: true }));

const config = (model: string) =>
  parseConfig(`
output: ${JSON.stringify(join(root, "run"))}
model: ${model}
data: { name: imageFolder, folder: ${JSON.stringify(join(root, "data"))}, batchSize: 4, numWorkers: 0 }
optimizer: { name: SGD, lr: 0.01 }
trainer: { fastDevRun: true, enableProgressBar: false, enableModelSummary: false }`);

describe("model.name", () => {
  it("takes every name of listModels()", () => {
    for (const name of listModels()) {
      expect(config(`{ name: ${name} }`).model.name).toBe(name);
    }
  });

  // The smallest of each kind; VGG, ConvNeXt and the larger ones of the others have the same Trainer and take long to be made.
  it.each([
    "{ name: GoogleNet }",
    "{ name: ResNet, hparams: { numBlocks: [1, 1, 1] } }",
    "{ name: ResNetPreAct, hparams: { numBlocks: [1, 1, 1] } }",
    "{ name: DenseNet, hparams: { numLayers: [2, 2, 2, 2] } }",
    "{ name: Cifar100ResNet, hparams: { width: 16 } }",
    "{ name: ImageNetResNet, hparams: { layers: [1, 1, 1, 1], planes: 8 } }",
    "{ name: resnet18, hparams: { planes: 8 } }",
    "{ name: mobilenet_v2, hparams: { widthMult: 0.25 } }",
    "{ name: mobilenet_v3_small }",
    "{ name: efficientnet_b0 }",
    "{ name: googlenet }",
    "{ name: densenet121 }",
  ])("%s makes a step", async (model) => {
    const experiment = config(model);
    const data = await loadData(experiment);
    const module = makeModule(experiment, data.description);
    const result = await makeTrainer(experiment, { logger: false }).fit(module, data.train, data.val);
    expect(result.status).toBe("completed");
    expect(result.metrics.train_loss).toBeGreaterThan(0);
    module.dispose();
  });

  it.each([
    ["Fots", "model.name Fots finds text, and convbook train trains classifiers. detection.FotsLoss trains it"],
    [
      "ResnetClassifier",
      "model.name ResnetClassifier is the network of powder patterns: data.name must be diffraction",
    ],
    ["ResNet1d", "model.name ResNet1d is a part of ResnetClassifier"],
    ["fots", 'got "fots". Did you mean "Fots"?'],
    ["resnet51", 'got "resnet51". Did you mean "resnet50"?'],
    ["efficientnet_b9", 'Did you mean "efficientnet_b'],
    ["constructor", 'got "constructor".'],
  ])("%s is answered at once", (name, message) => {
    expect(() => config(`{ name: ${name} }`)).toThrow(message);
  });
});
