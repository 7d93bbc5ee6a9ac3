/**
 * `convbook console`: a terminal on the same kernel that notebooks use, over its own protocol on sockets in a temporary
 * folder. Colours, completion, history over sessions, several lines where a statement is not finished.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { startOptions } from "../platform.ts";
import type { Json } from "../protocol/message.ts";
import { isObject } from "../values.ts";
import { KernelClient } from "./kernel-client.ts";
import { localConnection } from "./local-connection.ts";

/** Where the console writes; on a terminal it says that it is one. */
type Output = NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };

export interface ConsoleOptions {
  readonly input?: NodeJS.ReadableStream;
  readonly output?: Output;
  /** The folder that imports are relative to; the working folder unless given. */
  readonly folder?: string;
}

const dim = (text: string) => `\u001b[2m${text}\u001b[22m`;
const green = (text: string) => `\u001b[32m${text}\u001b[39m`;
const red = (text: string) => `\u001b[31m${text}\u001b[39m`;

/** Runs the console until its input ends. */
export async function runConsole(options: ConsoleOptions = {}): Promise<void> {
  const { input = process.stdin, output = process.stdout, folder = process.cwd() } = options;
  const home = mkdtempSync(join(tmpdir(), "convbook-console-"));
  const connection = await localConnection(home);
  const file = join(home, "connection.json");
  writeFileSync(file, JSON.stringify(connection), { mode: 0o600 });
  const kernel = spawn(process.execPath, [fileURLToPath(new URL("../main.js", import.meta.url)), file], {
    cwd: folder,
    stdio: ["ignore", "ignore", "inherit"],
    // Ctrl-C is the console's, which passes it on; and the kernel goes when the console is gone.
    ...startOptions(),
    env: { ...process.env, JPY_PARENT_PID: String(process.pid) },
  });
  const client = new KernelClient(file);
  try {
    await new Console(client, kernel, input, output).run();
  } finally {
    await client.request("shutdown_request", { restart: false }, "control").catch(() => {});
    client.close();
    kernel.kill();
    rmSync(home, { recursive: true, force: true });
  }
}

class Console {
  readonly #client: KernelClient;
  readonly #kernel: ChildProcess;
  readonly #input: NodeJS.ReadableStream;
  readonly #output: Output;
  readonly #terminal: boolean;
  #count = 1;
  #running = false;
  /** Ctrl-C came since the last line. */
  #givenUp = false;
  /** The lines of an unfinished statement. */
  #code = "";
  /** The display that stands last on the terminal, and how many rows it takes: its updates replace it there. */
  #last: { readonly id: unknown; readonly rows: number } | undefined;

  constructor(client: KernelClient, kernel: ChildProcess, input: NodeJS.ReadableStream, output: Output) {
    this.#client = client;
    this.#kernel = kernel;
    this.#input = input;
    this.#output = output;
    this.#terminal = output.isTTY === true;
  }

