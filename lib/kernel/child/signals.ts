/**
 * Interrupts that user code takes itself. A cell that listens to SIGINT while it runs, as a training does, is told of the
 * first interrupt and ends in its own way.
 */

import { items, userProcess } from "./realm.ts";

type Listener = (signal: NodeJS.Signals, code: number) => void;

/** Listeners from before the cell, such as those that packages leave behind when they are imported. */
let before = new Set<unknown>();
let shared: Int32Array | undefined;

function own(): Listener[] {
  return items(process.rawListeners("SIGINT") as Listener[]).filter((listener) => !before.has(listener));
}

function tell(): void {
  if (shared !== undefined) {
    Atomics.store(shared, 0, own().length);
  }
}

/** Keeps the number of listeners of the running cell in `memory`, where the agent reads it while this thread is busy. */
export function installSignals(memory: SharedArrayBuffer): void {
  shared = new Int32Array(memory);
  // Node tells of a new listener before it is there.
  process.on("newListener", (event) => event === "SIGINT" && queueMicrotask(tell));
  process.on("removeListener", (event) => event === "SIGINT" && tell());
}

/** From here on listeners are those of a new cell. */
export function beginCell(): void {
  before = new Set(items(process.rawListeners("SIGINT")));
  tell();
}

/** Tells the running cell's listeners of an interrupt. */
export function signalCell(): void {
  for (const listener of own()) {
    Reflect.apply(listener, userProcess, ["SIGINT", 2]);
  }
}
