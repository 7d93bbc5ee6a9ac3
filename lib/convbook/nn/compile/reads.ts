/** Who is told that the value of a buffer is about to be read: what would change it may have been put off. */

let listener: (() => void) | undefined;

/** Calls `call` before buffers are read, until it is called with undefined. */
export function beforeReads(call: (() => void) | undefined): void {
  listener = call;
}

/** Says that a buffer is about to be read. */
export function aboutToRead(): void {
  listener?.();
}
