/**
 * Requests to stop a command that trains, from its beginning on: the Trainer itself listens only while it runs.
 *
 * A process that was started alone ends at once as long as there is nothing to save. Processes of a launcher must end together: what they are asked
 * before is handed to the Trainer, which agrees on it with the others.
 */

/**
 * How `convbook train --devices` asks its processes to stop. Open MPI's mpirun hands this signal on; at SIGINT and SIGTERM it begins to kill.
 */
export const stopSignal = "SIGUSR2";

const codes: Readonly<Partial<Record<NodeJS.Signals, number>>> = { SIGINT: 130, SIGTERM: 143, [stopSignal]: 143 };

export class StopRequests {
  readonly #controller = new AbortController();
  readonly #isLaunched: boolean;
  readonly #early = (signal: NodeJS.Signals) => {
    if (!this.#isLaunched) {
      console.log("interrupted: before training began");
    }
    if (!this.#isLaunched || this.#controller.signal.aborted) {
      process.exit(codes[signal] ?? 1);
    }
    this.#controller.abort();
  };
  readonly #asked = () => this.#controller.abort();

  /** Listens from now on. @param isLaunched whether a launcher started this process, perhaps with others */
  constructor(isLaunched: boolean) {
    this.#isLaunched = isLaunched;
    process.on("SIGINT", this.#early);
    process.on("SIGTERM", this.#early);
    if (isLaunched) {
      process.on(stopSignal, this.#asked);
    }
  }

  /** For the Trainer: aborts when this process is, or was, asked to stop. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Leaves SIGINT and SIGTERM to the Trainer, or to the process that this one starts. */
  handOver(): void {
    process.off("SIGINT", this.#early);
    process.off("SIGTERM", this.#early);
  }
}
