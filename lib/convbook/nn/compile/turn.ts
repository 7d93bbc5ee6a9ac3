/** When a notebook's cell is stopped from outside, nothing that stands behind it runs, `finally` included: what it would have set back ends with its turn of the event loop. */

const resets: (() => void)[] = [];
let isScheduled = false;

/** Says what is to be set back at the end of a turn in which {@link guardTurn} was called. */
export function atEndOfTurn(reset: () => void): void {
  resets.push(reset);
}

/** Has everything set back at the end of this turn of the event loop. */
export function guardTurn(): void {
  if (isScheduled || globalThis.setImmediate === undefined) {
    return;
  }
  isScheduled = true;
  globalThis.setImmediate(() => {
    isScheduled = false;
    for (const reset of resets) {
      reset();
    }
  });
}
