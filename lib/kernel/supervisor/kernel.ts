/**
 * The supervisor: speaks the Jupyter protocol, and has a child process run the cells. It never runs user code itself, so
 * it answers while a cell is busy and survives whatever a cell does to its process.
 */
import { randomUUID } from "node:crypto";
import { Debugger } from "../debug/debugger.ts";
import { complete } from "../help/complete.ts";
import { inspectAt } from "../help/inspect.ts";
import { isComplete } from "../help/is-complete.ts";
import type { Connection } from "../protocol/connection.ts";
import { numberField, RequestError, textField } from "../protocol/fields.ts";
import type { Json, Message } from "../protocol/message.ts";
import { KernelSockets } from "../protocol/sockets.ts";
import { type Checks, checksFor } from "../types/written-for.ts";
import { messageOf, stackOf } from "../values.ts";
import { CellQueue } from "./cell-queue.ts";
import { History } from "./history.ts";
import { kernelInfo } from "./kernel-info.ts";
import { Outputs, type Publish } from "./outputs.ts";
import { Preparer } from "./prepare.ts";
import { UserProcess } from "./user-process.ts";

export interface KernelOptions {
  /** The notebook's folder: what imports and files are relative to. */
  readonly folder: string;
  /** Limit of V8's old generation for the user's process, MiB. */
  readonly heapLimit: number | undefined;
  /** How long a cell that listens to SIGINT has to end after an interrupt, ms. */
  readonly interruptGrace: number;
  /** How long a cell of an interactive front-end waits for the type checker before it runs, ms. */
  readonly typesWait: number;
}

export class Kernel {
  readonly #session = randomUUID();
  readonly #history = new History();
  readonly #preparer: Preparer;
  readonly #user: UserProcess;
  readonly #cells: CellQueue;
  readonly #debugger: Debugger;
  readonly #outputs: Outputs;
  #sockets!: KernelSockets;
  #closing = false;
  readonly #closed: Promise<void>;
  #close!: () => void;

