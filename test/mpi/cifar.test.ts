/** `mpirun -n 2 convbook train` on real images of CIFAR-10: the curve and the weights of one process with batches of twice the size. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { stateDictOf } from "../../lib/convbook/checkpoints/index.ts";
import { cifar10 } from "../../lib/convbook/data/index.ts";
import { loadCheckpointFile } from "../../lib/convbook/training/checkpointing/checkpoint-file.ts";
import { launchEnvironment } from "../../lib/convbook/training/launched/command.ts";
import { builtProgram } from "../built-program.ts";
import { libraries } from "./launch.ts";

const cli = fileURLToPath(new URL("../../lib/convbook/dist/cli/main.js", import.meta.url));
const path = (name: string) => fileURLToPath(new URL(`./programs/${name}`, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "convbook-cifar-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Networks, and how far two ranks may be from one process: losses of one another, weights of their largest. */
const networks = {
  // Nothing but rounding is different.
  GroupNormNet: {
    bound: 1e-5,
    epochs: 3,
    more: `plugins: [${JSON.stringify(path("group-norm-net.ts"))}]`,
    trainer: "",
  },
  // Smooth: rounding that moves a number across the kink of a ReLU would count as much as a mistake.
  ResNet: {
    bound: 1e-4,
    epochs: 1,
    more: "hparams: { numBlocks: [1, 1, 1], cHidden: [8, 16, 32], actFnName: tanh }",
    trainer: ", syncBatchnorm: true",
  },
} as const;
type Name = keyof typeof networks;

/** All but 256 of the training images are held out, and some of these looked at: as many of all ranks together whatever their number. */
function configure(name: Name, ranks: number): string {
  const { epochs, more, trainer } = networks[name];
  const file = join(folder, `${name}-${ranks}.yaml`);
  writeFileSync(
    file,
    `
output: ${JSON.stringify(join(folder, `${name}-${ranks}`))}
model: { name: ${name}, ${more} }
data:
  name: cifar10
  batchSize: ${32 / ranks}
  validation: 49744
  numWorkers: 0
  mean: [125, 123, 114]
  std: [63, 62, 67]
optimizer: { name: SGD, lr: 0.01, momentum: 0.9, weightDecay: 0.0001 }
trainer: { maxEpochs: ${epochs}, logEveryNSteps: 1, limitValBatches: 4, numSanityValSteps: 0, enableModelSummary: false, enableProgressBar: false${ranks > 1 ? trainer : ""} }
`,
  );
  return file;
}

type Row = Readonly<Record<string, number>>;

/** The rows of the one log that a run has. */
function curveOf(name: Name, ranks: number): Row[] {
  const logs = join(folder, `${name}-${ranks}`, "logs");
  // Rank 0's, and no other's.
  expect(readdirSync(logs)).toEqual(["version_0"]);
  expect(readdirSync(join(logs, "version_0")).filter((file) => file.includes("tfevents"))).toHaveLength(1);
  const [head = "", ...lines] = readFileSync(join(logs, "version_0/metrics.csv"), "utf8").trim().split("\n");
  const columns = head.split(",");
  return lines.map((line) => {
    const cells = line.split(",");
    return Object.fromEntries(columns.flatMap((column, i) => (cells[i] ? [[column, Number(cells[i])]] : [])));
  });
}

async function hasImages(): Promise<boolean> {
  try {
    await cifar10({ train: true });
    return true;
  } catch (error) {
    console.log(`Left out: two ranks on images of CIFAR-10. ${(error as Error).message.split("\n")[0]}`);
    return false;
  }
}

describe.runIf(libraries.length > 0 && (await hasImages()))("on CIFAR-10", { timeout: 300_000 }, () => {
  const names = Object.keys(networks) as Name[];

  beforeAll(async () => {
    if (!existsSync(cli)) {
      throw new Error("This test runs what `npm run build` makes; build first.");
    }
    const alone = [await builtProgram(path("curve.ts")), ...names.map((name) => configure(name, 1))];
    const { status, stderr } = spawnSync(process.execPath, alone, { encoding: "utf8" });
    expect(status, stderr).toBe(0);
  }, 300_000);

  const cases = libraries.flatMap((library) => names.map((name) => ({ name, ...library })));
  it.each(cases)("$name: two ranks over $family have the curve and the weights of one process", async (each) => {
    const { name, launcher: words } = each;
    const [launcher = "", ...options] = words;
    // What another library's ranks have left.
    rmSync(join(folder, `${name}-2`), { recursive: true, force: true });
    const program = [process.execPath, cli, "train", configure(name, 2)];
    const { status, stdout, stderr } = spawnSync(launcher, [...options, "-n", "2", ...program], {
      encoding: "utf8",
      env: launchEnvironment(),
    });
    expect(status, stderr).toBe(0);
    const { bound, epochs } = networks[name];
    expect(stdout).toContain(
      `completed: maxEpochs = ${epochs} reached; ${epochs} epoch${epochs === 1 ? "" : "s"}, ${8 * epochs} steps`,
    );
    const [one, two] = [curveOf(name, 1), curveOf(name, 2)];
    // Each of 8 steps an epoch, and the epochs.
    expect(one.filter((row) => "train_loss" in row)).toHaveLength(8 * epochs);
    expect(one.filter((row) => "val_loss" in row)).toHaveLength(epochs);
    expect(two.map((row) => Object.keys(row).toSorted())).toEqual(one.map((row) => Object.keys(row).toSorted()));
    for (const [i, row] of one.entries()) {
      // A step's loss is that of rank 0's images, as in Lightning.
      for (const [metric, value] of Object.entries(row).filter(([name]) => name !== "train_loss")) {
        const distance = Math.abs((two[i]?.[metric] ?? Number.NaN) - value) / Math.max(Math.abs(value), 1e-3);
        expect(distance, `${metric} of row ${i}`).toBeLessThan(bound);
      }
    }
    const stateOf = async (ranks: number) => {
      const last = join(folder, `${name}-${ranks}`, "checkpoints/last.safetensors");
      return stateDictOf((await loadCheckpointFile(last)).stateDict, last);
    };
    const trained = await stateOf(2);
    for (const [key, { data }] of await stateOf(1)) {
      const values = Array.from<number | bigint, number>(data, Number);
      const own = trained.get(key)?.data ?? [];
      const largest = Math.max(...values.map(Math.abs), 1e-3);
      const off = Math.max(...values.map((value, i) => Math.abs(value - Number(own[i] ?? Number.NaN))));
      expect(off / largest, key).toBeLessThan(bound);
    }
  });
});
