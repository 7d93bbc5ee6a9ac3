/** `convbook train config.yaml`: trains what a file describes, so that it can be interrupted and gone on with. */
import { Command } from "commander";

interface TrainOptions {
  readonly set: readonly string[];
  readonly resume?: boolean;
}

const collect = (value: string, before: readonly string[]) => [...before, value];

export const trainCommand = new Command("train")
  .description("train the model that a YAML file describes")
  .argument("<config>", "the file; its settings are listed in a message when one is misspelt")
  .option("--set <setting=value>", "change a setting, as trainer.maxEpochs=10; may be repeated", collect, [])
  .option("--resume", "go on where the last run into the same folder was interrupted")
  .action(async (path: string, { set, resume }: TrainOptions) => {
    const { readdir } = await import("node:fs/promises");
    const { stringify } = await import("yaml");
    const { selectBackend } = await import("../backend/index.ts");
    const { writeFileAtomic } = await import("../files/index.ts");
    const { checkExperiment, checkpointFolder, copiedConfig, loadConfig, loadData, makeModule, makeTrainer } =
      await import("../training/experiment/index.ts");
    const config = await loadConfig(path, set);
    const earlier = await readdir(checkpointFolder(config)).catch(() => []);
    if (earlier.length > 0 && !resume) {
      throw new Error(
        `${config.output} holds the checkpoints of an earlier run: add --resume to go on with it, or --set output=ANOTHER_FOLDER.`,
      );
    }
    checkExperiment(config, path);
    await selectBackend();
    const data = await loadData(config, path);
    const module = makeModule(config, data.description);
    const trainer = makeTrainer(config);
    await writeFileAtomic(copiedConfig(config.output), stringify(config));
    const result = await trainer.fit(module, data.train, data.val, resume ? { ckptPath: "last" } : {});
    const metrics = Object.entries(result.metrics).map(([name, value]) => `${name} ${value.toPrecision(4)}`);
    console.log(
      `${result.status}: ${result.reason}; ${result.epochs} epochs, ${result.globalStep} steps; ${metrics.join(", ")}`,
    );
    if (result.bestModelPath !== undefined) {
      console.log(`best checkpoint: ${result.bestModelPath}`);
    }
    if (result.status === "interrupted") {
      console.log(`convbook train ${path} --resume goes on from ${result.lastModelPath}`);
      // What a shell expects of a program that Ctrl-C ended.
      process.exitCode = 130;
    }
  });
