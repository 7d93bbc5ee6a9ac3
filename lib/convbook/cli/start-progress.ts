/** What `convbook start` says while it runs. */
import type { CellEvent, RunEvents, RunningCell, RunningCells, RunningCellsOptions } from "nbconvert-ts-runner";

/** Says what happens, with the time since the start. */
export class StartLog {
  readonly #started = performance.now();
  readonly #write: (line: string) => void;

  constructor(write: (line: string) => void = console.log) {
    this.#write = write;
  }

  step(text: string): void {
    const seconds = Math.round((performance.now() - this.#started) / 1000);
    this.#write(`[${String(Math.floor(seconds / 60))}:${String(seconds % 60).padStart(2, "0")}] ${text}`);
  }
}

const numberOf = ({ number, codeCells }: CellEvent) => `cell ${number} of ${codeCells}`;

/**
 * The functions to give to the run: what the running cell shows last, in one line on a terminal, and in a log every 30 seconds; a line for each cell
 * that took a second.
 *
 * @param Cells the runner's class, which is loaded when it is needed
 */
export function progressEvents(
  log: StartLog,
  Cells: new (options: RunningCellsOptions) => RunningCells,
  options: Partial<RunningCellsOptions> = {},
): RunEvents {
  const cells = new Cells({
    stream: process.stderr,
    // A terminal of 80 columns has room for little more than images, time left and rate.
    head: ({ event: { number, codeCells } }) => `[${number}/${codeCells}] `,
    note: ({ event, seconds, lastLine }: RunningCell) =>
      log.step(`${numberOf(event)}, running for ${Math.round(seconds)} s: ${lastLine}`),
    ...options,
  });
  return {
    onCellStart: (event) => cells.start(event),
    onOutput: ({ path, change }) => cells.output(path, change),
    onCellEnd: (event) => {
      cells.end(event.path);
      const { seconds, status } = event.result;
      if (status === "not-run" || (status === "passed" && seconds < 1)) {
        return;
      }
      log.step(`${numberOf(event)}, ${seconds.toFixed(1)} s${status === "passed" ? "" : `, ${status}`}: ${event.name}`);
    },
  };
}
