/**
 * The supervisor: speaks the Jupyter protocol, and has a child process run the cells. It never runs user code itself, so
 * it answers while a cell is busy and survives whatever a cell does to its process.
 */
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import type { ErrorContent } from "../child/errors.ts";
import type { Frame } from "../child/frames.ts";
import { codeFrame } from "../compile/code-frame.ts";
import { MagicError, translateMagics } from "../compile/magics.ts";
import { CellSyntaxError, compileCell } from "../compile/transform.ts";
import type { Connection } from "../protocol/connection.ts";
import { type Json, type Message, protocolVersion } from "../protocol/message.ts";
import { KernelSockets } from "../protocol/sockets.ts";
import { Executor } from "./executor.ts";
import { Outputs } from "./outputs.ts";

export interface KernelOptions {
  /** The notebook's folder: what imports and files are relative to. */
  readonly folder: string;
  /** Limit of V8's old generation for the user's process, MiB. */
  readonly heapLimit?: number | undefined;
}

/** How a cell ended, as the child reports it. */
type Outcome =
  | { readonly status: "ok"; readonly result?: Json; readonly expressions: Json }
  | { readonly status: "error"; readonly error: ErrorContent };

interface RunningCell {
  readonly id: number;
  readonly request: Message;
  readonly silent: boolean;
  readonly settle: (outcome: Outcome) => void;
}

const kernelVersion = (
  JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as { version: string }
).version;

export class Kernel {
  readonly #options: KernelOptions;
  readonly #session = randomUUID();
  #sockets!: KernelSockets;
  readonly #outputs = new Outputs((type, content, parent) => this.#sockets.send("iopub", type, content, parent));
  #executor!: Executor;
  /** Execute requests that wait for their turn. */
  readonly #queue: Message[] = [];
  #busy = false;
  #running: RunningCell | undefined;
  /** Which request each cell's output belongs to, late output included. */
  readonly #requests = new Map<number, { readonly request: Message; readonly silent: boolean }>();
  #cells = 0;
  #executionCount = 0;
  #closing = false;
  readonly #closed: Promise<void>;
  #close!: () => void;

