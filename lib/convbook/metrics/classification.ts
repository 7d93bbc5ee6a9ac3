/** Metrics that count hits and misses by class: accuracy, precision, recall, F1 (Dice), IoU (Jaccard). */
import { classNameOf } from "../arguments/class-name.ts";
import { describeValue } from "../arguments/describe.ts";
import { MetricError } from "./errors.ts";
import {
  checkLabels,
  checkNumClasses,
  givenOptions,
  type MetricInput,
  numbersOf,
  predictedLabels,
  rankOf,
  scoresOf,
} from "./inputs.ts";
import { type Average, averageOf, checkAverage, Metric } from "./metric.ts";

export interface ClassificationOptions<A extends Average = Average> {
  readonly numClasses: number;
  /** Default "macro", for {@link Accuracy} "micro". */
  readonly average?: A;
  /** Targets that are left out, whatever was predicted. */
  readonly ignoreIndex?: number;
  /** The value of a class whose denominator is zero, as precision is for a class that was never predicted. */
  readonly zeroDivision?: number;
}

/** A number a class for "none", one number for every other way of averaging. */
export type Averaged<A extends Average> = A extends "none" ? Float64Array : number;

/** Hits and misses of one class, or of all together. */
interface Counts {
  readonly truePositives: number;
  readonly falsePositives: number;
  readonly falseNegatives: number;
}

/** Counts true positives, false positives and false negatives by class. */
abstract class StatScores<A extends Average> extends Metric<Averaged<A>> {
  readonly numClasses: number;
  readonly average: Average;
  protected readonly ignoreIndex: number | undefined;
  protected readonly truePositives: Float64Array;
  protected readonly falsePositives: Float64Array;
  protected readonly falseNegatives: Float64Array;
  readonly #zeroDivision: number;

  constructor(options: AccuracyOptions<A>, fallback: Average, more: readonly "topK"[] = []) {
    super();
    const known = ["numClasses", "average", "ignoreIndex", "zeroDivision", ...more] as const;
    const { numClasses, average, ignoreIndex, zeroDivision = 0 } = givenOptions(new.target.name, options, known);
    checkNumClasses(new.target.name, numClasses);
    this.numClasses = numClasses;
    if (ignoreIndex !== undefined && !Number.isInteger(ignoreIndex)) {
      throw new MetricError(
        `${new.target.name}: ignoreIndex is ${describeValue(ignoreIndex)}; expected a whole number`,
      );
    }
    if (typeof zeroDivision !== "number") {
      throw new MetricError(`${new.target.name}: zeroDivision is ${describeValue(zeroDivision)}; expected a number`);
    }
    this.average = average === undefined ? fallback : average;
    checkAverage(new.target.name, this.average);
    this.ignoreIndex = ignoreIndex;
    this.#zeroDivision = zeroDivision;
    this.truePositives = new Float64Array(numClasses);
    this.falsePositives = new Float64Array(numClasses);
    this.falseNegatives = new Float64Array(numClasses);
  }

  override update(predictions: MetricInput, targets: MetricInput): void {
    const name = classNameOf(this);
    const truth = numbersOf(name, "targets", targets);
    checkLabels(name, "targets", truth, this.numClasses, this.ignoreIndex);
    const predicted = predictedLabels(name, predictions, truth.length, this.numClasses);
    for (let i = 0; i < truth.length; i++) {
      if (truth[i] !== this.ignoreIndex) {
        this.count(truth[i] ?? 0, predicted[i] ?? 0);
      }
    }
  }

  /** Adds one example. */
  protected count(truth: number, predicted: number): void {
    if (truth === predicted) {
      increment(this.truePositives, truth);
      return;
    }
    increment(this.falseNegatives, truth);
    increment(this.falsePositives, predicted);
  }

  override compute(): Averaged<A> {
    return this.#average() as Averaged<A>;
  }

  #average(): number | Float64Array {
    const all = Array.from({ length: this.numClasses }, (_, c) => this.#countsOf(c));
    if (this.average === "micro") {
      return this.#value(total(all));
    }
    const values = Float64Array.from(all, (counts) => (occurs(counts) ? this.#value(counts) : Number.NaN));
    if (this.average === "none") {
      return values;
    }
    if (this.average === "macro") {
      return averageOf(values);
    }
    return averageOf(
      values,
      all.map(({ truePositives, falseNegatives }) => truePositives + falseNegatives),
    );
  }

  #countsOf(c: number): Counts {
    return {
      truePositives: this.truePositives[c] ?? 0,
      falsePositives: this.falsePositives[c] ?? 0,
      falseNegatives: this.falseNegatives[c] ?? 0,
    };
  }

  #value(counts: Counts): number {
    if (!occurs(counts)) {
      return Number.NaN;
    }
    const [numerator, denominator] = this.ratio(counts);
    return denominator === 0 ? this.#zeroDivision : numerator / denominator;
  }

