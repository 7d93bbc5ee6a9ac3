/** What figures, grids and progress ask of their options: everything that is left out is as it should be. */
import { nearestNames, shortened } from "../arguments/names.ts";
import { DisplayError, wrongArgument } from "./errors.ts";

/**
 * Requires an object of options, with no others than the known ones.
 *
 * @throws {DisplayError} naming what is wrong, and of a name that there is not the nearest
 */
export function checkOptions(figure: string, options: object, known: readonly string[]): void {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw wrongArgument(figure, "options", options, "an object");
  }
  const other = Object.keys(options).find((name) => !known.includes(name));
  if (other !== undefined) {
    const [nearest] = nearestNames(other, known, 1);
    const hint = nearest === undefined ? "" : ` Did you mean "${nearest}"?`;
    throw new DisplayError(`${figure} has no option "${shortened(other)}".${hint} Options: ${known.join(", ")}.`);
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
