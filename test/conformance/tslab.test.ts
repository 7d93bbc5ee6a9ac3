/**
 * Notebook 01 on our kernel and on tslab 1.0.22: every cell runs on both and computes the same. What is lost on tslab is
 * written down here as what it is expected to do.
 */
import { execFile, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { KernelClient } from "../../lib/kernel/console/kernel-client.ts";
import { root } from "./harness.ts";

const version = "1.0.22";
const home = mkdtempSync(join(tmpdir(), "kernel-tslab-"));

/** The tslab program, installed for this test; undefined where npm cannot. */
async function installTslab(): Promise<string | undefined> {
  const folder = join(home, "tslab");
  mkdirSync(folder);
  const args = ["install", "--prefix", folder, "--ignore-scripts", "--no-audit", "--no-fund", `tslab@${version}`];
  try {
    await promisify(execFile)("npm", args, { timeout: 120_000 });
    return join(folder, "node_modules/.bin/tslab");
  } catch (error) {
    if (process.env.CI) {
      throw error;
    }
    console.log(`Left out: the comparison with tslab, which npm cannot install (npm install tslab@${version})`);
    return undefined;
  }
}

interface CellOutcome {
  readonly status: string;
  /** Types of the messages that the cell sent, each once. */
  readonly messages: ReadonlySet<string>;
  readonly stdout: string;
  readonly stderr: string;
  /** Media types of what was shown. */
  readonly media: ReadonlySet<string>;
}

/** A kernel in a process group of its own: tslab leaves processes behind when it is asked to shut down. */
class Kernel {
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
    const text = { stdout: "", stderr: "" };
    const reply = await this.#client.execute(code, {
      output: (type, content) => {
        messages.add(type);
        if (type === "stream") {
          text[content.name as "stdout" | "stderr"] += content.text;
        }
        for (const type of Object.keys((content.data as object | undefined) ?? {})) {
          media.add(type);
        }
      },
      input: async () => "",
    });
    messages.delete("execute_input");
    return { status: String(reply.status), messages, media, ...text };
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

async function freePorts(n: number): Promise<number[]> {
  const servers = Array.from({ length: n }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => new Promise((resolve) => server.once("listening", resolve))));
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** The notebook's code with few images. */
function notebook01(): Map<string, string> {
  const file = join(root, "notebooks/01-inception-resnet-densenet.ipynb");
  const { cells } = JSON.parse(readFileSync(file, "utf8")) as {
    cells: { id: string; cell_type: string; source: string | string[] }[];
  };
  const code = cells.filter(({ cell_type }) => cell_type === "code");
  return new Map(
    code.map(({ id, source }) => [
      id,
      [source]
        .flat()
        .join("")
        .replace("const fast = false", "const fast = true")
        .replace(/const evaluationImages = [\d_]+/, "const evaluationImages = 128"),
    ]),
  );
}

const tslab = await installTslab();

describe.runIf(tslab)("notebook 01", () => {
  const kernels: Kernel[] = [];
  const outcomes = { ours: new Map<string, CellOutcome>(), tslab: new Map<string, CellOutcome>() };

  beforeAll(async () => {
    const main = join(root, "lib/kernel/dist/main.js");
    const starts = {
      ours: (file: string) => [process.execPath, main, file],
      tslab: (file: string) => [tslab ?? "", "kernel", `--config-path=${file}`],
    };
    for (const name of ["ours", "tslab"] as const) {
      const kernel = await Kernel.start(starts[name]);
      kernels.push(kernel);
      for (const [id, code] of notebook01()) {
        outcomes[name].set(id, await kernel.run(code));
      }
    }
  }, 240_000);
  afterAll(() => {
    for (const kernel of kernels) {
      kernel.close();
    }
    rmSync(home, { recursive: true, force: true });
  });

  it("runs to its end on both", () => {
    for (const cells of Object.values(outcomes)) {
      expect([...cells].filter(([, { status }]) => status !== "ok")).toEqual([]);
      expect(cells.size).toBe(notebook01().size);
    }
  });

  it("prints the same where it prints", () => {
    for (const id of ["load", "loaders", "inception-compare", "resnet-block", "preact-block", "dense-layer"]) {
      const [ours, theirs] = [outcomes.ours.get(id)?.stdout, outcomes.tslab.get(id)?.stdout];
      expect(ours).not.toBe("");
      expect(theirs).toBe(ours);
    }
  });

  it("loses on tslab every picture and table that is a cell's result: there it is text on stdout", () => {
    const results = [...outcomes.ours].filter(([, { messages }]) => messages.has("execute_result"));
    expect(results.map(([id]) => id)).toEqual([
      "samples",
      "statistics",
      "augmented",
      "checkpoints",
      "googlenet-summary",
      "googlenet-curves",
      "resnet-summary",
      "resnet-curves",
      "densenet-summary",
      "densenet-curves",
      "results",
      "scatter",
      "predictions",
      "mistakes",
      "confusion",
    ]);
    for (const [id, { media }] of results) {
      expect([...media].some((type) => /^image\/|^text\/html$/.test(type))).toBe(true);
      const theirs = outcomes.tslab.get(id);
      expect([...(theirs?.messages ?? [])]).toEqual(["stream"]);
      expect(theirs?.stdout).toMatch(/^(?:ImageGrid|Table|ModelSummary|VegaLiteFigure) \{/);
    }
  });

  it("shows on both what the library shows by itself, such as progress", () => {
    for (const cells of Object.values(outcomes)) {
      expect(cells.get("evaluate")?.messages).toContain("update_display_data");
      expect(cells.get("comparison-note")?.media).toContain("text/markdown");
    }
    // tslab sends one representation of each; ours has one for every front-end.
    expect([...(outcomes.tslab.get("comparison-note")?.media ?? [])]).toEqual(["text/markdown"]);
    expect(outcomes.ours.get("comparison-note")?.media).toContain("text/plain");
  });

  it("has on tslab no error messages: an error is text on stderr, and the next cell is skipped without a word", async () => {
    const [ours, theirs] = kernels as [Kernel, Kernel];
    for (const code of ['throw new RangeError("on purpose")', 'const wrong: number = "text";']) {
      const ownError = await ours.run(code);
      expect(ownError).toMatchObject({ status: "error", stderr: "" });
      expect(ownError.messages).toContain("error");
      expect(await ours.run("1 + 2")).toMatchObject({ status: "ok" });
      const error = await theirs.run(code);
      expect(error.status).toBe("error");
      expect([...error.messages]).toEqual(["stream"]);
      expect(error.stderr).toMatch(/on purpose|not assignable/);
      // tslab skips what reaches it within 200 ms, also what was sent after its reply.
      const sent = performance.now();
      const next = await theirs.run("1 + 2");
      if (performance.now() - sent < 100) {
        expect(next).toMatchObject({ status: "abort", messages: new Set(), stdout: "", stderr: "" });
      }
      while ((await theirs.run("1 + 2")).status === "abort") {
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  });

  it("loses on tslab output of a cell that prints much, even that it ended", async () => {
    const code = 'for (let i = 0; i < 3000; i++) { process.stdout.write("line " + i + "\\n"); }';
    const [ours, theirs] = await Promise.all(
      kernels.map((kernel) =>
        Promise.race([
          kernel.run(code),
          new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), 8000)),
        ]),
      ),
    );
    expect(ours?.stdout.split("\n")).toHaveLength(3001);
    expect(theirs?.stdout.split("\n").length ?? 0).toBeLessThan(3001);
  });
});
