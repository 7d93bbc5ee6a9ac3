/** Progress of a loop: one output updated in place, at most about five times a second. */

import { checkFromZero, checkOptions, checkTexts } from "./checks.ts";
import { type DisplayHandle, display } from "./display.ts";
import { DisplayError, wrongArgument } from "./errors.ts";
import { displaySymbol, type MimeBundle, type Showable } from "./mime.ts";
import { escapeXml } from "./text.ts";
import { currentTransport } from "./transport.ts";

export interface ProgressOptions {
  /** What is being done. */
  readonly label?: string;
  /** What is counted, for the rate: "image" gives "1,200 images/s". */
  readonly unit?: string;
  /** How many there will be, where the iterable does not say. */
  readonly total?: number;
  /** Where text goes when there is no notebook. */
  readonly stream?: NodeJS.WritableStream & { readonly isTTY?: boolean };
  /** Milliseconds between updates in a notebook or terminal. */
  readonly interval?: number;
  /** Milliseconds between lines in a log. */
  readonly logInterval?: number;
  /**
   * Whether the last state, which a notebook keeps, says how long it took and how fast it was; default true. Without, a notebook that is run
   * again keeps the same output.
   */
  readonly keepTimes?: boolean;
}

type OptionName = keyof ProgressOptions;
const optionNames: OptionName[] = ["label", "unit", "total", "stream", "interval", "logInterval", "keepTimes"];

/** A bar that is moved by hand. Close it (or use `using`) so that its last state is shown. */
export class Progress {
  readonly total: number | undefined;
  readonly #options: Required<Pick<ProgressOptions, "label" | "unit" | "interval" | "logInterval" | "keepTimes">>;
  readonly #stream: NonNullable<ProgressOptions["stream"]>;
  readonly #start = performance.now();
  #value = 0;
  #note = "";
  #closed = false;
  #failed = false;
  #lastShown = Number.NEGATIVE_INFINITY;
  #handle: DisplayHandle | undefined;
  #timer: NodeJS.Timeout | undefined;
  #lineWidth = 0;

  constructor(total: number | undefined, options: ProgressOptions = {}) {
    checkOptions("progress", options, optionNames);
    const { label = "", unit = "", interval = 200, logInterval = 10_000, keepTimes = true } = options;
    const { stream = process.stderr } = options;
    checkFromZero("progress", { total, "options.total": options.total });
    checkTexts("progress", { label, unit });
    checkFromZero("progress", { interval, logInterval }, "milliseconds");
    if (typeof stream?.write !== "function") {
      throw wrongArgument("progress", "stream", stream, "a stream to write to");
    }
    this.total = total;
    this.#options = { label, unit, interval, logInterval, keepTimes };
    this.#stream = stream;
    this.#show();
  }

  /** How much is done. */
  get value(): number {
    return this.#value;
  }

  /** Moves on by `amount`; `note` (a loss, a file name) is shown behind the numbers. */
  advance(amount = 1, note?: string): void {
    this.set(this.#value + amount, note);
  }

  /** Moves to `value`. */
  set(value: number, note?: string): void {
    if (this.#closed) {
      return;
    }
    this.#value = value;
    if (note !== undefined) {
      this.#note = note;
    }
    const wait = this.#lastShown + this.#interval() - performance.now();
    if (wait <= 0) {
      this.#show();
    } else if (this.#timer === undefined && !this.#isLog()) {
      // Whatever was set last is shown even if nothing comes after it. The process does not stay alive for that.
      this.#timer = setTimeout(() => this.#show(), wait);
      this.#timer.unref();
    }
  }

  /** Shows the final state. With `failed` it says that the work broke off. */
  close(failed = false): void {
    if (this.#closed) {
      return;
    }
    this.#closed = true;
    this.#failed = failed;
    this.#show();
  }

  [Symbol.dispose](): void {
    this.close(this.total !== undefined && this.#value < this.total);
  }

  #interval(): number {
    return this.#isLog() ? this.#options.logInterval : this.#options.interval;
  }

  #isLog(): boolean {
    return currentTransport().kind === "terminal" && this.#stream.isTTY !== true;
  }