  /** The measure as numerator and denominator. */
  protected abstract ratio(counts: Counts): [numerator: number, denominator: number];

  override reset(): void {
    for (const counts of [this.truePositives, this.falsePositives, this.falseNegatives]) {
      counts.fill(0);
    }
  }
}

function increment(counts: Float64Array, index: number): void {
  counts[index] = (counts[index] ?? 0) + 1;
}

function occurs({ truePositives, falsePositives, falseNegatives }: Counts): boolean {
  return truePositives + falsePositives + falseNegatives > 0;
}

function total(all: readonly Counts[]): Counts {
  const sum = (key: keyof Counts): number => all.reduce((so, counts) => so + counts[key], 0);
  return {
    truePositives: sum("truePositives"),
    falsePositives: sum("falsePositives"),
    falseNegatives: sum("falseNegatives"),
  };
}

export interface AccuracyOptions<A extends Average = Average> extends ClassificationOptions<A> {
  /** A prediction counts as right when the true class is among the k highest scores. */
  readonly topK?: number;
}

/**
 * The share of examples that are predicted right; with "macro", the mean of that share over the classes (balanced accuracy). With `topK` above 1, predictions must
 * be scores.
 */
export class Accuracy<A extends Average = "micro"> extends StatScores<A> {
  readonly topK: number;

  /** @throws MetricError where `topK` is below 1 or above the number of classes */
  constructor(options: AccuracyOptions<A>) {
    super(options, "micro", ["topK"]);
    const { topK = 1 } = options;
    if (!Number.isInteger(topK) || topK < 1 || topK > this.numClasses) {
      throw new MetricError(`Accuracy: topK is ${topK}; expected an integer from 1 to numClasses (${this.numClasses})`);
    }
    this.topK = topK;
  }

  override update(predictions: MetricInput, targets: MetricInput): void {
    if (this.topK === 1) {
      super.update(predictions, targets);
      return;
    }
    const truth = numbersOf("Accuracy", "targets", targets);
    checkLabels("Accuracy", "targets", truth, this.numClasses, this.ignoreIndex);
    const scores = scoresOf(`Accuracy with topK ${this.topK}`, predictions, truth.length, this.numClasses);
    for (let i = 0; i < truth.length; i++) {
      const label = truth[i] ?? 0;
      if (label === this.ignoreIndex) {
        continue;
      }
      increment(rankOf(scores, i, label) < this.topK ? this.truePositives : this.falseNegatives, label);
    }
  }

  protected override ratio({ truePositives, falseNegatives }: Counts): [number, number] {
    return [truePositives, truePositives + falseNegatives];
  }
}

/** Of what was predicted to be a class, the share that is one. */
export class Precision<A extends Average = "macro"> extends StatScores<A> {
  constructor(options: ClassificationOptions<A>) {
    super(options, "macro");
  }
  protected override ratio({ truePositives, falsePositives }: Counts): [number, number] {
    return [truePositives, truePositives + falsePositives];
  }
}

/** Of what is a class, the share that was predicted to be one. */
export class Recall<A extends Average = "macro"> extends StatScores<A> {
  constructor(options: ClassificationOptions<A>) {
    super(options, "macro");
  }
  protected override ratio({ truePositives, falseNegatives }: Counts): [number, number] {
    return [truePositives, truePositives + falseNegatives];
  }
}

/** The harmonic mean of precision and recall: 2 TP / (2 TP + FP + FN). On pixels it is called the Dice coefficient. */
export class F1Score<A extends Average = "macro"> extends StatScores<A> {
  constructor(options: ClassificationOptions<A>) {
    super(options, "macro");
  }
  protected override ratio({ truePositives, falsePositives, falseNegatives }: Counts): [number, number] {
    return [2 * truePositives, 2 * truePositives + falsePositives + falseNegatives];
  }
}

/** Intersection over union (IoU): TP / (TP + FP + FN). */
export class JaccardIndex<A extends Average = "macro"> extends StatScores<A> {
  constructor(options: ClassificationOptions<A>) {
    super(options, "macro");
  }
  protected override ratio({ truePositives, falsePositives, falseNegatives }: Counts): [number, number] {
    return [truePositives, truePositives + falsePositives + falseNegatives];
  }
}
