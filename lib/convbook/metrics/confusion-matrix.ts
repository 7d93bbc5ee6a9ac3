/** Who is taken for whom. */
import { describeValue } from "../arguments/describe.ts";
import { confusionMatrixFigure, type ConfusionMatrixOptions as FigureOptions } from "../display/figures/heatmap.ts";
import type { VegaLiteFigure } from "../display/vega-lite.ts";
import { MetricError } from "./errors.ts";
import { checkLabels, checkNumClasses, givenOptions, type MetricInput, numbersOf, predictedLabels } from "./inputs.ts";
import { Metric } from "./metric.ts";

export interface ConfusionMatrixOptions {
  readonly numClasses: number;
  /** Shares of the true class (rows), of the predicted one (columns), of all, or counts. */
  readonly normalize?: "true" | "predicted" | "all" | "none";
  /** Targets that are left out. */
  readonly ignoreIndex?: number;
}

/** Counts `matrix[true][predicted]`. */
export class ConfusionMatrix extends Metric<number[][]> {
  readonly numClasses: number;
  readonly #normalize: NonNullable<ConfusionMatrixOptions["normalize"]>;
  readonly #ignoreIndex: number | undefined;
  readonly #counts: Float64Array;

  constructor(options: ConfusionMatrixOptions) {
    super();
    const {
      numClasses,
      normalize = "none",
      ignoreIndex,
    } = givenOptions("ConfusionMatrix", options, ["numClasses", "normalize", "ignoreIndex"]);
    checkNumClasses("ConfusionMatrix", numClasses);
    this.numClasses = numClasses;
    if (!["true", "predicted", "all", "none"].includes(normalize)) {
      throw new MetricError(
        `ConfusionMatrix: normalize is ${describeValue(normalize)}; expected "true", "predicted", "all" or "none"`,
      );
    }
    if (ignoreIndex !== undefined && !Number.isInteger(ignoreIndex)) {
      throw new MetricError(`ConfusionMatrix: ignoreIndex is ${describeValue(ignoreIndex)}; expected a whole number`);
    }
    this.#normalize = normalize;
    this.#ignoreIndex = ignoreIndex;
    this.#counts = new Float64Array(numClasses * numClasses);
  }

  override update(predictions: MetricInput, targets: MetricInput): void {
    const truth = numbersOf("ConfusionMatrix", "targets", targets);
    checkLabels("ConfusionMatrix", "targets", truth, this.numClasses, this.#ignoreIndex);
    const predicted = predictedLabels("ConfusionMatrix", predictions, truth.length, this.numClasses);
    for (let i = 0; i < truth.length; i++) {
      if (truth[i] === this.#ignoreIndex) {
        continue;
      }
      const cell = (truth[i] ?? 0) * this.numClasses + (predicted[i] ?? 0);
      this.#counts[cell] = (this.#counts[cell] ?? 0) + 1;
    }
  }

  /** Rows are true classes, columns predictions. A row (or column) without examples is zero. */
  override compute(): number[][] {
    const n = this.numClasses;
    const count = (r: number, c: number): number => this.#counts[r * n + c] ?? 0;
    const indices = Array.from({ length: n }, (_, i) => i);
    const sum = (values: readonly number[]): number => values.reduce((so, value) => so + value, 0);
    const rows = indices.map((r) => sum(indices.map((c) => count(r, c))));
    const columns = indices.map((c) => sum(indices.map((r) => count(r, c))));
    const divisor = (r: number, c: number): number =>
      ({ true: rows[r] ?? 0, predicted: columns[c] ?? 0, all: sum(rows), none: 1 })[this.#normalize] || 1;
    return indices.map((r) => indices.map((c) => count(r, c) / divisor(r, c)));
  }

  override reset(): void {
    this.#counts.fill(0);
  }

  /** The counts as a figure. */
  toFigure(options: Omit<FigureOptions, "matrix"> = {}): VegaLiteFigure {
    const n = this.numClasses;
    const matrix = Array.from({ length: n }, (_, r) => this.#counts.slice(r * n, (r + 1) * n));
    return confusionMatrixFigure({ normalize: this.#normalize, ...options, matrix });
  }
}
