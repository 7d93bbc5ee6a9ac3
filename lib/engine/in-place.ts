/** Who is told that variables are about to change in place: whoever has put off reading them reads them now. */
import type { Variable } from "@tensorflow/tfjs-core";

type Listener = (variables: readonly Variable[]) => void;

const listeners = new Set<Listener>();

/**
 * Calls a function before steps of optimizers change variables in place, which no assignment tells of.
 *
 * @param listener is given the variables, which still have their values
 * @returns what takes it away again
 */
export function beforeInPlaceChange(listener: Listener): () => void {
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
  };
}

/** Says that variables are about to change. */
export function aboutToChange(variables: readonly Variable[]): void {
  for (const listener of listeners) {
    listener(variables);
  }
}
