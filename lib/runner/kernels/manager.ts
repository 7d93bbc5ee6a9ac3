/** Starts, interrupts and ends one kernel process, whatever the kernel does. */
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { KernelDiedError } from "../errors.ts";
import { endGroup, interruptGroup, residentMemory, startOf, startOptions } from "../platform.ts";
import { KernelClient } from "./client.ts";
import { type Connection, createConnection } from "./connection.ts";
import { type Kernelspec, kernelCommand, supportsIpc } from "./kernelspec.ts";
import type { Json } from "./message.ts";
import { killMarked, markerVariable } from "./process-tree.ts";

export interface KernelManagerOptions {
  /** The kernel's working folder: the notebook's. */
  readonly cwd: string;
  /** Variables added to the environment. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** By what name the kernel is told that it was started; the kernelspec's unless given. */
  readonly kernelName?: string | undefined;
  /** How long the kernel may take to answer, ms. Default 60 000. */
  readonly startupTimeout?: number | undefined;
  /** "auto" uses Unix sockets for kernels that are known to support them. */
  readonly transport?: "auto" | "tcp" | "ipc" | undefined;
}

/** How much of the kernel's own standard error is kept for the message when it dies. */
const stderrTail = 4000;

/** Looking through the processes takes a millisecond or two: a short cell shows what the one before it took. */
const memoryInterval = 50;

/** Kernels that run now, so that none outlives this process. */
const running = new Set<KernelManager>();
process.on("exit", () => {
  for (const manager of running) {
    manager.killNow();
  }
});

/** One kernel process and its client. */
export class KernelManager {
  readonly spec: Kernelspec;
  readonly client: KernelClient;
  /** Content of the kernel_info_reply. */
  info: Json = {};
  readonly #child: ChildProcess;
  readonly #connection: Connection;
  readonly #marker: string;
  #stderr = "";
  #exit: { code: number | null; signal: NodeJS.Signals | null } | undefined;
  readonly exited: Promise<void>;
  #stopping = false;
  #measured = { at: Number.NEGATIVE_INFINITY, bytes: 0 };

  /**
   * Starts a kernel and waits until it answers.
   *
   * @throws KernelDiedError when it ends or does not answer in time; its standard error is in the message.
   */
  static async start(spec: Kernelspec, options: KernelManagerOptions): Promise<KernelManager> {
    const { transport = "auto", startupTimeout = 60_000 } = options;
    const connection = await createConnection(
      options.kernelName ?? spec.name,
      transport === "auto" ? (supportsIpc(spec) ? "ipc" : "tcp") : transport,
    );
    let manager: KernelManager;
    try {
      manager = new KernelManager(spec, options, connection);
    } catch (error) {
      connection.remove();
      throw error;
    }
    try {
      manager.info = (await manager.client.waitForReady(startupTimeout)).content;
      return manager;
    } catch (error) {
      await manager.kill();
      throw error instanceof KernelDiedError ? error : manager.#died((error as Error).message);
    }
  }

  private constructor(spec: Kernelspec, options: KernelManagerOptions, connection: Connection) {
    this.spec = spec;
    this.#connection = connection;
    this.#marker = randomUUID();
    const { command, args: words } = kernelCommand(spec, connection.file);
    const env = {
      ...process.env,
      ...spec.env,
      ...options.env,
      // Kernels watch their parent through this and end with it.
      JPY_PARENT_PID: String(process.pid),
      [markerVariable]: this.#marker,
      // ipykernel warns about frozen modules on standard error otherwise.
      PYDEVD_DISABLE_FILE_VALIDATION: "1",
    };
    const { args, ...start } = startOf(command, words, env);
    this.#child = spawn(start.command, args, {
      ...startOptions(),
      cwd: options.cwd,
      stdio: ["ignore", "pipe", "pipe"],
      env,
      windowsVerbatimArguments: start.windowsVerbatimArguments,
    });
    const keep = (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString("utf8")).slice(-stderrTail);
    };
    this.#child.stderr?.on("data", keep);
    // Read, so that the pipe never fills; what the cells print comes as messages.
    this.#child.stdout?.on("data", keep);
    this.client = new KernelClient(connection);
    running.add(this);
    this.exited = new Promise((resolve) => {
      const end = (code: number | null, signal: NodeJS.Signals | null, problem?: string) => {
        if (this.#exit !== undefined) {
          return;
        }
        this.#exit = { code, signal };
        running.delete(this);
        // What it sent before it ended may still be on its way: a moment for the last outputs.
        setTimeout(() => {
          this.client.fail(this.#died(problem));
          resolve();
        }, 30);
      };
      this.#child.on("exit", (code, signal) => end(code, signal));
      this.#child.on("error", (error) => end(null, null, `${command} cannot be started: ${error.message}`));
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get alive(): boolean {
    return this.#exit === undefined;
  }

  /** Resident memory of the kernel and its children, bytes; not measured more often than makes sense. */
  get memory(): number {
    if (this.pid === undefined || !this.alive) {
      return 0;
    }
    const now = performance.now();
    if (now - this.#measured.at > memoryInterval) {
      this.#measured = { at: now, bytes: residentMemory(this.pid) };
    }
    return this.#measured.bytes;
  }

  /** Interrupts the running cell in the way that the kernelspec says. */
  interrupt(): void {
    if (!this.alive || this.pid === undefined) {
      return;
    }
    if (this.spec.interruptMode === "message") {
      this.client.request("control", "interrupt_request", {}).catch(() => {});
    } else {
      interruptGroup(this.pid);
    }
  }

  /**
   * Deletes the connection file and the paths of the sockets: what is connected stays so, and nobody else finds the way, not even what the
   * kernel itself starts. Only Unix sockets have paths.
   */
  seal(): void {
    this.#connection.remove();
  }

  /** Asks the kernel to end, and kills it when it has not within `grace` ms. */
  async shutdown(grace = 2000): Promise<void> {
    this.#stopping = true;
    if (this.alive) {
      this.client.request("control", "shutdown_request", { restart: false }).catch(() => {});
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, grace);
      });
      await Promise.race([this.exited, late]);
      clearTimeout(timer);
    }
    await this.kill();
  }

  /** Ends the kernel, its process group and whatever it started, at once. */
  async kill(): Promise<void> {
    this.#stopping = true;
    this.killNow();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      // A process in uninterruptible sleep does not end; nobody waits for it.
      timer = setTimeout(resolve, 2000);
    });
    await Promise.race([this.exited, late]);
    clearTimeout(timer);
    this.client.close();
    this.#child.stdout?.destroy();
    this.#child.stderr?.destroy();
    this.#connection.remove();
    running.delete(this);
  }

  /** The part of `kill` that needs no waiting. */
  killNow(): void {
    if (this.pid !== undefined) {
      endGroup(this.pid);
    }
    killMarked(this.#marker);
    this.#connection.remove();
  }

  #died(problem?: string): KernelDiedError {
    const exit = this.#exit;
    const how =
      problem ??
      (exit?.signal != null
        ? `was killed by ${exit.signal}${exit.signal === "SIGKILL" && !this.#stopping ? " (out of memory?)" : ""}`
        : `ended with exit code ${exit?.code ?? "unknown"}`);
    const tail = this.#stderr.trim();
    return new KernelDiedError(
      `the kernel ${this.spec.name} ${problem === undefined ? how : `failed: ${how}`}${tail === "" ? "" : `\nIts last words:\n${tail}`}`,
      exit,
      tail,
    );
  }
}
