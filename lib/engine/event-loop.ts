/** Turns of the event loop, in Node and in pages. */

/**
 * Calls a function when this turn of the event loop is over; in a page, which has no `setImmediate`, at its next timer.
 *
 * @returns what takes it back
 */
export function afterThisTurn(body: () => void): () => void {
  if (typeof setImmediate === "function") {
    const handle = setImmediate(body);
    return () => clearImmediate(handle);
  }
  const handle = setTimeout(body);
  return () => clearTimeout(handle);
}
