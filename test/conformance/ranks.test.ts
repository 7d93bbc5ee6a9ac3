/** A fit of a notebook on two processes, with the real kernel: trained weights come back, progress shows, an interrupt leaves nothing behind. */
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mpi } from "@convbook/mpi";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { errorOf, KernelUnderTest, pythonHas, type Result, resultOf, root } from "./harness.ts";

const hasMpi = mpi.available && spawnSync("mpirun", ["--version"]).status === 0;
if (!hasMpi) {
  console.log(
    `Left out: a notebook's fit on two processes. ${mpi.reason ?? "There is no mpirun (apt install openmpi-bin)."}`,
  );
}

/** A module with all that it needs, and what goes wrong when it is told to. */
const file = `import * as tf from "@tensorflow/tfjs";
import { ArrayDataset, DataLoader, nn, optim, TrainingModule } from "convbook";

export interface Settings { readonly rate: number; readonly fault?: string }

export class Line extends TrainingModule<[tf.Tensor, tf.Tensor], Settings> {
  readonly layer: nn.Linear;
  constructor(settings: Settings) {
    super();
    this.saveHyperParameters(settings);
    this.layer = this.registerModule("layer", new nn.Linear(1, 1));
  }
  forward(x: tf.Tensor) { return this.layer.forward(x as tf.Tensor2D); }
  override async onTrainBatchStart() {
    if (this.hparams.fault === "slow") await new Promise((done) => setTimeout(done, 100));
  }
  trainingStep([x, y]: [tf.Tensor, tf.Tensor]) {
    if (this.hparams.fault === "throw" && this.trainer.globalRank === 1) throw new TypeError("no such line");
    const loss = tf.losses.meanSquaredError(tf.cast(y, "float32"), tf.squeeze(this.forward(x), [1])) as tf.Scalar;
    this.log("loss", loss, { progressBar: true, onStep: false, onEpoch: true, syncDist: true });
    return loss;
  }
  override onTrainEpochEnd() { console.log(\`rank \${this.trainer.globalRank} of \${this.trainer.worldSize}\`); }
  override trainDataloader() { return new DataLoader(points(64), { batchSize: 8, shuffle: true, numWorkers: 0 }); }
  configureOptimizers() { return new optim.SGD(this.parameters(), { lr: this.hparams.rate }); }
}

/** y = 2 x, for x = 0, 1, 2. */
export function points(count: number) {
  const x = Float32Array.from({ length: count }, (_, i) => i % 3);
  return new ArrayDataset(x, [1], Int32Array.from(x, (value) => 2 * value), { classes: ["0", "1", "2", "3", "4"] });
}
`;

const textOf = ({ events }: Result) =>
  events
    .filter(({ type }) => type === "stream")
    .map(({ content }) => content.text)
    .join("");

/** Ranks that run, by their command. */
const running = () =>
  spawnSync("pgrep", ["-f", join(root, "lib/convbook/dist/training/launched/rank.js")], {
    encoding: "utf8",
  }).stdout.trim();
const jobs = () => readdirSync(tmpdir()).filter((name) => name.startsWith("convbook-ranks-"));