  #show(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const first = this.#lastShown === Number.NEGATIVE_INFINITY;
    this.#lastShown = performance.now();
    const state = this.#state();
    if (currentTransport().kind === "notebook") {
      if (this.#handle) {
        this.#handle.update(state);
      } else {
        this.#handle = display(state);
      }
      return;
    }
    if (this.#isLog()) {
      // The first line of a log comes with the first progress: "0 %" says nothing.
      if (!first || this.#closed) {
        this.#stream.write(`${state.text}\n`);
      }
      return;
    }
    const line = state.text;
    this.#stream.write(`\r${line}${" ".repeat(Math.max(0, this.#lineWidth - line.length))}${this.#closed ? "\n" : ""}`);
    this.#lineWidth = line.length;
  }

  #state(): ProgressState {
    const seconds = (performance.now() - this.#start) / 1000;
    const { label, unit, keepTimes } = this.#options;
    return new ProgressState({
      label,
      unit,
      value: this.#value,
      total: this.total,
      seconds,
      hasTimes: keepTimes || !this.#closed,
      note: this.#note,
      closed: this.#closed,
      failed: this.#failed,
    });
  }
}

interface State {
  readonly label: string;
  readonly unit: string;
  readonly value: number;
  readonly total: number | undefined;
  readonly seconds: number;
  readonly hasTimes: boolean;
  readonly note: string;
  readonly closed: boolean;
  readonly failed: boolean;
}

/** One moment of a bar, as HTML with a native progress element and as a line of text. */
class ProgressState implements Showable {
  readonly #state: State;
  constructor(state: State) {
    this.#state = state;
  }

  get text(): string {
    const { label, value, total } = this.#state;
    const prefix = label ? `${label}: ` : "";
    if (total === undefined || total === 0) {
      return `${prefix}${this.#numbers()}`;
    }
    const share = Math.min(1, value / total);
    const filled = Math.round(share * 20);
    const percent = `${Math.floor(100 * share)}`.padStart(3);
    return `${prefix}${percent} % ${"█".repeat(filled)}${"░".repeat(20 - filled)} ${this.#numbers()}`;
  }

  #numbers(): string {
    const { note, failed } = this.#state;
    return [...this.#counts(), ...(note ? [note] : []), ...(failed ? ["broken off"] : [])].join(", ");
  }

  /** How much of how many, since when, until when, how fast. */
  #counts(): string[] {
    const { value, total, seconds, hasTimes, unit, closed } = this.#state;
    const rate = seconds > 0 ? value / seconds : 0;
    const of = total === undefined ? count(value) : `${count(value)}/${count(total)}`;
    const units = unit ? ` ${total === undefined && value === 1 ? unit : `${unit}s`}` : "";
    if (!hasTimes) {
      return [`${of}${units}`];
    }
    const parts = [`${of}${units}`, clock(seconds)];
    if (!closed && total !== undefined && value > 0 && value < total) {
      parts.push(`${clock((total - value) / rate)} left`);
    }
    if (value > 0 && seconds > 0.5) {
      parts.push(speed(rate, unit));
    }
    return parts;
  }

  [displaySymbol](): MimeBundle {
    const { label, value, total, note, failed, closed } = this.#state;
    const name = escapeXml(label || "progress");
    const known = total !== undefined && total > 0;
    const bar =
      known || !closed
        ? `<progress aria-label="${name}" ${known ? `max="${total}" value="${Math.min(value, total)}"` : ""} style="flex:none;width:11em;max-width:40%;margin-right:.8em${failed ? ";accent-color:#d95f02" : ""}"></progress>`
        : "";
    // Labels of one width put the bars below each other; numbers stay on one line, the note goes to the next where both are too long.
    const html =
      '<div style="display:flex;flex-wrap:wrap;align-items:center;margin:.25em 0;font-size:.9em;font-variant-numeric:tabular-nums">' +
      (label ? `<span style="min-width:4.5em;margin-right:.5em">${escapeXml(label)}</span>` : "") +
      bar +
      `<span style="white-space:nowrap;margin-right:.8em">${escapeXml(this.#counts().join(", "))}</span>` +
      (note ? `<span style="margin-right:.8em">${escapeXml(note)}</span>` : "") +
      (failed ? "<span>broken off</span>" : "") +
      "</div>";
    return { "text/html": html, "text/plain": this.text };
  }
}

