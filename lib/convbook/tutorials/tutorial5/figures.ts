/**
 * The tutorial's figures: training curves from its TensorBoard files, and which class is taken for which.
 */
import type { Dataset } from "../../data/index.ts";
import { confusionMatrixFigure, curves, type VegaLiteFigure } from "../../display/index.ts";
import { scalars } from "../../tensorboard/index.ts";
import type { TutorialModel } from "./load-models.ts";
import type { TutorialResult } from "./results.ts";

/**
 * Training and validation accuracy after each epoch of the tutorial's own runs.
 *
 * @returns the figure, or a sentence where none of the models has its event file
 */
export function trainingCurves(models: readonly TutorialModel[]): VegaLiteFigure | string {
  const series: Record<string, { x: number[]; y: number[] }> = {};
  for (const { name, events } of models) {
    if (events === undefined) continue;
    const values = scalars(events);
    for (const [tag, what] of [
      ["train_acc", "training"],
      ["val_acc", "validation"],
    ] as const) {
      const points = values.get(tag) ?? [];
      // One value an epoch; the files count steps.
      series[`${name}, ${what}`] = { x: points.map((_, epoch) => epoch + 1), y: points.map(({ value }) => value) };
    }
  }
  if (Object.keys(series).length === 0) return "The training curves of these models cannot be had here.";
  return curves({ series, xLabel: "epoch", yLabel: "accuracy", yDomain: [0.4, 1] });
}

/** How often each class was taken for each: rows are the true classes. */
export function confusion(
  { name, test }: TutorialResult,
  images: Dataset<readonly [unknown, number]> & { readonly classes: readonly string[] },
): VegaLiteFigure {
  const { classes } = images;
  const matrix = classes.map(() => classes.map(() => 0));
  for (let i = 0; i < test.total; i++) {
    const [, label] = images.get(i) as readonly [unknown, number];
    const row = matrix[label] as number[];
    const predicted = test.predictions[i] as number;
    row[predicted] = (row[predicted] as number) + 1;
  }
  return confusionMatrixFigure({
    matrix,
    labels: classes,
    title: `${name} on ${test.total.toLocaleString("en")} test images`,
  });
}
