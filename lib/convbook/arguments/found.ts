/** What the surrounding code has put there itself. */

/**
 * The value, which types do not know to be there.
 *
 * @throws {Error} naming what is missing
 */
export function found<T>(value: T | undefined, what: string): T {
  if (value === undefined) {
    throw new Error(`${what} is missing.`);
  }
  return value;
}
