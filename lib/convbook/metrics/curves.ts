/** Metrics over all thresholds: ROC, precision against recall, and the areas under them. */
import { classNameOf } from "../arguments/class-name.ts";
import { MetricError } from "./errors.ts";
import { checkLabels, checkNumClasses, givenOptions, type MetricInput, numbersOf, scoresOf } from "./inputs.ts";
import { type Average, averageOf, checkAverage, Metric } from "./metric.ts";

export interface RocCurve {
  /** False positive rate, rising from 0 to 1. */
  readonly fpr: Float64Array;
  /** True positive rate. */
  readonly tpr: Float64Array;
  /** What is scored at least so is called positive; the first is Infinity. */
  readonly thresholds: Float64Array;
}

export interface PrecisionRecall {
  /** Ends with 1. */
  readonly precision: Float64Array;
  /** Falls from 1; ends with 0. */
  readonly recall: Float64Array;
  /** Rising; one fewer than the points, as the last point has none. */
  readonly thresholds: Float64Array;
}

/** True and false positives at every distinct score, highest first. */
interface Sweep {
  readonly thresholds: number[];
  readonly truePositives: number[];
  readonly falsePositives: number[];
}

function sweep(scores: ArrayLike<number>, positive: (index: number) => boolean): Sweep {
  const order = Uint32Array.from({ length: scores.length }, (_, i) => i).sort(
    (a, b) => (scores[b] ?? 0) - (scores[a] ?? 0),
  );
  const out: Sweep = { thresholds: [], truePositives: [], falsePositives: [] };
  let truePositives = 0;
  let falsePositives = 0;
  order.forEach((index, i) => {
    if (positive(index)) {
      truePositives++;
    } else {
      falsePositives++;
    }
    const next = order[i + 1];
    if (next !== undefined && scores[next] === scores[index]) {
      return;
    }
    out.thresholds.push(scores[index] ?? 0);
    out.truePositives.push(truePositives);
    out.falsePositives.push(falsePositives);
  });
  return out;
}

function rocOf({ thresholds, truePositives, falsePositives }: Sweep): RocCurve {
  const positives = truePositives.at(-1) ?? 0;
  const negatives = falsePositives.at(-1) ?? 0;
  return {
    fpr: Float64Array.from([0, ...falsePositives], (count) => count / negatives),
    tpr: Float64Array.from([0, ...truePositives], (count) => count / positives),
    thresholds: Float64Array.from([Number.POSITIVE_INFINITY, ...thresholds]),
  };
}

function precisionRecallOf({ thresholds, truePositives, falsePositives }: Sweep): PrecisionRecall {
  const positives = truePositives.at(-1) ?? 0;
  const precision = truePositives.map((count, i) => count / (count + (falsePositives[i] ?? 0)));
  const recall = truePositives.map((count) => count / positives);
  return {
    precision: Float64Array.from([...precision.reverse(), 1]),
    recall: Float64Array.from([...recall.reverse(), 0]),
    thresholds: Float64Array.from(thresholds.toReversed()),
  };
}

/** The area under a curve, by trapezoids. */
export function areaUnderRoc({ fpr, tpr }: RocCurve): number {
  let area = 0;
  for (let i = 1; i < fpr.length; i++) {
    area += ((fpr[i] ?? 0) - (fpr[i - 1] ?? 0)) * (((tpr[i] ?? 0) + (tpr[i - 1] ?? 0)) / 2);
  }
  return area;
}

/** The sum of precision times the step in recall. */
export function averagePrecisionOf({ precision, recall }: PrecisionRecall): number {
  let sum = 0;
  for (let i = 0; i + 1 < recall.length; i++) {
    sum += ((recall[i] ?? 0) - (recall[i + 1] ?? 0)) * (precision[i] ?? 0);
  }
  return sum;
}

export interface CurveOptions {
  /** Number of classes: scores are [N, C] and each class is set against the rest. 2 also takes scores [N] of class 1. */
  readonly numClasses: number;
}

/** Keeps all scores: the exact curve needs them. Four bytes each. */
abstract class ScoreMetric<Result> extends Metric<Result> {
  readonly numClasses: number;
  #scores = new Float32Array(1024);
  #targets = new Int32Array(1024);
  #count = 0;
  #width = 0;

  constructor(options: AreaOptions, more: readonly "average"[] = []) {
    super();
    const { numClasses } = givenOptions(new.target.name, options, ["numClasses", ...more]);
    checkNumClasses(new.target.name, numClasses);
    this.numClasses = numClasses;
  }

