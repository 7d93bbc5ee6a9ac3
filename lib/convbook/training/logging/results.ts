/**
 * What `log()` collects: values of steps, and means over an epoch weighted by batch size. Semantics are PyTorch Lightning's: a name that is
 * logged both by step and by epoch appears as `name_step` and `name_epoch`, and several loaders add `/dataloader_idx_N`.
 */
import { ConfigurationError } from "../errors.ts";

/** How the values of an epoch become one. */
export type ReduceFunction = "mean" | "sum" | "min" | "max";

/** Options of `log()`. */
export interface LogOptions {
  /**
   * Report the value of each step; default: in `trainingStep` and the batch hooks. In an evaluation loggers are told the number of its batch, and
   * of several processes it is rank 0's.
   */
  onStep?: boolean;
  /** Report one value an epoch; default: everywhere else. */
  onEpoch?: boolean;
  /** Show it in the progress bar; default false. */
  progressBar?: boolean;
  /** Send it to the loggers; default true. */
  logger?: boolean;
  /** Default `mean`, weighted by batch size. */
  reduce?: ReduceFunction;
  /**
   * Make the value of a step the same on all processes, as `reduce` says; default false, and rank 0 reports its own. Values of an epoch are of
   * all processes always.
   */
  syncDist?: boolean;
  /** Number of samples behind the value; default: the length of the batch's first tensor. */
  batchSize?: number;
  /** Whether to add the loader's number to the name when there are several; default true. */
  addDataloaderIdx?: boolean;
}

/** Metrics by name. */
export type Metrics = Record<string, number>;

/** The three audiences of a metric. */
export interface MetricSets {
  /** For callbacks: under the plain name, and under the forked names. */
  readonly callback: Metrics;
  /** For loggers. */
  readonly log: Metrics;
  /** For the progress bar. */
  readonly progressBar: Metrics;
}

interface Entry {
  readonly name: string;
  readonly hook: string;
  readonly onStep: boolean;
  readonly onEpoch: boolean;
  readonly progressBar: boolean;
  readonly logger: boolean;
  readonly reduce: ReduceFunction;
  readonly suffix: string;
  readonly syncDist: boolean;
  /** Number of samples behind the last step's value. */
  stepWeight: number;
  value: number;
  weight: number;
  step: number | undefined;
}

/** A step's value on one process. */
export interface SharedStep {
  readonly key: string;
  readonly value: number;
  readonly weight: number;
  /** How it is logged, for processes whose module did not log it in this step. */
  readonly about: About;
}

type About = Omit<Entry, "stepWeight" | "value" | "weight" | "step">;

/** Where a reduction begins. */
function startOf(reduce: ReduceFunction): number {
  return reduce === "min" ? Number.POSITIVE_INFINITY : reduce === "max" ? Number.NEGATIVE_INFINITY : 0;
}

function combine(reduce: ReduceFunction, values: readonly SharedStep[]): number {
  if (reduce === "min" || reduce === "max") {
    return Math[reduce](...values.map(({ value }) => value));
  }
  if (reduce === "sum") {
    return values.reduce((sum, { value }) => sum + value, 0);
  }
  const weight = values.reduce((sum, each) => sum + each.weight, 0);
  return values.reduce((sum, each) => sum + each.value * each.weight, 0) / weight;
}

/** An entry as JSON, for checkpoints. */
export type ResultState = readonly Record<string, unknown>[];

/** The values that one stage (training, validation, test) logs. */
export class ResultCollection {
  readonly #entries = new Map<string, Entry>();

