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

/**
 * The buckets of one step: each is on its way as soon as its gradients are complete, while the backward pass computes those of earlier layers. They leave
 * in their order, whatever order gradients come in, since all ranks must send the same.
 */
export class BucketsOnTheirWay {
  readonly #buckets: readonly (readonly tf.Variable[])[];
  readonly #gradients: Map<tf.Variable, tf.Tensor>;
  readonly #world: Communicator;
  readonly #missing: readonly Set<tf.Variable>[];
  readonly #sent: BucketOfGradients[] = [];
  readonly #calls: Promise<void>[] = [];

  constructor(
    buckets: readonly (readonly tf.Variable[])[],
    gradients: Map<tf.Variable, tf.Tensor>,
    world: Communicator,
  ) {
    this.#buckets = buckets;
    this.#gradients = gradients;
    this.#world = world;
    this.#missing = buckets.map((bucket) => new Set(bucket));
  }

  /** Takes note that a variable's gradient is complete. */
  complete(variable: tf.Variable): void {
    for (const missing of this.#missing.slice(this.#sent.length)) {
      missing.delete(variable);
    }
    while (this.#missing[this.#sent.length]?.size === 0) {
      this.#send();
    }
  }

  #send(): void {
    const bucket = new BucketOfGradients(this.#buckets[this.#sent.length] ?? [], this.#gradients);
    this.#sent.push(bucket);
    const call = bucket.reduce(this.#world);
    // Who fails is heard of in the end: in the middle of the backward pass nobody waits for it.
    call.catch(() => {});
    this.#calls.push(call);
  }

  /** Sends the rest, waits for all of them and puts the means back. */
  async finish(): Promise<void> {
    while (this.#sent.length < this.#buckets.length) {
      this.#send();
    }
    await this.settle();
    await Promise.all(this.#calls);
    for (const bucket of this.#sent) {
      bucket.putBack(this.#gradients);
    }
  }

  /** Waits for those that were sent, well or not: until then gradients are MPI's, and are not to be disposed of. */
  async settle(): Promise<void> {
    await Promise.allSettled(this.#calls);
  }
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
