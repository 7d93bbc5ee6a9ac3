/**
 * What a pickle's values become: null, booleans, strings, numbers (bigints where a double is not exact), `Uint8Array` for
 * bytes, arrays for lists, frozen arrays for tuples, `Map` for dicts and `Set` for sets. Nothing ever becomes a plain
 * object, so no key can reach a prototype.
 */

/**
 * The name of a Python class, function or constant that a pickle mentions, and nothing more: it is not looked up, imported
 * or called.
 */
export class PythonName {
  readonly module: string;
  readonly name: string;

  constructor(module: string, name: string) {
    this.module = module;
    this.name = name;
    Object.freeze(this);
  }

  toString(): string {
    return `${this.module}.${this.name}`;
  }
}

/** A value as the interpreter passes it around; the callers of its public functions see only what the file's top says. */
export type PickleValue = unknown;

/** What a pickle may name and what becomes of it; everything else is refused. */
export interface PickleVocabulary {
  /** What Python 2's strings become, which may be text or bytes: UTF-8 where they are that, or, as with `encoding="latin1"`, a character a byte. */
  readonly oldStrings?: "latin1";
  /** Whether a name may stand in the pickle at all; Python's own few (`builtins.ts`) need not be among them. */
  allows(name: PythonName): boolean;
  /** Why a name is refused, where more can be said than that it is not among the allowed ones. */
  refusal?(name: PythonName): PickleRefusal | undefined;
  /**
   * Gives the value of `name(*args)`.
   *
   * @returns undefined when that is not something that this name can do
   * @throws PickleRefusal with the reason
   */
  call(name: PythonName, args: readonly PickleValue[], buildable: Buildable): PickleValue;
  /** Gives the value of a persistent id, for torch a storage. */
  persistent(id: PickleValue): PickleValue;
}

/** Thrown by a vocabulary; the interpreter adds the place. */
export class PickleRefusal extends Error {
  readonly reason: "truncated" | "malformed" | "forbidden" | "limit" | "unsupported";

  constructor(reason: PickleRefusal["reason"], message: string) {
    super(message);
    this.reason = reason;
  }
}

/**
 * What BUILD means for a value that it may be applied to: its state becomes entries, is of no interest, or is given to a
 * function, which throws a PickleRefusal where it cannot use it.
 */
export type BuildKind = "attributes" | "ignored" | ((state: PickleValue) => void);

/** The values that BUILD may be applied to. */
export type Buildable = WeakMap<object, BuildKind>;

/** Whether it is a whole number that can count something. */
export function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
