/**
 * Makes the files beside this one from a finished training: the weights as float16 with the curve of the training, and a model
 * card. After `convbook train datasets/pretrained/recipes/resnet.yaml`:
 *
 *     npx tsx --conditions=source datasets/pretrained/store.ts ResNet runs/pretrained/resnet
 *
 * The accuracies on the card are measured on the stored file, as `convbook table --weights convbook` does.
 */
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { selectBackend } from "../../lib/convbook/backend/index.ts";
import { loadCheckpoint, loadFromCheckpoint, saveCheckpoint } from "../../lib/convbook/checkpoints/index.ts";
import { evaluate } from "../../lib/convbook/evaluation/index.ts";
import { writeFileAtomic } from "../../lib/convbook/files/index.ts";
import { tutorial5 } from "../../lib/convbook/index.ts";

const [name, run] = process.argv.slice(2) as [tutorial5.TutorialModelName | undefined, string | undefined];
if (name === undefined || run === undefined || !tutorial5.modelNames.includes(name)) {
  console.error(`Usage: store.ts ${tutorial5.modelNames.join("|")} FOLDER_OF_THE_RUN`);
  process.exit(2);
}
const here = fileURLToPath(new URL(".", import.meta.url));

/** The checkpoint with the best validation accuracy: its name tells it. */
const checkpoints = readdirSync(join(run, "checkpoints")).filter((file) => file.startsWith("epoch="));
const best = checkpoints.sort().at(-1);
if (best === undefined) {
  throw new Error(`${run} has no checkpoint of a finished epoch.`);
}
const { data } = await loadCheckpoint(join(run, "checkpoints", best));

/** The run's metrics, one value an epoch. A run that was gone on with has a folder of metrics for each part. */
const versions = readdirSync(join(run, "logs")).sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
const column = (metric: string) => {
  const last = new Map<number, number>();
  for (const version of versions) {
    const text: string = readFileSync(join(run, "logs", version, "metrics.csv"), "utf8");
    const [header = "", ...lines] = text.trim().split("\n");
    const at = header.split(",").indexOf(metric);
    for (const line of lines) {
      const cells = line.split(",");
      if (cells[at] !== "" && cells[at] !== undefined) {
        last.set(Number(cells[0]), Number(cells[at]));
      }
    }
  }
  return [...last].sort(([a], [b]) => a - b).map(([, value]) => value);
};
const curves = { train: column("train_acc"), validation: column("val_acc") };

const stored = join(here, `${name}.safetensors`);
const { epoch, globalStep, stateDict, moduleName, hyperParameters } = data;
await saveCheckpoint(
  stored,
  { epoch, globalStep, stateDict, moduleName, hyperParameters, callbacks: {}, extra: { curves } },
  { floatType: "float16" },
);

await selectBackend({ training: false });
const { model } = await loadFromCheckpoint(stored);
model.eval();
const loaders = await tutorial5.createLoaders(tutorial5.splitImageCount(15_000));
const validation = await evaluate(model, loaders.validation);
const test = await evaluate(model, loaders.test);

const config = parse(readFileSync(join(run, "config.yaml"), "utf8"));
const parameters = model.parameters().reduce((sum, { size }) => sum + size, 0);
const percent = (fraction: number | undefined) => `${(100 * (fraction ?? Number.NaN)).toFixed(2)} %`;
const epochs = curves.validation.length;
const shown = curves.validation.map((_, i) => i).filter((i) => i === 0 || (i + 1) % 5 === 0 || i === epochs - 1);
const row = (i: number) => `| ${i + 1} | ${percent(curves.train[i])} | ${percent(curves.validation[i])} |`;
await writeFileAtomic(
  join(here, `${name}.md`),
  `# ${name}

The ${name} of UvA Deep Learning Tutorial 5 for CIFAR-10, trained by Convbook's own Trainer. MIT licence, as the rest of the
project; trained on CIFAR-10 (A. Krizhevsky, 2009).

| | |
|---|---|
| parameters | ${parameters.toLocaleString("en")} |
| accuracy on the 10,000 test images | ${percent(test.accuracy)} |
| accuracy on the 5,000 validation images | ${percent(validation.accuracy)} |
| file | \`${basename(stored)}\`: weights as float16; loaded as float32 |
| recipe | \`recipes/${basename(config.output)}.yaml\`, seed ${config.seed}, ${config.trainer.maxEpochs} epochs |
| taken from | epoch ${Number(epoch) + 1}, the best on the validation images |

Input: images [N, 32, 32, 3], pixels from 0 to 1, normalised with the tutorial's mean and standard deviation. Output: logits
[N, 10]. The accuracies are those that \`npx convbook table --weights convbook\` measures.

\`\`\`ts
const { model } = await loadFromCheckpoint(tutorial5.pretrainedFile("${name}")!);
\`\`\`

It was made to teach with. It knows the ten classes of CIFAR-10 and nothing else: for any other picture it names one of them all
the same, often with great confidence.

## The training

| epoch | training accuracy (augmented images) | validation accuracy |
|---|---|---|
${shown.map(row).join("\n")}
`,
);
console.log(`${name}: validation ${percent(validation.accuracy)}, test ${percent(test.accuracy)}`);
