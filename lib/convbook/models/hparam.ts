/**
 * Checks of hyper-parameters' values, which may come from anybody's file: each returns the value, or throws an error that names model and option.
 *
 * @module
 */
import {
  type ActivationName,
  activationNames,
  OptionError,
  parseActivationName,
  UnknownNameError,
} from "../nn/index.ts";

/** A parser of one hyper-parameter's value: returns it, or throws an error that names the model and the hyper-parameter. */
export type ParseValue<T> = (owner: string, option: string, value: unknown) => T;

/** Parsers for all hyper-parameters of an interface. */
export type Parsers<H> = { readonly [K in keyof H]-?: ParseValue<NonNullable<H[K]>> };

/** The most entries that a list may have, so that no file asks for a model that fills the memory. */
const maxGroups = 64;

/** A whole number in [minimum, maximum]. */
export function integer(minimum: number, maximum: number): ParseValue<number> {
  return (owner, option, value) => {
    const number = typeof value === "bigint" ? Number(value) : value;
    if (typeof number !== "number" || !Number.isInteger(number) || number < minimum || number > maximum) {
      throw new OptionError(owner, option, value, `a whole number from ${minimum} to ${maximum}`);
    }
    return number;
  };
}

/** A list of 1 to 64 of them. */
export function integers(minimum: number, maximum: number): ParseValue<readonly number[]> {
  const one = integer(minimum, maximum);
  return (owner, option, value) => {
    if (!Array.isArray(value) || value.length < 1 || value.length > maxGroups) {
      throw new OptionError(owner, option, value, `a list of 1 to ${maxGroups} whole numbers`);
    }
    return value.map((item, i) => one(owner, `${option}[${i}]`, item));
  };
}

/** The name of an activation. */
export const activationName: ParseValue<ActivationName> = (owner, option, value) => {
  if (typeof value !== "string") {
    throw new OptionError(owner, option, value, `one of ${activationNames.join(", ")}`);
  }
  return parseActivationName(value);
};

/** One of these names; `kind` is what they name, for the message. */
export function choice<T extends string>(kind: string, names: readonly T[]): ParseValue<T> {
  return (owner, option, value) => {
    if (typeof value !== "string") {
      throw new OptionError(owner, option, value, `one of ${names.join(", ")}`);
    }
    const found = names.find((name) => name === value);
    if (found === undefined) {
      throw new UnknownNameError(kind, value, names);
    }
    return found;
  };
}

/** A number in [minimum, maximum]. */
export function number(minimum: number, maximum: number): ParseValue<number> {
  return (owner, option, value) => {
    if (typeof value !== "number" || !(value >= minimum && value <= maximum)) {
      throw new OptionError(owner, option, value, `a number from ${minimum} to ${maximum}`);
    }
    return value;
  };
}

/** True or false. */
export const boolean: ParseValue<boolean> = (owner, option, value) => {
  if (typeof value !== "boolean") {
    throw new OptionError(owner, option, value, "true or false");
  }
  return value;
};

/** A list of truth values. */
export const booleans: ParseValue<readonly boolean[]> = (owner, option, value) => {
  if (!Array.isArray(value) || value.length > maxGroups) {
    throw new OptionError(owner, option, value, "a list of truth values");
  }
  return value.map((item, i) => boolean(owner, `${option}[${i}]`, item));
};
