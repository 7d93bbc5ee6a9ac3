/** Output from the user's process: stdout and stderr, displays; each goes to the cell that started the work. */
import { Writable } from "node:stream";
import { cellContext } from "./cell-context.ts";
import { post } from "./channel.ts";
import type { MimeBundle } from "./render.ts";

let latestCell = 0;

/** Output of work that no cell started goes to the latest cell. */
export function setLatestCell(cell: number): void {
  latestCell = cell;
}

export function cellOfOutput(): number {
  return cellContext.current || latestCell;
}

/** From how many UTF-16 units on text is long. */
const long = 1 << 16;

class CellStream extends Writable {
  readonly isTTY = false;
  readonly columns = 100;
  readonly fd: number;
  readonly #name: "stdout" | "stderr";

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
    const text = typeof chunk === "string" ? chunk : Buffer.from(chunk).toString("utf8");
    if (text.length > long) {
      // Long text goes beside the JSON, which would encode and decode it character by character.
      post({ type: "stream", cell: cellOfOutput(), name: this.#name }, [Buffer.from(text)]);
    } else if (text !== "") {
      post({ type: "stream", cell: cellOfOutput(), name: this.#name, text });
    }
    const done = typeof encoding === "function" ? encoding : callback;
    if (done !== undefined) {
      process.nextTick(done);
    }
    return true;
  }
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
      data: bundle,
      metadata: options.metadata ?? {},
      transient: options.displayId === undefined ? {} : { display_id: options.displayId },
      update: options.update === true,
    });
  },
  clearOutput(wait = false): void {
    post({ type: "clear", cell: cellOfOutput(), wait });
  },
};

/** Puts stdout, stderr and the display hook in place. */
export function installNotebookIo(): void {
  const streams = { stdout: new CellStream("stdout"), stderr: new CellStream("stderr") };
  for (const name of ["stdout", "stderr"] as const) {
    Object.defineProperty(process, name, { configurable: true, enumerable: true, get: () => streams[name] });
  }
  Object.defineProperty(globalThis, Symbol.for("jupyter.notebook.io"), { value: notebookIo });
}