  private constructor(options: KernelOptions, checks: Checks) {
    this.#closed = new Promise((resolve) => {
      this.#close = resolve;
    });
    const publish: Publish = (type, content, parent, extra) => {
      this.#sockets.send("iopub", type, content, parent, extra);
    };
    this.#outputs = new Outputs(publish);
    this.#preparer = new Preparer(options.folder, checks);
    this.#user = new UserProcess(options, this.#outputs, {
      log: (line) => this.log(line),
      // The front-end's answer comes on stdin, from whoever sent the cell.
      input: (content, request) => this.#sockets.send("stdin", "input_request", content, request),
      ended: () => {
        this.#preparer.reset();
        this.#debugger.reset();
      },
      moduleLoaded: (file) => this.#preparer.types?.watch(file),
      debugEvent: (method, params) => this.#debugger.onEvent(method, params),
    });
    this.#debugger = new Debugger(this.#user, (event) => publish("debug_event", event, undefined));
    this.#cells = new CellQueue({
      preparer: this.#preparer,
      user: this.#user,
      outputs: this.#outputs,
      history: this.#history,
      debug: this.#debugger,
      typesWait: options.typesWait,
      publish,
      reply: (content, request, metadata) =>
        this.#sockets.send("shell", "execute_reply", content, request, metadata === undefined ? {} : { metadata }),
    });
  }

  /** Binds the sockets of a connection, then starts the child process and the checker. */
  static async start(connection: Connection, options: KernelOptions): Promise<Kernel> {
    const kernel = new Kernel(options, checksFor(connection.kernelName));
    try {
      kernel.#sockets = await KernelSockets.bind(connection, kernel.#session, {
        shell: (message) => kernel.#onShell(message),
        control: (message) => {
          kernel.#answer("control", message);
        },
        stdin: (message) => kernel.#user.answerInput(message),
        log: (line) => kernel.log(line),
      });
    } catch (error) {
      kernel.#closing = true;
      kernel.#user.close();
      kernel.#preparer.close();
      throw error;
    }
    kernel.#sockets.send("iopub", "status", { execution_state: "starting" }, undefined);
    // After the sockets: a client that waits for kernel_info must not wait for these.
    setImmediate(() => {
      kernel.#user.begin();
      kernel.#preparer.begin();
    });
    return kernel;
  }

  /** Resolves when the kernel was shut down. */
  get closed(): Promise<void> {
    return this.#closed;
  }

  log(line: string): void {
    process.stderr.write(`[convbook kernel] ${line}\n`);
  }

  /**
   * Stops the running cell, as an interrupt request does.
   *
   * @param at When the signal came, where that was before the kernel could hear of a cell.
   */
  interrupt(at?: Date): void {
    this.#cells.interrupt(at === undefined ? undefined : { header: { date: at.toISOString() } });
  }

  /** How many milliseconds nobody is connected, nothing was asked and no cell ran; 0 where somebody is or one does. */
  get idleFor(): number {
    return this.#cells.running !== undefined || this.#sockets.subscribers > 0
      ? 0
      : performance.now() - this.#sockets.lastHeard;
  }

  /** Ends the child and the sockets, after what was queued is sent. */
  async shutdown(): Promise<void> {
    if (this.#closing) {
      return;
    }
    this.#closing = true;
    await this.#user.close();
    this.#preparer.close();
    this.#outputs.flush();
    await Promise.all([this.#sockets.drained(), this.#history.written]);
    this.#sockets.close();
    this.#close();
  }

  #onShell(message: Message): void {
    const { msg_type: type } = message.header;
    if (type === "execute_request") {
      this.#cells.add(message);
    } else if (type === "comm_open" || type === "comm_msg" || type === "comm_close") {
      this.#onComm(message);
    } else {
      this.#answer("shell", message);
    }
  }

  async #onComm(message: Message): Promise<void> {
    this.#status("busy", message);
    await this.#user.comm(message);
    this.#outputs.flush();
    this.#status("idle", message);
  }

  /** Answers a request that does not run a cell: busy, reply, idle. */
  async #answer(channel: "shell" | "control", message: Message): Promise<void> {
    const type = message.header.msg_type;
    this.#status("busy", message);
    let content: Json | undefined;
    try {
      content = await this.#handle(type, message);
    } catch (error) {
      const stack = error instanceof RequestError ? `${error.name}: ${error.message}` : stackOf(error);
      this.log(`${type} failed: ${stack}`);
      const ename = error instanceof Error ? error.name : "Error";
      content = { status: "error", ename, evalue: messageOf(error), traceback: stack.split("\n") };
    }
    if (content !== undefined) {
      this.#sockets.send(channel, type.replace(/_request$/, "_reply"), content, message);
    }
    this.#status("idle", message);
    if (type === "shutdown_request") {
      await this.shutdown();
    }
  }

  /** The reply to a request, or undefined where the message has none. */
  async #handle(type: string, message: Message): Promise<Json | undefined> {
    const { content } = message;
    switch (type) {
      case "kernel_info_request":
        return kernelInfo();
      case "is_complete_request":
        return isComplete(textField(content, "code"));
      case "complete_request": {
        const code = textField(content, "code");
        const describe = (text: string) => this.#preparer.describe(text);
        return complete(code, cursorOf(content, code), describe, this.#preparer.types);
      }
      case "inspect_request": {
        const code = textField(content, "code");
        const detail = numberField(content, "detail_level") ?? 0;
        return inspectAt(
          code,
          cursorOf(content, code),
          detail,
          await this.#preparer.describe(code),
          this.#preparer.types,
        );
      }
      case "history_request":
        return this.#history.answer(content);
      case "comm_info_request":
        return { status: "ok", comms: this.#user.openComms(content.target_name) };
      case "interrupt_request":
        this.#cells.interrupt(message);
        return { status: "ok" };
      case "shutdown_request":
        return { status: "ok", restart: content.restart === true };
      case "debug_request":
        return this.#debugger.answer(content);
      default:
        this.log(`No answer is known to a message of type ${type}`);
        return undefined;
    }
  }

  #status(state: "busy" | "idle", message: Message): void {
    this.#sockets.send("iopub", "status", { execution_state: state }, message);
    const running = this.#cells.running;
    if (state === "idle" && running !== undefined) {
      // The idle was this request's; front-ends that show one state for all must see that a cell still runs.
      this.#sockets.send("iopub", "status", { execution_state: "busy" }, running);
    }
  }
}

function cursorOf(content: Json, code: string): number {
  return numberField(content, "cursor_pos") ?? [...code].length;
}
