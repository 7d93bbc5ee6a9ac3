/** Calling the hooks of callbacks and module in Lightning's order, knowing which one runs. */
import type { Callback, CallbackHook } from "./callbacks/callback.ts";
import { ConfigurationError } from "./errors.ts";
import type { Trainer } from "./trainer.ts";

/** The hook-calling part of a Trainer. */
export class Hooks {
  /** The hook that runs now, or nothing. */
  current = "";
  /** Calls whose synchronous part is not over. */
  private depth = 0;
  private readonly trainer: Trainer;

  constructor(trainer: Trainer) {
    this.trainer = trainer;
  }

  /** Whether code of the run is being executed. Code that was stopped from outside is for ever. */
  get isOnStack(): boolean {
    return this.depth > 0;
  }

  /** Runs the synchronous part of a function, in sight of {@link isOnStack}. */
  onStack<T>(f: () => T): T {
    this.depth++;
    try {
      return f();
    } finally {
      this.depth--;
    }
  }

  /** Forgets calls that were stopped. */
  reset(): void {
    this.depth = 0;
    this.current = "";
  }

  /** Runs a function as the hook of this name. */
  enter<T>(name: string, f: () => T): T {
    const before = this.current;
    this.current = name;
    const restore = () => {
      this.current = before;
    };
    const { profiler } = this.trainer.options;
    let result: T;
    try {
      result = this.onStack(() => (profiler === undefined ? f() : profiler.measure(name, f)));
    } catch (error) {
      restore();
      throw error;
    }
    if (result instanceof Promise) return result.finally(restore) as T;
    restore();
    return result;
  }

  /** Calls a hook of the module alone. */
  callModule(hook: string, ...args: unknown[]): unknown {
    const module = this.trainer.module as unknown as Record<string, ((...args: unknown[]) => unknown) | undefined>;
    return this.enter(hook, () => module[hook]?.(...args));
  }

  /** Calls a hook of the callbacks and the module in the middle of a synchronous step. */
  callSync(hook: CallbackHook, ...args: unknown[]): void {
    const results = this.trainer.callbacks.map((callback) => this.invoke(callback, hook, args));
    results.push(this.callModule(hook, ...args));
    if (results.every((result) => !(result instanceof Promise))) return;
    throw new ConfigurationError(
      hook,
      "a hook that returns a promise",
      "synchronous while a module optimizes by itself",
    );
  }

  /** Calls a hook of the callbacks alone. */
  async callCallbacks(hook: CallbackHook, ...args: unknown[]): Promise<void> {
    for (const callback of this.trainer.callbacks) await this.callCallback(callback, hook, args);
  }

  /**
   * Calls a hook of the callbacks and the module.
   *
   * @returns what the module's hook returned
   */
  async call(hook: CallbackHook, ...args: unknown[]): Promise<unknown> {
    return this.callThen(hook, undefined, ...args);
  }

  /**
   * Calls a hook of the callbacks and the module: callbacks first, then the module, then `between`, then callbacks that judge and save.
   *
   * @returns what the module's hook returned
   */
  async callThen(
    hook: CallbackHook,
    between: (() => void | Promise<void>) | undefined,
    ...args: unknown[]
  ): Promise<unknown> {
    const isEnd = /^on(TrainBatch|TrainEpoch|Validation|Test|Train)End$/.test(hook);
    const late = (callback: Callback) => isEnd && callback.runsLast;
    const { callbacks } = this.trainer;
    for (const callback of callbacks) if (!late(callback)) await this.callCallback(callback, hook, args);
    const response = this.callModule(hook, ...args);
    const answer = response instanceof Promise ? await this.trainer.run.wait(response) : response;
    if (between !== undefined) await between();
    for (const callback of callbacks) if (late(callback)) await this.callCallback(callback, hook, args);
    return answer;
  }

  private async callCallback(callback: Callback, hook: CallbackHook, args: readonly unknown[]): Promise<void> {
    const result = this.invoke(callback, hook, args);
    if (result instanceof Promise) await this.trainer.run.wait(result);
  }

  private invoke(callback: Callback, hook: CallbackHook, args: readonly unknown[]): unknown {
    const { trainer } = this;
    const { profiler } = trainer.options;
    const call = () =>
      this.enterBriefly(hook, () =>
        (callback[hook] as (...all: unknown[]) => unknown).call(callback, trainer, trainer.module, ...args),
      );
    return profiler === undefined
      ? call()
      : profiler.measure(`${callback.constructor.name || "Callback"}.${hook}`, call);
  }

  /** Runs the synchronous part of a function as the hook of this name, unmeasured. */
  private enterBriefly<T>(name: string, f: () => T): T {
    const before = this.current;
    this.current = name;
    try {
      return this.onStack(f);
    } finally {
      this.current = before;
    }
  }
}
