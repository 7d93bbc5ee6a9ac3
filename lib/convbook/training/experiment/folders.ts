/**
 * A folder of one's own as the data of an experiment, laid out as ImageNet is: `train/CLASS/…`, `val/CLASS/…` and, where there is one,
 * `test/CLASS/…`; and ImageNet itself.
 */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { found } from "../../arguments/found.ts";
import { classNames } from "../../data/imagenet/dataset.ts";
import { imagenetteFolder } from "../../data/imagenet/imagenette.ts";
import { DataLoader, IMAGENETTE_CLASSES, ImageFolder, prepareImageNet, transforms } from "../../data/index.ts";
import type { ExperimentData } from "./experiment.ts";
import type { ExperimentConfig } from "./experiment-config.ts";
import { mixing, pipelines } from "./pipelines.ts";
import { ConfigError } from "./settings.ts";

/** ImageNet's, by which pretrained networks expect their images normalised. */
export const imageNet = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

/**
 * Opens the folders, those of ImageNet after unpacking its archives where they are not; the images are read when they are had.
 *
 * @throws {DataError} naming a folder that is missing or has an empty class, ConfigError where the folders' classes differ
 */
export async function loadFolders(data: ExperimentConfig["data"], file: string): Promise<ExperimentData> {
  const root = data.name === "imagenette" ? await imagenetteFolder() : found(data.folder, "data.folder");
  const mean = data.mean ?? imageNet.mean;
  const std = data.std ?? imageNet.std;
  const toTensor = [new transforms.ToTensor(), new transforms.Normalize([...mean], [...std])];
  const { training, evaluation } = pipelines(data, toTensor, file);
  const meta = data.name === "imagenet" ? await prepareImageNet(root) : undefined;
  const train = await ImageFolder.open(join(root, "train"), { transform: training });
  const { classes } = train;
  const ownNames = data.name === "imagenette" ? IMAGENETTE_CLASSES : classes;
  const names = meta === undefined ? ownNames : classNames(train, meta).map(([name = ""]) => name);
  const open = async (name: string) => {
    const images = await ImageFolder.open(join(root, name), { transform: evaluation });
    if (images.classes.join("\n") === classes.join("\n")) {
      return images;
    }
    const missing = classes.filter((each) => !images.classes.includes(each));
    const extra = images.classes.filter((each) => !classes.includes(each));
    const say = (what: string, names: string[]) => (names.length === 0 ? "" : ` ${what} ${names.join(", ")};`);
    const differences = `${say("missing", missing)}${say("unknown", extra)}`.replace(/;$/, "");
    throw new ConfigError(file, "data.folder", `has other classes in ${name} than in train:${differences}.`);
  };
  const val = await open("val");
  const hasTest = await stat(join(root, "test")).then(
    (found) => found.isDirectory(),
    () => false,
  );
  const test = hasTest ? await open("test") : val;
  const common = { batchSize: data.batchSize, numWorkers: data.numWorkers };
  const mix = mixing(data, classes.length, file);
  const [first] = val.get(0);
  return {
    train: new DataLoader(train, { ...common, ...mix, shuffle: true, dropLast: data.dropLast }),
    val: new DataLoader(val, common),
    test: new DataLoader(test, common),
    description: {
      name: data.name,
      mean: [...mean],
      std: [...std],
      size: [...first.shape],
      classes: names.map((name, i) => (names.indexOf(name) === i ? name : `${name} (${classes[i]})`)),
      prepare: data.prepare as never,
    },
  };
}