async function until(what: () => boolean, seconds: number): Promise<void> {
  for (let waited = 0; !what() && waited < seconds; waited += 0.1) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

describe.runIf(hasMpi && pythonHas("jupyter_client"))("a fit with devices: 2", () => {
  let kernel: KernelUnderTest;
  let folder: string;
  let before: string[];
  beforeAll(async () => {
    before = jobs();
    folder = mkdtempSync(join(tmpdir(), "notebook-ranks-"));
    mkdirSync(join(folder, "node_modules/@tensorflow"), { recursive: true });
    symlinkSync(join(root, "node_modules/convbook"), join(folder, "node_modules/convbook"));
    for (const name of ["tfjs", "tfjs-core"]) {
      const target = join(root, "node_modules/@tensorflow", name);
      if (existsSync(target)) {
        symlinkSync(target, join(folder, "node_modules/@tensorflow", name));
      }
    }
    writeFileSync(join(folder, "line.ts"), file);
    kernel = await start();
  });
  afterAll(async () => {
    await kernel.close();
    rmSync(folder, { recursive: true });
  });

  async function start(): Promise<KernelUnderTest> {
    const fresh = await KernelUnderTest.start({ folder });
    const started = await fresh.execute(
      `import { callbacks, DataLoader, diffraction, manualSeed, PatternModule, selectBackend, Trainer } from "convbook";
import { Line, points } from "./line";
await selectBackend({ announce: false });
const quiet = { devices: 2, logger: false, enableModelSummary: false };`,
      { timeout: 300 },
    );
    expect(errorOf(started)).toBeUndefined();
    return fresh;
  }

  it("gives the trained weights back, with the result, the metrics and the best checkpoint", async () => {
    rmSync(join(folder, "rank-1.log"), { force: true });
    const result = await kernel.execute(
      `manualSeed(1);
const line = new Line({ rate: 0.1 });
const best = new callbacks.ModelCheckpoint({ monitor: "loss", dirPath: "checkpoints" });
const trainer = new Trainer({ ...quiet, maxEpochs: 4, callbacks: [best] });
const fitted = await trainer.fit(line);
const [weight, bias] = line.parameters().map((p) => p.variable.dataSync()[0]!);
JSON.stringify({ ...fitted, weight, bias, step: trainer.globalStep, seen: trainer.callbackMetrics, best: best.bestModelPath })`,
      { timeout: 300 },
    );
    expect(errorOf(result)).toBeUndefined();
    const found = JSON.parse(resultOf(result)?.slice(1, -1) ?? "null");
    // 64 points over 2 processes with batches of 8: 4 steps an epoch.
    expect(found).toMatchObject({ status: "completed", epochs: 4, globalStep: 16, step: 16 });
    expect(found.weight).toBeGreaterThan(1.5);
    expect(found.weight + found.bias / 2).toBeCloseTo(2, 0);
    expect(found.seen.loss).toBeCloseTo(found.metrics.loss, 6);
    expect(existsSync(found.best)).toBe(true);
    expect(found.best.startsWith(join(folder, "checkpoints"))).toBe(true);
    // What rank 0 prints is the cell's; what rank 1 prints lies in a file.
    expect(textOf(result).match(/rank \d of \d/g)).toEqual(Array(4).fill("rank 0 of 2"));
    expect(readFileSync(join(folder, "rank-1.log"), "utf8")).toBe("rank 1 of 2\n".repeat(4));
    const shown = result.events
      .filter(({ type }) => /display_data$/.test(type))
      .map(({ content }) => content.data["text/plain"]);
    expect(
      shown.some((text) => /Epoch 0.*4\/4/s.test(text)),
      shown.join("\n"),
    ).toBe(true);
    expect(
      shown.some((text) => /Epoch 3.*4\/4.*loss/s.test(text)),
      shown.join("\n"),
    ).toBe(true);
  });

  it("takes the notebook's DataLoaders, and one of the library's modules", async () => {
    const result = await kernel.execute(
      `const data = diffraction.generatePatterns({ patternsPerLattice: 4, points: 120, lattices: [12, 13] });
const patterns = new diffraction.DiffractionDataset({ numClasses: 14, data: data.data, labels: data.labels });
const [loader, checked] = [true, false].map((shuffle) => new DataLoader(patterns, { batchSize: 2, shuffle }));
const before = new PatternModule();
const after = new PatternModule();
after.loadStateDict(before.stateDict());
const once = await new Trainer({ ...quiet, maxEpochs: 1, enableCheckpointing: false }).fit(after, loader, checked);
const changed = after.parameters().filter((p, i) => p.variable.dataSync()[0] !== before.parameters()[i]!.variable.dataSync()[0]);
JSON.stringify([once.globalStep, changed.length > 20, Object.keys(once.metrics).includes("val_top3_acc")])`,
      { timeout: 300 },
    );
    expect(errorOf(result)).toBeUndefined();
    expect(resultOf(result)).toBe("'[2,true,true]'");
  });

  it.each([
    [
      `import { TrainingModule } from "convbook"; class Mine extends Line {} await new Trainer({ ...quiet, maxEpochs: 1 }).fit(new Mine({ rate: 1 }))`,
      "Trainer.devices must be 1 for a module whose class, Mine, exists only in a cell, got 2. Write the class into a file beside the notebook",
    ],
    [
      `class Shout extends callbacks.Callback {} await new Trainer({ ...quiet, maxEpochs: 1, callbacks: [new Shout()] }).fit(new Line({ rate: 1 }))`,
      "Make others in the module's configureCallbacks(), in its file.",
    ],
    [
      `await new Trainer({ ...quiet, maxEpochs: 1 }).fit(new Line({ rate: 1 }), new DataLoader({ length: 8, get: (i: number) => points(8).get(i) } as never, { batchSize: 2 }))`,
      "Give the module a trainDataloader() and a valDataloader() in its file",
    ],
    [
      `await new Trainer({ ...quiet, maxEpochs: 1, enableCheckpointing: false }).fit(new Line({ rate: 1, fault: "throw" }))`,
      "Rank 1 failed: BatchError: ",
    ],
  ])("says what to do (%#)", async (code, message) => {
    const { evalue } = errorOf(await kernel.execute(code, { timeout: 300 })) ?? {};
    expect(evalue).toContain(message);
    expect(jobs()).toEqual(before);
    await until(() => running() === "", 300);
    expect(running()).toBe("");
  });

  it("an interrupt stops all ranks after the same batch, and the weights so far come back", async () => {
    const result = await kernel.execute(
      `const slow = new Line({ rate: 0.01, fault: "slow" });
const first = slow.parameters()[0]!.variable.dataSync()[0]!;
const stopped = await new Trainer({ ...quiet, maxEpochs: 1000, enableCheckpointing: false }).fit(slow);
[stopped.status, stopped.globalStep > 0, slow.parameters()[0]!.variable.dataSync()[0] !== first].join()`,
      { timeout: 300, interrupt_after: 0.1, interrupt_when: "rank 0 of 2" },
    );
    expect(errorOf(result)).toBeUndefined();
    expect(resultOf(result)).toBe("'interrupted,true,true'");
    await until(() => running() === "", 300);
    expect([running(), jobs()]).toEqual(["", before]);
  });

  it("a second interrupt ends them, and so does a kernel that is killed", async () => {
    const endless = `await new Trainer({ ...quiet, maxEpochs: 1000, enableCheckpointing: false }).fit(new Line({ rate: 0.01, fault: "slow" }))`;
    await kernel.execute(endless, {
      timeout: 300,
      interrupt_after: 0.1,
      interrupt_when: "rank 0 of 2",
      interrupt_again: 0.05,
    });
    await until(() => running() === "" && jobs().length === before.length, 300);
    expect([running(), jobs()]).toEqual(["", before]);
    expect(resultOf(await kernel.execute("1 + 1"))).toBe("2");
    const killed = await start();
    const cell = killed.execute(endless, { timeout: 300 }).catch(() => undefined);
    await until(() => running().split("\n").length >= 2, 300);
    process.kill(killed.pid, "SIGKILL");
    await until(() => running() === "", 300);
    expect(running()).toBe("");
    await killed.close();
    await cell;
    for (const name of jobs().filter((job) => !before.includes(job))) {
      rmSync(join(tmpdir(), name), { recursive: true });
    }
  });
});
