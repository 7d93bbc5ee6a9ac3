/** A group of ranks, and what they do together. */
import { MpiError } from "./errors.ts";
import { elements, kinds, type NativeMpi, type Outcome, operations, outcomes, type Work } from "./native.ts";

/** Arrays that can be summed. */
export type NumberArray = Float32Array | Float64Array | Int32Array;
/** Arrays that can be sent. */
export type SentArray = NumberArray | Uint8Array;
/** What becomes of the ranks' elements. */
export type ReduceOperation = "sum" | "max" | "min";

interface Request {
  readonly kind: (typeof kinds)[number];
  readonly data?: SentArray | readonly Float32Array[];
  readonly received?: SentArray;
  readonly operation?: ReduceOperation;
  readonly root?: number;
  readonly key?: number;
  readonly scale?: number;
}

/** How much longer than its own time a call may take before a library is given up that lets nobody ask the other ranks: so many times, and s. */
const [mercy, more] = [2.5, 10];

/**
 * Ranks that work together. Every call is one that all of them make, with the same arguments, in the same order; what one of them calls
 * differently is an error on all of them.
 *
 * Arrays are read and written where they are. Until a promise settles, the array is MPI's: leave it alone, and do not transfer its buffer to
 * another thread.
 */
export class Communicator {
  readonly rank: number;
  readonly size: number;
  /** Seconds that a call waits for the other ranks. May be changed at any time. */
  timeout: number;
  readonly #native: NativeMpi;
  readonly #number: number;

  /** Made by `mpi.init()` and by {@link split}. */
  constructor(native: NativeMpi, number: number, rank: number, size: number, timeout: number) {
    this.#native = native;
    this.#number = number;
    this.rank = rank;
    this.size = size;
    this.timeout = timeout;
  }

  /** Waits until all ranks have come here. */
  async barrier(): Promise<void> {
    await this.#ask({ kind: "barrier" });
  }

  /** As {@link barrier}, holding the event loop meanwhile. */
  barrierSync(): void {
    this.#wait({ kind: "barrier" });
  }

