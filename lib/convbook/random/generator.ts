/**
 * PyTorch's CPU random generator: a Mersenne Twister, MT19937 (M. Matsumoto, T. Nishimura, "Mersenne Twister", ACM TOMACS 1998),
 * with PyTorch's seeding, its way of making floats and its state layout, so that a seed gives here what it gives there.
 */

const N = 624;
const M = 397;
/** Bytes of a state as `torch.get_rng_state()` lays it out; see {@link Generator.getState}. */
const STATE_BYTES = 5056;
const OFFSET = {
  seed: 0,
  left: 8,
  seeded: 12,
  next: 16,
  words: 24,
  normal: 5024,
  normalIsValid: 5040,
  floatNormal: 5048,
  floatNormalIsValid: 5052,
} as const;

const TWO_POW_32 = 4294967296;
const TWO_POW_MINUS_24 = 1 / 16777216;
const TWO_POW_MINUS_53 = 1 / 9007199254740992;

/** What a distribution or a transform draws from; in PyTorch's words, `torch.Generator(device="cpu")`. */
export class Generator {
  /** Signed, which is how the bits are mixed. */
  readonly #words = new Int32Array(N);
  #seed = 0n;
  /** Words left before the next twist, as PyTorch counts them: 1 when fresh, N after a twist. */
  #left = 1;
  #next = 0;
  #nextNormal: number | undefined;
  /** Only carried: PyTorch keeps a cached float32 normal in its state and never fills it on the CPU. */
  #nextFloatNormal: number | undefined;

  /**
   * @param seed an integer from -2^63 to 2^64 - 1; 67280421310721, PyTorch's own default, where it is left out
   * @throws {RangeError} when the seed is not such an integer
   */
  constructor(seed: number | bigint = 67280421310721n) {
    this.manualSeed(seed);
  }

  /**
   * Starts the sequence of `seed` anew. Only the lower 32 bits decide the sequence, as in PyTorch.
   * @returns this generator
   * @throws {RangeError} when the seed is not an integer from -2^63 to 2^64 - 1
   */
  manualSeed(seed: number | bigint): this {
    const value = parseSeed(seed);
    this.#seed = value;
    const words = this.#words;
    let previous = Number(value & 0xffffffffn);
    words[0] = previous;
    for (let j = 1; j < N; j++) {
      previous = (Math.imul(1812433253, previous ^ (previous >>> 30)) + j) >>> 0;
      words[j] = previous;
    }
    this.#left = 1;
    this.#next = 0;
    this.#nextNormal = undefined;
    this.#nextFloatNormal = undefined;
    return this;
  }

  /** The seed that the sequence began with, as an unsigned 64-bit integer. */
  initialSeed(): bigint {
    return this.#seed;
  }

  /** Seeds from the system's entropy. @returns the seed taken */
  seed(): bigint {
    const words = crypto.getRandomValues(new Uint32Array(2));
    const seed = (BigInt(words[0] ?? 0) << 32n) | BigInt(words[1] ?? 0);
    this.manualSeed(seed);
    return seed;
  }

  /** The next 32 random bits, as an integer from 0 to 2^32 - 1. */
  random(): number {
    if (--this.#left === 0) {
      this.#twist();
    }
    let y = this.#words[this.#next++] ?? 0;
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    y ^= y >>> 18;
    return y >>> 0;
  }

  /** The next 64 random bits: two draws, the higher half first. */
  random64(): bigint {
    const high = this.random();
    return (BigInt(high) << 32n) | BigInt(this.random());
  }

  /** One float32 from [0, 1) with 24 random bits: one draw. `torch.rand(1).item()`. */
  uniformFloat(): number {
    return (this.random() & 0xffffff) * TWO_POW_MINUS_24;
  }

