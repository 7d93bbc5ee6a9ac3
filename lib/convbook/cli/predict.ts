/** `convbook predict image.png`: what a trained model sees in a picture. */
import { Command, InvalidArgumentError } from "commander";

interface PredictOptions {
  readonly checkpoint: string;
  readonly top: number;
  readonly json?: boolean;
  readonly plugin: readonly string[];
}

const collect = (value: string, before: readonly string[]) => [...before, value];

function parseTop(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1) {
    throw new InvalidArgumentError(`Expected a whole number from 1 up, got ${text}.`);
  }
  return count;
}

export const predictCommand = new Command("predict")
  .description("classify images (PNG, JPEG, GIF, BMP, PPM) with a trained model")
  .argument("<images...>", "image files; they are prepared as the images of its validation were")
  .requiredOption("--checkpoint <file>", "a checkpoint of `convbook train`")
  .option("--top <count>", "classes to print", parseTop, 3)
  .option(
    "--plugin <file>",
    "a file that registers the model, where it is one of your own; may be repeated",
    collect,
    [],
  )
  .option("--json", "print [{file, predictions: [{class, probability}]}]")
  .action(async (files: readonly string[], { checkpoint, top, json, plugin }: PredictOptions) => {
    const { selectBackend } = await import("../backend/index.ts");
    const { loadPlugin, predictImages } = await import("../training/experiment/index.ts");
    const { UnknownNameError } = await import("../nn/index.ts");
    for (const name of plugin) {
      await loadPlugin(name, process.cwd()).catch((error: Error) => {
        throw new Error(`--plugin ${name}: ${error.message}.`);
      });
    }
    await selectBackend({ training: false, ...(json ? { announce: false as const } : {}) });
    const results = await predictImages(checkpoint, files, top).catch((error: unknown) => {
      if (!(error instanceof UnknownNameError && error.kind === "model")) {
        throw error;
      }
      const advice = "Name the file that registers it: --plugin FILE";
      throw new Error(`${checkpoint} holds a model that is not known here: ${error.given}. ${advice}`);
    });
    if (json) {
      console.log(JSON.stringify(results, null, 2));
    } else {
      for (const { file, predictions } of results) {
        const list = predictions.map((each) => `${each.class} ${(100 * each.probability).toFixed(1)} %`);
        console.log(`${file}: ${list.join(", ")}`);
      }
    }
  });
