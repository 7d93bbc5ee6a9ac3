/**
 * `process.stdin` of cells: each line is asked for in the front-end's input box when something reads it. A question of
 * node:readline is the box's text. While a box is open, the cell waits, as with `prompt`.
 */
import { syncBuiltinESMExports } from "node:module";
import readline from "node:readline";
import readlinePromises from "node:readline/promises";
import { Readable } from "node:stream";
import { promisify } from "node:util";
import { ask } from "./input.ts";
import { cellOfOutput, unfinishedLine } from "./notebook-io.ts";
import { exposed, userProcess, userPromise } from "./realm.ts";

/** How long a reader has to write the text of its question first, ms. */
const patience = 20;

class CellStdin extends Readable {
  readonly fd = 0;
  readonly isTTY = false;
  /** Readline's interfaces read all the time; they want a line only where somebody listens to theirs. */
  readonly #interfaces = new Set<readline.Interface>();
  #reading = false;

  constructor() {
    super();
    this.on("newListener", () => this.#check());
  }

  follow(reader: readline.Interface): void {
    this.#interfaces.add(reader);
    reader.on("newListener", () => this.#check());
    reader.once("close", () => this.#interfaces.delete(reader));
    this.#check();
  }

  override _read(): void {
    this.#reading = true;
    this.#check();
  }

  #check(): void {
    if (this.#reading) {
      setTimeout(() => this.#serve(), patience);
    }
  }

  #serve(): void {
    if (!this.#reading || this.destroyed || !this.#wanted()) {
      return;
    }
    this.#reading = false;
    let line: string;
    try {
      line = ask(unfinishedLine(), false, "process.stdin");
    } catch (error) {
      this.destroy(error as Error);
      return;
    }
    this.push(`${line}\n`);
  }

  #wanted(): boolean {
    const readers = [...this.#interfaces];
    return (
      this.listenerCount("readable") > 0 ||
      this.listenerCount("data") > readers.length ||
      readers.some((reader) => reader.listenerCount("line") > 0)
    );
  }
}

let current: CellStdin | undefined;
let currentCell = 0;

/** Each cell has one of its own: what an earlier cell left open, or an interrupt within a question, is not in its way. */
function stdin(): CellStdin {
  const cell = cellOfOutput();
  if (current === undefined || cell !== currentCell) {
    current = new CellStdin();
    currentCell = cell;
  }
  return current;
}

type Question = (this: readline.Interface, query: string, ...rest: unknown[]) => unknown;

/** Puts the stand-in in place, and has readline ask through it. */
export function installStdin(): void {
  Object.defineProperty(userProcess, "stdin", { configurable: true, enumerable: true, get: stdin });
  for (const library of [readline, readlinePromises] as unknown as {
    createInterface: (...args: unknown[]) => unknown;
  }[]) {
    const { createInterface } = library;
    library.createInterface = exposed((...args: unknown[]) => {
      const reader = createInterface(...args) as readline.Interface;
      const { input } = reader as unknown as { input: unknown };
      if (input instanceof CellStdin) {
        input.follow(reader);
      }
      return reader;
    });
  }
  replaceQuestion(readline.Interface.prototype, (query, rest) => {
    const callback = rest.find((item) => typeof item === "function") as ((answer: string) => void) | undefined;
    const answer = ask(query, false, "readline");
    setImmediate(() => callback?.(answer));
  });
  const promised = (query: string) => userPromise((async () => ask(query, false, "readline"))());
  replaceQuestion(readlinePromises.Interface.prototype as unknown as readline.Interface, promised);
  Object.defineProperty(readline.Interface.prototype.question, promisify.custom, {
    configurable: true,
    value: exposed(function (this: readline.Interface, query: string, options?: object) {
      return asksHere(this, [options]) ? promised(query) : Reflect.apply(promisedQuestion, this, [query, options]);
    }),
  });
  syncBuiltinESMExports();
}

/** Node's own `promisify(reader.question)`. */
const promisedQuestion = (readline.Interface.prototype.question as unknown as Record<symbol, Question>)[
  promisify.custom
] as Question;

function replaceQuestion(prototype: readline.Interface, answer: (query: string, rest: unknown[]) => unknown): void {
  const original = prototype.question as unknown as Question;
  prototype.question = exposed(function (this: readline.Interface, query: string, ...rest: unknown[]) {
    return asksHere(this, rest) ? answer(query, rest) : Reflect.apply(original, this, [query, ...rest]);
  }) as never;
}

/** Whether a question goes to the front-end: of other inputs, closed readers and given-up questions Node takes care. */
function asksHere(reader: readline.Interface, rest: readonly unknown[]): boolean {
  const { input, closed } = reader as unknown as { input: unknown; closed: boolean };
  const aborted = rest.some((item) => (item as { signal?: AbortSignal } | undefined)?.signal?.aborted === true);
  return input instanceof CellStdin && !closed && !aborted;
}
