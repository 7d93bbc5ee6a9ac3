/** Whether a model that says 80 % is right eight times of ten. */
import { describeValue } from "../arguments/describe.ts";
import { MetricError } from "./errors.ts";
import { checkLabels, checkNumClasses, givenOptions, type MetricInput, numbersOf, scoresOf } from "./inputs.ts";
import { Metric } from "./metric.ts";

export interface CalibrationOptions {
  readonly numClasses: number;
  /** Bins of equal width over the confidence, each including its upper end. */
  readonly numBins?: number;
  /** "l1": the mean gap (expected calibration error); "max": the largest; "l2": the root of the mean square. */
  readonly norm?: "l1" | "l2" | "max";
}

/** One bin of a reliability diagram. */
export interface CalibrationBin {
  readonly from: number;
  readonly to: number;
  readonly count: number;
  /** Mean confidence and share of right predictions; NaN in an empty bin. */
  readonly confidence: number;
  readonly accuracy: number;
}

/**
 * Expected calibration error of the predicted class's probability (Guo et al. 2017, https://arxiv.org/abs/1706.04599): how far confidence and accuracy are
 * apart, weighted by how many predictions have that confidence. Predictions are probabilities [N, C].
 */
export class CalibrationError extends Metric<number> {
  readonly numClasses: number;
  readonly numBins: number;
  readonly #norm: NonNullable<CalibrationOptions["norm"]>;
  readonly #counts: Float64Array;
  readonly #confidences: Float64Array;
  readonly #hits: Float64Array;

  constructor(options: CalibrationOptions) {
    super();
    const {
      numClasses,
      numBins = 15,
      norm = "l1",
    } = givenOptions("CalibrationError", options, ["numClasses", "numBins", "norm"]);
    checkNumClasses("CalibrationError", numClasses);
    if (!Number.isInteger(numBins) || numBins < 1) {
      throw new MetricError(`CalibrationError: numBins is ${numBins}; expected a positive integer`);
    }
    this.numClasses = numClasses;
    this.numBins = numBins;
    if (!["l1", "l2", "max"].includes(norm)) {
      throw new MetricError(`CalibrationError: norm is ${describeValue(norm)}; expected "l1", "l2" or "max"`);
    }
    this.#norm = norm;
    this.#counts = new Float64Array(numBins);
    this.#confidences = new Float64Array(numBins);
    this.#hits = new Float64Array(numBins);
  }

  /** @throws MetricError where scores are no probabilities: outside of 0 to 1 (logits?), or not adding up to 1 */
  override update(predictions: MetricInput, targets: MetricInput): void {
    const truth = numbersOf("CalibrationError", "targets", targets);
    checkLabels("CalibrationError", "targets", truth, this.numClasses);
    const { data, numClasses } = scoresOf("CalibrationError", predictions, truth.length, this.numClasses);
    for (let i = 0; i < truth.length; i++) {
      let best = 0;
      let sum = 0;
      for (let c = 0; c < numClasses; c++) {
        const value = data[i * numClasses + c] ?? 0;
        if (!(value >= 0 && value <= 1.0001)) {
          throw new MetricError(
            `CalibrationError: predictions[${i}][${c}] is ${value}; expected a probability (apply softmax to logits)`,
          );
        }
        sum += value;
        if (value > (data[i * numClasses + best] ?? 0)) {
          best = c;
        }
      }
      if (Math.abs(sum - 1) > 0.01) {
        throw new MetricError(
          `CalibrationError: the probabilities of example ${i} add up to ${sum.toFixed(3)}; expected 1`,
        );
      }
      this.#count(data[i * numClasses + best] ?? 0, best === truth[i]);
    }
  }

  #count(confidence: number, right: boolean): void {
    const bin = Math.min(this.numBins - 1, Math.max(0, Math.ceil(confidence * this.numBins) - 1));
    this.#counts[bin] = (this.#counts[bin] ?? 0) + 1;
    this.#confidences[bin] = (this.#confidences[bin] ?? 0) + confidence;
    if (right) {
      this.#hits[bin] = (this.#hits[bin] ?? 0) + 1;
    }
  }

  /** The bins, for a reliability diagram. */
  bins(): CalibrationBin[] {
    return Array.from(this.#counts, (count, i) => ({
      from: i / this.numBins,
      to: (i + 1) / this.numBins,
      count,
      confidence: (this.#confidences[i] ?? 0) / count,
      accuracy: (this.#hits[i] ?? 0) / count,
    }));
  }

  override compute(): number {
    const filled = this.bins().filter(({ count }) => count > 0);
    const total = filled.reduce((sum, { count }) => sum + count, 0);
    if (total === 0) {
      return Number.NaN;
    }
    const gaps = filled.map(({ confidence, accuracy, count }) => ({
      gap: Math.abs(confidence - accuracy),
      share: count / total,
    }));
    if (this.#norm === "max") {
      return Math.max(...gaps.map(({ gap }) => gap));
    }
    if (this.#norm === "l2") {
      return Math.sqrt(gaps.reduce((sum, { gap, share }) => sum + gap * gap * share, 0));
    }
    return gaps.reduce((sum, { gap, share }) => sum + gap * share, 0);
  }

  override reset(): void {
    for (const counts of [this.#counts, this.#confidences, this.#hits]) {
      counts.fill(0);
    }
  }
}
