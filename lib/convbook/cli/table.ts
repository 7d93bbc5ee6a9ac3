/**
 * `convbook table`: the accuracies of the tutorial's models, measured here.
 */
import { Command, InvalidArgumentError, Option } from "commander";

interface TableOptions {
  readonly json?: boolean;
  readonly images: number;
  readonly offline?: boolean;
  readonly weights: "tutorial" | "convbook";
}

/** A whole number of images from 1 to 15,000. */
export function parseImages(text: string): number {
  const images = Number(text);
  if (!Number.isInteger(images) || images < 1 || images > 15_000) {
    throw new InvalidArgumentError(`Expected a whole number from 1 to 15000, got ${text}.`);
  }
  return images;
}

export const tableCommand = new Command("table")
  .description("measure the accuracies of Tutorial 5's pretrained models on CIFAR-10")
  .option("--json", "print [{model, val, test, parameters}], accuracies as fractions")
  .addOption(
    new Option("--images <count>", "of the 15,000 images, one third for validation")
      .argParser(parseImages)
      .default(15_000),
  )
  .addOption(
    new Option("--weights <whose>", "the tutorial's checkpoints, or those that Convbook's Trainer made")
      .choices(["tutorial", "convbook"])
      .default("tutorial"),
  )
  .option("--offline", "use only the cache and a mirror folder")
  .action(async ({ json, images, offline, weights }: TableOptions) => {
    if (offline) {
      process.env.CONVBOOK_OFFLINE = "1";
    }
    const { selectBackend } = await import("../backend/index.ts");
    const { tutorial5 } = await import("../index.ts");
    const { terminalProgress } = await import("../download/index.ts");
    await selectBackend({ training: false });
    const models = await tutorial5.loadModels({ weights, onProgress: terminalProgress() });
    const loaders = await tutorial5.createLoaders(tutorial5.splitImageCount(images));
    const results = await tutorial5.evaluateModels(models, loaders);
    const rows = tutorial5.tableRows(results);
    if (json) {
      console.log(JSON.stringify(rows, null, 2));
    } else {
      console.log(tutorial5.resultsTable(results).toString());
    }
  });
