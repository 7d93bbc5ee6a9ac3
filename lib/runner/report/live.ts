/** What people see while notebooks run: a line in place on a terminal, plain lines in a log. */
import { styleText } from "node:util";
import { type NotebookOutcome, shownPath } from "../run/run-many.ts";
import type { RunEvents } from "../run/types.ts";
import { placeOf, problemsOf, seconds, slowestCells, tally } from "./format.ts";
import { type RunningCell, RunningCells, shownText } from "./running-cells.ts";

export interface LiveOptions {
  readonly stream: NodeJS.WriteStream;
  /** Whether to redraw a line in place and to colour; default: whether the stream is a terminal. */
  readonly terminal?: boolean | undefined;
  /** Print what the cells print. */
  readonly verbose?: boolean | undefined;
  /** Print nothing but problems and the last line. */
  readonly quiet?: boolean | undefined;
  /** How many of the slowest cells are listed at the end. */
  readonly slowest?: number | undefined;
}

const marks: Readonly<Record<string, readonly [string, Parameters<typeof styleText>[0]]>> = {
  passed: ["✓", "green"],
  cached: ["✓", "green"],
  different: ["≠", "yellow"],
  "not-run": ["-", "gray"],
};

/** Reports a run on a stream. */
export class LiveReport {
  readonly #options: LiveOptions;
  readonly #cells: RunningCells;
  readonly #start = performance.now();

  constructor(options: LiveOptions) {
    this.#options = options;
    const place = ({ event }: RunningCell) => `${shownPath(event.path)} [${event.number}/${event.codeCells}]`;
    this.#cells = new RunningCells({
      stream: options.stream,
      terminal: options.terminal,
      head: (cell) => `▸ ${place(cell)} ${seconds(cell.seconds)}  `,
      note: options.quiet
        ? undefined
        : (cell) => this.#cells.print(`${place(cell)} running ${seconds(cell.seconds)}  ${cell.lastLine}`),
    });
  }

  /** The functions to give to the run. */
  readonly events: RunEvents & {
    onOutcome: (outcome: NotebookOutcome) => void;
    onCacheMiss: (path: string, reason: string) => void;
  } = {
    onNotebookStart: ({ path, codeCells }) => {
      if (!this.#cells.isTerminal && !this.#options.quiet) {
        this.#cells.print(`${shownPath(path)}: ${codeCells} cells`);
      }
    },
    onCellStart: (event) => this.#cells.start(event),
    onOutput: ({ path, change }) => {
      this.#cells.output(path, change);
      const text = change.kind === "update" ? "" : shownText(change);
      if (this.#options.verbose && text !== "") {
        this.#cells.erase();
        this.#options.stream.write(text.endsWith("\n") ? text : `${text}\n`);
      }
    },
    onCellEnd: ({ path, number, codeCells, result }) => {
      this.#cells.end(path);
      if (
        !this.#cells.isTerminal &&
        !this.#options.quiet &&
        result.status !== "skipped" &&
        result.status !== "not-run"
      ) {
        this.#cells.print(
          `${shownPath(path)} [${number}/${codeCells}] ${result.status} ${seconds(result.seconds)}  ${result.name}`,
        );
      }
    },
    onCacheMiss: (path, reason) => this.#cells.print(`${shownPath(path)}: runs again, ${reason}`),
    onOutcome: (outcome) => this.#outcome(outcome),
  };

  #outcome(outcome: NotebookOutcome): void {
    this.#cells.end(outcome.path);
    const { status, result } = outcome;
    const [mark, colour] = marks[status] ?? ["✗", "red"];
    const cells = result?.cells.filter((cell) => cell.status === "passed").length;
    const about = [
      result === undefined ? undefined : `${cells}/${result.cells.length} cells`,
      status === "cached" ? "unchanged since it passed" : status === "not-run" ? "not run" : seconds(outcome.seconds),
      outcome.updated ? "outputs updated" : undefined,
    ].filter((part) => part !== undefined);
    const good = status === "passed" || status === "cached" || status === "not-run";
    if (!this.#options.quiet || !good) {
      this.#cells.print(
        `${this.#paint(colour, mark)} ${shownPath(outcome.path)}  ${this.#paint("gray", about.join(", "))}`,
      );
    }
    for (const warning of result?.warnings ?? []) {
      this.#cells.print(`  ${this.#paint("yellow", `warning: ${warning}`)}`);
    }
    for (const problem of problemsOf(outcome, () => undefined)) {
      const place =
        problem.number === undefined
          ? ""
          : `${placeOf({ ...problem, path: shownPath(problem.path) })}${problem.name === "" ? "" : ` (${problem.name})`}`;
      if (place !== "") {
        this.#cells.print(`  ${this.#paint("bold", place)}`);
      }
      for (const line of problem.details.split("\n")) {
        this.#cells.print(`    ${this.#paintDiff(line)}`);
      }
    }
  }

  /** The last words. */
  end(outcomes: readonly NotebookOutcome[]): void {
    this.#cells.stop();
    const { slowest = 0 } = this.#options;
    const slow = slowestCells(outcomes, slowest);
    if (slow.length > 0 && !this.#options.quiet) {
      this.#cells.print("Slowest cells:");
      for (const { path, cell } of slow) {
        this.#cells.print(
          `  ${seconds(cell.seconds).padStart(9)}  ${shownPath(path)}, cell ${cell.number}  ${this.#paint("gray", cell.name)}`,
        );
      }
    }
    if (outcomes.length !== 1 || !this.#options.quiet) {
      const word = outcomes.length === 1 ? "notebook" : "notebooks";
      this.#cells.print(
        `${outcomes.length} ${word}: ${tally(outcomes)} in ${seconds((performance.now() - this.#start) / 1000)}`,
      );
    }
  }

  #paint(colour: Parameters<typeof styleText>[0], text: string): string {
    return this.#cells.isTerminal && process.env.NO_COLOR === undefined ? styleText(colour, text) : text;
  }

  #paintDiff(line: string): string {
    return /^ {2}\+/.test(line) ? this.#paint("green", line) : /^ {2}-/.test(line) ? this.#paint("red", line) : line;
  }
}
