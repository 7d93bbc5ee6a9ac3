/** Calls with one argument wrong at a time: what every public function and constructor must say to them. */
import * as tf from "@tensorflow/tfjs-core";

/** An argument, or a field of an options object: a good value, and what is accepted on purpose besides. */
export interface Argument {
  /** As the message must name it. */
  readonly name: string;
  readonly good: unknown;
  /** The values among those tried that are fine, by how they are printed. */
  readonly accepts: ReadonlySet<string>;
  /** Further values that must be refused. */
  readonly bad: readonly unknown[];
  /** The fields, where it is an options object. */
  readonly fields?: readonly Argument[];
  /** Other words by which a message may name it. */
  readonly also?: RegExp;
}

/** One public name with the arguments that it is called with. */
export interface Row {
  /** Path of the export, for example `nn.Linear`; with `#method` for a method of its instances. */
  readonly name: string;
  readonly args: readonly Argument[];
  readonly call: (...args: unknown[]) => unknown;
}

/** How a value that is tried is called in `accepts` and in a test's title. */
export function label(value: unknown): string {
  if (value instanceof tf.Tensor) {
    return `tensor ${value.dtype} [${value.shape.join(",")}]`;
  }
  if (typeof value === "number" || value === undefined || value === null) {
    return String(value);
  }
  if (typeof value === "function") {
    return "function";
  }
  return JSON.stringify(value);
}

const always: readonly unknown[] = [undefined, null, Number.NaN, {}, "x", -1];

/** What is tried for an argument. */
export function triedFor(argument: Argument): unknown[] {
  return [...always, ...argument.bad].filter((value) => !argument.accepts.has(label(value)));
}

type Settings = { accepts?: readonly string[]; bad?: readonly unknown[]; also?: RegExp; fields?: readonly Argument[] };

/** An argument of any kind. */
export function arg(name: string, good: unknown, { accepts = [], bad = [], ...rest }: Settings = {}): Argument {
  return { name, good, accepts: new Set(accepts), bad, ...rest };
}

/** The same argument, which may be left out. */
export const maybe = (argument: Argument): Argument => ({
  ...argument,
  accepts: new Set([...argument.accepts, "undefined"]),
});

/** A whole number of at least `least`. */
export const whole = (name: string, good: number, least = 1, also?: RegExp): Argument =>
  arg(name, good, { bad: [1.5, Number.POSITIVE_INFINITY, ...(least > 0 ? [0] : [])], ...(also ? { also } : {}) });

/** A number of at least 0, of any sign, or from 0 to 1. */
export const positive = (name: string, good: number): Argument => arg(name, good, { bad: ["1"] });
export const real = (name: string, good: number): Argument => arg(name, good, { accepts: ["-1"], bad: ["1"] });
export const share = (name: string, good: number): Argument => arg(name, good, { bad: [1.5, "0.5"] });

/** Something that is true or false; as everywhere in JavaScript, whatever is true counts as true. */
export const flag = (name: string, good = true): Argument =>
  arg(name, good, { accepts: ["undefined", "null", "NaN", "{}", '"x"', "-1"] });

/** A text; any text will do. */
export const text = (name: string, good: string): Argument => arg(name, good, { accepts: ['"x"'] });

/** A tensor. */
export const tensor = (name: string, good: unknown, ...bad: unknown[]): Argument =>
  arg(name, good, { bad: [[1, 2], 5, ...bad], also: /input|tensor/ });

/** Options; those of an object without needed fields may be left out, or empty. */
export function options(name: string, ...fields: Argument[]): Argument {
  const needed = fields.some((field) => !field.accepts.has("undefined"));
  const good = Object.fromEntries(
    fields.filter(({ good }) => good !== undefined).map(({ name, good }) => [name, good]),
  );
  const names = fields.filter((field) => !field.accepts.has("undefined")).map((field) => field.name);
  return {
    name,
    good,
    accepts: new Set(needed ? [] : ["undefined", "{}"]),
    bad: [],
    fields,
    ...(needed ? { also: new RegExp(`\\b(${names.join("|")})\\b`) } : {}),
  };
}

/** What JavaScript itself says when it trips over an argument that nobody looked at. */
const trips = [
  /Cannot (read|convert|destructure|use|set|assign|create|mix|access)/,
  /is not (a function|iterable|a constructor|defined|an? object)/,
  /undefined is not/,
  /Spread syntax/,
  /Invalid (array|typed array) length/,
  /Reduce of empty array/,
  /Maximum call stack/,
  /called on null/,
  /not (an object|a function)\b.*\(evaluating/,
];

/** What is wrong with how a call that was given `value` for `argument` ended; null where all is well. */
export function complaint(
  argument: Argument,
  value: unknown,
  outcome: { error: unknown } | { result: unknown },
): string | null {
  if ("result" in outcome) {
    return "it was accepted";
  }
  const { error } = outcome;
  if (!(error instanceof Error)) {
    return `it threw ${String(error)}`;
  }
  const { message } = error;
  if (trips.some((trip) => trip.test(message))) {
    return `JavaScript tripped: ${message}`;
  }
  const named = new RegExp(`\\b${argument.name}\\b`, "i").test(message) || argument.also?.test(message) === true;
  if (!named) {
    return `the message does not name ${argument.name}: ${message}`;
  }
  const isPlain = value === undefined || value === null || typeof value === "number";
  if (isPlain && !message.includes(String(value))) {
    return `the message does not say what was got: ${message}`;
  }
  return null;
}

/** How a call ended. */
export async function outcomeOf(call: () => unknown): Promise<{ error: unknown } | { result: unknown }> {
  try {
    return { result: await call() };
  } catch (error) {
    return { error };
  }
}

/** The first field's name with a letter too many, which every name that there is should be nearest to. */
export const misspelt = (field: Argument): string => `${field.name}z`;

/** All calls of a row with an option that does not exist. */
export function* misspeltCalls(row: Row): Generator<{ option: string; args: unknown[] }> {
  const good = row.args.map((argument) => argument.good);
  for (const [i, { fields = [], good: given }] of row.args.entries()) {
    const [field] = fields;
    if (field !== undefined) {
      const option = misspelt(field);
      const args = good.map((each, j) => (i === j ? { ...(given as object), [option]: field.good } : each));
      yield { option, args };
    }
  }
}

/** All calls of a row with one argument, or one field of one argument, wrong; a missing options object's fields are the argument's own matter. */
export function* wrongCalls(
  row: Row,
): Generator<{ argument: Argument; value: unknown; args: unknown[]; title: string }> {
  const good = row.args.map((argument) => argument.good);
  for (const [i, argument] of row.args.entries()) {
    const withValue = (value: unknown) => good.map((each, j) => (i === j ? value : each));
    for (const value of triedFor(argument)) {
      yield { argument, value, args: withValue(value), title: `${argument.name} = ${label(value)}` };
    }
    for (const field of argument.fields ?? []) {
      for (const value of triedFor(field)) {
        const args = withValue({ ...(argument.good as object), [field.name]: value });
        yield { argument: field, value, args, title: `${argument.name}.${field.name} = ${label(value)}` };
      }
    }
  }
}
