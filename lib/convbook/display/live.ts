/** A figure that follows what is going on, without slowing it down. */

import { checkFromZero, checkOptions, checkTexts } from "./checks.ts";
import { type DisplayHandle, display } from "./display.ts";
import { wrongArgument } from "./errors.ts";
import { currentTransport } from "./transport.ts";

export interface LiveOptions {
  /** At least so many milliseconds between two drawings. */
  readonly interval?: number;
  /** Drawing may take at most this share of the time: a figure that takes 50 ms is drawn once a second at 0.05. */
  readonly share?: number;
  /** The output's name, where it has one. */
  readonly displayId?: string;
}

/** One output that is drawn anew now and then. Close it (or use `using`), so that its last state is drawn. */
export class LiveFigure {
  readonly #interval: number;
  readonly #share: number;
  readonly #displayId: string | undefined;
  #handle: DisplayHandle | undefined;
  #pending: (() => unknown) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #nextAt = Number.NEGATIVE_INFINITY;
  #closed = false;

  constructor(options: LiveOptions = {}) {
    checkOptions("liveFigure", options, ["interval", "share", "displayId"]);
    const { interval = 200, share = 0.05, displayId } = options;
    checkFromZero("liveFigure", { interval }, "milliseconds");
    checkTexts("liveFigure", { displayId });
    if (!(typeof share === "number" && share > 0 && share <= 1)) {
      throw wrongArgument("liveFigure", "share", share, "a number above 0, up to 1");
    }
    this.#interval = interval;
    this.#share = share;
    this.#displayId = displayId;
  }

  /**
   * Gives the newest state. It is drawn at once if it is time, else later, unless a newer one comes first.
   *
   * @param draw makes the figure; only called when it is drawn, so it costs nothing to call this in every step
   */
  update(draw: () => unknown): void {
    if (this.#closed) {
      return;
    }
    this.#pending = draw;
    // A log cannot replace what it has printed: there the last state is enough.
    if (currentTransport().kind === "terminal") {
      return;
    }
    const wait = this.#nextAt - performance.now();
    if (wait <= 0) {
      this.#draw();
    } else if (this.#timer === undefined) {
      this.#timer = setTimeout(() => this.#draw(), wait);
      this.#timer.unref();
    }
  }

  /** Draws the newest state now, if it was not drawn yet. */
  flush(): void {
    if (!this.#closed) {
      this.#draw();
    }
  }

  /** Draws the last state, if it was not drawn yet. Updates after that do nothing. */
  close(): void {
    if (this.#closed) {
      return;
    }
    this.#closed = true;
    this.#draw();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #draw(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const draw = this.#pending;
    this.#pending = undefined;
    if (draw === undefined) {
      return;
    }
    const started = performance.now();
    const figure = draw();
    if (this.#handle) {
      this.#handle.update(figure);
    } else {
      this.#handle = display(figure, this.#displayId === undefined ? {} : { displayId: this.#displayId });
    }
    const ended = performance.now();
    this.#nextAt = ended + Math.max(this.#interval, (ended - started) * (1 / this.#share - 1));
  }
}

/**
 * An output for a figure that changes while something runs.
 *
 * @throws DisplayError where an option is unknown or out of range
 * @example
 * using plot = liveFigure();
 * for (const loss of train()) {
 *   losses.push(loss);
 *   plot.update(() => curves({ series: { loss: losses } }));
 * }
 */
export function liveFigure(options?: LiveOptions): LiveFigure {
  return new LiveFigure(options);
}
