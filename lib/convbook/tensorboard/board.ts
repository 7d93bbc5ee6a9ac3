/** Runs that are followed while they are written: what `%tensorboard` shows in a notebook, without a server. */
import { statSync } from "node:fs";
import { checkNumber } from "../arguments/check.ts";
import { refuseUnknownOptions } from "../arguments/options.ts";
import { LiveFigure } from "../display/live.ts";
import { displaySymbol } from "../display/mime.ts";
import { codeOf } from "../files/index.ts";
import { EventFileError } from "./errors.ts";
import {
  checkPaths,
  figureOptionNames,
  NoScalarsError,
  type TensorBoardFigureOptions,
  tensorBoardFigure,
} from "./figure.ts";
import { eventFiles, findRuns } from "./reader.ts";

export interface TensorBoardOptions extends TensorBoardFigureOptions {
  /** How often it is looked for what was written, ms. */
  readonly interval?: number;
}

type Paths = Parameters<typeof tensorBoardFigure>[0];

/** One output with the curves of some folders, drawn anew in place when a run has written more. */
export class TensorBoard {
  readonly #paths: Paths;
  readonly #options: TensorBoardFigureOptions;
  readonly #live: LiveFigure;
  readonly #timer: NodeJS.Timeout;
  #seen: string | undefined;

  constructor(paths: Paths, given: TensorBoardOptions = {}) {
    checkPaths("tensorBoard", paths);
    refuseUnknownOptions("tensorBoard", given, ["interval", ...figureOptionNames]);
    const { interval = 2000, ...options } = given;
    checkNumber("tensorBoard", "interval", interval, 0);
    this.#paths = paths;
    this.#options = options;
    this.#live = new LiveFigure({ interval: 0 });
    this.#seen = this.#state();
    const first = this.#draw();
    this.#live.update(() => first);
    this.#timer = setInterval(() => this.#look(), interval);
    this.#timer.unref();
  }

  /** Looks for what was written since, and draws it at once. */
  refresh(): void {
    this.#look();
    this.#live.flush();
  }

  /** Draws the last state; from then on the output stays as it is. */
  close(): void {
    clearInterval(this.#timer);
    this.#look();
    this.#live.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** As the last value of a cell it leaves no second output. */
  [displaySymbol](): Record<string, never> {
    return {};
  }

  #look(): void {
    const state = this.#state();
    if (state !== this.#seen) {
      this.#seen = state;
      this.#live.update(() => this.#drawOrTell());
    }
  }

  /** Later than the first time there is nobody to throw to. */
  #drawOrTell(): unknown {
    try {
      return this.#draw();
    } catch (error) {
      if (!(error instanceof EventFileError)) {
        throw error;
      }
      return text(error.message);
    }
  }

  #draw(): unknown {
    let problem = "there is no event file yet";
    try {
      if (this.#seen !== "") {
        return tensorBoardFigure(this.#paths, this.#options);
      }
    } catch (error) {
      if (!(error instanceof NoScalarsError)) {
        throw error;
      }
      problem = error.reason;
    }
    return text(`${names(this.#paths)}: ${problem}; the curves appear here when a run writes them.`);
  }

  /** Every event file with its size and time; empty where there is none. */
  #state(): string {
    const parts: string[] = [];
    for (const path of list(this.#paths)) {
      try {
        for (const folder of findRuns(path).values()) {
          for (const file of eventFiles(folder)) {
            const { size, mtimeMs } = statSync(file);
            parts.push(`${file} ${size} ${mtimeMs}`);
          }
        }
      } catch (error) {
        // A folder that a run has yet to make, or a file that went while it was looked at.
        if (!(error instanceof EventFileError) && codeOf(error) === undefined) {
          throw error;
        }
      }
    }
    return parts.join("\n");
  }
}

/**
 * Shows the scalars of runs as curves, and draws them anew in place while a run writes: `%tensorboard --logdir` without a server.
 *
 * @param paths as for {@link tensorBoardFigure}; folders that do not exist yet are waited for
 * @returns the board; `close()` leaves its last state
 * @throws EventFileError where an event file is damaged
 * @example
 * const board = tensorBoard("logs", { tags: ["train_loss", /^val_/] });
 */
export function tensorBoard(paths: Paths, options?: TensorBoardOptions): TensorBoard {
  return new TensorBoard(paths, options);
}

function list(paths: Paths): readonly string[] {
  return typeof paths === "string" ? [paths] : Array.isArray(paths) ? paths : Object.values(paths);
}

function names(paths: Paths): string {
  return list(paths).join(", ");
}

function text(line: string): unknown {
  return { [displaySymbol]: () => ({ "text/plain": line }) };
}