  /**
   * Many of {@link uniformFloat}, times `range` and from `low` on, into a part of an array: what networks' weights are drawn from by the hundred million.
   */
  fillUniformFloat(values: Float32Array, from = 0, to = values.length, range = 1, low = 0): void {
    const words = this.#words;
    for (let i = from; i < to; ) {
      const count = this.#ready(to - i);
      const start = this.#next;
      for (let j = 0; j < count; j++) {
        let y = words[start + j] as number;
        y ^= y >>> 11;
        y ^= (y << 7) & 0x9d2c5680;
        y ^= (y << 15) & 0xefc60000;
        y ^= y >>> 18;
        values[i + j] = (y & 0xffffff) * TWO_POW_MINUS_24 * range + low;
      }
      i += count;
      this.#pass(count);
    }
  }

  /** Goes on as if {@link uniformFloat} had been called `count` times, in a fraction of the time. */
  skipUniformFloats(count: number): void {
    for (let left = count; left > 0; ) {
      const passed = this.#ready(left);
      left -= passed;
      this.#pass(passed);
    }
  }

  /** One float64 from [0, 1) with 53 random bits: two draws. */
  uniformDouble(): number {
    const high = this.random() & 0x1fffff;
    return (high * TWO_POW_32 + this.random()) * TWO_POW_MINUS_53;
  }

  /**
   * One float32 from [from, to): `torch.empty(1).uniform_(from, to).item()`. Nothing is checked here: it is the inner step of
   * transforms, whose constructors have checked their ranges.
   */
  uniform(from: number, to: number): number {
    const low = Math.fround(from);
    const range = Math.fround(Math.fround(to) - low);
    return Math.fround(this.uniformFloat() * range + low);
  }

  /**
   * One integer from [low, high): `torch.randint(low, high, (1,)).item()`.
   * @throws {RangeError} when the range is empty or not of safe integers
   */
  integer(low: number, high: number): number {
    if (!Number.isSafeInteger(low) || !Number.isSafeInteger(high) || low >= high || !Number.isSafeInteger(high - low)) {
      throw new RangeError(
        `An integer is drawn from [low, high) with safe integers low < high; got [${low}, ${high}).`,
      );
    }
    const range = high - low;
    const drawn = range < TWO_POW_32 ? this.random() % range : Number(this.random64() % BigInt(range));
    return drawn + low;
  }

  /**
   * One standard normal float64 by Box and Muller's method; the second of each pair is kept for the next call.
   * This is what PyTorch does for fewer than 16 numbers.
   */
  normal(): number {
    const cached = this.#nextNormal;
    if (cached !== undefined) {
      this.#nextNormal = undefined;
      return cached;
    }
    const u1 = this.uniformDouble();
    const u2 = this.uniformDouble();
    const radius = Math.sqrt(-2 * Math.log1p(-u2));
    const theta = 2 * Math.PI * u1;
    this.#nextNormal = radius * Math.sin(theta);
    return radius * Math.cos(theta);
  }

