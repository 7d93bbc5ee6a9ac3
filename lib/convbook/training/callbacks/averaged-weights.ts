/** A running average of a module's weights beside the module: the arithmetic of PyTorch's AveragedModel. */
import * as tf from "@tensorflow/tfjs-core";
import { type Buffer, CounterBuffer, type Parameter } from "../../nn/parameter.ts";
import type { StateDict } from "../../tensor-data.ts";
import type { AnyTrainingModule } from "../core/training-module.ts";
import { requireOption } from "../errors.ts";

/**
 * What an average becomes.
 *
 * @param average the average so far
 * @param current the module's value
 * @param numAveraged how many values are in the average
 * @returns a tensor of the same shape
 */
export type AveragingFunction = (average: tf.Tensor, current: tf.Tensor, numAveraged: number) => tf.Tensor;

/** The mean of all values, each with the same weight. */
export const equalAverage: AveragingFunction = (average, current, numAveraged) =>
  tf.add(average, tf.div(tf.sub(current, average), numAveraged + 1));

/** The average in which a value counts `decay` times as much a step later. */
export function exponentialAverage(decay: number): AveragingFunction {
  return (average, current) => tf.add(tf.mul(average, decay), tf.mul(current, 1 - decay));
}

export class AveragedWeights {
  /** Sets of weights in the average. */
  numAveraged = 0;
  readonly #module: AnyTrainingModule;
  readonly #tensors = new Map<Parameter | Buffer, tf.Tensor>();
  readonly #counters = new Map<CounterBuffer, number>();
  #isSwapped = false;

  /** Begins with the weights that the module has now. */
  constructor(module: AnyTrainingModule) {
    this.#module = module;
    for (const entry of [...module.parameters(), ...module.buffers()]) {
      if (entry instanceof CounterBuffer) {
        this.#counters.set(entry, entry.value);
      } else {
        this.#tensors.set(entry, tf.keep(tf.clone(entry.variable)));
      }
    }
  }

  /** Whether the module has the average now, and this object the module's own weights. */
  get isSwapped(): boolean {
    return this.#isSwapped;
  }

  /**
   * Takes the module's weights into the average. The first ones are the average; buffers that are not averaged are taken over.
   *
   * @param owner whose `average` it is, for messages
   */
  update(owner: string, average: AveragingFunction, averagesBuffers: boolean): void {
    const { numAveraged } = this;
    const buffers = new Set<unknown>(averagesBuffers ? [] : this.#module.buffers());
    const next = (entry: unknown, before: tf.Tensor, current: tf.Tensor): tf.Tensor => {
      if (numAveraged === 0 || buffers.has(entry)) {
        return tf.clone(current);
      }
      return tf.tidy(() => {
        const value = average(before, current, numAveraged);
        const expected = `a function that gives a tensor of shape [${before.shape.join(", ")}]`;
        const fits = value instanceof tf.Tensor && value.shape.join() === before.shape.join();
        requireOption(fits, `${owner}.avgFn`, value instanceof tf.Tensor ? value.shape : value, expected);
        return tf.clone(value);
      });
    };
    for (const [entry, before] of this.#tensors) {
      this.#tensors.set(entry, tf.keep(next(entry, before, entry.variable)));
      before.dispose();
    }
    for (const [entry, before] of this.#counters) {
      const values = [tf.scalar(before), tf.scalar(entry.value)] as const;
      const value = next(entry, ...values);
      // A whole number, as PyTorch writes it back into its int64.
      this.#counters.set(entry, Math.trunc(value.dataSync()[0] ?? 0));
      tf.dispose([...values, value]);
    }
    this.numAveraged++;
  }

  /** Gives the module the average and keeps its own weights meanwhile, or the other way. */
  swap(): void {
    for (const [entry, kept] of this.#tensors) {
      const own = tf.keep(tf.clone(entry.variable));
      entry.variable.assign(kept);
      kept.dispose();
      this.#tensors.set(entry, own);
    }
    for (const [entry, kept] of this.#counters) {
      this.#counters.set(entry, entry.value);
      entry.value = kept;
    }
    this.#isSwapped = !this.#isSwapped;
  }

  /** The weights that the module does not have now, under its names. */
  keptState(): StateDict {
    this.swap();
    try {
      return this.#module.stateDict();
    } finally {
      this.swap();
    }
  }

  dispose(): void {
    tf.dispose([...this.#tensors.values()]);
    this.#tensors.clear();
    this.#counters.clear();
  }
}
