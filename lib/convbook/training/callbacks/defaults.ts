/** Which callbacks a Trainer has besides those that it was given, and in which order they run. */

import { Callback } from "../core/callback.ts";
import { refuseGoneHooks } from "../core/removed-names.ts";
import type { ResolvedOptions } from "../core/trainer-options.ts";
import { requireOption } from "../errors.ts";
import { ModelCheckpoint } from "./model-checkpoint.ts";
import { ProgressBar } from "./progress-bar.ts";
import { Timer } from "./timer.ts";

/** The given callbacks, and the usual ones where none of their kind is given. */
export function defaultCallbacks(given: readonly Callback[], options: ResolvedOptions): readonly Callback[] {
  for (const callback of given) {
    requireOption(callback instanceof Callback, "Trainer.callbacks", callback, "made of Callbacks");
    refuseGoneHooks(callback, Callback.prototype);
  }
  const all = [...given];
  const has = (type: new (...args: never[]) => Callback) => all.some((callback) => callback instanceof type);
  if (options.maxSeconds !== undefined) {
    all.push(new Timer({ duration: options.maxSeconds }));
  }
  if (options.enableProgressBar && !has(ProgressBar)) {
    all.push(new ProgressBar());
  }
  if (options.enableCheckpointing && !has(ModelCheckpoint)) {
    all.push(new ModelCheckpoint());
  }
  const keys = new Set<string>();
  for (const callback of all) {
    const { stateKey } = callback;
    const isTwice = keys.has(stateKey) && Object.keys(callback.stateDict()).length > 0;
    requireOption(!isTwice, "Trainer.callbacks", stateKey, "callbacks that differ in what their state is saved under");
    keys.add(stateKey);
  }
  return all;
}

/** Ordinary callbacks first, then those that judge, then those that save. */
export function arrangeCallbacks(callbacks: readonly Callback[]): readonly Callback[] {
  const rank = (callback: Callback) => (callback instanceof ModelCheckpoint ? 2 : callback.runsLast ? 1 : 0);
  return callbacks.toSorted((a, b) => rank(a) - rank(b));
}
