/** `convbook test config.yaml`: the accuracy of a trained model on the test images. */
import { Command, Option } from "commander";

interface TestOptions {
  readonly checkpoint?: string;
  readonly split: "test" | "val";
  readonly json?: boolean;
  readonly set: readonly string[];
}

export const testCommand = new Command("test")
  .description("measure a trained model on the test images")
  .argument("<config>", "the file that it was trained with, or the copy of it in the run's folder")
  .option("--checkpoint <file>", "the checkpoint; the best of the run by default")
  .addOption(new Option("--split <part>", "which images").choices(["test", "val"]).default("test"))
  .option(
    "--set <setting=value>",
    "change a setting",
    (value: string, before: readonly string[]) => [...before, value],
    [],
  )
  .option("--json", "print the metrics as JSON")
  .action(async (path: string, { checkpoint, split, json, set }: TestOptions) => {
    const { selectBackend } = await import("../backend/index.ts");
    const { bestCheckpoint, loadConfig, loadData, loadModule } = await import("../training/experiment/index.ts");
    const { Trainer } = await import("../training/index.ts");
    const config = await loadConfig(path, set);
    const file = checkpoint ?? (await bestCheckpoint(config));
    await selectBackend({ announce: json ? false : undefined } as never);
    const data = await loadData(config, path);
    const module = await loadModule(config, file);
    const { limitTestBatches, precision, benchmark } = config.trainer;
    const said = Object.entries({ limitTestBatches, precision, benchmark }).filter(([, value]) => value !== undefined);
    const trainer = new Trainer({
      ...Object.fromEntries(said),
      logger: false,
      enableCheckpointing: false,
      enableModelSummary: false,
      enableProgressBar: !json,
    });
    const loader = split === "test" ? data.test : data.val;
    if (loader === undefined) {
      throw new Error(`${path} holds no images out for validation (data.validation is 0).`);
    }
    const [metrics = {}] = await trainer.test(module, loader, { verbose: false });
    if (json) {
      console.log(JSON.stringify({ checkpoint: file, split, ...metrics }));
    } else {
      console.log(`${file} on ${split}:`);
      for (const [name, value] of Object.entries(metrics)) {
        console.log(`  ${name} ${value.toFixed(4)}`);
      }
    }
  });
