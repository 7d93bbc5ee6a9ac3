/** Ctrl-C, a kernel's interrupt and AbortSignals: once stops at the end of the batch, twice stops at once. Never ends the process. */

/** Thrown inside of the loops to leave them; the trainer turns it into the status `interrupted`. */
export class Interruption extends Error {
  override readonly name = "Interruption";
  constructor() {
    super("Training was interrupted.");
  }
}

/** Listens for requests to stop while the trainer runs. */
export class InterruptionListener {
  /** How often somebody asked to stop. */
  requests = 0;
  /** How often this process was asked. */
  received = 0;
  /** Whether requests count from when the processes agree on them, rather than at once. */
  isShared = false;
  readonly #signal: AbortSignal | undefined;
  readonly #handlesProcess: boolean;
  readonly #listener = () => {
    this.received++;
    if (!this.isShared) {
      this.requests++;
    }
  };

  /**
   * @param signal counts as one request when it aborts, or has aborted
   * @param handlesProcess whether SIGINT (and, once, SIGTERM) are requests while this listens
   */
  constructor(signal: AbortSignal | undefined, handlesProcess: boolean) {
    this.#signal = signal;
    this.#handlesProcess = handlesProcess;
    if (signal?.aborted) {
      this.#listener();
    }
    signal?.addEventListener("abort", this.#listener);
    if (handlesProcess) {
      process.on("SIGINT", this.#listener);
      process.on("SIGTERM", this.#listener);
    }
  }

  /** Whether to stop when the batch is over. */
  get requested(): boolean {
    return this.requests > 0;
  }

  /** Whether to stop at once, without saving. */
  get urgent(): boolean {
    return this.requests > 1;
  }

  /** Stops listening. */
  stop(): void {
    this.#signal?.removeEventListener("abort", this.#listener);
    if (this.#handlesProcess) {
      process.off("SIGINT", this.#listener);
      process.off("SIGTERM", this.#listener);
    }
  }
}

/** Lets timers, signals and messages have their turn. */
export function yieldToEventLoop(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
