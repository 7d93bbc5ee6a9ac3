import type * as tf from "@tensorflow/tfjs-core";
import { OptionError, refuseUnknownOptions } from "./errors.ts";
import { ones_ } from "./init.ts";
import { Module } from "./module.ts";
import { Buffer, CounterBuffer, Parameter } from "./parameter.ts";
import { checkInteger, checkNumber } from "./shapes.ts";

/** Options of normalisations that may keep running statistics; the defaults are PyTorch's. */
export interface NormOptions<Momentum extends number | null> {
  /** Added to the variance before its root is taken, 1e-5 by default. */
  readonly eps?: number;
  /** Share of the newest batch in the running statistics, 0.1 by default. */
  readonly momentum?: Momentum;
  readonly affine?: boolean;
  readonly trackRunningStats?: boolean;
}

/** What is so where an option says nothing, and whether `momentum` may be null. */
export interface NormDefaults {
  readonly affine: boolean;
  readonly trackRunningStats: boolean;
  readonly plainMean: boolean;
}

const ofEach = (features: number, value: number) => ({
  dtype: "float32" as const,
  shape: [features],
  data: new Float32Array(features).fill(value),
});

/**
 * The state that batch and instance normalisation share, as in PyTorch: `weight` and `bias` where scale and shift are learned, `running_mean`,
 * `running_var` and `num_batches_tracked` where running statistics are kept.
 */
export abstract class NormBase<R extends tf.Rank, Momentum extends number | null> extends Module<
  [x: tf.Tensor<R>],
  tf.Tensor<R>
> {
  readonly numFeatures: number;
  readonly eps: number;
  /** Share of the newest batch in the running statistics; null for the plain mean of all batches. May be changed at any time. */
  momentum: Momentum;
  readonly weight: Parameter | null;
  readonly bias: Parameter | null;
  readonly runningMean: Buffer | null;
  readonly runningVar: Buffer | null;
  readonly numBatchesTracked: CounterBuffer | null;
  readonly #defaults: NormDefaults;

  /** @throws {OptionError} naming the argument that is wrong */
  constructor(numFeatures: number, options: NormOptions<Momentum>, defaults: NormDefaults) {
    super();
    const owner = this.typeName;
    refuseUnknownOptions(owner, options, ["eps", "momentum", "affine", "trackRunningStats"]);
    const { eps = 1e-5, momentum = 0.1, affine = defaults.affine } = options;
    const { trackRunningStats = defaults.trackRunningStats } = options;
    this.numFeatures = checkInteger(owner, "numFeatures", numFeatures, 1);
    if (momentum !== null || !defaults.plainMean) {
      if (!(typeof momentum === "number" && momentum >= 0 && momentum <= 1)) {
        const expected = `a number from 0 to 1${defaults.plainMean ? ", or null" : ""}`;
        throw new OptionError(owner, "momentum", momentum, expected);
      }
    }
    this.eps = checkNumber(owner, "eps", eps, 0);
    this.momentum = momentum as Momentum;
    this.#defaults = defaults;
    this.weight = affine ? this.registerParameter("weight", new Parameter([numFeatures])) : null;
    this.bias = affine ? this.registerParameter("bias", new Parameter([numFeatures])) : null;
    if (this.weight !== null) {
      ones_(this.weight);
    }
    const buffer = (name: string, value: number) =>
      trackRunningStats ? this.registerBuffer(name, new Buffer(ofEach(numFeatures, value))) : null;
    this.runningMean = buffer("running_mean", 0);
    this.runningVar = buffer("running_var", 1);
    this.numBatchesTracked = trackRunningStats ? this.registerBuffer("num_batches_tracked", new CounterBuffer()) : null;
  }

  /** Forgets the running statistics: mean 0, variance 1, no batches. */
  resetRunningStats(): void {
    const { numFeatures, runningMean, runningVar, numBatchesTracked } = this;
    runningMean?.load(ofEach(numFeatures, 0));
    runningVar?.load(ofEach(numFeatures, 1));
    if (numBatchesTracked !== null) {
      numBatchesTracked.value = 0;
    }
  }

  protected override extraRepr(): string {
    const { affine, trackRunningStats } = this.#defaults;
    const differs: readonly (readonly [differs: boolean, text: string])[] = [
      [this.eps !== 1e-5, `eps=${this.eps}`],
      [this.momentum !== 0.1, `momentum=${this.momentum}`],
      [(this.weight !== null) !== affine, `affine=${!affine}`],
      [(this.runningMean !== null) !== trackRunningStats, `trackRunningStats=${!trackRunningStats}`],
    ];
    return [`${this.numFeatures}`, ...differs.flatMap(([shown, text]) => (shown ? [text] : []))].join(", ");
  }
}
