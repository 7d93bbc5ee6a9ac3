/**
 * Which cell started the work that runs now. Promises carry it through V8's promise hooks, timers through wrappers.
 *
 * AsyncLocalStorage would do the same on newer versions of Node; on Node 20 it turns async hooks on, and Node then
 * aborts when a cell is terminated inside a promise's continuation.
 */
import { syncBuiltinESMExports } from "node:module";
import timers from "node:timers";
import { promisify } from "node:util";
import { promiseHooks } from "node:v8";
import { exposed, userGlobal, userProcess } from "./realm.ts";

/** The cell's number; 0 where none started the work. */
let current = 0;

const ofPromise = new WeakMap<object, number>();
/** Errors that left a timer's callback, with the cell of the timer. */
const ofError = new WeakMap<object, number>();

export const cellContext = {
  get current(): number {
    return current;
  },

  /** Sets the cell for what runs from here on; the next timer or promise sets its own. */
  enter(cell: number): void {
    current = cell;
  },

  run<T>(cell: number, work: () => T): T {
    const before = current;
    current = cell;
    try {
      return work();
    } finally {
      current = before;
    }
  },

  /** The cell that a rejected promise or a thrown error comes from, if it is known. */
  originOf(thing: unknown): number | undefined {
    return typeof thing === "object" && thing !== null ? (ofPromise.get(thing) ?? ofError.get(thing)) : undefined;
  },
};

type Callback = (...args: unknown[]) => unknown;

function bind(callback: Callback): Callback {
  const cell = current;
  return function (this: unknown, ...args: unknown[]) {
    const before = current;
    current = cell;
    try {
      return Reflect.apply(callback, this, args);
    } catch (error) {
      if (typeof error === "object" && error !== null) {
        ofError.set(error, cell);
      }
      throw error;
    } finally {
      current = before;
    }
  };
}

/** A function that takes a callback first, with the callback bound to the cell that passes it. */
function wrap<F extends (...args: never[]) => unknown>(original: F): F {
  const wrapped = (callback: unknown, ...rest: unknown[]) =>
    (original as unknown as Callback)(typeof callback === "function" ? bind(callback as Callback) : callback, ...rest);
  Object.defineProperty(wrapped, "name", { value: original.name });
  const custom = (original as unknown as Record<symbol, unknown>)[promisify.custom];
  if (custom !== undefined) {
    Object.defineProperty(wrapped, promisify.custom, { value: custom });
  }
  return exposed(wrapped) as unknown as F;
}

/** Starts to follow promises and timers. */
export function installCellContext(): void {
  const outer: number[] = [];
  promiseHooks.createHook({
    init(promise) {
      if (current !== 0) {
        ofPromise.set(promise, current);
      }
    },
    before(promise) {
      outer.push(current);
      current = ofPromise.get(promise) ?? 0;
    },
    after() {
      current = outer.pop() ?? 0;
      // A continuation that was terminated never gets here, and what it pushed goes with the next turn.
      if (current === 0) {
        outer.length = 0;
      }
    },
  });
  const mutable = timers as unknown as Record<string, (...args: never[]) => unknown>;
  for (const name of ["setTimeout", "setInterval", "setImmediate"] as const) {
    const wrapped = wrap(mutable[name] as typeof setTimeout);
    mutable[name] = wrapped as never;
    setGlobal(name, wrapped);
  }
  syncBuiltinESMExports();
  setGlobal("queueMicrotask", wrap(queueMicrotask));
  userProcess.nextTick = wrap(process.nextTick);
}

/** A global of both realms. */
function setGlobal(name: string, value: unknown): void {
  for (const owner of new Set([globalThis, userGlobal])) {
    Object.defineProperty(owner, name, { value, writable: true, configurable: true });
  }
}
