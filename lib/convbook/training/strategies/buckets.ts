/**
 * Gradients in buckets: each goes over the network as one array. The order is fixed by the parameters alone, last ones first, as their
 * gradients come; so sums are the same from run to run.
 */
import type { Communicator } from "@convbook/mpi";
import * as tf from "@tensorflow/tfjs-core";

/** What the native engine offers, so that gradients are summed where they are. */
interface OwningBackend {
  isExclusive?(tensor: tf.TensorInfo): boolean;
  values?(tensor: tf.TensorInfo): Float32Array;
}

/** Parts variables into buckets of about so many bytes. */
export function bucketsOf(variables: readonly tf.Variable[], bytes: number): readonly (readonly tf.Variable[])[] {
  const buckets: tf.Variable[][] = [];
  let room = 0;
  for (const variable of variables.toReversed()) {
    const size = variable.size * 4;
    const last = buckets.at(-1);
    if (last === undefined || room < size) {
      buckets.push([variable]);
      room = bytes - size;
    } else {
      last.push(variable);
      room -= size;
    }
  }
  return buckets;
}

/** A bucket on its way. */
export class BucketOfGradients {
  readonly #variables: readonly tf.Variable[];
  /** Arrays of the gradients, and after them which there are. */
  readonly #parts: Float32Array[];
  readonly #inPlace: boolean[] = [];
  readonly #has: Float32Array;

  constructor(variables: readonly tf.Variable[], gradients: ReadonlyMap<tf.Variable, tf.Tensor>) {
    const backend = tf.backend() as OwningBackend;
    this.#variables = variables;
    this.#has = Float32Array.from(variables, (variable) => (gradients.has(variable) ? 1 : 0));
    const parts = variables.map((variable) => {
      const gradient = gradients.get(variable);
      const isOurs = gradient !== undefined && backend.values !== undefined && backend.isExclusive?.(gradient) === true;
      this.#inPlace.push(isOurs);
      if (gradient === undefined) {
        return new Float32Array(variable.size);
      }
      return isOurs && backend.values !== undefined ? backend.values(gradient) : Float32Array.from(gradient.dataSync());
    });
    this.#parts = [...parts, this.#has];
  }

  /** Averages it over the ranks: divided first, then summed, as PyTorch does. */
  async reduce(world: Communicator): Promise<void> {
    await world.allreduceBucket(this.#parts, 1 / world.size);
  }

  /** The same, holding the event loop. */
  reduceSync(world: Communicator): void {
    world.allreduceBucketSync(this.#parts, 1 / world.size);
  }

  /** Puts the means back. A gradient that only other ranks have is there now; one that none has is not. */
  putBack(gradients: Map<tf.Variable, tf.Tensor>): void {
    for (const [i, variable] of this.#variables.entries()) {
      const values = this.#parts[i];
      if (values === undefined || this.#inPlace[i] || (this.#has[i] ?? 0) === 0) {
        continue;
      }
      gradients.get(variable)?.dispose();
      gradients.set(variable, tf.keep(tf.tensor(values, variable.shape, "float32")));
    }
  }
}
