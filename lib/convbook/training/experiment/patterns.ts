/** Powder patterns as the data of an experiment: the files that `diffraction.createTrainAndValidation` writes. */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { found } from "../../arguments/found.ts";
import { DiffractionDataset, loadPatterns, patternFiles } from "../../data/diffraction/index.ts";
import { DataLoader } from "../../data/index.ts";
import { messageOf } from "../../files/index.ts";
import type { ExperimentData } from "./experiment.ts";
import type { ExperimentConfig } from "./experiment-config.ts";
import { ConfigError } from "./settings.ts";

/**
 * Reads `TAG_Train.pt`, `TAG_Validation.pt` and, where there is one, `TAG_Test.pt`; without it the validation patterns are the test's, too.
 *
 * @throws ConfigError naming a file that is missing or cannot be used
 */
export async function loadPatternFiles(config: ExperimentConfig, file: string): Promise<ExperimentData> {
  const { data } = config;
  const folder = found(data.folder, "data.folder");
  const tag = found(config.tag, "tag");
  const files = patternFiles(folder, tag);
  const numClasses = Number(config.model.hparams.outputDim ?? 14);
  const open = async (path: string) => {
    try {
      const patterns = await loadPatterns(path);
      return new DiffractionDataset({
        numClasses,
        background: data.background ?? 0,
        data: patterns.data,
        labels: patterns.labels,
        cat: data.cat ?? "Bravais Lattice",
      });
    } catch (error) {
      throw new ConfigError(file, "data.folder", `has no patterns that can be used: ${path}: ${messageOf(error)}`);
    }
  };
  const train = await open(files.train);
  const val = await open(files.validation);
  const testFile = join(folder, `${tag}_Test.pt`);
  const hasTest = await stat(testFile).then(
    (at) => at.isFile(),
    () => false,
  );
  const test = hasTest ? await open(testFile) : val;
  for (const [name, { points }] of [["validation", val] as const, ["test", test] as const]) {
    if (points !== train.points) {
      const lengths = `${points} numbers each, those of training ${train.points}`;
      throw new ConfigError(
        file,
        "data.folder",
        `has patterns of different lengths: those of ${name} have ${lengths}.`,
      );
    }
  }
  const common = { batchSize: data.batchSize, numWorkers: data.numWorkers };
  return {
    train: new DataLoader(train, { ...common, shuffle: true, dropLast: data.dropLast }),
    val: new DataLoader(val, common),
    test: new DataLoader(test, common),
    description: { name: data.name, size: [train.points, 1], classes: [...train.classes] },
  };
}
