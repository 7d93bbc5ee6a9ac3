/**
 * The tutorial's figures: training curves, and which class is taken for which.
 */

import { found } from "../../arguments/found.ts";
import { OptionError } from "../../arguments/option-error.ts";
import type { Dataset } from "../../data/index.ts";
import { confusionMatrixFigure, curves, type VegaLiteFigure } from "../../display/index.ts";
import { checkResult } from "./checks.ts";
import type { TutorialModel } from "./load-models.ts";
import type { TutorialResult } from "./results.ts";

/**
 * Training and validation accuracy after each epoch of the runs that the models come from.
 *
 * @returns the figure, or a sentence where nothing is known of any of the runs
 */
export function trainingCurves(models: readonly TutorialModel[]): VegaLiteFigure | string {
  const given: unknown = models;
  if (!Array.isArray(given) || given.some((model) => typeof model?.name !== "string")) {
    throw new OptionError("trainingCurves", "models", models, "a list of the tutorial's models");
  }
  const series = new Map<string, { x: number[]; y: readonly number[] }>();
  for (const { name, curves: known } of models) {
    if (known === undefined) {
      continue;
    }
    for (const [values, what] of [
      [known.train, "training"],
      [known.validation, "validation"],
    ] as const) {
      series.set(`${name}, ${what}`, { x: values.map((_, epoch) => epoch + 1), y: values });
    }
  }
  if (series.size === 0) {
    return "The training curves of these models cannot be had here.";
  }
  return curves({ series, xLabel: "epoch", yLabel: "accuracy", yDomain: [0.4, 1] });
}

/** How often each class was taken for each: rows are the true classes. */
export function confusion(
  result: TutorialResult,
  images: Dataset<readonly [unknown, number]> & { readonly classes: readonly string[] },
): VegaLiteFigure {
  checkResult("confusion", result);
  if (typeof images?.get !== "function" || !Array.isArray(images.classes)) {
    throw new OptionError("confusion", "images", images, "a data set of images with classes");
  }
  const { name, test } = result;
  const { classes } = images;
  const matrix = classes.map(() => classes.map(() => 0));
  for (let i = 0; i < test.total; i++) {
    const [, label] = images.get(i) as readonly [unknown, number];
    const row = found(matrix[label], `Class ${label}`);
    const predicted = test.predictions[i] ?? 0;
    row[predicted] = (row[predicted] ?? 0) + 1;
  }
  return confusionMatrixFigure({
    matrix,
    labels: classes,
    title: `${name} on ${test.total.toLocaleString("en")} test images`,
  });
}
