/** What the trainer takes batches from. */
import * as tf from "@tensorflow/tfjs-core";
import { disposeTensors } from "./core/containers.ts";
import { ConfigurationError, requireOption } from "./errors.ts";

/**
 * A source of batches: each iteration is one epoch. The trainer disposes of the batches' tensors.
 *
 * A loader that can go on in the middle of an epoch offers `getState` and `setState`, as this library's DataLoader does. For others a
 * resumed epoch draws again the batches that it has had, and disposes of them.
 */
export interface Loader<Batch = unknown> {
  /** Number of batches an epoch, where it is known. */
  readonly length?: number;
  [Symbol.asyncIterator]?(): AsyncIterator<Batch>;
  [Symbol.iterator]?(): Iterator<Batch>;
  /** Told the number of the epoch that begins, for orders that depend on it. */
  setEpoch?(epoch: number): void;
  /** Where the epoch under way stands, as JSON. */
  getState?(): unknown;
  /** Makes the next iteration go on from there. */
  setState?(state: unknown): void;
}

/** One loader, or several that are evaluated one after the other. */
export type Loaders<Batch = unknown> = Loader<Batch> | readonly Loader<Batch>[];

/** Whether a value can be iterated over for batches. */
export function isLoader(value: unknown): value is Loader {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    (Symbol.asyncIterator in value || Symbol.iterator in value)
  );
}

/** One loader or several as a list. A list of batches is one loader. */
export function toLoaders(what: string, given: unknown): Loader[] {
  if (isLoader(given)) {
    return [given];
  }
  if (Array.isArray(given) && given.length > 0) {
    if (given.every(isLoader)) {
      return given;
    }
    return [given as unknown as Loader];
  }
  throw new ConfigurationError(what, given, "a loader: something that `for await` can take batches from");
}

/** Starts an epoch. A list of batches gives copies: the trainer disposes of what it has used, and the list is there for the next epoch. */
export function iterate(loader: Loader): AsyncIterator<unknown> {
  if (Array.isArray(loader)) {
    return iterate({
      *[Symbol.iterator]() {
        for (const batch of loader) {
          yield cloneBatch(batch);
        }
      },
    });
  }
  const asynchronous = loader[Symbol.asyncIterator];
  if (asynchronous !== undefined) {
    return asynchronous.call(loader);
  }
  const inner = (loader[Symbol.iterator] as () => Iterator<unknown>).call(loader);
  return {
    async next() {
      return inner.next();
    },
    async return() {
      inner.return?.();
      return { done: true, value: undefined };
    },
  };
}

/** A limit on batches: a whole number counts batches; a fraction below 1, or a percentage as `"25%"`, is a share of them. */
export type BatchLimit = number | `${number}%`;

/**
 * How many batches a limit lets through.
 *
 * @param option the option's name, for the message
 * @param limit undefined for all
 * @param length the number of batches, infinite where it is unknown
 * @param least what smaller shares are; without it they are refused
 */
export function countBatches(
  option: string,
  limit: BatchLimit | undefined,
  length: number,
  least: number | undefined = undefined,
): number {
  if (limit === undefined) {
    return length;
  }
  const isShare = typeof limit === "string" || (limit > 0 && limit < 1);
  const value = typeof limit === "string" ? Number(limit.slice(0, -1)) / 100 : limit;
  const expected = 'a whole number of batches, a share between 0 and 1, or a percentage such as "25%"';
  // Without its sign, "50" would lose its last digit and stand for 5 %.
  const isPercentage = typeof limit !== "string" || /^\d+(\.\d+)?%$/.test(limit);
  requireOption(isPercentage && Number.isFinite(value) && value >= 0, option, limit, expected);
  if (!isShare) {
    requireOption(Number.isInteger(value), option, limit, expected);
    return Math.min(length, value);
  }
  requireOption(value <= 1, option, limit, "a share of at most 100 %");
  if (value === 1) {
    return length;
  }
  requireOption(Number.isFinite(length), option, limit, "a whole number for a loader of unknown length");
  const count = Math.max(least ?? 0, Math.floor(length * value));
  requireOption(
    count > 0 || value === 0 || length === 0,
    option,
    limit,
    `a share that gives at least one of ${length} batches`,
  );
  return count;
}

/**
 * Batches of each loader on the process that has most of them: an evaluation's samples need not divide evenly. A process's own number where one has
 * no end that is known, infinite on that one. All processes ask together.
 */
export async function longestLengths(
  strategy: { gather<T>(value: T): Promise<T[]> },
  loaders: readonly Loader[],
): Promise<readonly number[]> {
  const own = loaders.map(({ length = Number.POSITIVE_INFINITY }) => length);
  const all = await strategy.gather(own);
  return own.map((length, i) => {
    const each = all.map((lengths) => lengths[i] ?? 0);
    return each.every(Number.isFinite) ? Math.max(...each) : length;
  });
}

/** The first batches of another loader, drawn once in its order and kept. */
export class KeptBatches implements Loader {
  readonly #inner: Loader;
  readonly #count: number;
  #batches: Promise<unknown[]> | undefined;

  constructor(inner: Loader, count: number) {
    this.#inner = inner;
    this.#count = count;
  }

  get length(): number {
    return this.#count;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<unknown> {
    this.#batches ??= this.#draw();
    // Each pass gives copies, since the trainer disposes of what it has used.
    for (const batch of await this.#batches) {
      yield cloneBatch(batch);
    }
  }

  async #draw(): Promise<unknown[]> {
    const drawn: unknown[] = [];
    const iterator = iterate(this.#inner);
    while (drawn.length < this.#count) {
      const { done, value } = await iterator.next();
      if (done) {
        break;
      }
      drawn.push(value);
    }
    await iterator.return?.();
    return drawn;
  }

  /** Frees the kept batches. */
  async dispose(): Promise<void> {
    disposeTensors(await this.#batches);
    this.#batches = undefined;
  }
}

function cloneBatch(batch: unknown): unknown {
  if (batch instanceof tf.Tensor) {
    return tf.clone(batch);
  }
  if (Array.isArray(batch)) {
    return batch.map(cloneBatch);
  }
  if (typeof batch === "object" && batch !== null && Object.getPrototypeOf(batch) === Object.prototype) {
    return Object.fromEntries(Object.entries(batch).map(([key, value]) => [key, cloneBatch(value)]));
  }
  return batch;
}

/** The number of samples in a batch: the first dimension of its first tensor of at least one dimension. */
export function batchSizeOf(batch: unknown): number {
  return firstTensor(batch)?.shape[0] ?? 1;
}

function firstTensor(batch: unknown): tf.Tensor | undefined {
  if (batch instanceof tf.Tensor) {
    return batch.rank > 0 ? batch : undefined;
  }
  if (typeof batch !== "object" || batch === null || ArrayBuffer.isView(batch)) {
    return undefined;
  }
  for (const value of Object.values(batch)) {
    const found = firstTensor(value);
    if (found !== undefined) {
      return found;
    }
  }
  return undefined;
}

/** The shapes in a batch, for messages: `[128, 32, 32, 3] float32, [128] int32`. */
export function describeBatch(batch: unknown): string {
  if (batch instanceof tf.Tensor) {
    return `[${batch.shape.join(", ")}] ${batch.dtype}`;
  }
  if (typeof batch === "object" && batch !== null && !ArrayBuffer.isView(batch)) {
    return Object.values(batch).map(describeBatch).join(", ");
  }
  return typeof batch;
}
