import { describeValue } from "./describe.ts";

/** An argument or option with a value that it cannot have. */
export class OptionError extends Error {
  /** Whose: a function, class or layer. */
  readonly owner: string;
  /** The argument's or option's name. */
  readonly option: string;
  /** Its value. */
  readonly got: unknown;
  /** What it may be, in words. */
  readonly expected: string;

  constructor(owner: string, option: string, got: unknown, expected: string) {
    super(`${owner}: ${option} must be ${expected}, got ${describeValue(got)}.`);
    this.name = "OptionError";
    this.owner = owner;
    this.option = option;
    this.got = got;
    this.expected = expected;
  }
}
