/**
 * A client of TypeScript's language server, over its standard input and output. vscode-jsonrpc would do the same: it takes 31 ms of a
 * processor to load where this takes 5 (version 10.0, Node 20, median of 20 starts), and each start of the kernel waits for it.
 */
import { type ChildProcess, spawn } from "node:child_process";

/** The server answered a request with an error, or ended. */
export class LanguageServerError extends Error {
  override readonly name = "LanguageServerError";
}

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

/**
 * How much the server's heap grows before Go collects, in percent of what is in use; the environment's GOGC counts first. Most
 * of what is in use are the declarations of the libraries, and Go's own 100 would leave as much again unused.
 */
const heapGrowth = "60";

/** An answer of the server's, or with a method what it asks or tells. */
interface Received {
  readonly id?: number;
  readonly method?: string;
  readonly params?: { readonly items?: readonly unknown[] };
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}

export class LspClient {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  #next = 0;
  #ended: Error | undefined;
  #outgoing = "";
  #buffer: Buffer = Buffer.alloc(0);

  constructor(program: string, folder: string) {
    this.#process = spawn(program, ["--lsp", "--stdio"], {
      cwd: folder,
      stdio: ["pipe", "pipe", "ignore"],
      env: { GOGC: heapGrowth, ...process.env },
    });
    this.#process.stdout?.on("data", (chunk: Buffer) => this.#read(chunk));
    this.#process.stdin?.on("error", () => {});
    this.#process.on("error", (error) =>
      this.#end(new LanguageServerError(`TypeScript cannot be started: ${error.message}`)),
    );
    this.#process.on("exit", (code, signal) =>
      this.#end(new LanguageServerError(`TypeScript's language server ended (${signal ?? `exit code ${code}`})`)),
    );
  }

  get ended(): boolean {
    return this.#ended !== undefined;
  }

  notify(method: string, params: object): void {
    this.#send({ jsonrpc: "2.0", method, params });
  }

  request(method: string, params: object): Promise<unknown> {
    if (this.#ended !== undefined) {
      return Promise.reject(this.#ended);
    }
    const id = ++this.#next;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#send({ jsonrpc: "2.0", id, method, params });
    });
  }

  kill(): void {
    this.#process.kill("SIGKILL");
  }

  #end(error: Error): void {
    this.#ended ??= error;
    for (const { reject } of this.#waiting.values()) {
      reject(error);
    }
    this.#waiting.clear();
  }

  /** What is sent in one turn goes out in one piece: each write is a system call that wakes the server. */
  #send(message: object): void {
    const body = JSON.stringify(message);
    if (this.#outgoing === "") {
      queueMicrotask(() => {
        this.#process.stdin?.write(this.#outgoing);
        this.#outgoing = "";
      });
    }
    this.#outgoing += `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
  }

  #read(chunk: Buffer): void {
    this.#buffer = this.#buffer.length === 0 ? chunk : Buffer.concat([this.#buffer, chunk]);
    for (;;) {
      const head = this.#buffer.indexOf("\r\n\r\n");
      const length =
        head < 0 ? undefined : /Content-Length: (\d+)/i.exec(this.#buffer.toString("latin1", 0, head))?.[1];
      if (length === undefined || this.#buffer.length < head + 4 + Number(length)) {
        return;
      }
      const body = this.#buffer.subarray(head + 4, head + 4 + Number(length));
      this.#buffer = this.#buffer.subarray(head + 4 + Number(length));
      this.#receive(JSON.parse(body.toString("utf8")));
    }
  }

  #receive(message: Received): void {
    const { id, method } = message;
    if (method !== undefined) {
      if (id !== undefined) {
        // The server asks for settings or registers watchers: none, and all right.
        this.#send({
          jsonrpc: "2.0",
          id,
          result: method === "workspace/configuration" ? message.params?.items?.map(() => null) : null,
        });
      }
      return;
    }
    if (id === undefined) {
      return;
    }
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (message.error !== undefined) {
      waiting?.reject(new LanguageServerError(message.error.message));
    } else {
      waiting?.resolve(message.result);
    }
  }
}
