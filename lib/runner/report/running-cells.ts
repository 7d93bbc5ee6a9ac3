/** The cells that run: what each shows last, in place on a terminal, in a log as a line now and then. */
import { stripVTControlCharacters } from "node:util";
import { joinLines } from "../notebook/types.ts";
import type { OutputEvent } from "../run/outputs.ts";
import type { CellEvent } from "../run/types.ts";

/** A cell that runs. */
export interface RunningCell {
  readonly event: CellEvent;
  /** For how many seconds it has run. */
  readonly seconds: number;
  /** What it shows last, its name before it shows anything. */
  readonly lastLine: string;
}

export interface RunningCellsOptions {
  readonly stream: NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };
  /** Whether to redraw lines in place; default: whether the stream is a terminal. */
  readonly terminal?: boolean | undefined;
  /** What stands before a cell's last line on a terminal. */
  readonly head: (cell: RunningCell) => string;
  /** Takes, where the stream is no terminal, a cell that has run so long that people wonder. */
  readonly note?: ((cell: RunningCell) => void) | undefined;
  /** Milliseconds from a cell's start to its first note, and from one note to the next; default 30 s. */
  readonly noteInterval?: number | undefined;
}

/** How often the lines in place are redrawn, ms. */
const redrawInterval = 100;
/** How often it is looked whether a note is due, ms. */
const lookInterval = 1000;

interface Running {
  readonly event: CellEvent;
  readonly since: number;
  notedAt: number;
  lastLine: string;
}

/** Follows the cells of one run, or of several at once. */
export class RunningCells {
  /** Whether lines are redrawn in place. */
  readonly isTerminal: boolean;
  readonly #options: RunningCellsOptions;
  readonly #running = new Map<string, Running>();
  #timer: NodeJS.Timeout | undefined;
  #drawn = 0;

  constructor(options: RunningCellsOptions) {
    this.#options = options;
    this.isTerminal = options.terminal ?? (options.stream.isTTY === true && process.env.TERM !== "dumb");
  }

  /** A cell has begun. */
  start(event: CellEvent): void {
    const now = performance.now();
    this.#running.set(event.path, { event, since: now, notedAt: now, lastLine: "" });
    if (this.#timer !== undefined || !(this.isTerminal || this.#options.note)) {
      return;
    }
    const look = () => (this.isTerminal ? this.redraw() : this.#note());
    this.#timer = setInterval(look, this.isTerminal ? redrawInterval : lookInterval);
    this.#timer.unref();
  }

  /** The running cell of a notebook has shown something, or changed what it showed: progress is an output that changes. */
  output(path: string, change: OutputEvent): void {
    const running = this.#running.get(path);
    const line = lastLineOf(shownText(change));
    if (running !== undefined && line !== undefined) {
      running.lastLine = line;
    }
  }

  /** The running cell of a notebook has ended. */
  end(path: string): void {
    this.#running.delete(path);
    if (this.#running.size === 0) {
      this.stop();
    }
  }

  /** Nothing runs any more. */
  stop(): void {
    this.#running.clear();
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.erase();
  }

  /** Writes a line above those in place. */
  print(text: string): void {
    this.erase();
    this.#options.stream.write(`${text}\n`);
    this.#draw();
  }

  /** Takes the lines in place away, before something else is written. */
  erase(): void {
    if (this.#drawn > 0) {
      this.#options.stream.write(`\u001b[${this.#drawn}A\u001b[0J`);
    }
    this.#drawn = 0;
  }

  /** Draws the lines in place anew. */
  redraw(): void {
    this.erase();
    this.#draw();
  }

  #draw(): void {
    if (!this.isTerminal || this.#running.size === 0) {
      return;
    }
    const width = Math.max(20, (this.#options.stream.columns || 80) - 1);
    const lines = [...this.#running.values()].map((running) => {
      const cell = stateOf(running);
      return fitted(`${this.#options.head(cell)}${cell.lastLine}`, width);
    });
    this.#options.stream.write(`${lines.join("\n")}\n`);
    this.#drawn = lines.length;
  }

  #note(): void {
    const now = performance.now();
    for (const running of this.#running.values()) {
      if (now - running.notedAt < (this.#options.noteInterval ?? 30_000)) {
        continue;
      }
      running.notedAt = now;
      this.#options.note?.(stateOf(running));
    }
  }
}

function stateOf({ event, since, lastLine }: Running): RunningCell {
  return { event, seconds: (performance.now() - since) / 1000, lastLine: lastLine === "" ? event.name : lastLine };
}

/** The text that a change of the outputs brings. */
export function shownText(change: OutputEvent): string {
  if (change.kind === "stream") {
    return change.text;
  }
  if (change.kind === "update") {
    return joinLines(change.data["text/plain"]);
  }
  return change.kind === "output" && "data" in change.output ? joinLines(change.output.data["text/plain"]) : "";
}

/** The last line of a text that shows something. */
function lastLineOf(text: string): string | undefined {
  const lines = stripVTControlCharacters(text.slice(-2000)).split(/[\r\n]+/);
  return lines.findLast((line) => line.trim() !== "")?.trim();
}

/** A line that fits: a bar says in pictures what the numbers behind it say as well, so it goes first. */
function fitted(text: string, width: number): string {
  if (text.length <= width) {
    return text;
  }
  const short = text.replace(/[█░]+/, "").replace(/ {2,}/g, " ");
  return short.length <= width ? short : `${short.slice(0, width - 1)}…`;
}
