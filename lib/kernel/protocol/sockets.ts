/** The kernel's five sockets: bound once, read in a loop each, written through one awaited queue each. */
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { Reply, Router, XPublisher } from "zeromq";
import { messageSent } from "../supervisor/heap.ts";
import { codeOf, messageOf, stackOf } from "../values.ts";
import { address, type Channel, type Connection } from "./connection.ts";
import { decodeMessage, encodeMessage, type Message, makeHeader, Signer } from "./message.ts";

/** A channel that cannot be bound; the message names the address. */
export class BindError extends Error {
  override readonly name = "BindError";
}

export interface SocketHandlers {
  readonly shell: (message: Message) => void;
  readonly control: (message: Message) => void;
  readonly stdin: (message: Message) => void;
  /** Told of messages that were dropped. */
  readonly log: (line: string) => void;
}

/**
 * Writes to one socket in order. zeromq refuses a second send while one waits, so sends are chained; what was queued is
 * on its way before `drained` resolves.
 */
class SendQueue {
  readonly #socket: { send(frames: Buffer[]): Promise<void> };
  #tail: Promise<void> = Promise.resolve();

  constructor(socket: { send(frames: Buffer[]): Promise<void> }) {
    this.#socket = socket;
  }

  send(frames: Buffer[]): Promise<void> {
    this.#tail = this.#tail.then(() => this.#socket.send(frames)).catch(() => {});
    return this.#tail;
  }

  get drained(): Promise<void> {
    return this.#tail;
  }
}

export class KernelSockets {
  readonly #session: string;
  readonly #signer: Signer;
  // No high-water mark: a publisher at its mark drops messages, and a notebook must lose none.
  readonly #shell = new Router({ sendHighWaterMark: 0, linger: 1000 });
  readonly #control = new Router({ sendHighWaterMark: 0, linger: 1000 });
  readonly #stdin = new Router({ sendHighWaterMark: 0, linger: 1000 });
  readonly #iopub = new XPublisher({ sendHighWaterMark: 0, linger: 1000, verbosity: "allSubs" });
  readonly #hb = new Reply({ linger: 0 });
  readonly #queues: Record<"shell" | "control" | "stdin" | "iopub", SendQueue>;

  /** How many subscriptions to iopub there are, and when the last message or subscription came or went. */
  subscribers = 0;
  lastHeard = performance.now();

  private constructor(connection: Connection, session: string) {
    this.#session = session;
    this.#signer = new Signer(connection.key, connection.hash);
    this.#queues = {
      shell: new SendQueue(this.#shell),
      control: new SendQueue(this.#control),
      stdin: new SendQueue(this.#stdin),
      iopub: new SendQueue(this.#iopub),
    };
  }

  /**
   * Binds the five channels and starts to read them.
   *
   * @throws BindError when a port is taken or an address cannot be bound.
   */
  static async bind(connection: Connection, session: string, handlers: SocketHandlers): Promise<KernelSockets> {
    const sockets = new KernelSockets(connection, session);
    if (connection.transport === "ipc") {
      mkdirSync(dirname(connection.ip), { recursive: true });
    }
    const bind = async (channel: Channel, socket: { bind(address: string): Promise<void> }) => {
      const at = address(connection, channel);
      try {
        await socket.bind(at);
      } catch (cause) {
        const reason = codeOf(cause) === "EADDRINUSE" ? "another process listens there" : messageOf(cause);
        throw new BindError(`Cannot listen on ${at} (${channel}): ${reason}`, { cause });
      }
    };
    await Promise.all([
      bind("shell", sockets.#shell),
      bind("control", sockets.#control),
      bind("stdin", sockets.#stdin),
      bind("iopub", sockets.#iopub),
      bind("hb", sockets.#hb),
    ]);
    sockets.#read(sockets.#shell, handlers.shell, handlers.log);
    sockets.#read(sockets.#control, handlers.control, handlers.log);
    sockets.#read(sockets.#stdin, handlers.stdin, handlers.log);
    sockets.#welcome();
    sockets.#echo();
    return sockets;
  }

  /** Sends a message on shell, control or stdin to those who sent `to`, or on iopub to all. */
  send(
    channel: "shell" | "control" | "stdin" | "iopub",
    type: string,
    content: Record<string, unknown>,
    to: Pick<Message, "header" | "identities"> | undefined,
    extra: { readonly metadata?: Record<string, unknown>; readonly buffers?: readonly Buffer[] } = {},
  ): Promise<void> {
    const message: Message = {
      identities: channel === "iopub" ? [Buffer.from(`kernel.${this.#session}.${type}`)] : (to?.identities ?? []),
      header: makeHeader(type, this.#session),
      parent: to?.header ?? {},
      metadata: extra.metadata ?? {},
      content,
      buffers: extra.buffers ?? [],
    };
    const frames = encodeMessage(message, this.#signer);
    messageSent(frames.reduce((sum, frame) => sum + frame.length, 0));
    return this.#queues[channel].send(frames);
  }

  /** Resolves when everything sent so far is in zeromq's hands. */
  async drained(): Promise<void> {
    await Promise.all(Object.values(this.#queues).map((queue) => queue.drained));
  }

  close(): void {
    for (const socket of [this.#shell, this.#control, this.#stdin, this.#iopub, this.#hb]) {
      socket.close();
    }
  }

  async #read(socket: Router, handle: (message: Message) => void, log: (line: string) => void): Promise<void> {
    for await (const frames of socket) {
      this.lastHeard = performance.now();
      let message: Message;
      try {
        message = decodeMessage(frames, this.#signer);
      } catch (error) {
        log(`Message dropped: ${messageOf(error)}`);
        continue;
      }
      try {
        handle(message);
      } catch (error) {
        log(`Message ${message.header.msg_type} failed: ${stackOf(error)}`);
      }
    }
  }

  /** Tells each new subscriber that its subscription is in force (protocol 5.4), so that it need not guess. */
  async #welcome(): Promise<void> {
    for await (const [frame] of this.#iopub) {
      this.lastHeard = performance.now();
      if (frame?.[0] === 0) {
        this.subscribers--;
      } else if (frame?.[0] === 1) {
        this.subscribers++;
        const subscription = frame.subarray(1);
        const message: Message = {
          identities: [subscription],
          header: makeHeader("iopub_welcome", this.#session),
          parent: {},
          metadata: {},
          content: { subscription: subscription.toString("utf8") },
          buffers: [],
        };
        this.#queues.iopub.send(encodeMessage(message, this.#signer));
      }
    }
  }

  async #echo(): Promise<void> {
    for await (const frames of this.#hb) {
      await this.#hb.send(frames).catch(() => {});
    }
  }
}
