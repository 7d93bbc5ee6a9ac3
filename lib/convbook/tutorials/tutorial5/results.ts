/**
 * Accuracies of the tutorial's models, and how they compare with the published table.
 */
import { OptionError } from "../../arguments/option-error.ts";
import { checkObject } from "../../arguments/options.ts";
import { progress, type Table, table } from "../../display/index.ts";
import { type Evaluation, evaluate, type ImageBatch } from "../../evaluation/index.ts";
import { checkModels, checkResults } from "./checks.ts";
import type { TutorialModel, TutorialModels, WeightsSource } from "./load-models.ts";
import { modelNames, publishedTable, type TutorialModelName } from "./published.ts";

/** What one model gave. */
export interface TutorialResult {
  readonly name: TutorialModelName;
  readonly weights: WeightsSource;
  readonly parameters: number;
  readonly validation: Evaluation;
  readonly test: Evaluation;
}

/** A row of the published table, as `convbook table --json` prints it: accuracies as fractions. */
export type TableRow = {
  readonly model: TutorialModelName;
  readonly val: number;
  readonly test: number;
  readonly parameters: number;
};

/** A loader that knows how many images it hands out. */
export interface SizedLoader extends AsyncIterable<ImageBatch> {
  readonly dataset: { readonly length: number };
}

/** Evaluates the models one after the other, showing how far it is. What a notebook keeps of that is the same each time. */
export async function evaluateModels(
  models: TutorialModels,
  loaders: { readonly validation: SizedLoader; readonly test: SizedLoader },
): Promise<TutorialResult[]> {
  checkModels("evaluateModels", models);
  checkObject("evaluateModels", "loaders", loaders, "an object with validation and test");
  for (const [name, loader] of [
    ["loaders.validation", loaders.validation],
    ["loaders.test", loaders.test],
  ] as const) {
    if (typeof loader?.dataset?.length !== "number") {
      throw new OptionError("evaluateModels", name, loader, "a loader of images, as createLoaders gives it");
    }
  }
  const results: TutorialResult[] = [];
  for (const name of modelNames) {
    const { model, parameters, weights }: TutorialModel = models[name];
    const total = loaders.validation.dataset.length + loaders.test.dataset.length;
    const bar = progress(total, { label: name, unit: "image", keepTimes: false });
    let before = 0;
    const run = async (loader: SizedLoader) => {
      const evaluation = await evaluate(model, loader, { onProgress: (done) => bar.set(before + done) });
      before += evaluation.total;
      return evaluation;
    };
    try {
      const validation = await run(loaders.validation);
      results.push({ name, weights, parameters, validation, test: await run(loaders.test) });
    } finally {
      bar.close();
    }
  }
  return results;
}

/** The results as rows of the published table. */
export function tableRows(results: readonly TutorialResult[]): TableRow[] {
  checkResults("tableRows", results);
  return results.map(({ name, validation, test, parameters }) => ({
    model: name,
    val: validation.accuracy,
    test: test.accuracy,
    parameters,
  }));
}

const percent = (fraction: number) => `${(100 * fraction).toFixed(2)} %`;
const count = (n: number) => n.toLocaleString("en");

/** The chance that of `total` images, each right with probability `p`, as few are right as `right`, or as many. */
function chanceOf(right: number, total: number, p: number): number {
  let [logChance, below, above] = [total * Math.log(1 - p), 0, 0];
  for (let k = 0; k <= total; k++) {
    const chance = Math.exp(logChance);
    below += k <= right ? chance : 0;
    above += k >= right ? chance : 0;
    logChance += Math.log(((total - k) * p) / ((k + 1) * (1 - p)));
  }
  return Math.min(1, 2 * Math.min(below, above));
}

/** Below this chance, for all comparisons together, it was not chance. */
const unlikely = 0.001;

/**
 * Says in Markdown how the results compare with the published ones. Only all 15,000 images can give the same digits. Of fewer it is only said whether chance
 * explains where they lie: with a hundred images an accuracy is off by several points as a rule, and of eight one is off by twice as many every third time.
 */
export function compareWithPublished(results: readonly TutorialResult[]): string {
  checkResults("compareWithPublished", results);
  const trained = results.filter(({ weights }) => weights === "tutorial");
  if (trained.length === 0) {
    return "The tutorial's weights were not at hand, so there is nothing to compare with the published table.";
  }
  const lines = trained.flatMap(({ name, validation, test }) =>
    (["val", "test"] as const).map((split) => {
      const { accuracy, total } = split === "val" ? validation : test;
      const expected = publishedTable[name][split];
      const whole = total === (split === "val" ? 5_000 : 10_000);
      const chance = chanceOf(Math.round(accuracy * total), total, expected);
      const agrees = whole ? Math.abs(accuracy - expected) < 0.00005 : chance * 2 * trained.length >= unlikely;
      return { name, split, accuracy, expected, whole, total, agrees };
    }),
  );
  const different = lines
    .filter(({ agrees }) => !agrees)
    .map(
      ({ name, split, accuracy, expected }) =>
        `- ${name}, ${split}: ${percent(accuracy)}, published ${percent(expected)}`,
    );
  const whole = lines.every((line) => line.whole);
  const measured = `${lines.length} accuracies`;
  const fewest = Math.min(...lines.map(({ total }) => total));
  const error = (100 * Math.sqrt(0.09 / Math.max(fewest, 1))).toFixed(1);
  if (different.length > 0) {
    const how = whole
      ? "**differ from the published ones**"
      : "are **further from the published ones than chance explains** (once in a thousand such comparisons)";
    return `${different.length} of the ${measured} ${how}:\n\n${different.join("\n")}`;
  }
  return whole
    ? `All ${measured} **equal the published ones in every digit**.`
    : `All ${measured} lie within what chance allows around the published ones. With ${count(fewest)} images an accuracy has a standard error of ` +
        `${error} points, so these say that nothing is broken, not which network is better; for that, and for the same digits, it takes all 15,000 images.`;
}

/** The results as a table to be shown, the best of each column in bold. */
export function resultsTable(results: readonly TutorialResult[]): Table {
  checkResults("resultsTable", results);
  const [first] = results;
  const counts =
    first === undefined ? "" : `${count(first.validation.total)} validation and ${count(first.test.total)} test images`;
  return table(tableRows(results), {
    columns: { model: "Model", val: "Val accuracy", test: "Test accuracy", parameters: "Parameters" },
    formats: { val: (value) => percent(Number(value)), test: (value) => percent(Number(value)), parameters: "integer" },
    highlight: { val: "max", test: "max" },
    caption: `Accuracy on ${counts} of CIFAR-10`,
  });
}
