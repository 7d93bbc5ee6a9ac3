/** A rank that runs out of memory in the middle of training: of JavaScript's heap, of what the system grants, of what the machine has. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { loadCheckpointFile } from "../../lib/convbook/training/checkpointing/checkpoint-file.ts";
import { MemoryDeaths } from "../../lib/convbook/training/launched/memory-deaths.ts";
import { type LaunchOptions, type Library, launch, libraries } from "./launch.ts";
import type { Job } from "./programs/training.ts";

const program = fileURLToPath(new URL("./programs/training.ts", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "convbook-memory-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** A control group with so much memory, in either of Linux's two hierarchies; undefined where this process may make none. */
function makeGroup(bytes: number): string | undefined {
  for (const [root, limit] of [
    ["/sys/fs/cgroup/memory", "memory.limit_in_bytes"],
    ["/sys/fs/cgroup", "memory.max"],
  ] as const) {
    const group = join(root, `convbook-test-${process.pid}`);
    try {
      mkdirSync(group);
    } catch {
      continue;
    }
    try {
      writeFileSync(join(group, limit), `${bytes}`);
      return group;
    } catch {
      rmdirSync(group);
    }
  }
  return undefined;
}

const group = process.platform === "linux" ? makeGroup(600e6) : undefined;
if (group === undefined) {
  console.log("Left out: a rank that the kernel kills for lack of memory (needs a control group, as root on Linux)");
}
afterAll(async () => {
  for (let i = 0; group !== undefined && readFileSync(`${group}/cgroup.procs`, "utf8") !== "" && i < 100; i++) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  if (group !== undefined) {
    rmdirSync(group);
  }
});

/** Processes whose command has a word in it. */
function processesWith(word: string): string[] {
  return readdirSync("/proc").filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(word);
    } catch {
      return false;
    }
  });
}

/** Trains until rank 1 has no memory; what the launcher and the ranks said in the end. */
async function runOut(library: Library, what: "heap" | "refused" | "kernel", options: LaunchOptions = {}) {
  const own = join(folder, `${library.family}-${what}`);
  const job: Job = {
    norm: "group",
    samples: 32,
    evaluated: 13,
    batchSize: 4,
    folder: join(own, "checkpoints"),
    report: join(own, "report"),
    trainer: { maxEpochs: 3, strategy: { name: "ddp", timeout: 300 } },
    fault: { step: 5, rank: 1, what, ...(group !== undefined && { group }) },
  };
  const { code, stdout, stderr } = await launch(library, 2, program, [JSON.stringify(job)], options);
  const said = `${stdout}${stderr}`;
  expect(code, said).not.toBe(0);
  // Nobody came to the end, nobody is left.
  expect(readdirSync(own), said).toEqual(["checkpoints"]);
  for (let i = 0; i < 100 && processesWith(own).length > 0; i++) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  expect(processesWith(own)).toEqual([]);
  expect(readdirSync(job.folder ?? "").toSorted()).toEqual(["epoch=0-step=4.safetensors", "last.safetensors"]);
  expect((await loadCheckpointFile(join(job.folder ?? "", "last.safetensors"))).training?.progress.globalStep).toBe(4);
  return said;
}

describe.runIf(process.platform === "linux").each(libraries.slice(0, 1))(
  "on $family",
  { timeout: 300_000 },
  (library) => {
    /** MPICH's launcher knows its processes by their numbers only. */
    const named = (signal: number) =>
      library.family === "MPICH"
        ? new RegExp(`PID \\d+ RUNNING[^]*signal ${signal}`)
        : new RegExp(`rank 1 .*signal ${signal}`);

    it("of JavaScript's heap: its process says so, and the launcher which one it was", async () => {
      const said = await runOut(library, "heap", { env: { NODE_OPTIONS: "--max-old-space-size=250" } });
      expect(said).toContain("JavaScript heap out of memory");
      expect(said).toMatch(named(6));
    });

    it("of what the system grants: an error that the others hear of", async () => {
      const said = await runOut(library, "refused");
      expect(said).toMatch(/MpiError: Rank 1 failed: BatchError: training failed on batch 1 .*: .*(alloc|memory)/i);
    });

    it.runIf(group !== undefined)("of what the machine has: the kernel kills it, and is asked", async () => {
      const deaths = new MemoryDeaths();
      const said = await runOut(library, "kernel");
      expect(said).toMatch(named(9));
      expect(deaths.words()).toMatch(
        /^Meanwhile the kernel killed (a process|\d+ processes) of this machine for lack of memory/,
      );
    });
  },
);
