/** What figures, grids and progress ask of their options: everything that is left out is as it should be. */
import { DisplayError, wrongArgument } from "./errors.ts";

/**
 * Requires an object of options, with no others than the known ones where these are given.
 *
 * @throws {DisplayError} naming what is wrong
 */
export function checkOptions(figure: string, options: object, known?: readonly string[]): void {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw wrongArgument(figure, "options", options, "an object");
  }
  const other = known === undefined ? undefined : Object.keys(options).find((name) => !known.includes(name));
  if (known !== undefined && other !== undefined) {
    throw new DisplayError(`${figure} has no option "${other.slice(0, 60)}". Options: ${known.join(", ")}.`);
  }
}

/** Requires strings. */
export function checkTexts(figure: string, texts: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(texts)) {
    if (value !== undefined && typeof value !== "string") {
      throw wrongArgument(figure, name, value, "a string");
    }
  }
}

/** Requires whole numbers of at least `least`. */
export function checkWhole(figure: string, numbers: Readonly<Record<string, unknown>>, least: number): void {
  for (const [name, value] of Object.entries(numbers)) {
    if (value !== undefined && !(Number.isSafeInteger(value) && Number(value) >= least)) {
      throw wrongArgument(figure, name, value, `a whole number of at least ${least}`);
    }
  }
}

/**
 * Requires numbers from 0 up.
 *
 * @param unit what they are, as a message says it
 */
export function checkFromZero(figure: string, numbers: Readonly<Record<string, unknown>>, unit = "a number"): void {
  for (const [name, value] of Object.entries(numbers)) {
    if (value !== undefined && !(typeof value === "number" && value >= 0)) {
      throw wrongArgument(figure, name, value, `${unit} from 0 up`);
    }
  }
}
