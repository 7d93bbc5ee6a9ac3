/** Whether the kernel has ended processes for lack of memory: launchers know of a signal only. */
import { readFileSync } from "node:fs";

/** Where Linux counts, since it was started. */
const counters = "/proc/vmstat";

export class MemoryDeaths {
  readonly #path: string;
  readonly #before: number | undefined;

  /** Counts from here on. */
  constructor(path = counters) {
    this.#path = path;
    this.#before = this.#count();
  }

  /** Processes of this machine that were killed since; undefined where the system does not tell. */
  #count(): number | undefined {
    try {
      const [, count] = /^oom_kill (\d+)$/m.exec(readFileSync(this.#path, "utf8")) ?? [];
      return count === undefined ? undefined : Number(count);
    } catch {
      return undefined;
    }
  }

  /** What to tell somebody whose ranks ended, where there is something to tell. */
  words(): string | undefined {
    const now = this.#count();
    const killed = now === undefined || this.#before === undefined ? 0 : now - this.#before;
    if (killed === 0) {
      return undefined;
    }
    return (
      `Meanwhile the kernel killed ${killed === 1 ? "a process" : `${killed} processes`} of this machine for lack of memory (oom_kill in ${this.#path}). ` +
      "Smaller batches or fewer processes need less."
    );
  }
}
