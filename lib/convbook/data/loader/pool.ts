/**
 * The worker threads of this process's loaders. They are started when first needed, shared by all loaders, and never keep the
 * process alive on their own: only somebody who waits for a batch does.
 */
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { DataError } from "../error.ts";
import type { RawBatch } from "./collate.ts";
import type { FromWorker, ToWorker } from "./protocol.ts";

/** A batch, and where the worker's random numbers stood after it. */
export interface PreparedBatch {
  readonly batch: RawBatch;
  readonly state: Uint8Array;
}

interface Pending {
  readonly session: number;
  readonly resolve: (batch: PreparedBatch) => void;
  readonly reject: (error: Error) => void;
}

/** One thread, seen from the main one. */
export class LoaderWorker {
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  #requests = 0;
  #waiting = 0;
  #dead = false;

  constructor() {
    this.#worker = startWorker();
    this.#worker.on("message", (message: FromWorker) => this.#answer(message));
    this.#worker.on("error", (error) => this.#end(`A loader's worker thread failed: ${error.message}`, error));
    this.#worker.on("exit", (code) => this.#end(`A loader's worker thread ended with code ${code}.`));
    // Last, since listening for messages keeps a process alive.
    this.#worker.unref();
  }

  get dead(): boolean {
    return this.#dead;
  }

  open(message: Omit<Extract<ToWorker, { kind: "open" }>, "kind">): void {
    this.#post({ kind: "open", ...message });
  }

  /** Asks for a batch. The promise keeps nobody waiting unless {@link wait} is used. */
  request(session: number, indices: Int32Array, sourceIndices: Float64Array): Promise<PreparedBatch> {
    const request = this.#requests++;
    const promise = new Promise<PreparedBatch>((resolve, reject) => {
      if (this.#dead) {
        reject(new DataError("worker", "The loader's worker thread has ended."));
      } else {
        this.#pending.set(request, { session, resolve, reject });
      }
    });
    // Whoever breaks off an epoch never looks at what was asked ahead.
    promise.catch(() => {});
    this.#post({ kind: "batch", session, request, indices, sourceIndices });
    return promise;
  }

  /** Waits for a batch that was asked for, keeping the process alive meanwhile. */
  async wait(batch: Promise<PreparedBatch>): Promise<PreparedBatch> {
    if (this.#waiting++ === 0) {
      this.#worker.ref();
    }
    try {
      return await batch;
    } finally {
      if (--this.#waiting === 0) {
        this.#worker.unref();
      }
    }
  }

  /** Ends a session: what it asked for and has not got is dropped. */
  close(session: number): void {
    for (const [request, pending] of this.#pending) {
      if (pending.session !== session) {
        continue;
      }
      this.#pending.delete(request);
      pending.reject(new DataError("worker", "The epoch was broken off."));
    }
    this.#post({ kind: "close", session });
  }

  #post(message: ToWorker): void {
    if (!this.#dead) {
      this.#worker.postMessage(message);
    }
  }

  #answer(message: FromWorker): void {
    const pending = this.#pending.get(message.request);
    if (pending === undefined) {
      return;
    }
    this.#pending.delete(message.request);
    if (message.kind === "batch") {
      pending.resolve({ batch: message.batch, state: message.state });
      return;
    }
    const { code, index, file, stack } = message;
    const cause = new Error(message.message);
    if (stack !== undefined) {
      cause.stack = stack;
    }
    pending.reject(new DataError(code, message.message, { index, file, cause }));
  }

  #end(message: string, cause?: unknown): void {
    if (this.#dead) {
      return;
    }
    this.#dead = true;
    for (const pending of this.#pending.values()) {
      pending.reject(new DataError("worker", message, { cause }));
    }
    this.#pending.clear();
  }
}

const workers: LoaderWorker[] = [];

/** The first `count` workers, started where there are not so many yet. */
export function loaderWorkers(count: number): LoaderWorker[] {
  for (let i = 0; i < count; i++) {
    if (workers[i] === undefined || workers[i]?.dead === true) {
      workers[i] = new LoaderWorker();
    }
  }
  return workers.slice(0, count);
}

function startWorker(): Worker {
  // Flags of this process (--input-type, --inspect, a kernel's own) are not for its workers.
  const options = { name: "convbook loader", execArgv: [] };
  if (!import.meta.url.endsWith(".ts")) {
    return new Worker(new URL("./worker.js", import.meta.url), options);
  }
  // Run from the sources (by the tests, by tsx): the thread needs tsx to understand them, and other packages' sources, too.
  const tsx = createRequire(import.meta.url).resolve("tsx/cjs/api");
  const worker = fileURLToPath(new URL("./worker.ts", import.meta.url));
  const code = `require(${JSON.stringify(tsx)}).register(); require(${JSON.stringify(worker)});`;
  return new Worker(code, { ...options, execArgv: ["--conditions=source"], eval: true });
}