  private constructor(options: KernelOptions) {
    this.#options = options;
    this.#closed = new Promise((resolve) => {
      this.#close = resolve;
    });
  }

  /** Binds the sockets of a connection and starts the child process. */
  static async start(connection: Connection, options: KernelOptions): Promise<Kernel> {
    const kernel = new Kernel(options);
    kernel.#startExecutor();
    try {
      kernel.#sockets = await KernelSockets.bind(connection, kernel.#session, {
        shell: (message) => kernel.#onShell(message),
        control: (message) => kernel.#onControl(message),
        stdin: () => {},
        log: (line) => kernel.log(line),
      });
    } catch (error) {
      kernel.#closing = true;
      kernel.#executor.kill();
      throw error;
    }
    kernel.#publish("status", { execution_state: "starting" }, undefined);
    return kernel;
  }

  /** Resolves when the kernel was shut down. */
  get closed(): Promise<void> {
    return this.#closed;
  }

  log(line: string): void {
    process.stderr.write(`[convbook kernel] ${line}\n`);
  }

  /** Stops the running cell, as an interrupt request does. */
  interrupt(): void {
    if (this.#running !== undefined) {
      this.#executor.send({ type: "interrupt", cell: this.#running.id });
    }
  }

  /** Ends the child and the sockets, after what was queued is sent. */
  async shutdown(): Promise<void> {
    if (this.#closing) {
      return;
    }
    this.#closing = true;
    this.#executor.kill();
    this.#outputs.flush();
    await this.#sockets.drained();
    this.#sockets.close();
    this.#close();
  }

  #startExecutor(): void {
    this.#executor = new Executor(
      { folder: this.#options.folder, heapLimit: this.#options.heapLimit },
      {
        frame: (frame, buffers) => this.#onFrame(frame, buffers),
        raw: (name, text) => this.#outputs.stream(name, text, this.#running?.request),
        exit: (code, signal) => this.#onExit(code, signal),
      },
    );
  }

  #publish(type: string, content: Json, parent: Message | undefined): void {
    this.#sockets.send("iopub", type, content, parent);
  }

  #onShell(message: Message): void {
    if (message.header.msg_type === "execute_request") {
      this.#queue.push(message);
      this.#next();
    } else {
      this.#answer("shell", message);
    }
  }

  #onControl(message: Message): void {
    this.#answer("control", message);
  }

  /** Answers a request that does not run a cell: busy, reply, idle. */
  async #answer(channel: "shell" | "control", message: Message): Promise<void> {
    const type = message.header.msg_type;
    this.#publish("status", { execution_state: "busy" }, message);
    let content: Json | undefined;
    try {
      content = await this.#handle(type, message);
    } catch (error) {
      const { name, message: text, stack } = error as Error;
      content = { status: "error", ename: name, evalue: text, traceback: (stack ?? "").split("\n") };
    }
    if (content !== undefined) {
      this.#sockets.send(channel, type.replace(/_request$/, "_reply"), content, message);
    }
    this.#publish("status", { execution_state: "idle" }, message);
    if (this.#running !== undefined) {
      // The idle was this request's; front-ends that show one state for all must see that a cell still runs.
      this.#publish("status", { execution_state: "busy" }, this.#running.request);
    }
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
        return { status: "unknown" };
      case "complete_request":
        return {
          status: "ok",
          matches: [],
          cursor_start: content.cursor_pos,
          cursor_end: content.cursor_pos,
          metadata: {},
        };
      case "inspect_request":
        return { status: "ok", found: false, data: {}, metadata: {} };
      case "history_request":
        return { status: "ok", history: [] };
      case "comm_info_request":
        return { status: "ok", comms: {} };
      case "interrupt_request":
        this.interrupt();
        return { status: "ok" };
      case "shutdown_request":
        return { status: "ok", restart: content.restart === true };
      default:
        this.log(`No answer is known to a message of type ${type}`);
        return undefined;
    }
  }

  /** Runs the next waiting cell, if none runs. */
  async #next(): Promise<void> {
    if (this.#busy) {
      return;
    }
    this.#busy = true;
    for (let request = this.#queue.shift(); request !== undefined; request = this.#queue.shift()) {
      await this.#execute(request);
    }
    this.#busy = false;
  }

  async #execute(request: Message): Promise<void> {
    const { content } = request;
    const code = String(content.code ?? "");
    const silent = content.silent === true;
    const counted = !silent && content.store_history !== false;
    this.#publish("status", { execution_state: "busy" }, request);
    if (counted) {
      this.#executionCount++;
    }
    const count = this.#executionCount;
    if (!silent) {
      this.#publish("execute_input", { code, execution_count: count }, request);
    }
    const id = ++this.#cells;
    this.#requests.set(id, { request, silent });
    const file = counted ? `In [${count}]` : `In [ ]${id}`;
    const outcome = await this.#run(id, request, silent, code, file);
    await nextTurn();
    let reply: Json;
    if (outcome.status === "ok") {
      if (outcome.result !== undefined && !silent) {
        const result = { execution_count: count, data: outcome.result, metadata: {} };
        this.#outputs.message("execute_result", result, request);
      }
      reply = { status: "ok", execution_count: count, user_expressions: outcome.expressions, payload: [] };
    } else {
      if (!silent) {
        this.#outputs.message("error", { ...outcome.error }, request);
      }
      reply = { status: "error", execution_count: count, ...outcome.error, user_expressions: {}, payload: [] };
    }
    this.#outputs.flush();
    this.#sockets.send("shell", "execute_reply", reply, request);
    this.#publish("status", { execution_state: "idle" }, request);
    if (outcome.status === "error" && content.stop_on_error !== false) {
      this.#abortQueue();
    }
  }

  /** After an error the cells that already wait are not run. */
  #abortQueue(): void {
    for (const request of this.#queue.splice(0)) {
      this.#publish("status", { execution_state: "busy" }, request);
      this.#sockets.send("shell", "execute_reply", { status: "aborted" }, request, { metadata: { status: "aborted" } });
      this.#publish("status", { execution_state: "idle" }, request);
    }
  }

  async #run(id: number, request: Message, silent: boolean, code: string, file: string): Promise<Outcome> {
    try {
      const magics = translateMagics(code);
      const compiled = await compileCell(magics.code);
      return await new Promise<Outcome>((resolve) => {
        this.#running = {
          id,
          request,
          silent,
          settle: (outcome) => {
            this.#running = undefined;
            resolve(outcome);
          },
        };
        this.#executor.send({
          type: "execute",
          cell: id,
          file,
          ...compiled,
          source: code,
          expressions: (request.content.user_expressions as Record<string, string> | undefined) ?? {},
        });
      });
    } catch (error) {
      return { status: "error", error: describeCompileError(error, code, file) };
    }
  }

  #onFrame(frame: Frame, _buffers: Buffer[]): void {
    const cell = this.#requests.get(frame.cell as number);
    const parent = cell?.request;
    switch (frame.type) {
      case "stream":
        if (!cell?.silent) {
          this.#outputs.stream(frame.name as "stdout" | "stderr", frame.text as string, parent);
        }
        break;
      case "display":
        if (!cell?.silent) {
          const { data, metadata, transient } = frame;
          const type = frame.update ? "update_display_data" : "display_data";
          this.#outputs.message(type, { data, metadata, transient }, parent);
        }
        break;
      case "clear":
        this.#outputs.message("clear_output", { wait: frame.wait }, parent);
        break;
      case "done":
        if (this.#running !== undefined && this.#running.id === frame.cell) {
          this.#running.settle(frame as unknown as Outcome);
        }
    }
  }

  #onExit(code: number | null, signal: NodeJS.Signals | null): void {
    if (this.#closing) {
      return;
    }
    const how = signal === null ? `exit code ${code}` : `signal ${signal}`;
    const evalue = `The process that ran the cells ended (${how}). Its variables are lost; a fresh one was started.`;
    const running = this.#running;
    this.#startExecutor();
    if (running === undefined) {
      this.#outputs.stream("stderr", `${evalue}\n`, undefined);
    } else {
      const traceback = [`\u001b[31mDeadKernelProcess\u001b[39m: ${evalue}`];
      running.settle({ status: "error", error: { ename: "DeadKernelProcess", evalue, traceback } });
    }
  }
}

