/**
 * What names of a pickle stand for: which may stand there, what they make when they are called, what BUILD adds to it, and how
 * much of it there may be. What may not be is a PickleRefusal.
 */
import { type ByteReader, quote } from "../byte-reader.ts";
import { type BuiltinTools, builtinOf } from "./builtins.ts";
import { PickleRefusal, type PickleValue, type PickleVocabulary, PythonName } from "./values.ts";

/**
 * Keys of a dict that are neither text nor small integers. JavaScript hashes numbers without a seed, so a file could choose
 * many that collide: so many take a second at worst. Of the small integers too few collide to matter.
 */
const maxOddKeys = 1 << 14;
const maxSmallKey = 1 << 24;

/**
 * An empty Map takes some 200 bytes of memory and one of the file, an empty array a third of that: of the containers that a
 * pickle may have, one in so many may be a dict or a set.
 */
const containersToOneMap = 4;

/** How many bytes may be copied for each byte of the pickle: two NumPy conversions of a value, of one byte to four. */
const copiesOfByte = 8;

/** What the names of one pickle make. */
export class PickleObjects {
  readonly #reader: ByteReader;
  readonly #vocabulary: PickleVocabulary;
  readonly #maxContainers: number;
  readonly #start: number;
  #oddKeys = 0;
  #maps = 0;
  #spent = 0;
  readonly #tools: BuiltinTools = {
    key: (value) => this.key(value),
    spend: (elements) => this.#spend(elements),
    buildable: new WeakMap(),
  };

  /** @param reader at the pickle's beginning */
  constructor(reader: ByteReader, vocabulary: PickleVocabulary, maxContainers: number) {
    this.#reader = reader;
    this.#vocabulary = vocabulary;
    this.#maxContainers = maxContainers;
    this.#start = reader.offset;
  }

  /** Counts a value that may be a new dict or set, of which there are only so many, and returns it. */
  counted(value: PickleValue): PickleValue {
    if (value instanceof Map || value instanceof Set) {
      this.#maps++;
      const limit = Math.floor(this.#maxContainers / containersToOneMap);
      if (this.#maps > limit) {
        const advice = `the option maxContainers, now ${this.#maxContainers}, allows one for every ${containersToOneMap}`;
        throw new PickleRefusal("limit", `the pickle has more than ${limit} dicts and sets; ${advice}`);
      }
    }
    return value;
  }

  /** A name that may stand in the pickle. */
  name(module: string, name: string): PythonName {
    const value = new PythonName(module, name);
    if (builtinOf(value) === undefined && !this.#vocabulary.allows(value)) {
      const known = this.#vocabulary.refusal?.(value);
      if (known !== undefined) {
        throw known;
      }
      throw new PickleRefusal(
        "forbidden",
        `the pickle refers to ${quote(`${module}.${name}`)}, which is not among the names that a checkpoint may contain; save state dicts, not objects`,
      );
    }
    return value;
  }

  /** What REDUCE or NEWOBJ makes. */
  make(instruction: "REDUCE" | "NEWOBJ", callee: PickleValue, args: PickleValue): PickleValue {
    if (!(callee instanceof PythonName)) {
      throw new PickleRefusal("forbidden", `${instruction} is applied to something that is not a name`);
    }
    if (!Array.isArray(args) || !Object.isFrozen(args)) {
      throw new PickleRefusal("malformed", `the arguments of ${callee} are not a tuple`);
    }
    const value = this.#call(callee, args);
    if (value === undefined) {
      throw new PickleRefusal("forbidden", `${callee} is used in a way that checkpoints have no need of`);
    }
    return this.counted(value);
  }

  #call(callee: PythonName, args: readonly PickleValue[]): PickleValue {
    const builtin = builtinOf(callee);
    if (builtin !== undefined) {
      return builtin(args, this.#tools);
    }
    return this.#vocabulary.call(callee, args, this.#tools.buildable);
  }

  /** A key of a dict or member of a set: what Python lets be one. Tuples, bytes and frozen sets are not compared by value. */
  key(key: PickleValue): PickleValue {
    if (typeof key === "string" || typeof key === "boolean" || key === null) {
      return key;
    }
    if (typeof key === "number" && Number.isInteger(key) && key >= 0 && key < maxSmallKey) {
      return key;
    }
    if (typeof key === "number" || typeof key === "bigint") {
      this.#oddKeys++;
      if (this.#oddKeys > maxOddKeys) {
        throw new PickleRefusal("limit", `the pickle has more than ${maxOddKeys} keys that are unusual numbers`);
      }
      return key;
    }
    const isFixed = Array.isArray(key) ? Object.isFrozen(key) : key instanceof Set || key instanceof Uint8Array;
    if (isFixed || key instanceof PythonName) {
      return key;
    }
    throw new PickleRefusal("unsupported", "a key of a dict or member of a set is something that can change");
  }

  /** Gives `target` its state. */
  build(target: PickleValue, state: PickleValue): void {
    const kind = typeof target === "object" && target !== null ? this.#tools.buildable.get(target) : undefined;
    if (kind === undefined) {
      throw new PickleRefusal("forbidden", "BUILD is applied to something that has no attributes");
    }
    if (typeof kind === "function") {
      kind(state);
      return;
    }
    if (state === null) {
      return;
    }
    if (!(state instanceof Map)) {
      throw new PickleRefusal("forbidden", "the state that BUILD is given is not a dict");
    }
    // An OrderedDict's attributes (a state dict's _metadata) are not part of its content.
    if (kind === "ignored") {
      return;
    }
    this.#spend(state.size);
    for (const [key, value] of state) {
      if (typeof key !== "string") {
        throw new PickleRefusal("malformed", "an attribute's name is not text");
      }
      (target as Map<PickleValue, PickleValue>).set(key, value);
    }
  }

  /** What is copied was read before, once; a file that makes us copy more than it holds repeats itself to waste our time. */
  #spend(elements: number): void {
    this.#spent += elements;
    if (this.#spent > copiesOfByte * (this.#reader.offset - this.#start)) {
      throw new PickleRefusal("limit", "the pickle copies the same values again and again");
    }
  }
}
