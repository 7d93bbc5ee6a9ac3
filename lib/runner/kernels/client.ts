/** Talks to one running kernel: requests and their replies, and the messages that belong to them. */
import { Dealer, Subscriber } from "zeromq";
import { withLoad } from "../busy.ts";
import type { Connection } from "./connection.ts";
import { type Json, type Message, MessageCodec } from "./message.ts";

export interface ExecuteOptions {
  /** Called for each message on iopub that belongs to this request, in order. */
  readonly onMessage?: ((message: Message) => void) | undefined;
  /**
   * Called instead for what the cell sends after it ended; default: onMessage. It is kept as long as the client, so it should
   * hold on to little.
   */
  readonly onLateMessage?: ((message: Message) => void) | undefined;
  /** Called when the kernel asks for input, which a run without a person cannot give. */
  readonly onInputRequest?: ((prompt: string) => void) | undefined;
  /** Whether an error makes the kernel drop the requests queued behind this one. Default true. */
  readonly stopOnError?: boolean | undefined;
  /** Whether the cell counts in the history. Default true. */
  readonly storeHistory?: boolean | undefined;
  readonly silent?: boolean | undefined;
  /** Expressions that the kernel evaluates after the cell; name to code. */
  readonly userExpressions?: Readonly<Record<string, string>> | undefined;
  /** Called when the kernel replies; outputs may follow. */
  readonly onReply?: (() => void) | undefined;
  /** How long the idle status may come after the reply, ms, before it is given up. Default 5000. */
  readonly idleTimeout?: number | undefined;
}

/** What an execute_request came to. */
export interface ExecuteResult {
  readonly status: "ok" | "error" | "aborted";
  readonly executionCount: number | null;
  readonly content: Json;
  /** The reply's; `kernel_died` where what ran the cells ended, and what they had made is gone, though the kernel goes on. */
  readonly metadata: Json;
  /** False where the kernel never said that it was idle again: outputs may be missing. */
  readonly idle: boolean;
}

interface Pending {
  readonly onMessage: ((message: Message) => void) | undefined;
  readonly onInputRequest: ((prompt: string) => void) | undefined;
  reply: Message | undefined;
  idle: boolean;
  readonly replied: () => void;
  readonly idled: () => void;
}

/** Longest stretch of handling messages without letting timers and signals in, ms. */
const longestStretch = 10;

/**
 * The client of one kernel. Every promise that waits for the kernel is rejected when `fail` is called, which the manager
 * does when the process ends: nothing waits for a dead kernel.
 */
export class KernelClient {
  readonly #codec: MessageCodec;
  readonly #shell = new Dealer({ linger: 0, reconnectInterval: 5, receiveHighWaterMark: 0 });
  readonly #control = new Dealer({ linger: 0, reconnectInterval: 5, receiveHighWaterMark: 0 });
  readonly #stdin: Dealer;
  readonly #iopub = new Subscriber({ linger: 0, reconnectInterval: 5, receiveHighWaterMark: 0 });
  readonly #pending = new Map<string, Pending>();
  /** What takes the late output of requests that have ended, by their ids. */
  readonly #late = new Map<string, (message: Message) => void>();
  readonly #queues = new Map<Dealer, Promise<void>>();
  #failure: Error | undefined;
  /** Rejects each promise that is waited for at the moment. */
  readonly #waiting = new Set<(error: Error) => void>();
  #closed = false;
  /** Messages on iopub that belong to no pending request: late output, comms of other sessions. */
  onStrayMessage: ((message: Message) => void) | undefined;

  constructor(connection: Connection) {
    this.#codec = new MessageCodec(connection.key);
    // A kernel routes its input requests by identity: stdin has shell's.
    this.#shell.routingId = this.#codec.session;
    this.#stdin = new Dealer({ linger: 0, reconnectInterval: 5, routingId: this.#codec.session });
    this.#iopub.subscribe();
    this.#iopub.connect(connection.address("iopub"));
    this.#shell.connect(connection.address("shell"));
    this.#control.connect(connection.address("control"));
    this.#stdin.connect(connection.address("stdin"));
    this.#read(this.#iopub, (message) => this.#onIopub(message));
    this.#read(this.#shell, (message) => this.#onReply(message));
    this.#read(this.#control, (message) => this.#onReply(message));
    this.#read(this.#stdin, (message) => this.#onStdin(message));
  }

  /** Rejects what waits and everything to come. */
  fail(error: Error): void {
    if (this.#failure === undefined) {
      this.#failure = error;
      for (const reject of this.#waiting) {
        reject(error);
      }
    }
  }

