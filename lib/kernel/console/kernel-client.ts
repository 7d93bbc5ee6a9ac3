/** A client of one kernel: requests with their replies, and the outputs of what it runs. */
import { randomUUID } from "node:crypto";
import { Dealer, Subscriber } from "zeromq";
import { address, readConnectionFile } from "../protocol/connection.ts";
import { decodeMessage, encodeMessage, type Json, type Message, makeHeader, Signer } from "../protocol/message.ts";

type Requests = "shell" | "control";

export interface ExecuteHandlers {
  readonly output: (type: string, content: Json) => void;
  /** Asks the user for a line. */
  readonly input: (prompt: string) => Promise<string>;
}

interface Waiting {
  readonly resolve: (content: Json) => void;
  readonly output?: ExecuteHandlers["output"];
  readonly input?: ExecuteHandlers["input"];
  /** A cell is over with its reply and its idle, whichever comes last. */
  reply?: Json;
  idle: boolean;
}

export class KernelClient {
  readonly #session = randomUUID();
  readonly #signer: Signer;
  readonly #sockets = {
    shell: new Dealer({ linger: 0 }),
    control: new Dealer({ linger: 0 }),
    stdin: new Dealer({ linger: 0 }),
  };
  readonly #iopub = new Subscriber({ linger: 0, receiveHighWaterMark: 0 });
  readonly #waiting = new Map<string, Waiting>();

  constructor(connectionFile: string) {
    const connection = readConnectionFile(connectionFile);
    this.#signer = new Signer(connection.key, connection.hash);
    for (const channel of ["shell", "control", "stdin"] as const) {
      // The stdin socket must be known to the kernel by the name of the shell's.
      this.#sockets[channel].routingId = this.#session;
      this.#sockets[channel].connect(address(connection, channel));
      this.#read(this.#sockets[channel]);
    }
    this.#iopub.connect(address(connection, "iopub"));
    this.#iopub.subscribe();
    this.#read(this.#iopub);
  }

  /** What the kernel says of itself, once it answers and its outputs arrive. */
  async ready(): Promise<Json> {
    for (;;) {
      const info = this.#ask("kernel_info_request", {}, "shell", { output: () => {} });
      const timeout = new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), 300));
      const answer = await Promise.race([info, timeout]);
      if (answer !== undefined) {
        return answer;
      }
    }
  }

  request(type: string, content: Json, channel: Requests = "shell"): Promise<Json> {
    return this.#ask(type, content, channel, {});
  }

  /** Runs code; resolves with the reply after all output was handed over. */
  execute(code: string, handlers: ExecuteHandlers): Promise<Json> {
    const content = {
      code,
      silent: false,
      store_history: true,
      user_expressions: {},
      allow_stdin: true,
      stop_on_error: true,
    };
    return this.#ask("execute_request", content, "shell", handlers);
  }

  close(): void {
    for (const socket of [...Object.values(this.#sockets), this.#iopub]) {
      socket.close();
    }
  }

  #ask(type: string, content: Json, channel: Requests, handlers: Partial<ExecuteHandlers>): Promise<Json> {
    const header = makeHeader(type, this.#session);
    return new Promise((resolve, reject) => {
      this.#waiting.set(header.msg_id, { resolve, idle: handlers.output === undefined, ...handlers });
      this.#send(channel, { identities: [], header, parent: {}, metadata: {}, content, buffers: [] }).catch(reject);
    });
  }

  #send(channel: "shell" | "control" | "stdin", message: Message): Promise<void> {
    return this.#sockets[channel].send(encodeMessage(message, this.#signer));
  }

  async #read(socket: Dealer | Subscriber): Promise<void> {
    for await (const frames of socket) {
      const message = decodeMessage(frames as Buffer[], this.#signer);
      const id = message.parent.msg_id ?? "";
      const waiting = this.#waiting.get(id);
      if (waiting !== undefined) {
        await this.#receive(id, waiting, message);
      }
    }
  }

  async #receive(id: string, waiting: Waiting, message: Message): Promise<void> {
    const type = message.header.msg_type;
    if (type === "input_request") {
      const value = (await waiting.input?.(String(message.content.prompt))) ?? "";
      const header = makeHeader("input_reply", this.#session);
      await this.#send("stdin", {
        identities: [],
        header,
        parent: message.header,
        metadata: {},
        content: { value },
        buffers: [],
      });
    } else if (type === "status") {
      waiting.idle ||= message.content.execution_state === "idle";
    } else if (type.endsWith("_reply")) {
      waiting.reply = message.content;
    } else {
      waiting.output?.(type, message.content);
    }
    if (waiting.idle && waiting.reply !== undefined) {
      this.#waiting.delete(id);
      waiting.resolve(waiting.reply);
    }
  }
}
