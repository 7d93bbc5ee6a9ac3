/**
 * `npm run bench -- kernel`: our kernel beside ipykernel, tslab and deno, in one run and with one client. tslab and deno are
 * installed from npm into a temporary folder; a kernel that cannot be installed or does not answer is left out.
 */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { KernelClient } from "../../lib/kernel/console/kernel-client.ts";
import { debianPython } from "../conformance/harness.ts";
import type { BenchResult, BenchRow } from "./main.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const run_ = promisify(execFile);

interface Peer {
  readonly name: string;
  readonly argv: (connectionFile: string) => string[];
  readonly language: "typescript" | "python";
}

/** The kernels that can be installed; `wanted` names those to measure, ours always among them. */
async function peers(folder: string, wanted: readonly string[]): Promise<Peer[]> {
  const list: Peer[] = [
    {
      name: "convbook",
      argv: (file) => [process.execPath, join(root, "lib/kernel/dist/main.js"), file],
      language: "typescript",
    },
    { name: "ipykernel", argv: (file) => [debianPython(), "-m", "ipykernel_launcher", "-f", file], language: "python" },
  ];
  writeFileSync(join(folder, "package.json"), '{"private": true}');
  for (const [name, version] of [
    ["tslab", "1.0.22"],
    ["deno", "2.9.6"],
  ] as const) {
    if (!wanted.includes(name)) {
      continue;
    }
    try {
      await run_("npm", ["install", `${name}@${version}`, "--ignore-scripts", "--no-audit", "--no-fund"], {
        cwd: folder,
        timeout: 120_000,
      });
    } catch {
      continue;
    }
    const bin = name === "deno" ? denoProgram(folder) : join(folder, "node_modules/.bin/tslab");
    if (bin !== undefined && existsSync(bin)) {
      list.push({
        name,
        argv: (file) =>
          name === "deno" ? [bin, "jupyter", "--kernel", "--conn", file] : [bin, "kernel", `--config-path=${file}`],
        language: "typescript",
      });
    }
  }
  return list.filter(({ name }) => name === "convbook" || wanted.includes(name));
}

function denoProgram(folder: string): string | undefined {
  const scope = join(folder, "node_modules/@deno");
  const found = existsSync(scope) ? readdirSync(scope)[0] : undefined;
  return found === undefined ? undefined : join(scope, found, "deno");
}

