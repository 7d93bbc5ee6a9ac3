/** tslab itself, and a kernel of either kind under our own client. */
import { execFile, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { KernelClient } from "../../lib/kernel/console/kernel-client.ts";
import { root } from "./harness.ts";

const version = "1.0.22";
/** A folder for what the tests of one file write. */
const home = mkdtempSync(join(tmpdir(), "kernel-tslab-"));

export function removeHome(): void {
  rmSync(home, { recursive: true, force: true });
}

/** The tslab program, installed for this test; undefined where npm cannot. */
export async function installTslab(): Promise<string | undefined> {
  const folder = join(home, "tslab");
  mkdirSync(folder);
  const args = ["install", "--prefix", folder, "--ignore-scripts", "--no-audit", "--no-fund", `tslab@${version}`];
  try {
    await promisify(execFile)("npm", args, { timeout: 300_000 });
    return join(folder, "node_modules/.bin/tslab");
  } catch (error) {
    if (process.env.CI) {
      throw error;
    }
    console.log(`Left out: the comparison with tslab, which npm cannot install (npm install tslab@${version})`);
    return undefined;
  }
}

export interface CellOutcome {
  readonly status: string;
  /** Types of the messages that the cell sent, each once. */
  readonly messages: ReadonlySet<string>;
  readonly stdout: string;
  readonly stderr: string;
  /** Media types of what was shown. */
  readonly media: ReadonlySet<string>;
  /** What was shown, in order: the message, its data, and its display's name. */
  readonly shown: readonly { readonly type: string; readonly data: object; readonly id: string | undefined }[];
}

/** A kernel in a process group of its own: tslab leaves processes behind when it is asked to shut down. */
export class Kernel {
  readonly #client: KernelClient;
  readonly #group: number;

  private constructor(client: KernelClient, group: number) {
    this.#client = client;
    this.#group = group;
  }

  static async start(argv: (file: string) => string[]): Promise<Kernel> {
    const file = join(home, `${randomUUID()}.json`);
    const [shell_port, iopub_port, stdin_port, control_port, hb_port] = await freePorts(5);
    const ports = { shell_port, iopub_port, stdin_port, control_port, hb_port };
    const signed = { key: randomUUID(), signature_scheme: "hmac-sha256" };
    writeFileSync(file, JSON.stringify({ transport: "tcp", ip: "127.0.0.1", ...signed, ...ports }));
    const [program = "", ...args] = argv(file);
    const child = spawn(program, args, {
      cwd: join(root, "notebooks"),
      stdio: "ignore",
      detached: true,
      env: { ...process.env, CONVBOOK_HISTORY: join(home, "history.jsonl") },
    });
    const client = new KernelClient(file);
    await client.ready();
    return new Kernel(client, child.pid ?? 0);
  }

  async run(code: string): Promise<CellOutcome> {
    const messages = new Set<string>();
    const media = new Set<string>();
    const shown: { type: string; data: object; id: string | undefined }[] = [];
    const text = { stdout: "", stderr: "" };
    const reply = await this.#client.execute(code, {
      output: (type, content) => {
        messages.add(type);
        if (type === "stream") {
          text[content.name as "stdout" | "stderr"] += content.text;
        }
        if (type.endsWith("display_data")) {
          const { display_id: id } = (content.transient ?? {}) as { display_id?: string };
          shown.push({ type, data: content.data as object, id });
        }
        for (const type of Object.keys((content.data as object | undefined) ?? {})) {
          media.add(type);
        }
      },
      input: async () => "",
    });
    messages.delete("execute_input");
    return { status: String(reply.status), messages, media, shown, ...text };
  }

  close(): void {
    this.#client.close();
    try {
      process.kill(-this.#group, "SIGKILL");
    } catch {
      // It ended by itself.
    }
  }
}

/** The outcomes of the same cells on both kernels, by the cells' names. */
export type Outcomes = Readonly<Record<"ours" | "tslab", Map<string, CellOutcome>>>;

/**
 * Runs cells on our kernel and on tslab.
 *
 * @param tslab The program.
 * @returns What came of each cell, the kernels, and what ends them.
 */
export async function runOnBoth(
  tslab: string,
  cells: Iterable<readonly [name: string, code: string]>,
): Promise<{ outcomes: Outcomes; kernels: { readonly ours: Kernel; readonly tslab: Kernel }; close: () => void }> {
  const main = join(root, "lib/kernel/dist/main.js");
  const outcomes: Outcomes = { ours: new Map(), tslab: new Map() };
  const kernels = {
    ours: await Kernel.start((file) => [process.execPath, main, file]),
    tslab: await Kernel.start((file) => [tslab, "kernel", `--config-path=${file}`]),
  };
  for (const name of ["ours", "tslab"] as const) {
    for (const [cell, code] of cells) {
      outcomes[name].set(cell, await kernels[name].run(code));
    }
  }
  const close = () => {
    kernels.ours.close();
    kernels.tslab.close();
  };
  return { outcomes, kernels, close };
}

async function freePorts(n: number): Promise<number[]> {
  const servers = Array.from({ length: n }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => new Promise((resolve) => server.once("listening", resolve))));
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
