/** Oxford-IIIT Pet as the data of an experiment: some of the images to train on are held out for validation. */
import { found } from "../../arguments/found.ts";
import { DataLoader, OxfordIIITPet, oxfordIIITPet, randomSplit, transforms } from "../../data/index.ts";
import { Generator } from "../../random/index.ts";

import type { ExperimentData } from "./experiment.ts";
import type { ExperimentConfig } from "./experiment-config.ts";
import { imageNet } from "./folders.ts";
import { mixing, pipelines } from "./pipelines.ts";
import { ConfigError } from "./settings.ts";

/**
 * Opens the images, fetching them where no folder is named; they are read when they are had.
 *
 * @throws {DataError} naming what the folder lacks, ConfigError where more are to be held out than there are
 */
export async function loadPets(data: ExperimentConfig["data"], file: string): Promise<ExperimentData> {
  const { mean = imageNet.mean, std = imageNet.std, folder, splitSeed, validation } = data;
  const toTensor = [new transforms.ToTensor(), new transforms.Normalize([...mean], [...std])];
  const { training, evaluation } = pipelines(data, toTensor, file);
  const open = (split: "trainval" | "test") =>
    folder === undefined
      ? oxfordIIITPet({ split, transform: evaluation })
      : OxfordIIITPet.open(folder, { split, transform: evaluation });
  const plain = await open("trainval");
  if (validation >= plain.length) {
    const message = `must be below the ${plain.length} training images, got ${validation}.`;
    throw new ConfigError(file, "data.validation", message);
  }
  const lengths = [plain.length - validation, validation];
  // The same seed splits both views of the images in the same way.
  const seeded = () => ({ generator: new Generator(splitSeed) });
  const [train] = randomSplit(plain.withTransform(training), lengths, seeded());
  const [, val] = randomSplit(plain, lengths, seeded());
  const test = await open("test");
  const common = { batchSize: data.batchSize, numWorkers: data.numWorkers };
  const mix = mixing(data, plain.classes.length, file);
  const [first] = plain.get(0);
  return {
    train: new DataLoader(found(train, "The training images"), {
      ...common,
      ...mix,
      shuffle: true,
      dropLast: data.dropLast,
    }),
    val: validation === 0 ? undefined : new DataLoader(found(val, "The images held out"), common),
    test: new DataLoader(test, common),
    description: {
      name: data.name,
      mean: [...mean],
      std: [...std],
      size: [...first.shape],
      classes: [...plain.classes],
      prepare: data.prepare as never,
    },
  };
}