  /**
   * The whole state in the 5,056 bytes that `torch.get_rng_state()` gives, so that either side can go on from the other's.
   */
  getState(): Uint8Array {
    const bytes = new Uint8Array(STATE_BYTES);
    const view = new DataView(bytes.buffer);
    view.setBigUint64(OFFSET.seed, this.#seed, true);
    view.setInt32(OFFSET.left, this.#left, true);
    view.setInt32(OFFSET.seeded, 1, true);
    view.setUint32(OFFSET.next, this.#next, true);
    for (let j = 0; j < N; j++) {
      view.setUint32(OFFSET.words + 8 * j, this.#words[j] ?? 0, true);
    }
    if (this.#nextNormal !== undefined) {
      view.setFloat64(OFFSET.normal, this.#nextNormal, true);
      view.setInt32(OFFSET.normalIsValid, 1, true);
    }
    if (this.#nextFloatNormal !== undefined) {
      view.setFloat32(OFFSET.floatNormal, this.#nextFloatNormal, true);
      view.setUint8(OFFSET.floatNormalIsValid, 1);
    }
    return bytes;
  }

  /**
   * Goes on from a state that {@link getState} or `torch.get_rng_state()` gave.
   * @returns this generator
   * @throws {RangeError} when the bytes are not such a state; the generator is then unchanged
   */
  setState(state: Uint8Array): this {
    if (!(state instanceof Uint8Array) || state.byteLength !== STATE_BYTES) {
      const got = state instanceof Uint8Array ? `${state.byteLength} bytes` : typeof state;
      throw new RangeError(`A generator's state is a Uint8Array of ${STATE_BYTES} bytes; got ${got}.`);
    }
    const view = new DataView(state.buffer, state.byteOffset, state.byteLength);
    const left = view.getInt32(OFFSET.left, true);
    const next = view.getBigUint64(OFFSET.next, true);
    if (
      view.getInt32(OFFSET.seeded, true) !== 1 ||
      left < 1 ||
      left > N ||
      next > BigInt(N) ||
      Number(next) + left > N + 1
    ) {
      throw new RangeError(`Not a state of an MT19937 generator: left is ${left} and next is ${next}, of ${N} words.`);
    }
    this.#seed = view.getBigUint64(OFFSET.seed, true);
    this.#left = left;
    this.#next = Number(next);
    for (let j = 0; j < N; j++) {
      this.#words[j] = view.getUint32(OFFSET.words + 8 * j, true);
    }
    this.#nextNormal =
      view.getInt32(OFFSET.normalIsValid, true) !== 0 ? view.getFloat64(OFFSET.normal, true) : undefined;
    this.#nextFloatNormal =
      view.getUint8(OFFSET.floatNormalIsValid) !== 0 ? view.getFloat32(OFFSET.floatNormal, true) : undefined;
    return this;
  }

  /** A generator of its own that goes on from this one's present state. */
  clone(): Generator {
    return new Generator(0).setState(this.getState());
  }

  /** How many of the next `wanted` words lie in a row from `next` on; there is at least one. */
  #ready(wanted: number): number {
    if (this.#left === 1) {
      this.#twist();
      // A draw counts down before it looks.
      this.#left = N + 1;
    }
    return Math.min(wanted, this.#left - 1);
  }

  #pass(count: number): void {
    this.#next += count;
    this.#left -= count;
  }

  #twist(): void {
    const words = this.#words;
    let word = words[0] as number;
    // Each place mixes its own word, the one after it and one far ahead; the last ones find theirs at the beginning, new already.
    for (const [from, to, far] of twistParts) {
      for (let j = from; j < to; j++) {
        const after = words[j + 1] as number;
        words[j] = mixed(words[j + far] as number, word, after);
        word = after;
      }
    }
    words[N - 1] = mixed(words[M - 1] as number, word, words[0] as number);
    this.#left = N;
    this.#next = 0;
  }
}

/** Where the words of a twist begin and end, and how far from each the one is that it is mixed with. */
const twistParts = [
  [0, N - M, M],
  [N - M, N - 1, M - N],
] as const;

function mixed(far: number, word: number, after: number): number {
  const both = (word & 0x80000000) | (after & 0x7fffffff);
  return far ^ (both >>> 1) ^ (-(after & 1) & 0x9908b0df);
}

/** What random functions draw from when no generator is named. Seeded from the system's entropy until {@link manualSeed}. */
export const defaultGenerator = new Generator(0);
defaultGenerator.seed();

/**
 * Seeds the default generator: `torch.manual_seed`.
 * @param seed an integer from -2^63 to 2^64 - 1
 * @returns the default generator
 * @throws {RangeError} when the seed is not such an integer
 */
export function manualSeed(seed: number | bigint): Generator {
  return defaultGenerator.manualSeed(seed);
}

function parseSeed(seed: number | bigint): bigint {
  const integer = typeof seed === "bigint" || Number.isSafeInteger(seed);
  if (integer) {
    const value = BigInt(seed);
    if (value >= -(2n ** 63n) && value < 2n ** 64n) {
      return BigInt.asUintN(64, value);
    }
  }
  throw new RangeError(
    `A seed is an integer from -2^63 to 2^64 - 1 (a bigint above 2^53); got ${typeof seed === "string" ? JSON.stringify(seed) : String(seed)}.`,
  );
}