  /**
   * Adds a value.
   *
   * @throws ConfigurationError when one hook logs one name with different options
   */
  log(
    hook: string,
    name: string,
    value: number,
    options: Required<Omit<LogOptions, "addDataloaderIdx">>,
    loader: { index: number; count: number; add: boolean },
  ): void {
    const { onStep, onEpoch, progressBar, logger, reduce, batchSize, syncDist } = options;
    const suffix = loader.count > 1 && loader.add ? `/dataloader_idx_${loader.index}` : "";
    const key = `${hook}.${name}${loader.count > 1 ? `.${loader.index}` : ""}`;
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      entry = {
        name,
        hook,
        onStep,
        onEpoch,
        progressBar,
        logger,
        reduce,
        suffix,
        syncDist,
        stepWeight: 0,
        value: startOf(reduce),
        weight: 0,
        step: undefined,
      };
      this.#entries.set(key, entry);
    } else if (
      entry.onStep !== onStep ||
      entry.onEpoch !== onEpoch ||
      entry.progressBar !== progressBar ||
      entry.logger !== logger ||
      entry.reduce !== reduce
    ) {
      throw new ConfigurationError(`log("${name}") in ${hook}`, options, "called with the same options each time");
    }
    if (onStep) {
      entry.stepWeight = batchSize;
      entry.step = value;
    }
    if (!onEpoch) {
      return;
    }
    if (reduce === "mean") {
      entry.value += value * batchSize;
    } else if (reduce === "sum") {
      entry.value += value;
    } else {
      entry.value = reduce === "min" ? Math.min(entry.value, value) : Math.max(entry.value, value);
    }
    entry.weight += batchSize;
  }

  /** All names that callbacks could ask for. */
  names(): string[] {
    return [...this.#entries.values()].flatMap(({ name, suffix, onStep, onEpoch }) =>
      onStep && onEpoch ? [name + suffix, `${name}_step${suffix}`, `${name}_epoch${suffix}`] : [name + suffix],
    );
  }

  /** The values of the last step, of those that are reported by step. */
  stepMetrics(): MetricSets {
    return this.#collect("step", ({ step }) => step);
  }

  /** The values of the epoch so far, of those that are reported by epoch. */
  epochMetrics(): MetricSets {
    return this.#collect("epoch", ({ onEpoch, reduce, value, weight }) => {
      if (!onEpoch || weight === 0) {
        return undefined;
      }
      return reduce === "mean" ? value / weight : value;
    });
  }

  #collect(kind: "step" | "epoch", metricOf: (entry: Entry) => number | undefined): MetricSets {
    const sets: Record<keyof MetricSets, Metrics> = { callback: {}, log: {}, progressBar: {} };
    for (const entry of this.#entries.values()) {
      const value = metricOf(entry);
      if (value === undefined) {
        continue;
      }
      const isForked = entry.onStep && entry.onEpoch;
      const forked = (isForked ? `${entry.name}_${kind}` : entry.name) + entry.suffix;
      sets.callback[entry.name + entry.suffix] = value;
      sets.callback[forked] = value;
      if (entry.logger) {
        sets.log[forked] = value;
      }
      if (entry.progressBar) {
        sets.progressBar[forked] = value;
      }
    }
    return sets;
  }

  /** Forgets the step's values, before the next step. */
  forgetStep(): void {
    for (const entry of this.#entries.values()) {
      entry.step = undefined;
    }
  }

  /** The last step's values that all processes are to share, as JSON. */
  sharedSteps(): readonly SharedStep[] {
    return [...this.#entries].flatMap(([key, { step, stepWeight, value: _, weight: __, ...about }]) =>
      step === undefined || !about.syncDist ? [] : [{ key, value: step, weight: stepWeight, about }],
    );
  }

  /** Takes the last step's values over from all processes, also those that only some of them logged. */
  takeSteps(all: readonly (readonly SharedStep[])[]): void {
    const byKey = new Map<string, SharedStep[]>();
    for (const step of all.flat()) {
      byKey.set(step.key, [...(byKey.get(step.key) ?? []), step]);
    }
    for (const [key, values] of byKey) {
      const [{ about }] = values as [SharedStep];
      const own = this.#entries.get(key) ?? { ...about, stepWeight: 0, value: startOf(about.reduce), weight: 0 };
      this.#entries.set(key, { ...own, step: combine(about.reduce, values) });
    }
  }

  /** The results of several processes as those of one that had all their batches. */
  static merge(states: readonly ResultState[]): ResultCollection {
    const merged = new ResultCollection();
    for (const [i, state] of states.entries()) {
      const own = new ResultCollection();
      own.loadStateDict(state);
      for (const [key, entry] of own.#entries) {
        const before = merged.#entries.get(key);
        if (before === undefined) {
          // A later process's values of a step are not rank 0's.
          merged.#entries.set(key, { ...entry, step: i === 0 ? entry.step : undefined });
          continue;
        }
        before.weight += entry.weight;
        if (entry.reduce === "min" || entry.reduce === "max") {
          before.value = Math[entry.reduce](before.value, entry.value);
        } else {
          before.value += entry.value;
        }
      }
    }
    return merged;
  }

  /** Forgets everything, at the end of an epoch. */
  reset(): void {
    this.#entries.clear();
  }

  /** The sums as JSON, so that an epoch's means stay right across an interruption. */
  stateDict(): ResultState {
    return [...this.#entries].map(([key, entry]) => ({
      key,
      ...entry,
      // JSON has no infinity: nothing was reduced yet.
      value: Number.isFinite(entry.value) ? entry.value : String(entry.value),
      step: undefined,
    }));
  }

  /** Takes sums over that {@link stateDict} gave. */
  loadStateDict(state: ResultState): void {
    this.#entries.clear();
    for (const { key, ...entry } of state) {
      if (typeof key !== "string") {
        throw new ConfigurationError("Saved results", key, "named by strings");
      }
      this.#entries.set(key, { ...entry, value: Number(entry.value), step: undefined } as unknown as Entry);
    }
  }
}
