/** Calling the hooks of callbacks and module in Lightning's order, knowing which one runs. */

import { classNameOf } from "../../arguments/class-name.ts";
import { ConfigurationError } from "../errors.ts";
import type { Callback, CallbackHook, HookArguments } from "./callback.ts";
import type { TrainerContext } from "./trainer-context.ts";
import type { AnyTrainingModule } from "./training-module.ts";

/** The hooks that a module alone has, and those that it shares with callbacks. */
type ModuleHook = Exclude<
  {
    [K in keyof AnyTrainingModule]: NonNullable<AnyTrainingModule[K]> extends (...args: never[]) => unknown ? K : never;
  }[keyof AnyTrainingModule],
  undefined
>;

/** The hook-calling part of a Trainer. */
export class Hooks {
  /** The hook that runs now, or nothing. */
  current = "";
  /** Calls whose synchronous part is not over. */
  #depth = 0;
  readonly #trainer: TrainerContext;

  constructor(trainer: TrainerContext) {
    this.#trainer = trainer;
  }

  /** Whether code of the run is being executed. Code that was stopped from outside is for ever. */
  get isOnStack(): boolean {
    return this.#depth > 0;
  }

  /** Runs the synchronous part of a function, in sight of {@link isOnStack}. */
  onStack<T>(f: () => T): T {
    this.#depth++;
    try {
      return f();
    } finally {
      this.#depth--;
    }
  }

  /** Forgets calls that were stopped. */
  reset(): void {
    this.#depth = 0;
    this.current = "";
  }

  /** Runs a function as the hook of this name. */
  enter<T>(name: string, f: () => T): T {
    const before = this.current;
    this.current = name;
    const restore = () => {
      this.current = before;
    };
    const { profiler } = this.#trainer.options;
    let result: T;
    try {
      result = this.onStack(() => (profiler === undefined ? f() : profiler.measure(name, f)));
    } catch (error) {
      restore();
      throw error;
    }
    if (result instanceof Promise) {
      return result.finally(restore) as T;
    }
    restore();
    return result;
  }

  /** Calls a hook of the module alone, where it has one. */
  callModule<H extends ModuleHook>(hook: H, ...args: Parameters<NonNullable<AnyTrainingModule[H]>>): unknown {
    return this.#invokeModule(hook, args);
  }

  /** Calls a hook of the callbacks and the module in the middle of a synchronous step. */
  callSync<H extends CallbackHook>(hook: H, ...args: HookArguments<H>): void {
    const results = this.#trainer.callbacks.map((callback) => this.#invoke(callback, hook, args));
    results.push(this.#invokeModule(hook, args));
    if (results.every((result) => !(result instanceof Promise))) {
      return;
    }
    throw new ConfigurationError(
      hook,
      "a hook that returns a promise",
      "synchronous while a module optimizes by itself",
    );
  }

  /** Calls a hook of the callbacks alone. */
  async callCallbacks<H extends CallbackHook>(hook: H, ...args: HookArguments<H>): Promise<void> {
    for (const callback of this.#trainer.callbacks) {
      await this.#callCallback(callback, hook, args);
    }
  }

  /**
   * Calls a hook of the callbacks and the module.
   *
   * @returns what the module's hook returned
   */
  async call<H extends CallbackHook>(hook: H, ...args: HookArguments<H>): Promise<unknown> {
    return this.callThen(hook, undefined, ...args);
  }

  /**
   * Calls a hook of the callbacks and the module: callbacks first, then the module, then `between`, then callbacks that judge and save.
   *
   * @returns what the module's hook returned
   */
  async callThen<H extends CallbackHook>(
    hook: H,
    between: (() => void | Promise<void>) | undefined,
    ...args: HookArguments<H>
  ): Promise<unknown> {
    const isEnd = /^on(TrainBatch|TrainEpoch|Validation|Test|Train)End$/.test(hook);
    const late = (callback: Callback) => isEnd && callback.runsLast;
    const { callbacks } = this.#trainer;
    for (const callback of callbacks) {
      if (!late(callback)) {
        await this.#callCallback(callback, hook, args);
      }
    }
    const response = this.#invokeModule(hook, args);
    const answer = response instanceof Promise ? await this.#trainer.run.wait(response) : response;
    if (between !== undefined) {
      await between();
    }
    for (const callback of callbacks) {
      if (late(callback)) {
        await this.#callCallback(callback, hook, args);
      }
    }
    return answer;
  }

  #invokeModule(hook: string, args: readonly unknown[]): unknown {
    const { module } = this.#trainer;
    const own: unknown = Reflect.get(module, hook);
    return this.enter(hook, () => (typeof own === "function" ? own.apply(module, args) : undefined));
  }

  async #callCallback(callback: Callback, hook: CallbackHook, args: readonly unknown[]): Promise<void> {
    const result = this.#invoke(callback, hook, args);
    if (result instanceof Promise) {
      await this.#trainer.run.wait(result);
    }
  }

  #invoke(callback: Callback, hook: CallbackHook, args: readonly unknown[]): unknown {
    const trainer = this.#trainer;
    const { profiler } = trainer.options;
    const call = () =>
      this.#enterBriefly(hook, () => Reflect.apply(callback[hook], callback, [trainer, trainer.module, ...args]));
    return profiler === undefined ? call() : profiler.measure(`${classNameOf(callback)}.${hook}`, call);
  }

  /** Runs the synchronous part of a function as the hook of this name, unmeasured. */
  #enterBriefly<T>(name: string, f: () => T): T {
    const before = this.current;
    this.current = name;
    try {
      return this.onStack(f);
    } finally {
      this.current = before;
    }
  }
}
