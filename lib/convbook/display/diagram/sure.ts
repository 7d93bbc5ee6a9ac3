/** What the layout itself has put there. */

/**
 * The value, which types do not know to be there.
 *
 * @throws {Error} where it is not
 */
export function sure<T>(value: T | undefined): T {
  if (value === undefined) {
    throw new Error("A part of a diagram's layout is missing.");
  }
  return value;
}
