/** The user's process over its lives: cells go in, outputs come out, and when it ends a fresh one takes its place. */
import type { ErrorContent } from "../child/errors.ts";
import type { Json, Message } from "../protocol/message.ts";
import { isObject } from "../values.ts";
import type { CommFrame, ExecuteFrame, Order, Outcome, Report } from "../wire/messages.ts";
import { Executor, type ExecutorOptions } from "./executor.ts";
import type { Outputs } from "./outputs.ts";

export interface UserProcessHandlers {
  readonly log: (line: string) => void;
  readonly input: (content: Json, request: Message) => void;
  /** The process ended, with all that it knew. */
  readonly ended: () => void;
  /** A local module was loaded from this file. */
  readonly moduleLoaded: (file: string) => void;
  readonly debugEvent: (method: string, params: Json) => void;
}

/** What asked for the work whose output arrives; output may arrive long after it, so nothing else of a cell is kept with it. */
interface Origin {
  /** Who sent it and its header, which is all that outputs name of it. */
  readonly request: Message;
  readonly silent: boolean;
}

interface Running extends Origin {
  readonly cell: number;
  readonly settle: (outcome: Outcome) => void;
  /** After the first interrupt: until the cell has to have ended. */
  grace?: NodeJS.Timeout;
}

export interface UserProcessOptions extends ExecutorOptions {
  /** How long a cell that listens to SIGINT has to end after an interrupt, ms. */
  readonly interruptGrace: number;
}

export class UserProcess {
  readonly #options: UserProcessOptions;
  readonly #outputs: Outputs;
  readonly #handlers: UserProcessHandlers;
  readonly #origins = new Map<number, Origin>();
  /** Comm messages that the process handles, by the number that it got for its output. */
  readonly #comms = new Map<number, () => void>();
  readonly #openComms = new Map<string, string>();
  readonly #inspections = new Map<number, { resolve: (result: Json) => void; reject: (error: Error) => void }>();
  #executor: Executor | undefined;
  #ready = false;
  #running: Running | undefined;
  #next = 0;
  /** What the process ended with while no cell ran. */
  #lost: ErrorContent | undefined;
  /** V8's last words before it ran out of memory; they are replaced by an error that says so. */
  #outOfMemory = false;
  #closing = false;

  constructor(options: UserProcessOptions, outputs: Outputs, handlers: UserProcessHandlers) {
    this.#options = options;
    this.#outputs = outputs;
    this.#handlers = handlers;
  }

  /** Starts the process, unless something already needed it. */
  begin(): void {
    if (this.#executor === undefined) {
      this.#start();
    }
  }