  /**
   * Copies the array of one rank into those of all others.
   *
   * @param array of one type and length on all ranks
   * @param root the rank that gives
   */
  async broadcast<A extends SentArray>(array: A, root = 0): Promise<A> {
    await this.#ask({
      kind: "broadcast",
      data: checkSent("broadcast", array),
      root: this.#checkRoot("broadcast", root),
    });
    return array;
  }

  /** As {@link broadcast}, holding the event loop meanwhile. */
  broadcastSync<A extends SentArray>(array: A, root = 0): A {
    this.#wait({ kind: "broadcast", data: checkSent("broadcast", array), root: this.#checkRoot("broadcast", root) });
    return array;
  }

  /**
   * Replaces each element by the sum (the largest, the smallest) of the ranks' elements, the same on all ranks to the bit.
   *
   * @param array of one type and length on all ranks
   */
  async allreduce<A extends NumberArray>(array: A, operation: ReduceOperation = "sum"): Promise<A> {
    await this.#ask({
      kind: "allreduce",
      data: checkNumbers("allreduce", array),
      operation: checkOperation(operation),
    });
    return array;
  }

  /** As {@link allreduce}, holding the event loop meanwhile. */
  allreduceSync<A extends NumberArray>(array: A, operation: ReduceOperation = "sum"): A {
    this.#wait({ kind: "allreduce", data: checkNumbers("allreduce", array), operation: checkOperation(operation) });
    return array;
  }

  /** As {@link allreduce}, on one rank alone; the arrays of the others stay as they are. */
  async reduce<A extends NumberArray>(array: A, operation: ReduceOperation = "sum", root = 0): Promise<A> {
    const data = checkNumbers("reduce", array);
    await this.#ask({
      kind: "reduce",
      data,
      operation: checkOperation(operation),
      root: this.#checkRoot("reduce", root),
    });
    return array;
  }

  /** As {@link reduce}, holding the event loop meanwhile. */
  reduceSync<A extends NumberArray>(array: A, operation: ReduceOperation = "sum", root = 0): A {
    const data = checkNumbers("reduce", array);
    this.#wait({ kind: "reduce", data, operation: checkOperation(operation), root: this.#checkRoot("reduce", root) });
    return array;
  }

  /** The arrays of all ranks, one after the other. @param array of one type and length on all ranks */
  async allgather<A extends SentArray>(array: A): Promise<A> {
    const received = this.#roomFor(checkSent("allgather", array));
    await this.#ask({ kind: "allgather", data: array, received, key: this.size });
    return received;
  }

  /** As {@link allgather}, holding the event loop meanwhile. */
  allgatherSync<A extends SentArray>(array: A): A {
    const received = this.#roomFor(checkSent("allgather", array));
    this.#wait({ kind: "allgather", data: array, received, key: this.size });
    return received;
  }

  /** What each rank gave, by rank: anything that JSON can hold. */
  async allgatherJson<T>(value: T): Promise<T[]> {
    const own = new TextEncoder().encode(JSON.stringify(value) ?? "null");
    const lengths = await this.allgather(Int32Array.of(own.length));
    const padded = new Uint8Array(Math.max(...lengths));
    padded.set(own);
    const all = await this.allgather(padded);
    return [...lengths].map((length, rank) =>
      JSON.parse(new TextDecoder().decode(all.subarray(rank * padded.length, rank * padded.length + length))),
    );
  }

  /** What one rank gave: anything that JSON can hold. The others' values are not looked at. */
  async broadcastJson<T>(value: T, root = 0): Promise<T> {
    const own = new TextEncoder().encode(JSON.stringify(value) ?? "null");
    const [length = 0] = await this.broadcast(Int32Array.of(own.length), root);
    const bytes = await this.broadcast(this.rank === root ? own : new Uint8Array(length), root);
    return JSON.parse(new TextDecoder().decode(bytes));
  }

  /**
   * Several arrays as one, for many small ones: each element becomes the sum of the ranks' elements, all multiplied by `scale` before. The
   * arrays are gathered, summed and put back on MPI's thread.
   *
   * @param parts of the same lengths on all ranks
   */
  async allreduceBucket(parts: readonly Float32Array[], scale = 1): Promise<void> {
    checkParts(parts, scale);
    await this.#ask({ kind: "bucket", data: [...parts], scale });
  }

  /** As {@link allreduceBucket}, holding the event loop meanwhile. */
  allreduceBucketSync(parts: readonly Float32Array[], scale = 1): void {
    checkParts(parts, scale);
    this.#wait({ kind: "bucket", data: [...parts], scale });
  }

  /**
   * Parts the ranks into groups.
   *
   * @param colour the ranks of one colour are a group; undefined for a rank that is in none
   * @param key ranks of a group are numbered in its order; by their numbers here where it is the same
   * @returns this rank's group
   */
  async split(colour: number | undefined, key = this.rank): Promise<Communicator | undefined> {
    const isColour = colour === undefined || (Number.isInteger(colour) && colour >= 0 && colour < 2 ** 31);
    if (!isColour) {
      throw new MpiError("argument", `split.colour must be a whole number of at least 0 or undefined, got ${colour}.`);
    }
    if (!Number.isInteger(key) || Math.abs(key) >= 2 ** 31) {
      throw new MpiError("argument", `split.key must be a whole number, got ${key}.`);
    }
    const { result } = await this.#ask({ kind: "split", root: colour ?? -1, key });
    const [number = -1, rank = 0, size = 0] = result;
    return number < 0 ? undefined : new Communicator(this.#native, number, rank, size, this.timeout);
  }

  /** Gives a group of {@link split} back; it cannot be used afterwards. */
  async free(): Promise<void> {
    if (this.#number === 0) {
      throw new MpiError("argument", "The communicator of all ranks cannot be freed; mpi.finalize() ends it.");
    }
    await this.#ask({ kind: "free" });
  }

  #roomFor<A extends SentArray>(array: A): A {
    return new (array.constructor as new (length: number) => A)(array.length * this.size);
  }

  #checkRoot(call: string, root: number): number {
    if (!Number.isInteger(root) || root < 0 || root >= this.size) {
      throw new MpiError("argument", `${call}.root must be a rank from 0 to ${this.size - 1}, got ${root}.`);
    }
    return root;
  }

  #work(request: Request): Work {
    const { kind, data, received, operation = "sum", root = 0, key = 0, scale = 1 } = request;
    const element = data === undefined || kind === "bucket" ? "float32" : elementOf(data as SentArray);
    return [
      this.#number,
      kinds.indexOf(kind),
      elements.indexOf(element),
      operations.indexOf(operation),
      root,
      key,
      this.timeout,
      scale,
      data,
      received,
    ];
  }

  #wait(request: Request): Outcome {
    return this.#judge(request, this.#native.post(true, ...this.#work(request)));
  }

  async #ask(request: Request): Promise<Outcome> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<Outcome>((resolve) => {
      const message = "the MPI library does not come back";
      const stuck = { outcome: outcomes.indexOf("timeout"), culprit: -1, message, result: [] };
      timer = setTimeout(() => resolve(stuck), Math.min((this.timeout * mercy + more) * 1000, 2 ** 31 - 1));
    });
    try {
      return this.#judge(request, await Promise.race([this.#native.post(false, ...this.#work(request)), late]));
    } finally {
      clearTimeout(timer);
    }
  }

  #judge({ kind }: Request, outcome: Outcome): Outcome {
    const code = outcomes[outcome.outcome] ?? "mpi";
    const rank = outcome.culprit < 0 ? undefined : outcome.culprit;
    switch (code) {
      case "done":
        return outcome;
      case "mismatch":
        throw new MpiError(code, `All ranks must call the same: ${outcome.message}.`, rank);
      case "timeout":
        throw new MpiError(code, `Within ${this.timeout} s ${outcome.message}.`, rank);
      case "peer":
        throw new MpiError(code, `Rank ${rank} failed: ${outcome.message}`, rank);
      case "gone":
        throw new MpiError(code, `${kind} cannot be called: ${outcome.message}.`, rank);
      case "memory":
        throw new MpiError(code, `${kind}: ${outcome.message}.`, rank);
      case "mpi":
        throw new MpiError(code, outcome.message, rank);
    }
  }
}

