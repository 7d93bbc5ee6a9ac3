/** What ranks have of their machine: threads as the launcher bound them, workers of loaders divided, data prepared once. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { engine } from "@convbook/engine";
import { afterAll, describe, expect, it } from "vitest";
import { shareOfThreads, shareOfWorkers } from "../../lib/convbook/training/strategies/machine.ts";
import { launch, libraries } from "./launch.ts";

const program = fileURLToPath(new URL("./programs/machine.ts", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "convbook-machine-"));
afterAll(() => rmSync(folder, { recursive: true }));
const openMpi = libraries.find(({ family }) => family === "Open MPI");
const processors = availableParallelism();

interface Share {
  readonly cpus: readonly number[];
  readonly threads: number;
  readonly workers: number;
  readonly prepared: number;
}

it.each([
  ["one process has all", [[0, 1, 2, 3]], [4]],
  [
    "two unbound ones half each",
    [
      [0, 1, 2, 3],
      [0, 1, 2, 3],
    ],
    [2, 2],
  ],
  ["bound ones what they are bound to", [[0], [1, 2, 3]], [1, 3]],
  ["more than processors one each", [[0], [0], [0]], [1, 1, 1]],
  [
    "three of one set a third each",
    [
      [0, 1, 2],
      [0, 1, 2],
      [0, 1, 2],
    ],
    [1, 1, 1],
  ],
  [
    "overlapping ones share what they share",
    [
      [0, 1],
      [1, 2],
    ],
    [1, 1],
  ],
])("of the processors %s", (_, all, threads) => {
  expect(all.map((_, which) => shareOfThreads(all, which))).toEqual(threads);
});

it("of a loader's workers each has its part, and one where there were any", () => {
  expect([0, 1, 3, 4].map((workers) => shareOfWorkers(workers, 2))).toEqual([0, 1, 2, 2]);
});

describe.runIf(openMpi !== undefined && engine.available)("under mpirun", { timeout: 120_000 }, () => {
  async function shares(name: string, before: readonly string[], ...flags: readonly string[]): Promise<Share[]> {
    const report = join(folder, name);
    const launcher = [...before, ...(openMpi?.launcher ?? []), ...flags];
    const { code, stderr } = await launch({ family: "Open MPI", launcher }, 2, program, [report], {
      env: { CONVBOOK_THREADS: "" },
    });
    expect(code, stderr).toBe(0);
    return [0, 1].map((rank) => JSON.parse(readFileSync(`${report}.${rank}`, "utf8")));
  }

  it("unbound ranks part the processors, workers and the preparing of data", async () => {
    const found = await shares("unbound", [], "--bind-to", "none");
    const each = Math.max(1, Math.floor(processors / 2));
    expect(found.map(({ threads }) => threads)).toEqual([each, each]);
    expect(found.map(({ workers }) => workers)).toEqual([2, 2]);
    expect(found.map(({ prepared }) => prepared)).toEqual([1, 0]);
  });

  it.runIf(processors >= 2)("ranks that are bound to a core each have its threads", async () => {
    const found = await shares("bound", [], "--bind-to", "core", "--map-by", "core");
    expect(found.map(({ threads, cpus }) => threads === cpus.length)).toEqual([true, true]);
    const [first, second] = found;
    expect(first?.cpus.filter((cpu) => second?.cpus.includes(cpu))).toEqual([]);
  });

  it("`convbook doctor` prints a line a rank", () => {
    const cli = fileURLToPath(new URL("../../lib/convbook/dist/cli/main.js", import.meta.url));
    if (!existsSync(cli)) {
      throw new Error("This test runs what `npm run build` makes; build first.");
    }
    const [command = "", ...options] = openMpi?.launcher ?? [];
    const args = [...options, "--bind-to", "none", "-n", "2", process.execPath, cli, "doctor"];
    const { stdout, stderr } = spawnSync(command, args, {
      encoding: "utf8",
      env: {
        ...process.env,
        CONVBOOK_THREADS: "",
        OMPI_ALLOW_RUN_AS_ROOT: "1",
        OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: "1",
      },
    });
    const each = Math.max(1, Math.floor(processors / 2));
    const threads = `${each} thread${each === 1 ? "" : "s"} of the engine`;
    const lines = stdout.split("\n").filter((line) => /^. rank \d/.test(line));
    expect(
      lines.map((line) => /rank (\d+) .*, processors [\d,-]+, (.*), Node/.exec(line)?.slice(1)),
      stderr,
    ).toEqual([
      ["0", threads],
      ["1", threads],
    ]);
    // Rank 0 alone says the rest.
    expect(stdout.match(/^. machine /gm)).toHaveLength(1);
  });

  it.runIf(spawnSync("taskset", ["--version"]).status === 0)(
    "ranks that have one processor together have a thread each",
    async () => {
      const found = await shares("together", ["taskset", "-c", "0"], "--bind-to", "none");
      expect(found.map(({ cpus, threads }) => [cpus, threads])).toEqual([
        [[0], 1],
        [[0], 1],
      ]);
    },
  );
});
