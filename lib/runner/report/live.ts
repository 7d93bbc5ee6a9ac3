/** What people see while notebooks run: a line in place on a terminal, plain lines in a log. */
import { stripVTControlCharacters, styleText } from "node:util";
import { joinLines } from "../notebook/types.ts";
import { type NotebookOutcome, shownPath } from "../run/run-many.ts";
import type { CellEvent, RunEvents } from "../run/types.ts";
import { placeOf, problemsOf, seconds, slowestCells, tally } from "./format.ts";

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

interface Running {
  readonly event: CellEvent;
  readonly since: number;
  lastLine: string;
}

/** How often the line in place is redrawn, ms. */
const redrawInterval = 100;

const marks: Readonly<Record<string, readonly [string, Parameters<typeof styleText>[0]]>> = {
  passed: ["✓", "green"],
  cached: ["✓", "green"],
  different: ["≠", "yellow"],
  "not-run": ["-", "gray"],
};

/** Reports a run on a stream. */
export class LiveReport {
  readonly #options: LiveOptions;
  readonly #terminal: boolean;
  readonly #running = new Map<string, Running>();
  #timer: NodeJS.Timeout | undefined;
  #drawn = 0;
  readonly #start = performance.now();

  constructor(options: LiveOptions) {
    this.#options = options;
    this.#terminal = options.terminal ?? (options.stream.isTTY === true && process.env.TERM !== "dumb");
  }

  /** The functions to give to the run. */
  readonly events: RunEvents & {
    onOutcome: (outcome: NotebookOutcome) => void;
    onCacheMiss: (path: string, reason: string) => void;
  } = {
    onNotebookStart: ({ path, codeCells }) => {
      if (!this.#terminal && !this.#options.quiet) {
        this.#line(`${shownPath(path)}: ${codeCells} cells`);
      }
    },
    onCellStart: (event) => {
      this.#running.set(event.path, { event, since: performance.now(), lastLine: "" });
      this.#schedule();
    },
    onOutput: ({ path, change }) => {
      const running = this.#running.get(path);
      const text =
        change.kind === "stream"
          ? change.text
          : change.kind === "output" && "data" in change.output
            ? joinLines(change.output.data["text/plain"])
            : "";
      if (running !== undefined && text !== "") {
        running.lastLine = lastLineOf(text) ?? running.lastLine;
      }
      if (this.#options.verbose && text !== "") {
        this.#erase();
        this.#options.stream.write(text.endsWith("\n") ? text : `${text}\n`);
      }
    },
    onCellEnd: ({ path, number, codeCells, result }) => {
      this.#running.delete(path);
      if (!this.#terminal && !this.#options.quiet && result.status !== "skipped" && result.status !== "not-run") {
        this.#line(
          `${shownPath(path)} [${number}/${codeCells}] ${result.status} ${seconds(result.seconds)}  ${result.name}`,
        );
      }
    },
    onCacheMiss: (path, reason) => this.#line(`${shownPath(path)}: runs again, ${reason}`),
    onOutcome: (outcome) => this.#outcome(outcome),
  };

  #outcome(outcome: NotebookOutcome): void {
    this.#running.delete(outcome.path);
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
      this.#line(`${this.#paint(colour, mark)} ${shownPath(outcome.path)}  ${this.#paint("gray", about.join(", "))}`);
    }
    for (const warning of result?.warnings ?? []) {
      this.#line(`  ${this.#paint("yellow", `warning: ${warning}`)}`);
    }
    for (const problem of problemsOf(outcome, () => undefined)) {
      const place =
        problem.number === undefined
          ? ""
          : `${placeOf({ ...problem, path: shownPath(problem.path) })}${problem.name === "" ? "" : ` (${problem.name})`}`;
      if (place !== "") {
        this.#line(`  ${this.#paint("bold", place)}`);
      }
      for (const line of problem.details.split("\n")) {
        this.#line(`    ${this.#paintDiff(line)}`);
      }
    }
  }

  /** The last words. */
  end(outcomes: readonly NotebookOutcome[]): void {
    clearInterval(this.#timer);
    this.#erase();
    const { slowest = 0 } = this.#options;
    const slow = slowestCells(outcomes, slowest);
    if (slow.length > 0 && !this.#options.quiet) {
      this.#line("Slowest cells:");
      for (const { path, cell } of slow) {
        this.#line(
          `  ${seconds(cell.seconds).padStart(9)}  ${shownPath(path)}, cell ${cell.number}  ${this.#paint("gray", cell.name)}`,
        );
      }
    }
    if (outcomes.length !== 1 || !this.#options.quiet) {
      const word = outcomes.length === 1 ? "notebook" : "notebooks";
      this.#line(
        `${outcomes.length} ${word}: ${tally(outcomes)} in ${seconds((performance.now() - this.#start) / 1000)}`,
      );
    }
  }

  #line(text: string): void {
    this.#erase();
    this.#options.stream.write(`${text}\n`);
    this.#draw();
  }

  #paint(colour: Parameters<typeof styleText>[0], text: string): string {
    return this.#terminal && process.env.NO_COLOR === undefined ? styleText(colour, text) : text;
  }

  #paintDiff(line: string): string {
    return /^ {2}\+/.test(line) ? this.#paint("green", line) : /^ {2}-/.test(line) ? this.#paint("red", line) : line;
  }

  #schedule(): void {
    if (this.#terminal && this.#timer === undefined) {
      this.#timer = setInterval(() => {
        this.#erase();
        this.#draw();
      }, redrawInterval);
      this.#timer.unref();
    }
  }

  #draw(): void {
    if (!this.#terminal) {
      return;
    }
    const width = Math.max(20, (this.#options.stream.columns || 80) - 1);
    const lines = [...this.#running.values()].map(({ event, since, lastLine }) => {
      const head = `▸ ${shownPath(event.path)} [${event.number}/${event.codeCells}] ${seconds((performance.now() - since) / 1000)}`;
      const text = `${head}  ${lastLine === "" ? event.name : lastLine}`;
      return text.length > width ? `${text.slice(0, width - 1)}…` : text;
    });
    if (lines.length > 0) {
      this.#options.stream.write(`${lines.join("\n")}\n`);
      this.#drawn = lines.length;
    }
  }

  #erase(): void {
    if (this.#drawn > 0) {
      this.#options.stream.write(`\u001b[${this.#drawn}A\u001b[0J`);
      this.#drawn = 0;
    }
  }
}

/** The last line of a text that shows something. */
function lastLineOf(text: string): string | undefined {
  const lines = stripVTControlCharacters(text.slice(-2000)).split(/[\r\n]+/);
  return lines.findLast((line) => line.trim() !== "")?.trim();
}
