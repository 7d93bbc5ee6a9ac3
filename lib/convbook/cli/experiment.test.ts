import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodePng } from "../display/index.ts";

const cli = fileURLToPath(new URL("../dist/cli/main.js", import.meta.url));
const root = mkdtempSync(join(tmpdir(), "convbook-cli-"));
afterAll(() => rmSync(root, { recursive: true }));

function picture(path: string, [red, green, blue]: readonly [number, number, number]): void {
  const data = new Uint8Array(3 * 32 * 32);
  for (let i = 0; i < data.length; i += 3) {
    data.set([red, green, blue], i);
  }
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, encodePng({ width: 32, height: 32, channels: 3, data }));
}

const config = join(root, "tiny.yaml");

function convbook(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const env = { ...process.env, CONVBOOK_BACKEND: "cpu" };
  return spawnSync(process.execPath, [cli, ...args], { cwd: root, encoding: "utf8", env });
}

describe("train, test and predict", () => {
  beforeAll(() => {
    if (!existsSync(cli)) {
      throw new Error("This test runs what `npm run build` makes; build first.");
    }
    for (const [set, count] of [
      ["train", 8],
      ["val", 4],
      ["test", 3],
    ] as const) {
      for (let i = 0; i < count; i++) {
        picture(join(root, "data", set, "red", `${i}.png`), [220 - 3 * i, 20, 10 + i]);
        picture(join(root, "data", set, "blue", `${i}.png`), [10 + i, 20, 220 - 3 * i]);
      }
    }
    picture(join(root, "new red.png"), [225, 25, 15]);
    picture(join(root, "new blue.png"), [15, 25, 225]);
    writeFileSync(
      config,
      `
output: run
model: { name: resnet18, hparams: { planes: 2 } }
data: { name: imageFolder, folder: data, batchSize: 8, numWorkers: 0, augment: [{ RandomCrop: [24] }], prepare: [{ CenterCrop: 24 }] }
optimizer: { name: Adam, lr: 0.01 }
trainer: { maxEpochs: 2, enableModelSummary: false }
`,
    );
  });

  it("go on from each other: a run, its continuation, its accuracy, new pictures", () => {
    const before = readdirSync(root);
    const trained = convbook("train", "tiny.yaml");
    expect(trained.stderr).not.toMatch(/error/i);
    expect(trained.status, trained.stderr).toBe(0);
    expect(trained.stdout).toMatch(/^completed: maxEpochs = 2 reached; 2 epochs, 4 steps; .*val_acc [\d.]+/);
    expect(trained.stdout).toMatch(/\nbest checkpoint: .*run\/checkpoints\/epoch=\d-step=\d\.safetensors\n$/);

    expect(readdirSync(join(root, "run/logs"))).toEqual(["version_0"]);

    const again = convbook("train", "tiny.yaml");
    expect(again.status).toBe(1);
    expect(again.stderr).toContain("holds the checkpoints of an earlier run: add --resume to go on with it");

    const resumed = convbook("train", "tiny.yaml", "--resume", "--set", "trainer.maxEpochs=5");
    expect(resumed.status, resumed.stderr).toBe(0);
    expect(resumed.stdout).toContain("completed: maxEpochs = 5 reached; 5 epochs, 10 steps");
    expect(readFileSync(join(root, "run/config.yaml"), "utf8")).toContain("maxEpochs: 5");

    // A checkpoint has its configuration with it, and knows its run's folder.
    const last = join("run", "checkpoints", "last.safetensors");
    const carried = convbook("train", "--resume", last, "--set", "trainer.maxEpochs=6");
    expect(carried.status, carried.stderr).toBe(0);
    expect(carried.stdout).toContain("completed: maxEpochs = 6 reached; 6 epochs, 12 steps");
    expect(readdirSync(root).sort()).toEqual([...before, "run"].sort());

    // The copy in the run's folder says as much as the file that it was trained with.
    const tested = convbook("test", "run/config.yaml", "--json");
    expect(tested.status, tested.stderr).toBe(0);
    const metrics = JSON.parse(tested.stdout) as {
      checkpoint: string;
      split: string;
      test_acc: number;
      test_loss: number;
    };
    expect(metrics).toMatchObject({ split: "test", test_acc: 1 });
    expect(metrics.test_loss).toBeLessThan(0.7);
    const none = convbook("test", "run/config.yaml", "--json", "--set", "trainer.limitTestBatches=0");
    expect(Object.keys(JSON.parse(none.stdout))).toEqual(["checkpoint", "split"]);

    const inWords = convbook("test", "tiny.yaml", "--split", "val");
    expect(inWords.status, inWords.stderr).toBe(0);
    expect(inWords.stdout).toMatch(
      /epoch=\d-step=\d+\.safetensors on val:\n {2}test_acc 1\.0000\n {2}test_loss 0\.\d{4}\n$/,
    );

    const files = ["new red.png", "new blue.png"];
    const predicted = convbook("predict", "--checkpoint", metrics.checkpoint, "--json", "--top", "1", ...files);
    expect(predicted.status, predicted.stderr).toBe(0);
    const predictions = JSON.parse(predicted.stdout) as {
      file: string;
      predictions: { class: string; probability: number }[];
    }[];
    expect(predictions.map(({ file, predictions: [first] }) => [file, first?.class])).toEqual([
      ["new red.png", "red"],
      ["new blue.png", "blue"],
    ]);
    const shown = convbook("predict", "--checkpoint", metrics.checkpoint, "new red.png");
    expect(shown.stdout).toMatch(/new red\.png: red [\d.]+ %, blue [\d.]+ %\n$/);
  });

  it("find bugs without leaving anything behind", () => {
    const fast = convbook("train", "-c", "tiny.yaml", "--set", "output=fast", "--set", "trainer.fastDevRun=true");
    expect(fast.status, fast.stderr).toBe(0);
    expect(fast.stdout).toMatch(
      /^Running in fastDevRun mode: every loop takes 1 batch, and neither logs nor checkpoints are written\.\n/,
    );
    expect(existsSync(join(root, "fast"))).toBe(false);
  });

  it("say what is wrong on one line and end with status 1", () => {
    writeFileSync(join(root, "text.png"), "no picture");
    const trained = convbook("train", "tiny.yaml", "--set", "output=short", "--set", "trainer.maxEpochs=1");
    expect(trained.status, trained.stderr).toBe(0);
    expect(trained.stdout).toContain("completed: maxEpochs = 1 reached; 1 epoch, 2 steps; ");
    for (const [args, message] of [
      [["train", "tiny.yaml", "--set", "trainer.maxEpoch=2"], /trainer\.maxEpoch.*maxEpochs/],
      [["train", "missing.yaml"], /missing\.yaml/],
      [["train"], /^convbook: Name a configuration: convbook train config\.yaml; or a checkpoint to go on from/],
      [
        ["train", "tiny.yaml", "-c", "tiny.yaml"],
        /Two configurations are named, tiny\.yaml and tiny\.yaml; name one\./,
      ],
      [["train", "--resume", "none.safetensors"], /none\.safetensors/],
      // Before any data is looked for.
      [
        ["train", "tiny.yaml", "--set", "optimizer.lr=fast", "--set", "data.folder=nowhere", "--set", "output=other"],
        /^convbook: tiny\.yaml: optimizer cannot be used: Adam\.lr must be a number of at least 0, got "fast"\.\n$/,
      ],
      [["test", "tiny.yaml", "--set", "output=nowhere"], /nowhere.*there is no checkpoint; convbook train makes one/],
      [
        ["predict", "--checkpoint", trained.stdout.match(/best checkpoint: (.*)/)?.[1] as string, "text.png"],
        /text\.png/,
      ],
      [["predict", "--checkpoint", "none.safetensors", "new red.png"], /none\.safetensors/],
    ] as const) {
      const { status, stderr } = convbook(...args);
      expect(status, stderr).toBe(1);
      expect(stderr).toMatch(message);
      expect(stderr).not.toMatch(/\n {4}at /);
    }
  });
});