function count(value: number): string {
  return Number.isInteger(value)
    ? value.toLocaleString("en-US")
    : value.toLocaleString("en-US", { maximumFractionDigits: 1 });
}

function clock(seconds: number): string {
  if (!Number.isFinite(seconds)) {
    return "?";
  }
  const whole = Math.round(seconds);
  const two = (part: number): string => String(part).padStart(2, "0");
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) {
    return `${minutes}:${two(whole % 60)}`;
  }
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(whole % 60)}`;
}

function speed(rate: number, unit: string): string {
  if (rate >= 1) {
    return `${rate >= 100 ? count(Math.round(rate)) : rate.toPrecision(3)} ${unit ? `${unit}s` : ""}/s`.replace(
      " /",
      "/",
    );
  }
  return `${(1 / rate).toPrecision(3)} s/${unit || "step"}`;
}

/** What {@link progress} returns for an iterable: the same items, to be looped over once. */
export interface ProgressIterable<T> extends Iterable<T>, AsyncIterable<T> {
  /** The bar, for a note or a count of its own. */
  readonly bar: Progress;
}

/**
 * Shows how far a loop has come: in a notebook and in a terminal in one place, in a log as a line every ten seconds.
 *
 * @param items what to loop over (`for`, or `for await` where it is asynchronous), or how many steps there will be
 * @returns the same items, or for a number the bar to `advance()` and `close()`
 * @throws DisplayError where `items` is neither or an option is none; and when items that only come asynchronously are looped over with `for`
 * @example
 * for await (const [images, labels] of progress(loader, {label: "testing"})) { ... }
 * using bar = progress(100, {label: "epochs"});
 */
export function progress(items: number, options?: ProgressOptions): Progress;
export function progress<T>(items: Iterable<T> | AsyncIterable<T>, options?: ProgressOptions): ProgressIterable<T>;
export function progress<T>(
  items: number | Iterable<T> | AsyncIterable<T>,
  options: ProgressOptions = {},
): Progress | ProgressIterable<T> {
  if (typeof items === "number") {
    checkFromZero("progress", { items });
    return new Progress(items, options);
  }
  if (!isIterable(items) && !has(items, Symbol.asyncIterator)) {
    throw wrongArgument("progress", "items", items, "a number, an iterable or an async iterable");
  }
  checkOptions("progress", options, optionNames);
  const bar = new Progress(options.total ?? sizeOf(items), options);
  return {
    bar,
    *[Symbol.iterator]() {
      if (!isIterable(items)) {
        throw new DisplayError("progress: these items come asynchronously; loop with `for await`");
      }
      let finished = false;
      try {
        for (const item of items) {
          yield item;
          bar.advance();
        }
        finished = true;
      } finally {
        bar.close(!finished);
      }
    },
    async *[Symbol.asyncIterator]() {
      let finished = false;
      try {
        for await (const item of items) {
          yield item;
          bar.advance();
        }
        finished = true;
      } finally {
        bar.close(!finished);
      }
    },
  };
}

function isIterable<T>(items: Iterable<T> | AsyncIterable<T>): items is Iterable<T> {
  return has(items, Symbol.iterator);
}

/** Whether there is such a method; of any value, since callers need not be checked. */
function has(items: unknown, method: symbol): boolean {
  return typeof Reflect.get(Object(items), method) === "function";
}

function sizeOf(items: object): number | undefined {
  for (const key of ["length", "size"]) {
    const size: unknown = Reflect.get(items, key);
    if (typeof size === "number" && Number.isFinite(size)) {
      return size;
    }
  }
  return undefined;
}
