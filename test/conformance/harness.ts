/** The built kernel under Debian's jupyter_client: starts the Python driver and speaks with it in JSON lines. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { debianPython } from "../debian-python.ts";

export { debianPython, pythonHas } from "../debian-python.ts";

export const root = fileURLToPath(new URL("../..", import.meta.url));
export const kernelspecFolder = join(root, "lib/kernel/kernelspec");
const here = fileURLToPath(new URL(".", import.meta.url));

export interface Event {
  readonly type: string;
  // biome-ignore lint/suspicious/noExplicitAny: contents are what the test looks into
  readonly content: any;
  readonly mine?: boolean;
  readonly parent?: string;
  readonly channel?: string;
  /** In hexadecimal digits. */
  readonly buffers?: readonly string[];
}

export interface Result {
  readonly events: Event[];
  readonly id: string;
  // biome-ignore lint/suspicious/noExplicitAny: contents are what the test looks into
  readonly reply: { readonly type: string; readonly content: any };
  readonly stopped_after?: number;
  readonly timeout?: boolean;
  readonly failed?: string;
}

export interface StartOptions {
  readonly folder?: string;
  readonly transport?: "tcp" | "ipc";
  /** The kernelspec's name, as Jupyter tells it to the kernel. */
  readonly name?: string;
  readonly env?: NodeJS.ProcessEnv;
}

export class KernelUnderTest {
  readonly #python: ChildProcessWithoutNullStreams;
  readonly #answers: ((line: string) => void)[] = [];
  readonly #temporary: string;
  readonly folder: string;
  /** What the kernel and the driver wrote to stderr. */
  stderr = "";
  pid = 0;
  ready = 0;

  private constructor(options: StartOptions) {
    this.#temporary = mkdtempSync(join(tmpdir(), "kernel-test-"));
    this.folder = options.folder ?? this.#temporary;
    this.#python = spawn(
      debianPython(),
      [join(here, "driver.py"), kernelspecFolder, this.folder, options.transport ?? "tcp", options.name ?? "convbook"],
      {
        env: { ...process.env, CONVBOOK_HISTORY: join(this.#temporary, "history.jsonl"), ...options.env },
      },
    );
    this.#python.stderr.on("data", (chunk: Buffer) => {
      this.stderr += chunk.toString();
    });
    createInterface({ input: this.#python.stdout }).on("line", (line) => this.#answers.shift()?.(line));
    this.#python.on("exit", () => {
      for (const answer of this.#answers.splice(0)) {
        answer(JSON.stringify({ failed: `the driver ended: ${this.stderr}` }));
      }
    });
  }

  static async start(options: StartOptions = {}): Promise<KernelUnderTest> {
    if (!existsSync(join(root, "lib/kernel/dist/main.js"))) {
      throw new Error("The kernel is not built: npm run build");
    }
    const kernel = new KernelUnderTest(options);
    const hello = (await kernel.#next()) as unknown as { ready: number; pid: number; failed?: string };
    if (hello.failed !== undefined) {
      throw new Error(hello.failed);
    }
    kernel.pid = hello.pid;
    kernel.ready = hello.ready;
    return kernel;
  }

  // biome-ignore lint/suspicious/noExplicitAny: each command has its own answer
  async do(command: string, options: Record<string, unknown> = {}): Promise<any> {
    const answer = this.#next();
    this.#python.stdin.write(`${JSON.stringify({ do: command, ...options })}\n`);
    const result = (await answer) as { failed?: string };
    if (result.failed !== undefined) {
      throw new Error(`${command}: ${result.failed}`);
    }
    return result;
  }

  execute(code: string, options: Record<string, unknown> = {}): Promise<Result> {
    return this.do("execute", { code, ...options });
  }

  /** The result of a cell that must not fail, as text. */
  async value(code: string): Promise<string | undefined> {
    const result = await this.execute(code);
    const error = errorOf(result);
    if (error !== undefined) {
      throw new Error(`${JSON.stringify(code)} failed: ${error.traceback.join("\n")}`);
    }
    return resultOf(result);
  }

  /** The error of a cell; nothing in it where there is none. */
  // biome-ignore lint/suspicious/noExplicitAny: contents are what the test looks into
  async failure(code: string): Promise<any> {
    return errorOf(await this.execute(code)) ?? {};
  }

  request(
    type: string,
    content: Record<string, unknown> = {},
    channel = "shell",
    metadata: Record<string, unknown> = {},
  ): Promise<Result> {
    return this.do("request", { type, content, channel, metadata });
  }

  async close(): Promise<void> {
    const gone = new Promise((resolve) => this.#python.once("exit", resolve));
    this.#python.stdin.end();
    await Promise.race([gone, new Promise((resolve) => setTimeout(resolve, 5000))]);
    this.#python.kill("SIGKILL");
    rmSync(this.#temporary, { recursive: true, force: true });
  }

  #next(): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#answers.push((line) => {
        try {
          resolve(JSON.parse(line));
        } catch (error) {
          reject(error);
        }
      });
    });
  }
}

/** The golden form of what a cell sent: one short line an event, streams joined. */
export function golden(result: Result): string[] {
  const lines: string[] = [];
  for (const { type, content, channel } of result.events.filter((event) => event.mine !== false)) {
    switch (type) {
      case "status":
        lines.push(content.execution_state);
        break;
      case "execute_input":
        lines.push(`input [${content.execution_count}]`);
        break;
      case "stream": {
        const before = lines.at(-1);
        if (before?.startsWith(`${content.name}: `)) {
          lines[lines.length - 1] = before + JSON.stringify(content.text).slice(1, -1);
        } else {
          lines.push(`${content.name}: ${JSON.stringify(content.text).slice(1, -1)}`);
        }
        break;
      }
      case "execute_result":
        lines.push(`result [${content.execution_count}] ${content.data["text/plain"]}`);
        break;
      case "display_data":
      case "update_display_data":
        lines.push(`${type === "display_data" ? "display" : "update"} ${Object.keys(content.data).join(" ")}`);
        break;
      case "error":
        lines.push(`error ${content.ename}: ${content.evalue}`);
        break;
      default:
        lines.push(channel === undefined ? type : `${channel} ${type}`);
    }
  }
  lines.push(`reply ${result.reply.content.status}`);
  return lines;
}

/** The error that a cell ended with. */
// biome-ignore lint/suspicious/noExplicitAny: contents are what the test looks into
export function errorOf(result: Result): any {
  return result.events.find(({ type }) => type === "error")?.content;
}

/** A folder of its own for a test, with files in it, each with its text by its path. */
export class TestFolder {
  readonly path = realpathSync(mkdtempSync(join(tmpdir(), "kernel-folder-")));

  constructor(files: Readonly<Record<string, string>> = {}) {
    for (const [file, text] of Object.entries(files)) {
      this.write(file, text);
    }
  }

  write(file: string, text: string): void {
    const path = join(this.path, file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** The text/plain of a cell's result. */
export function resultOf(result: Result): string | undefined {
  return result.events.find(({ type, mine }) => type === "execute_result" && mine)?.content.data["text/plain"];
}

/** All text that a cell wrote to a stream. */
export function streamOf(result: Result, name = "stdout"): string {
  return result.events
    .filter(({ type, mine, content }) => type === "stream" && mine && content.name === name)
    .map(({ content }) => content.text)
    .join("");
}