async function freePorts(n: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: n }, async () => {
      const server = createServer().listen(0, "127.0.0.1");
      await new Promise((resolve) => server.once("listening", resolve));
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

class Running {
  readonly process: ChildProcess;
  readonly client: KernelClient;
  /** From the start of the process to the answer to kernel_info_request, ms. */
  startup = 0;

  private constructor(process_: ChildProcess, client: KernelClient) {
    this.process = process_;
    this.client = client;
  }

  /** With `settle`, waits until outputs surely arrive; a kernel's own start goes on meanwhile. */
  static async start(peer: Peer, folder: string, cwd = folder, settle = true): Promise<Running> {
    const [shell_port, iopub_port, stdin_port, control_port, hb_port] = await freePorts(5);
    const file = join(folder, `${randomUUID()}.json`);
    const ports = { shell_port, iopub_port, stdin_port, control_port, hb_port };
    const connection = {
      transport: "tcp",
      ip: "127.0.0.1",
      key: randomUUID(),
      signature_scheme: "hmac-sha256",
      kernel_name: peer.name,
      ...ports,
    };
    writeFileSync(file, JSON.stringify(connection));
    const client = new KernelClient(file);
    const start = performance.now();
    const [program = "", ...args] = peer.argv(file);
    const env = { ...process.env, CONVBOOK_HISTORY: join(folder, "history.jsonl"), NO_COLOR: "1" };
    const running = new Running(spawn(program, args, { cwd, stdio: "ignore", env, detached: true }), client);
    await within(client.request("kernel_info_request", {}), 30_000);
    running.startup = performance.now() - start;
    if (settle) {
      await within(client.ready(), 30_000);
    }
    return running;
  }

  async cell(code: string): Promise<number> {
    const start = performance.now();
    const reply = await within(this.client.execute(code, { output: () => {}, input: async () => "" }), 20_000);
    if (reply.status !== "ok") {
      throw new Error(`${reply.ename}: ${reply.evalue}`);
    }
    return performance.now() - start;
  }

  /** Completes at the end of a cell; an answer without what it must offer is none. */
  async completion(code: string, expected: string): Promise<number> {
    const start = performance.now();
    const reply = await within(this.client.request("complete_request", { code, cursor_pos: code.length }), 30_000);
    const time = performance.now() - start;
    if (!(Array.isArray(reply.matches) && reply.matches.some((match) => match.endsWith(expected)))) {
      throw new Error(`does not offer ${expected}`);
    }
    return time;
  }

  async request(type: string, content: Record<string, unknown>): Promise<number> {
    const start = performance.now();
    await within(this.client.request(type, content), 30_000);
    return performance.now() - start;
  }

  /** Resident memory of the kernel and all that it started, MB. */
  memory(): number {
    const parents = new Map<number, number>();
    for (const pid of readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map(Number)) {
      const stat = readStat(pid);
      if (stat !== undefined) {
        parents.set(pid, stat);
      }
    }
    const belongs = (pid: number | undefined): boolean =>
      pid === this.process.pid || (pid !== undefined && pid > 1 && belongs(parents.get(pid)));
    return [...parents.keys()].filter(belongs).reduce((sum, pid) => sum + residentMb(pid), 0);
  }

  stop(): void {
    this.client.close();
    try {
      process.kill(-(this.process.pid ?? 0), "SIGKILL");
    } catch {
      // It ended by itself.
    }
  }
}

function readStat(pid: number): number | undefined {
  try {
    return Number(readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ")[1]);
  } catch {
    return undefined;
  }
}

function residentMb(pid: number): number {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}

function within<T>(work: Promise<T>, ms: number): Promise<T> {
  return Promise.race([
    work,
    new Promise<T>((_, reject) => setTimeout(() => reject(new Error(`no answer within ${ms / 1000} s`)), ms).unref()),
  ]);
}

const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

/** Of all processes of a kernel, the checker among them, after the measures before: long outputs count. */
const memoryTarget = "250";

/** How often each measure is taken of each kernel. */
const rounds = 3;

type Measure = (kernel: Running, peer: Peer) => Promise<number>;

const pick = (peer: Peer, typescript: string, python: string) => (peer.language === "python" ? python : typescript);
const repeat = async (n: number, work: (i: number) => Promise<number>) => {
  const times: number[] = [];
  for (let i = 0; i < n; i++) {
    times.push(await work(i));
  }
  return median(times);
};

const twentyLines = (i: number) =>
  `class Model {\n${Array.from({ length: 18 }, (_, k) => `  method${k}(x: number): string { return String(x + ${i}); }`).join("\n")}\n}`;
const twentyLinesPython = (i: number) =>
  `class Model:\n${Array.from({ length: 18 }, (_, k) => `    def method${k}(self, x: int) -> str: return str(x + ${i})`).join("\n")}`;

const measures: readonly [name: string, target: string, measure: Measure][] = [
  ["1+1", "2 ms", (kernel) => repeat(20, () => kernel.cell("1+1"))],
  [
    "class of 20 lines with types",
    "10 ms",
    (kernel, peer) => repeat(8, (i) => kernel.cell(pick(peer, twentyLines(i), twentyLinesPython(i)))),
  ],
  [
    "1,000 prints",
    "15 ms",
    (kernel, peer) =>
      repeat(3, () =>
        kernel.cell(pick(peer, "for (let i = 0; i < 1000; i++) console.log(i);", "for i in range(1000): print(i)")),
      ),
  ],
  [
    "string of 10 MB",
    "150 ms",
    (kernel, peer) =>
      repeat(1, () => kernel.cell(pick(peer, 'console.log("x".repeat(10_000_000));', 'print("x" * 10_000_000)'))),
  ],
  [
    "completion of a member",
    "2 ms",
    (kernel, peer) =>
      repeat(10, (i) =>
        kernel.request("complete_request", {
          // Another text each time, as while typing.
          code: pick(peer, "Math.", "str.") + "sctlr"[i % 5],
          cursor_pos: pick(peer, "Math.s", "str.s").length,
        }),
      ),
  ],
  [
    "completion of a member in a cell that changed",
    "1.5 ms",
    (kernel, peer) =>
      repeat(10, (i) =>
        kernel.completion(pick(peer, `const n = ${i}; Math.s`, `n = ${i}; str.s`), pick(peer, "sqrt", "split")),
      ),
  ],
  [
    "the same of what the cell declares",
    "1.5 ms",
    (kernel, peer) =>
      repeat(10, (i) =>
        kernel.completion(
          pick(peer, `const n = ${i}; const m = new Map(); m.s`, `n = ${i}; m = dict(); m.s`),
          pick(peer, "size", "setdefault"),
        ),
      ),
  ],
  [
    "the same in a cell with types",
    "1.5 ms",
    (kernel, peer) =>
      repeat(10, (i) =>
        kernel.completion(
          pick(
            peer,
            `const n: number = ${i}; const m = new Map<string, number>(); m.s`,
            `n: int = ${i}; m: dict = dict(); m.s`,
          ),
          pick(peer, "size", "setdefault"),
        ),
      ),
  ],
  [
    // What its members are is new each time; nothing that is known of the cell helps.
    "the same of what it declares anew",
    "",
    (kernel, peer) =>
      repeat(10, (i) =>
        kernel.completion(
          pick(peer, `const m = new Map([[${i}, "a"]]); m.s`, `m = {${i}: "a"}; m.s`),
          pick(peer, "size", "setdefault"),
        ),
      ),
  ],
  [
    "hover",
    "5 ms",
    (kernel, peer) =>
      repeat(10, () =>
        kernel.request("inspect_request", { code: pick(peer, "Math.max", "max"), cursor_pos: 3, detail_level: 0 }),
      ),
  ],
];

/** Measures that only our kernel has the means for: the tfjs types must be found from the notebook's folder. */
const ownMeasures: readonly [name: string, target: string, measure: (kernel: Running) => Promise<number>][] = [
  [
    "cell with tfjs types, checked again",
    "35 ms",
    async (kernel) => {
      await kernel.cell('import * as tf from "@tensorflow/tfjs-core";');
      return repeat(20, (i) =>
        kernel.cell(
          `const size = tf.util.sizeFromShape([2, ${i}]); function area(t: tf.Tensor2D): number { return t.shape[0] * t.shape[1] }`,
        ),
      );
    },
  ],
];

/** First cells, sent as soon as the kernel answers; where tfjs is found from, and whether the checker is waited for. */
const firstCells: readonly [what: string, target: string, tfjs: boolean, types: boolean][] = [
  ["first cell", "", false, true],
  ["first cell, types off", "", false, false],
  ["first cell with tfjs", "", true, true],
  ["first cell with tfjs, types off", "", true, false],
];

async function firstCell(peer: Peer, folder: string, tfjs: boolean, types: boolean): Promise<number> {
  const kernel = await Running.start(peer, folder, tfjs ? join(root, "notebooks") : folder, false);
  const code = tfjs
    ? 'import * as tf from "@tensorflow/tfjs-core"; const t: tf.Tensor | undefined = undefined; t'
    : "const first: number = 1; first";
  try {
    return await kernel.cell(`${types ? "" : "// @convbook-types: off\n"}${code}`);
  } finally {
    kernel.stop();
  }
}

/** `--cells N`: how many cells the memory run has (500). `--kernels NAMES`: peers with commas between (all). */
export async function run(args: readonly string[]): Promise<BenchResult> {
  const cells = args.includes("--cells") ? Number(args[args.indexOf("--cells") + 1]) : 500;
  const wanted = args.includes("--kernels") ? args[args.indexOf("--kernels") + 1] : "ipykernel,tslab,deno";
  const folder = mkdtempSync(join(tmpdir(), "bench-kernel-"));
  const rows: BenchRow[] = [];
  const table = new Map<string, Record<string, string | number | null>>();
  const put = (what: string, target: string, peer: string, value: number | string) => {
    const row = table.get(what) ?? { what, target };
    row[peer] = typeof value === "number" ? Number(value.toFixed(value < 10 ? 2 : 0)) : value;
    table.set(what, row);
  };
  try {
    const all = await peers(folder, (wanted ?? "").split(","));
    const started: { peer: Peer; kernel: Running; startups: number[] }[] = [];
    for (let round = 0; round < rounds; round++) {
      for (const peer of all) {
        const known = started.find((one) => one.peer === peer);
        try {
          const kernel = await Running.start(peer, folder);
          if (known === undefined) {
            started.push({ peer, kernel, startups: [kernel.startup] });
          } else {
            known.startups.push(kernel.startup);
            kernel.stop();
          }
        } catch (error) {
          put("start to kernel_info, ms", "200 ms", peer.name, (error as Error).message.slice(0, 40));
        }
      }
    }
    try {
      for (const { peer, kernel, startups } of started) {
        put("start to kernel_info, ms", "200 ms", peer.name, median(startups));
        await kernel.cell(pick(peer, "const warm = 1; warm", "warm = 1"));
      }
      // Rounds that alternate, so that a busy moment of the machine meets all kernels.
      for (const [what, target, measure] of measures) {
        const times = new Map<Peer, number[]>(started.map(({ peer }) => [peer, []]));
        for (let round = 0; round < rounds; round++) {
          for (const { peer, kernel } of started) {
            try {
              times.get(peer)?.push(await measure(kernel, peer));
            } catch (error) {
              put(`${what}, ms`, target, peer.name, (error as Error).message.slice(0, 40));
              times.delete(peer);
            }
          }
        }
        for (const [peer, values] of times) {
          put(`${what}, ms`, target, peer.name, median(values));
        }
      }
      for (const { peer, kernel } of started) {
        await memoryRun(kernel, peer, cells, put).catch((error: Error) =>
          put(`memory after ${cells} cells, MB`, memoryTarget, peer.name, error.message.slice(0, 40)),
        );
      }
    } finally {
      for (const { kernel } of started) {
        kernel.stop();
      }
    }
    const ours = all[0] as Peer;
    const firsts = new Map<string, number[]>(firstCells.map(([what]) => [what, []]));
    for (let round = 0; round < rounds; round++) {
      for (const [what, , tfjs, types] of firstCells) {
        firsts.get(what)?.push(await firstCell(ours, folder, tfjs, types));
      }
    }
    for (const [what, target] of firstCells) {
      put(`${what}, ms`, target, ours.name, median(firsts.get(what) ?? []));
    }
    const kernel = await Running.start(ours, folder, join(root, "notebooks"));
    try {
      for (const [what, target, measure] of ownMeasures) {
        put(`${what}, ms`, target, ours.name, await measure(kernel));
      }
    } finally {
      kernel.stop();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  for (const row of table.values()) {
    const own = row.convbook;
    for (const peer of ["ipykernel", "tslab", "deno"]) {
      const other = row[peer];
      if (typeof own === "number" && typeof other === "number" && own > 0) {
        row[`${peer}/ours`] = Number((other / own).toFixed(1));
      }
    }
    rows.push(row);
  }
  return {
    note: "Medians, one client for all kernels, one machine, one run; a ratio above 1 means that ours is the faster or smaller.",
    rows,
  };
}

async function memoryRun(
  kernel: Running,
  peer: Peer,
  cells: number,
  put: (what: string, target: string, peer: string, value: number | string) => void,
): Promise<void> {
  const code = (i: number) =>
    pick(
      peer,
      `const value${i % 20} = { i: ${i} }; console.log(value${i % 20}.i)`,
      `value${i % 20} = {"i": ${i}}; print(value${i % 20}["i"])`,
    );
  const times: number[] = [];
  let middle = 0;
  for (let i = 0; i < cells; i++) {
    times.push(await kernel.cell(code(i)));
    if (i === cells >> 1) {
      middle = kernel.memory();
    }
  }
  const end = kernel.memory();
  put(`memory after ${cells} cells, MB`, memoryTarget, peer.name, end);
  put("its growth over the last half, %", "5 %", peer.name, (100 * (end - middle)) / middle);
  put(
    "last 100 cells against first 100, time",
    "1",
    peer.name,
    median(times.slice(-100)) / median(times.slice(0, 100)),
  );
  const fresh: number[] = [];
  for (let i = 0; i < cells; i++) {
    fresh.push(
      await kernel.cell(pick(peer, `const fresh${i}: { i: number } = { i: ${i} };`, `fresh${i}: dict = {"i": ${i}}`)),
    );
  }
  put(
    "the same of cells that each declare a new name, time",
    "1",
    peer.name,
    median(fresh.slice(-100)) / median(fresh.slice(0, 100)),
  );
}
