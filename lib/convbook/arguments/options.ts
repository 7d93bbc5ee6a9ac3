/** Options and arguments with values that they cannot have, and options that do not exist. */
import { UnknownNameError } from "./names.ts";
import { OptionError } from "./option-error.ts";

/** What is usually spelt out, and here is not. */
const shortNames: Readonly<Record<string, string>> = { learningrate: "lr", epsilon: "eps", maxlearningrate: "maxLr" };

/** An option that does not exist. */
export class UnknownOptionError extends UnknownNameError {
  /** Whose option. */
  readonly owner: string;

  /** @param advice what serves instead, in a sentence, where that is known */
  constructor(owner: string, option: string, known: readonly string[], advice?: string) {
    super(`option of ${owner}`, option, known);
    const short = shortNames[option.toLowerCase().replaceAll("_", "")];
    const nearest = short !== undefined && known.includes(short) ? short : this.nearest[0];
    const guess = nearest === undefined ? "" : ` Did you mean "${nearest}"?`;
    const hint = advice === undefined ? guess : ` ${advice}`;
    this.message = `${owner} has no option "${option.slice(0, 200)}".${hint} Options: ${known.join(", ")}.`;
    this.name = "UnknownOptionError";
    this.owner = owner;
  }
}

/**
 * Refuses options that are no object, and names in it that do not exist. A type checker would; programs without one, and casts, get a thing that
 * silently does something else.
 *
 * @param owner whose options, for the message
 * @param options what was given
 * @param known the names that exist
 * @throws {OptionError} where the options are no object
 * @throws {UnknownOptionError} naming the option, and the nearest that there is
 */
export function refuseUnknownOptions(owner: string, options: object, known: readonly string[]): void {
  checkObject(owner, "options", options, `an object with ${known.join(", ")}`);
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) {
      throw new UnknownOptionError(owner, name, known);
    }
  }
}

/**
 * Options with their defaults.
 *
 * @param owner whose options, for the message
 * @param options what was given
 * @param defaults every option that there is; undefined for one that must be given
 * @throws as {@link refuseUnknownOptions}, and {OptionError} for a switch that is neither true nor false
 */
export function withDefaults<T extends object>(owner: string, options: Partial<T>, defaults: T): T {
  refuseUnknownOptions(owner, options, Object.keys(defaults));
  checkSwitches(owner, options, defaults);
  return { ...defaults, ...options };
}

/** Requires true or false of each option that is one of them by default: other values would be taken for one of the two. */
export function checkSwitches(owner: string, options: object, defaults: object): void {
  for (const [name, usual] of Object.entries(defaults)) {
    const value: unknown = Reflect.get(options, name);
    if (typeof usual === "boolean" && value !== undefined && typeof value !== "boolean") {
      throw new OptionError(owner, name, value, "true or false");
    }
  }
}

/** Requires an object that is no list. */
export function checkObject(owner: string, option: string, value: unknown, expected = "an object"): void {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new OptionError(owner, option, value, expected);
  }
}

/**
 * Refuses arguments behind those that a constructor has, which JavaScript passes over without a word: `new Flatten(0)` would be `new Flatten()`.
 *
 * @param more what was given behind them
 * @param expected how many there are, and what stands for what was given
 * @throws {OptionError}
 */
export function refuseMore(owner: string, more: readonly unknown[], expected: string): void {
  const extra = more.find((value) => value !== undefined);
  if (extra !== undefined) {
    throw new OptionError(owner, "the arguments", extra, expected);
  }
}