  close(): void {
    if (!this.#closed) {
      this.#closed = true;
      for (const socket of [this.#shell, this.#control, this.#stdin, this.#iopub]) {
        socket.close();
      }
      this.fail(new Error("the kernel client was closed"));
    }
  }

  /**
   * Waits until the kernel answers and its output can be heard: asks again until an idle status comes back, because a
   * subscription takes effect some time after the connection.
   */
  async waitForReady(timeout: number): Promise<Message> {
    const deadline = performance.now() + timeout;
    for (let wait = 20; ; wait = Math.min(wait * 2, 500)) {
      const request = this.#start("kernel_info_request", {}, this.#shell, {});
      const both = Promise.all([request.replied, request.idled]);
      const ready = await this.#unlessFailed(Promise.race([both.then(() => true), sleep(wait).then(() => false)]));
      // A kernel that is slow to start answers every question in the end; only the first pair counts.
      if (ready) {
        this.#pending.delete(request.id);
        return request.pending.reply as Message;
      }
      if (performance.now() > deadline) {
        throw new Error(withLoad(`the kernel did not answer within ${Math.round(timeout / 1000)} s`));
      }
    }
  }

  /** Sends a request on shell or control and waits for its reply. */
  async request(channel: "shell" | "control", type: string, content: Json): Promise<Message> {
    const request = this.#start(type, content, channel === "shell" ? this.#shell : this.#control, {});
    try {
      await this.#unlessFailed(request.replied);
      return request.pending.reply as Message;
    } finally {
      this.#pending.delete(request.id);
    }
  }

  /** Runs code and waits until the kernel has replied and is idle again, so that every output has come. */
  async execute(code: string, options: ExecuteOptions = {}): Promise<ExecuteResult> {
    const { idleTimeout = 5000 } = options;
    const content = {
      code,
      silent: options.silent ?? false,
      store_history: options.storeHistory ?? true,
      user_expressions: options.userExpressions ?? {},
      allow_stdin: false,
      stop_on_error: options.stopOnError ?? true,
    };
    const request = this.#start("execute_request", content, this.#shell, options);
    let timer: NodeJS.Timeout | undefined;
    try {
      await this.#unlessFailed(request.replied);
      options.onReply?.();
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, idleTimeout);
      });
      await this.#unlessFailed(Promise.race([request.idled, late]));
      const reply = request.pending.reply as Message;
      const { status, execution_count: count } = reply.content;
      return {
        status: status === "ok" ? "ok" : status === "error" ? "error" : "aborted",
        executionCount: typeof count === "number" ? count : null,
        content: reply.content,
        metadata: reply.metadata,
        idle: request.pending.idle,
      };
    } finally {
      clearTimeout(timer);
      // Output that a cell sends later is still its output.
      this.#pending.delete(request.id);
      const onLate = options.onLateMessage ?? options.onMessage;
      if (onLate !== undefined) {
        this.#late.set(request.id, onLate);
      }
    }
  }

  /** Waits for a promise, or for the kernel to fail. A race with one promise of the client's life would keep every request alive. */
  #unlessFailed<T>(promise: Promise<T>): Promise<T> {
    if (this.#failure !== undefined) {
      return Promise.reject(this.#failure);
    }
    return new Promise<T>((resolve, reject) => {
      this.#waiting.add(reject);
      promise.then(resolve, reject).finally(() => this.#waiting.delete(reject));
    });
  }

  #start(type: string, content: Json, socket: Dealer, options: Pick<ExecuteOptions, "onMessage" | "onInputRequest">) {
    const { id, frames } = this.#codec.encode(type, content);
    let replied!: () => void;
    let idled!: () => void;
    const repliedPromise = new Promise<void>((resolve) => {
      replied = resolve;
    });
    const idledPromise = new Promise<void>((resolve) => {
      idled = resolve;
    });
    const pending: Pending = {
      onMessage: options.onMessage,
      onInputRequest: options.onInputRequest,
      reply: undefined,
      idle: false,
      replied,
      idled,
    };
    this.#pending.set(id, pending);
    this.#send(socket, frames);
    return { id, pending, replied: repliedPromise, idled: idledPromise };
  }

  /** A socket takes one send at a time. */
  #send(socket: Dealer, frames: (string | Buffer)[]): void {
    const before = this.#queues.get(socket) ?? Promise.resolve();
    const sent = before
      .then(() => (this.#closed ? undefined : socket.send(frames)))
      .catch((error) => {
        if (!this.#closed) {
          this.fail(error as Error);
        }
      });
    this.#queues.set(socket, sent);
  }

  async #read(socket: Dealer | Subscriber, handle: (message: Message) => void): Promise<void> {
    let stretch = performance.now();
    try {
      for await (const frames of socket) {
        const message = this.#codec.decode(frames);
        if (message !== undefined) {
          handle(message);
        }
        // Messages that are already there come without a turn of the event loop: let timers in.
        if (performance.now() - stretch > longestStretch) {
          await new Promise((resolve) => setImmediate(resolve));
          stretch = performance.now();
        }
      }
    } catch (error) {
      if (!this.#closed) {
        this.fail(error as Error);
      }
    }
  }

  #onReply(message: Message): void {
    const pending = this.#pending.get(message.parent_header.msg_id ?? "");
    if (pending !== undefined) {
      pending.reply = message;
      pending.replied();
    }
  }

  #onIopub(message: Message): void {
    const id = message.parent_header.msg_id ?? "";
    const pending = this.#pending.get(id);
    if (pending === undefined) {
      (this.#late.get(id) ?? this.onStrayMessage)?.(message);
      return;
    }
    pending.onMessage?.(message);
    if (message.header.msg_type === "status" && message.content.execution_state === "idle") {
      pending.idle = true;
      pending.idled();
    }
  }

  #onStdin(message: Message): void {
    if (message.header.msg_type === "input_request") {
      const prompt = message.content.prompt;
      this.#pending.get(message.parent_header.msg_id ?? "")?.onInputRequest?.(typeof prompt === "string" ? prompt : "");
    }
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