  /** Runs a compiled cell to its end. */
  run(frame: ExecuteFrame, request: Message, silent: boolean): Promise<Outcome> {
    return new Promise((resolve) => {
      const settle = (outcome: Outcome) => {
        clearTimeout(this.#running?.grace);
        this.#running = undefined;
        resolve(outcome);
      };
      const origin = { request: withoutContent(request), silent };
      this.#running = { ...origin, cell: frame.cell, settle };
      this.#origins.set(frame.cell, origin);
      this.#send(frame);
    });
  }

  /**
   * Stops the running cell, or a comm's listener where no cell runs. A cell that listens to SIGINT itself is told of the first interrupt; a second
   * one, or some time without an end, stops it like any other.
   */
  interrupt(): void {
    const running = this.#running;
    if (running === undefined) {
      if (this.#comms.size > 0) {
        this.#send({ type: "interrupt", cell: 0, gentle: false });
      }
      return;
    }
    const gentle = running.grace === undefined;
    this.#send({ type: "interrupt", cell: running.cell, gentle });
    if (gentle) {
      running.grace = setTimeout(() => this.interrupt(), this.#options.interruptGrace);
    }
  }

  /** Hands a comm message over; resolves when it was handled. */
  comm(message: Message): Promise<void> {
    const { content } = message;
    const id = String(content.comm_id);
    const kind = message.header.msg_type.slice("comm_".length);
    if (kind === "open") {
      this.#openComms.set(id, String(content.target_name));
    } else if (kind === "close") {
      this.#openComms.delete(id);
    }
    const origin = -++this.#next;
    this.#origins.set(origin, { request: withoutContent(message), silent: false });
    return new Promise((resolve) => {
      this.#comms.set(origin, () => {
        this.#origins.delete(origin);
        resolve();
      });
      this.#send(
        {
          type: "comm",
          kind,
          cell: origin,
          id,
          target: content.target_name,
          data: content.data,
          metadata: message.metadata,
        },
        message.buffers,
      );
    });
  }

  openComms(target: unknown): Json {
    const entries = [...this.#openComms].filter(([, name]) => target === undefined || name === target);
    return Object.fromEntries(entries.map(([id, name]) => [id, { target_name: name }]));
  }

  answerInput(message: Message): void {
    if (message.header.msg_type === "input_reply") {
      this.#send({ type: "input", value: String(message.content.value ?? "") });
    } else {
      this.#handlers.log(`Unexpected message on stdin: ${message.header.msg_type}`);
    }
  }

  /** Sends a command of the Chrome DevTools Protocol to the user's main thread, through the agent. */
  inspect(method: string, params: Json = {}): Promise<Json> {
    const id = ++this.#next;
    return new Promise((resolve, reject) => {
      this.#inspections.set(id, { resolve, reject });
      this.#send({ type: "inspect", id, method, params });
    });
  }

  /** What the process ended with since the last cell, if it did. */
  takeLoss(): ErrorContent | undefined {
    const lost = this.#lost;
    this.#lost = undefined;
    return lost;
  }

  async close(): Promise<void> {
    this.#closing = true;
    await this.#executor?.stop(this.#running === undefined);
  }

  #send(frame: Order, buffers: readonly Uint8Array[] = []): void {
    this.begin();
    this.#executor?.send(frame, buffers);
  }

  #start(): void {
    this.#ready = false;
    this.#outOfMemory = false;
    this.#executor = new Executor(this.#options, {
      frame: (frame, buffers) => this.#onFrame(frame, buffers),
      raw: (name, text) => this.#onRaw(name, text),
      exit: (code, signal) => this.#onExit(code, signal),
    });
  }

  #onRaw(name: "stdout" | "stderr", text: string): void {
    if (name === "stderr" && /<--- Last few GCs --->|FATAL ERROR: .*(?:heap|memory)/.test(text)) {
      this.#outOfMemory = true;
    }
    if (!this.#outOfMemory && !/^Waiting for the debugger to disconnect/.test(text)) {
      this.#outputs.stream(name, text, this.#running?.request);
    }
  }

  #onFrame(frame: Report, buffers: Buffer[]): void {
    const origin = "cell" in frame ? this.#origins.get(frame.cell) : undefined;
    const parent = origin?.request;
    const silent = origin?.silent === true;
    switch (frame.type) {
      case "ready":
        this.#ready = true;
        return;
      case "stream":
        if (!silent) {
          const text = frame.text ?? buffers[0]?.toString("utf8") ?? "";
          this.#outputs.stream(frame.name, text, parent);
        }
        return;
      case "display":
        if (!silent) {
          const { data, metadata, transient } = frame;
          const type = frame.update ? "update_display_data" : "display_data";
          this.#outputs.message(type, { data, metadata, transient }, parent);
        }
        return;
      case "clear":
        this.#outputs.message("clear_output", { wait: frame.wait }, parent);
        return;
      case "done":
        if (this.#running?.cell === frame.cell) {
          this.#running?.settle(frame);
        }
        return;
      case "comm":
        this.#onComm(frame, parent, buffers);
        return;
      case "comm-handled":
        this.#comms.get(frame.cell)?.();
        this.#comms.delete(frame.cell);
        return;
      case "input":
        if (parent !== undefined) {
          this.#outputs.flush();
          this.#handlers.input({ prompt: frame.prompt, password: frame.password }, parent);
        }
        return;
      case "module":
        this.#handlers.moduleLoaded(frame.file);
        return;
      case "inspected": {
        const waiting = this.#inspections.get(frame.id);
        this.#inspections.delete(frame.id);
        if ("error" in frame) {
          waiting?.reject(new Error(frame.error));
        } else {
          waiting?.resolve(frame.result);
        }
        return;
      }
      case "inspector-event":
        this.#handlers.debugEvent(frame.method, frame.params);
    }
  }

  #onComm(frame: CommFrame, parent: Message | undefined, buffers: readonly Buffer[]): void {
    const { id, target, data, metadata } = frame;
    const content: Json = { comm_id: id, data };
    if (frame.kind === "open") {
      content.target_name = target;
      this.#openComms.set(id, String(target));
    } else if (frame.kind === "close") {
      this.#openComms.delete(id);
    }
    this.#outputs.message(`comm_${frame.kind}`, content, parent, {
      metadata: isObject(metadata) ? metadata : {},
      buffers,
    });
  }

  #onExit(code: number | null, signal: NodeJS.Signals | null): void {
    this.#executor = undefined;
    if (this.#closing) {
      return;
    }
    const error = this.#describeExit(code, signal);
    const running = this.#running;
    this.#openComms.clear();
    for (const handled of this.#comms.values()) {
      handled();
    }
    this.#comms.clear();
    for (const { reject } of this.#inspections.values()) {
      reject(new Error(error.evalue));
    }
    this.#inspections.clear();
    this.#handlers.ended();
    // One that never came up is tried again with the next cell, not for ever.
    if (this.#ready) {
      this.#start();
    }
    if (running === undefined) {
      this.#lost = error;
      this.#outputs.stream("stderr", `${error.evalue}\n`, [...this.#origins.values()].at(-1)?.request);
    } else {
      running.settle({ status: "error", error, died: true });
    }
  }

  #describeExit(code: number | null, signal: NodeJS.Signals | null): ErrorContent {
    const again = "All variables are lost; a fresh process was started.";
    let ename = "ProcessEnded";
    // The system ends with SIGKILL what takes more memory than there is.
    const how =
      signal === null ? `exit code ${code}` : `signal ${signal}${signal === "SIGKILL" ? ": out of memory?" : ""}`;
    let evalue = `The process that runs the cells ended (${how}). ${again}`;
    if (this.#outOfMemory) {
      const { heapLimit } = this.#options;
      const limit =
        heapLimit === undefined ? "Node's limit" : `the limit of ${heapLimit} MiB (set by CONVBOOK_HEAP_MB)`;
      ename = "OutOfMemory";
      evalue = `JavaScript's heap grew past ${limit}. ${again}`;
    } else if (!this.#ready) {
      evalue = `The process that runs the cells did not start (${how}).`;
    }
    return { ename, evalue, traceback: [`\u001b[31m${ename}\u001b[39m: ${evalue}`] };
  }
}

function withoutContent(message: Message): Message {
  return { ...message, content: {}, buffers: [] };
}