  async run(): Promise<void> {
    const info = await this.#client.ready();
    this.#print(
      `${info.banner}\n${dim("Ctrl-D leaves, Ctrl-C interrupts, Tab completes, %lsmagic lists the magics.")}\n`,
    );
    const past = await this.#client.request("history_request", { hist_access_type: "tail", n: 500, output: false });
    const entries: [number, number, string][] = Array.isArray(past.history) ? past.history : [];
    const inputs = entries.map(([, , code]) => code).filter((code) => !code.includes("\n"));
    const lines = createInterface({
      input: this.#input,
      output: this.#output,
      terminal: this.#terminal,
      history: inputs.reverse(),
      historySize: 1000,
      completer: (line: string, done: (error: null, result: [string[], string]) => void) => {
        this.#complete(line).then(
          (result) => done(null, result),
          () => done(null, [[], line]),
        );
      },
    });
    lines.on("SIGINT", () => this.#interrupt(lines));
    this.#kernel.once("exit", () => lines.close());
    await this.#loop(lines);
  }

  async #loop(lines: Interface): Promise<void> {
    const next = lineReader(lines);
    for (;;) {
      this.#setPrompt(lines);
      this.#ask(lines);
      const line = await next();
      if (line === undefined) {
        if (this.#code !== "") {
          await this.#execute(this.#code, lines, next); // it says what is missing
        }
        break;
      }
      if (this.#code === "" && /^\s*\.?(?:exit|quit)\s*$/.test(line)) {
        return;
      }
      const code = this.#code === "" ? line : `${this.#code}\n${line}`;
      if (code.trim() === "") {
        continue;
      }
      this.#givenUp = false;
      const { status } = await this.#client.request("is_complete_request", { code });
      if (this.#givenUp) {
        this.#code = "";
      } else if (status === "incomplete") {
        this.#code = code;
      } else {
        this.#code = "";
        await this.#execute(code, lines, next);
      }
    }
    this.#print("\n");
  }

  async #execute(code: string, lines: Interface, next: () => Promise<string | undefined>): Promise<void> {
    this.#running = true;
    try {
      const reply = await this.#client.execute(code, {
        output: (type, content) => this.#show(type, content),
        input: async (prompt) => {
          lines.setPrompt(prompt);
          this.#ask(lines);
          return (await next()) ?? "";
        },
      });
      this.#count = Number(reply.execution_count ?? this.#count) + 1;
      const payload: { source?: string; data?: Json }[] = Array.isArray(reply.payload) ? reply.payload : [];
      for (const { source, data } of payload) {
        if (source === "page") {
          this.#print(`${data?.["text/plain"]}\n`);
        }
      }
    } finally {
      this.#running = false;
    }
  }

  #setPrompt(lines: Interface): void {
    const prompt = `In [${this.#count}]: `;
    lines.setPrompt(green(this.#code === "" ? prompt : "...: ".padStart(prompt.length)));
  }

  /** Piped input may be over while lines of it still wait. */
  #ask(lines: Interface): void {
    if ("closed" in lines && lines.closed) {
      this.#print(lines.getPrompt());
    } else {
      lines.prompt();
    }
  }

  #show(type: string, content: Record<string, unknown>): void {
    const data = isObject(content.data) ? content.data : {};
    const text = String(
      data["text/plain"] ??
        data["text/markdown"] ??
        Object.keys(data)
          .map((mime) => `<${mime}>`)
          .join(" "),
    );
    switch (type) {
      case "stream":
        this.#print(String(content.text));
        return;
      case "execute_result":
        this.#print(`${red(`Out[${content.execution_count}]:`)}${text.includes("\n") ? "\n" : " "}${text}\n`);
        return;
      case "display_data":
      case "update_display_data": {
        const id = isObject(content.transient) ? content.transient.display_id : undefined;
        const above = type === "update_display_data" && this.#last?.id === id ? this.#last : undefined;
        this.#print(above === undefined ? `${text}\n` : `\u001b[${above.rows}A\u001b[0J${text}\n`);
        if (this.#terminal && id !== undefined) {
          this.#last = { id, rows: this.#rowsOf(text) };
        }
        return;
      }
      case "error":
        this.#print(`${Array.isArray(content.traceback) ? content.traceback.join("\n") : ""}\n`);
    }
  }

  /** How many rows of the terminal a text takes. */
  #rowsOf(text: string): number {
    const { columns = 80 } = this.#output;
    const rows = stripVTControlCharacters(text)
      .split("\n")
      .map((line) => Math.max(1, Math.ceil([...line].length / columns)));
    return rows.reduce((sum, n) => sum + n, 0);
  }

  async #complete(line: string): Promise<[string[], string]> {
    const code = this.#code === "" ? line : `${this.#code}\n${line}`;
    const points = [...code];
    const reply = await this.#client.request("complete_request", { code, cursor_pos: points.length });
    return [Array.isArray(reply.matches) ? reply.matches : [], points.slice(Number(reply.cursor_start)).join("")];
  }

  #interrupt(lines: Interface): void {
    if (this.#running) {
      this.#client.request("interrupt_request", {}, "control").catch(() => {});
    } else {
      // What was typed is given up.
      this.#givenUp = true;
      const typed = this.#code !== "" || lines.line !== "";
      this.#code = "";
      Object.assign(lines, { line: "", cursor: 0 });
      this.#print(typed ? "^C\n" : dim("\nCtrl-D leaves.\n"));
      this.#setPrompt(lines);
      lines.prompt();
    }
  }

  #print(text: string): void {
    this.#last = undefined;
    this.#output.write(text);
  }
}

/** Lines one by one, whether they were typed before or after they are asked for; undefined once there are no more. */
function lineReader(lines: Interface): () => Promise<string | undefined> {
  const ready: string[] = [];
  let waiting: ((line: string | undefined) => void) | undefined;
  let closed = false;
  lines.on("line", (line) => {
    if (waiting === undefined) {
      ready.push(line);
    } else {
      waiting(line);
      waiting = undefined;
    }
  });
  lines.once("close", () => {
    closed = true;
    waiting?.(undefined);
  });
  return () =>
    ready.length > 0 || closed
      ? Promise.resolve(ready.shift())
      : new Promise((resolve) => {
          waiting = resolve;
        });
}