  override update(predictions: MetricInput, targets: MetricInput): void {
    const name = classNameOf(this);
    const truth = numbersOf(name, "targets", targets);
    checkLabels(name, "targets", truth, this.numClasses);
    const given = numbersOf(name, "predictions", predictions);
    const width = this.numClasses === 2 && given.length === truth.length ? 1 : this.numClasses;
    const { data } = width === 1 ? { data: given } : scoresOf(name, predictions, truth.length, this.numClasses);
    if (this.#width !== 0 && this.#width !== width) {
      throw new MetricError(`${name}: this batch has ${width} score(s) an example, those before had ${this.#width}`);
    }
    for (let i = 0; i < data.length; i++) {
      if (Number.isNaN(data[i])) {
        throw new MetricError(`${name}: the score at index ${i} is NaN; expected a number`);
      }
    }
    this.#width = width;
    this.#scores = grown(this.#scores, this.#count * width, data.length);
    this.#targets = grown(this.#targets, this.#count, truth.length);
    this.#scores.set(data, this.#count * width);
    this.#targets.set(truth, this.#count);
    this.#count += truth.length;
  }

  override reset(): void {
    this.#count = 0;
    this.#width = 0;
  }

  /** The classes of which there are curves: all, or class 1 alone where scores are of class 1. */
  protected get classes(): number[] {
    return this.#width === 1 ? [1] : Array.from({ length: this.numClasses }, (_, c) => c);
  }

  /** How often each of {@link classes} is true. */
  protected get support(): number[] {
    return this.classes.map((c) =>
      this.#targets.subarray(0, this.#count).reduce((sum, target) => sum + (target === c ? 1 : 0), 0),
    );
  }

  /** @throws MetricError where nothing was counted */
  protected sweepOf(c: number): Sweep {
    this.#mustHaveCounted();
    const scores = Float32Array.from(
      { length: this.#count },
      (_, i) => this.#scores[this.#width === 1 ? i : i * this.#width + c] ?? 0,
    );
    return sweep(scores, (index) => this.#targets[index] === c);
  }

  /** Every score of every class against whether it is the true one. */
  protected microSweep(): Sweep {
    this.#mustHaveCounted();
    if (this.#width === 1) {
      return this.sweepOf(1);
    }
    const width = this.#width;
    return sweep(
      this.#scores.subarray(0, this.#count * width),
      (index) => this.#targets[Math.floor(index / width)] === index % width,
    );
  }

  #mustHaveCounted(): void {
    if (this.#count === 0) {
      throw new MetricError(`${classNameOf(this)}: nothing to compute from; call update first`);
    }
  }
}

function grown<T extends Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer>>(array: T, used: number, more: number): T {
  if (used + more <= array.length) {
    return array;
  }
  const bigger = new (array.constructor as new (length: number) => T)(Math.max(2 * array.length, used + more));
  bigger.set(array.subarray(0, used));
  return bigger;
}

/** The receiver operating characteristic of each class against the rest. */
export class ROC extends ScoreMetric<RocCurve[]> {
  /** One curve a class (one in all where scores are [N]); rates are NaN where a class is never or always true. */
  override compute(): RocCurve[] {
    return this.classes.map((c) => rocOf(this.sweepOf(c)));
  }
}

/** Precision against recall of each class against the rest. */
export class PrecisionRecallCurve extends ScoreMetric<PrecisionRecall[]> {
  override compute(): PrecisionRecall[] {
    return this.classes.map((c) => precisionRecallOf(this.sweepOf(c)));
  }
}

export interface AreaOptions<A extends Average = Average> extends CurveOptions {
  readonly average?: A;
}

abstract class AreaMetric<A extends Average> extends ScoreMetric<A extends "none" ? Float64Array : number> {
  readonly average: Average;

  constructor(options: AreaOptions<A>) {
    super(options, ["average"]);
    this.average = options.average === undefined ? "macro" : options.average;
    checkAverage(new.target.name, this.average);
  }

  override compute(): A extends "none" ? Float64Array : number {
    return this.#average() as A extends "none" ? Float64Array : number;
  }

  #average(): number | Float64Array {
    if (this.average === "micro") {
      return this.area(this.microSweep());
    }
    const areas = Float64Array.from(this.classes, (c) => this.area(this.sweepOf(c)));
    if (this.average === "none") {
      return areas;
    }
    return averageOf(areas, this.average === "weighted" ? this.support : undefined);
  }

  protected abstract area(sweep: Sweep): number;
}

/**
 * The area under the ROC curve: how likely a positive example is scored above a negative one. One against the rest for several classes; a class
 * that is never or always true has none (NaN) and is left out of averages.
 */
export class AUROC<A extends Average = "macro"> extends AreaMetric<A> {
  protected override area(sweep: Sweep): number {
    return areaUnderRoc(rocOf(sweep));
  }
}

/** The mean of precision over recall, as steps and not as trapezoids. A class that is never true has none (NaN). */
export class AveragePrecision<A extends Average = "macro"> extends AreaMetric<A> {
  protected override area(sweep: Sweep): number {
    return averagePrecisionOf(precisionRecallOf(sweep));
  }
}
