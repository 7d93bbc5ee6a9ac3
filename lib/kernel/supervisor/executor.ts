/** The supervisor's side of the process that runs the user's code. */
import { type ChildProcess, spawn } from "node:child_process";
import type { Socket } from "node:net";
import type { Duplex, Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { endTree, startOptions } from "../platform.ts";
import { BrokenFrameError, encodeFrame, FrameReader } from "../wire/frames.ts";
import type { Order, Report } from "../wire/messages.ts";

export interface ExecutorHandlers {
  readonly frame: (frame: Report, buffers: Buffer[]) => void;
  /** What the process writes to its descriptors past Node: native code, worker threads, an abort of V8. */
  readonly raw: (name: "stdout" | "stderr", text: string) => void;
  /** The process is gone and all it sent was handed over. */
  readonly exit: (code: number | null, signal: NodeJS.Signals | null) => void;
}

export interface ExecutorOptions {
  readonly folder: string;
  /** Limit of V8's old generation, MiB. */
  readonly heapLimit: number | undefined;
}

/** How long a process whose channels are closed has to end by itself, ms. */
const deaf = 200;

const entry = fileURLToPath(new URL("../child/main.js", import.meta.url));

/** One child process, from its start to its end. */
export class Executor {
  readonly #child: ChildProcess;
  readonly #agent: Duplex;
  readonly #gone: Promise<void>;
  #orders = 0;

  constructor(options: ExecutorOptions, handlers: ExecutorHandlers) {
    const flags = [
      "--no-force-async-hooks-checks",
      "--experimental-vm-modules",
      // The kernel's own modules are resolved from where they lie.
      "--experimental-import-meta-resolve",
      "--disable-warning=ExperimentalWarning",
    ];
    if (options.heapLimit !== undefined) {
      flags.push(`--max-old-space-size=${options.heapLimit}`);
    }
    this.#child = spawn(process.execPath, [...flags, entry], {
      cwd: options.folder,
      stdio: ["ignore", "pipe", "pipe", "pipe", "pipe"],
      // Ctrl-C goes to the supervisor alone, and what the user's code started ends with it.
      ...startOptions(),
    });
    const [, stdout, stderr, outbox, agent] = this.#child.stdio as [unknown, Readable, Readable, Socket, Duplex];
    this.#agent = agent;
    agent.on("error", () => {});
    const answers = new FrameReader(handlers.frame);
    agent.on("data", (chunk: Buffer) => answers.push(chunk));
    const reader = new FrameReader(handlers.frame);
    outbox.on("data", (chunk: Buffer) => {
      try {
        reader.push(chunk);
      } catch (error) {
        if (!(error instanceof BrokenFrameError)) {
          throw error;
        }
        this.kill();
      }
    });
    outbox.on("error", () => {});
    // A process that can say or hear nothing more: a cell closed a descriptor. One that ends by itself is given the time to.
    for (const channel of [outbox, agent]) {
      channel.on("end", () => setTimeout(() => this.kill(), deaf).unref());
    }
    for (const [name, stream] of [
      ["stdout", stdout],
      ["stderr", stderr],
    ] as const) {
      stream.setEncoding("utf8");
      stream.on("data", (text: string) => handlers.raw(name, text));
      stream.on("error", () => {});
    }
    this.#gone = new Promise((resolve) => this.#child.once("exit", () => resolve()));
    let left = false;
    const leave = (code: number | null, signal: NodeJS.Signals | null) => {
      if (!left) {
        left = true;
        handlers.exit(code, signal);
      }
    };
    // "close" comes once every pipe was read to its end; a grandchild may hold one open for ever.
    this.#child.once("close", leave);
    this.#child.once("exit", (code, signal) => setTimeout(() => leave(code, signal), 500));
    this.#child.once("error", () => leave(null, null));
  }

  send(frame: Order, buffers: readonly Uint8Array[] = []): void {
    const numbered = { ...frame, number: this.#orders++ };
    for (const part of encodeFrame(numbered, buffers)) {
      this.#agent.write(part);
    }
  }

  /** Ends the process: politely first where it can listen, so that its exit handlers run. */
  async stop(polite: boolean): Promise<void> {
    if (polite) {
      this.send({ type: "exit" });
      await Promise.race([this.#gone, new Promise((resolve) => setTimeout(resolve, 300))]);
    }
    this.kill();
  }

  /** Ends the process and all that it started. */
  kill(): void {
    if (this.#child.pid !== undefined && this.#child.exitCode === null && this.#child.signalCode === null) {
      try {
        endTree(this.#child.pid);
      } catch {
        this.#child.kill("SIGKILL");
      }
    }
  }
}
