/** Output from the user's process: stdout and stderr, displays; each goes to the cell that started the work. */
import { Console } from "node:console";
import { Writable } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import { flushTexts, post, postText } from "../wire/channel.ts";
import { asJson, type MimeBundle, sendable } from "./bundle.ts";
import { cellContext } from "./cell-context.ts";
import { exposed, userGlobal, userProcess } from "./realm.ts";

let latestCell = 0;
/** What was written last, where it is short. */
let latestText = "";
const longestQuestion = 1000;

/** Output of work that no cell started goes to the latest cell. */
export function setLatestCell(cell: number): void {
  latestCell = cell;
}

export function cellOfOutput(): number {
  return cellContext.current || latestCell;
}

class CellStream extends Writable {
  readonly isTTY = false;
  readonly columns = 100;
  readonly fd: number;
  readonly #name: "stdout" | "stderr";
  /** Bytes may end within a character: what a child process writes, piped through. */
  readonly #decoder = new StringDecoder("utf8");
  readonly #decode = this.#decoder.write;
  readonly #decodeRest = this.#decoder.end;
  /** Whether bytes were written since text was. */
  #bytes = false;

  constructor(name: "stdout" | "stderr") {
    super({ decodeStrings: false });
    this.#name = name;
    this.fd = name === "stdout" ? 1 : 2;
  }

  // Written at once, without Writable's bookkeeping: a loop that prints must not fill memory.
  override write(
    chunk: string | Uint8Array,
    encoding?: BufferEncoding | ((error?: Error | null) => void),
    callback?: (error?: Error | null) => void,
  ): boolean {
    const text = this.#text(chunk, typeof encoding === "string" ? encoding : "utf8");
    if (text !== "") {
      postText(cellOfOutput(), this.#name, text);
      latestText = text.length <= longestQuestion ? text : "";
    }
    const done = typeof encoding === "function" ? encoding : callback;
    if (done !== undefined) {
      process.nextTick(done);
    }
    return true;
  }

  static print(stream: CellStream, text: string): void {
    const all = stream.#rest() + text;
    if (all !== "") {
      postText(cellOfOutput(), stream.#name, all);
    }
  }

  #text(chunk: string | Uint8Array, encoding: BufferEncoding): string {
    if (typeof chunk === "string" && (encoding === "utf8" || encoding === "utf-8")) {
      return this.#rest() + chunk;
    }
    this.#bytes = true;
    const bytes = typeof chunk === "string" ? Buffer.from(chunk, encoding) : chunk;
    return Reflect.apply(this.#decode, this.#decoder, [bytes]);
  }

  #rest(): string {
    if (!this.#bytes) {
      return "";
    }
    this.#bytes = false;
    return Reflect.apply(this.#decodeRest, this.#decoder, []);
  }
}

/** What was written last without an end of its line: the text of a question, where one is asked. */
export function unfinishedLine(): string {
  return latestText.slice(latestText.lastIndexOf("\n") + 1);
}

/** Writes text of the kernel itself, past what a cell may have put in the place of `process.stdout.write`. */
export function print(name: "stdout" | "stderr", text: string): void {
  CellStream.print(streams[name], text);
}

/** What a cell's end leaves of a character that was not written whole. */
export function endStreams(): void {
  print("stdout", "");
  print("stderr", "");
}

export interface DisplayOptions {
  readonly metadata?: Record<string, unknown>;
  readonly displayId?: string;
  readonly update?: boolean;
}

/** The display hook that libraries look for under `Symbol.for("jupyter.notebook.io")`. */
export const notebookIo = {
  display(bundle: MimeBundle, options: DisplayOptions = {}): void {
    post({
      type: "display",
      cell: cellOfOutput(),
      data: sendable(bundle, bundle),
      metadata: asJson(options.metadata ?? {}) ?? {},
      transient: options.displayId === undefined ? {} : { display_id: String(options.displayId) },
      update: options.update === true,
    });
  },
  clearOutput(wait = false): void {
    post({ type: "clear", cell: cellOfOutput(), wait });
  },
};

const streams = { stdout: new CellStream("stdout"), stderr: new CellStream("stderr") };
// These streams have no errors to ignore, for which it would add and remove a listener with each message.
const notebookConsole = new Console({ ...streams, ignoreErrors: false });
/** More groups than anybody opens within each other. */
const deepest = 50;

/** Closes the groups that a cell which failed left open: its successors are not theirs. */
export function endGroups(): void {
  for (let depth = 0; depth < deepest; depth++) {
    notebookConsole.groupEnd();
  }
}

/** Puts stdout, stderr and the display hook in place. */
export function installNotebookIo(): void {
  for (const name of ["stdout", "stderr"] as const) {
    Object.defineProperty(userProcess, name, { configurable: true, enumerable: true, get: () => streams[name] });
  }
  Object.defineProperty(userGlobal, Symbol.for("jupyter.notebook.io"), { value: exposed(notebookIo) });
  // Node's own console also hands each message to the inspector, which keeps the last thousand with what they print.
  Object.assign(userGlobal.console, notebookConsole);
  process.on("exit", flushTexts);
  const { abort, kill } = process;
  userProcess.abort = exposed(() => {
    flushTexts();
    return abort();
  });
  userProcess.kill = exposed((pid: number, signal?: string | number) => {
    if (pid === process.pid) {
      flushTexts();
    }
    return kill(pid, signal);
  });
}