/** Lets what already arrived on other pipes be read. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function kernelInfo(): Json {
  return {
    status: "ok",
    protocol_version: protocolVersion,
    implementation: "convbook",
    implementation_version: kernelVersion,
    language_info: {
      name: "typescript",
      version: "7.0",
      mimetype: "text/typescript",
      file_extension: ".ts",
      pygments_lexer: "typescript",
      codemirror_mode: { name: "javascript", typescript: true },
      nbconvert_exporter: "script",
    },
    banner: `Convbook ${kernelVersion}: TypeScript on Node ${process.versions.node}`,
    debugger: false,
    help_links: [{ text: "TypeScript", url: "https://www.typescriptlang.org/docs/" }],
  };
}

function describeCompileError(error: unknown, code: string, file: string): ErrorContent {
  const red = (text: string) => `\u001b[31m${text}\u001b[39m`;
  if (error instanceof CellSyntaxError) {
    const { line, column, length, message } = error;
    const evalue = `${message} (${file}:${line}:${column})`;
    return {
      ename: "SyntaxError",
      evalue,
      traceback: [`${red("SyntaxError")}: ${evalue}`, codeFrame(code, line, column, length)],
    };
  }
  if (error instanceof MagicError) {
    return { ename: error.name, evalue: error.message, traceback: [`${red(error.name)}: ${error.message}`] };
  }
  const { name, message, stack } = error as Error;
  return { ename: name, evalue: message, traceback: (stack ?? message).split("\n") };
}
