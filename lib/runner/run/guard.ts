/** Watches a running cell: time, memory, the amount of output, the caller's wish to end. */
import type { KernelManager } from "../kernels/manager.ts";

/** Why a cell was stopped. */
export interface StopReason {
  readonly status: "timed-out" | "interrupted" | "failed" | "kernel-died";
  /** A name in the manner of an error's class. */
  readonly name: string;
  readonly message: string;
}

export interface GuardLimits {
  /** Seconds for this cell; undefined for no limit. */
  readonly cellSeconds: number | undefined;
  /** Time at which the notebook's time is up, on performance.now()'s clock, and its limit in seconds. */
  readonly notebookDeadline: number | undefined;
  readonly notebookSeconds: number | undefined;
  /** Said behind the limit, where nobody has set it. */
  readonly notebookLimitNote?: string | undefined;
  /** Bytes. */
  readonly memory: number | undefined;
  readonly interruptGrace: number;
  readonly signal: AbortSignal | undefined;
}

/** How often memory is measured while a cell runs, ms. */
const memoryInterval = 100;

/** Stops one cell when it must: an interrupt first, then, where that is ignored, the end of the kernel. */
export class CellGuard {
  readonly #kernel: KernelManager;
  readonly #limits: GuardLimits;
  readonly #timers: NodeJS.Timeout[] = [];
  #kill: NodeJS.Timeout | undefined;
  #replied = false;
  readonly #abort = () => this.stop({ status: "interrupted", name: "Interrupted", message: "the run was interrupted" });
  reason: StopReason | undefined;
  /** True where the interrupt was ignored, so that the kernel was killed. */
  killed = false;
  peakMemory = 0;

  constructor(kernel: KernelManager, limits: GuardLimits) {
    this.#kernel = kernel;
    this.#limits = limits;
    const { cellSeconds, notebookDeadline, notebookSeconds, memory, signal } = limits;
    if (cellSeconds !== undefined) {
      this.#after(cellSeconds * 1000, `the cell took longer than ${cellSeconds} s`);
    }
    if (notebookDeadline !== undefined) {
      this.#after(
        notebookDeadline - performance.now(),
        `the notebook took longer than ${notebookSeconds} s${limits.notebookLimitNote === undefined ? "" : `, ${limits.notebookLimitNote}`}`,
      );
    }
    const measure = setInterval(() => {
      const bytes = this.measure();
      if (memory !== undefined && bytes > memory) {
        this.stop({
          status: "kernel-died",
          name: "MemoryLimitExceeded",
          message: `the kernel took ${mebibytes(bytes)} MiB, more than the limit of ${mebibytes(memory)} MiB`,
        });
      }
    }, memoryInterval);
    measure.unref();
    this.#timers.push(measure);
    signal?.addEventListener("abort", this.#abort);
    if (signal?.aborted) {
      this.#abort();
    }
  }

  /** Takes the kernel's memory into account now; gives it in bytes. */
  measure(): number {
    const bytes = this.#kernel.memory;
    this.peakMemory = Math.max(this.peakMemory, bytes);
    return bytes;
  }

  #after(ms: number, message: string): void {
    // Longer delays than 2^31 ms fire at once.
    if (ms < 2 ** 31) {
      this.#timers.push(
        setTimeout(() => this.stop({ status: "timed-out", name: "TimeoutError", message }), Math.max(0, ms)),
      );
    }
  }

  /** Stops the cell for a reason; the first one counts. */
  stop(reason: StopReason): void {
    if (this.reason !== undefined) {
      return;
    }
    this.reason = reason;
    if (this.#replied) {
      // The cell has ended by itself; only its outputs still come.
      return;
    }
    this.#kernel.interrupt();
    // Where memory runs out there is no time to be kind.
    const grace =
      reason.name === "MemoryLimitExceeded" ? Math.min(1, this.#limits.interruptGrace) : this.#limits.interruptGrace;
    this.#kill = setTimeout(() => {
      this.killed = true;
      this.#kernel.killNow();
    }, grace * 1000);
    this.#timers.push(this.#kill);
  }

  /** The kernel has replied: it obeyed, however long its outputs take to come. */
  replied(): void {
    this.#replied = true;
    clearTimeout(this.#kill);
  }

  /** The kernel is asked for more. */
  asks(): void {
    this.#replied = false;
  }

  [Symbol.dispose](): void {
    for (const timer of this.#timers) {
      clearTimeout(timer);
    }
    this.#limits.signal?.removeEventListener("abort", this.#abort);
  }
}

export function mebibytes(bytes: number): number {
  return Math.round(bytes / 2 ** 20);
}
