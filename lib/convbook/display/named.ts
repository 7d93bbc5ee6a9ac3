/** Things by name, in the order in which they were given. */
import { DisplayError, shortly } from "./errors.ts";

/** Things by name. In an object names that are whole numbers come first, in their order, whatever was written; a Map keeps any order. */
export type Named<T> = { readonly [name: string]: T } | ReadonlyMap<string, T>;

/**
 * The entries, in their order.
 *
 * @throws {DisplayError} naming the argument of the figure that holds nothing by name
 */
export function namedEntries<T>(figure: string, argument: string, given: Named<T>): [name: string, value: T][] {
  if (typeof given !== "object" || given === null || Array.isArray(given) || ArrayBuffer.isView(given)) {
    throw new DisplayError(`${figure}: ${argument} is ${shortly(given)}; expected an object, or a Map, by name`);
  }
  return given instanceof Map ? [...given] : Object.entries(given);
}
