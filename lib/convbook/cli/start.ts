/**
 * `convbook start` (`npm start`): the walkthrough of Tutorial 5, executed on real data into one finished page.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { Command, Option } from "commander";
import { progressEvents, StartLog } from "./start-progress.ts";
import { parseImages } from "./table.ts";
import { workplaceOf } from "./workplace.ts";

interface StartOptions {
  readonly full?: boolean;
  readonly images?: number;
  readonly offline?: boolean;
}

const name = "01-inception-resnet-densenet";
/** What evaluating may take where --full does not ask for everything. */
const evaluationSeconds = 270;

/** Fetches what the notebook needs and measures how many images fit the time. */
async function prepare(options: StartOptions, log: StartLog): Promise<number> {
  const { selectBackend } = await import("../backend/index.ts");
  const { terminalProgress } = await import("../download/index.ts");
  const { cifar10 } = await import("../data/index.ts");
  const { tutorial5 } = await import("../index.ts");
  await selectBackend({ training: false, announce: (line) => log.step(line) });
  log.step("CIFAR-10 (fetched and decoded once, 139 MB)");
  const onProgress = terminalProgress();
  await cifar10({ train: true, onProgress });
  await cifar10({ train: false, onProgress });
  log.step("The tutorial's PyTorch checkpoints");
  const models = await tutorial5.loadModels({ onProgress, onMessage: (message) => log.step(message) });
  const untrained = tutorial5.modelNames.every((name) => models[name].weights === "untrained");
  let images = options.images ?? 15_000;
  if (options.images === undefined && untrained) {
    images = 384;
  } else if (options.images === undefined && !options.full) {
    log.step("Measuring how fast the models are here");
    images = await tutorial5.imagesWithin(evaluationSeconds, models);
  }
  for (const name of tutorial5.modelNames) {
    models[name].model.dispose();
  }
  const why = options.images === undefined && !untrained ? ", what fits about five minutes here; --full takes all" : "";
  log.step(
    `Evaluating ${images === 15_000 ? "all" : `${images.toLocaleString("en")} of`} 15,000 images${images === 15_000 ? "" : why}`,
  );
  return images;
}

export const startCommand = new Command("start")
  .description("execute the walkthrough of Inception, ResNet and DenseNet on CIFAR-10 into out/")
  .addOption(new Option("--full", "evaluate all 15,000 images, however long it takes").conflicts("images"))
  .addOption(new Option("--images <count>", "evaluate this many, one third from validation").argParser(parseImages))
  .option("--offline", "use only the cache and a mirror folder")
  .action(async (options: StartOptions) => {
    if (options.offline) {
      process.env.CONVBOOK_OFFLINE = "1";
    }
    const log = new StartLog();
    const { RunningCells, runNotebook, toHtml } = await import("nbconvert-ts-runner");
    const { bundledKernelSpec } = await import("@convbook/kernel");
    const { notebooks, out, cwd } = workplaceOf(`${name}.ipynb`);
    await mkdir(out, { recursive: true });
    const evaluationImages = await prepare(options, log);
    const source = join(notebooks, `${name}.ipynb`);
    const executed = join(out, `${name}.ipynb`);
    const result = await runNotebook(source, {
      output: executed,
      cwd,
      kernelDir: bundledKernelSpec(),
      parameters: { evaluationImages },
      ...progressEvents(log, RunningCells),
    });
    const page = join(out, `${name}.html`);
    await writeFile(page, await toHtml(result.notebook, { baseFolder: notebooks }));
    const failed = result.cells.find(({ status }) => status !== "passed" && status !== "skipped");
    if (failed?.failure !== undefined) {
      const { name: kind, message, line } = failed.failure;
      console.error(`Cell ${failed.number}${line === undefined ? "" : `, line ${line}`}: ${kind}: ${message}`);
    }
    for (const cell of result.notebook.cells) {
      if (cell.cell_type !== "code" || !(cell.metadata.tags ?? []).includes("results")) {
        continue;
      }
      for (const output of cell.outputs) {
        if (!("data" in output)) {
          continue;
        }
        const text = output.data["text/plain"];
        console.log(`\n${Array.isArray(text) ? text.join("") : text}\n`);
      }
    }
    log.step(`The page is ${relative(process.cwd(), page)}: open ${pathToFileURL(page).href}`);
    if (result.status !== "passed") {
      process.exitCode = 1;
    }
  });