function nameOf(value: unknown): string {
  return typeof value === "object" && value !== null ? value.constructor.name : String(value);
}

function elementOf(array: unknown): (typeof elements)[number] {
  if (array instanceof Float32Array) {
    return "float32";
  }
  if (array instanceof Float64Array) {
    return "float64";
  }
  return array instanceof Int32Array ? "int32" : "uint8";
}

function checkSent<A extends SentArray>(call: string, array: A): A {
  if (!(array instanceof Uint8Array) && elementOf(array) === "uint8") {
    const expected = "a Float32Array, Float64Array, Int32Array or Uint8Array";
    throw new MpiError("argument", `${call} takes ${expected}, got ${nameOf(array)}.`);
  }
  return array;
}

function checkNumbers<A extends NumberArray>(call: string, array: A): A {
  if (elementOf(array) === "uint8") {
    throw new MpiError("argument", `${call} takes a Float32Array, Float64Array or Int32Array, got ${nameOf(array)}.`);
  }
  return array;
}

function checkOperation(operation: ReduceOperation): ReduceOperation {
  if (!operations.includes(operation)) {
    throw new MpiError("argument", `An operation is "sum", "max" or "min", got ${JSON.stringify(operation)}.`);
  }
  return operation;
}

function checkParts(parts: readonly Float32Array[], scale: number): void {
  const isList = Array.isArray(parts) && parts.every((part) => part instanceof Float32Array);
  if (!isList) {
    const got = Array.isArray(parts)
      ? `a list with ${nameOf(parts.find((part) => !(part instanceof Float32Array)))}`
      : nameOf(parts);
    throw new MpiError("argument", `allreduceBucket takes a list of Float32Arrays, got ${got}.`);
  }
  if (!Number.isFinite(scale)) {
    throw new MpiError("argument", `allreduceBucket.scale must be a number, got ${scale}.`);
  }
}
