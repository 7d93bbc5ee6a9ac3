import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadCheckpointFile, saveCheckpointFile } from "../checkpointing/checkpoint-file.ts";
import { ModelCheckpoint, Trainer } from "../index.ts";
import { quiet } from "../testing/quiet.ts";
import { makeSmall } from "../testing/small.ts";
import { ConfigKeeper } from "./checkpoint-config.ts";
import { configOfCheckpoint, type ExperimentConfig, makeModule, parseConfig } from "./index.ts";

const root = mkdtempSync(join(tmpdir(), "convbook-carried-"));
beforeAll(() => tf.setBackend("cpu"));
afterAll(() => rmSync(root, { recursive: true }));

/** Trains anything with a configuration in the checkpoints of a folder. */
async function save(
  config: ExperimentConfig,
  dirPath: string,
  format: "safetensors" | "ckpt" = "safetensors",
): Promise<string> {
  mkdirSync(dirPath, { recursive: true });
  const { module, train } = makeSmall();
  const saving = new ModelCheckpoint({ dirPath, format, filename: "{epoch}" });
  await new Trainer({ ...quiet, maxEpochs: 1, callbacks: [new ConfigKeeper(config), saving] }).fit(
    module,
    train as never,
  );
  return saving.bestModelPath ?? "";
}

describe("a checkpoint's configuration", () => {
  it.each(["safetensors", "ckpt"] as const)(
    "comes back out of a .%s, with the folder where the checkpoint lies",
    async (format) => {
      const text =
        "{ output: elsewhere, tag: t, experiment: e, scheduler: { name: ReduceLROnPlateau, monitor: val_acc }, ema: {} }";
      const config = parseConfig(text);
      const path = await save(config, join(root, format, "t", "e", "checkpoints"), format);
      expect(await configOfCheckpoint(path)).toEqual({ ...config, output: join(root, format) });
      const changed = await configOfCheckpoint(path, ["trainer.maxEpochs=3", "output=other"]);
      expect([changed.output, changed.trainer.maxEpochs]).toEqual(["other", 3]);
      expect(makeModule(config, { size: [32, 32, 3] }).hparams).toMatchObject({ schedulerMonitor: "val_acc" });
    },
  );

  it("is refused where it cannot be gone on from as it is", async () => {
    const moved = await save(parseConfig("tag: t"), join(root, "moved", "checkpoints"));
    await expect(configOfCheckpoint(moved)).rejects.toThrow(
      "it does not lie in the folder of a run; say where to go on: --set output=FOLDER.",
    );
    expect((await configOfCheckpoint(moved, ["output=here"])).output).toBe("here");
    const config = parseConfig("");
    const withPlugins = { ...config, model: { ...config.model, plugins: ["/etc/evil.ts"] } };
    await expect(configOfCheckpoint(await save(withPlugins, join(root, "plugins", "checkpoints")))).rejects.toThrow(
      /it was trained with plugins, and a checkpoint has none run; name the configuration as well: convbook train CONFIG --resume CHECKPOINT\.$/,
    );
    const plain = join(root, "plain.safetensors");
    const bare = await loadCheckpointFile(moved);
    await saveCheckpointFile(plain, { ...bare, extra: {} });
    await expect(configOfCheckpoint(plain)).rejects.toThrow(
      "it carries no configuration; name the configuration as well",
    );
    await saveCheckpointFile(plain, { ...bare, extra: { configuration: { output: "/", seed: -1 } } });
    await expect(configOfCheckpoint(plain, ["output=x"])).rejects.toThrow(
      `${plain}: seed must be a whole number of at least 0, got -1.`,
    );
  });

  it("answers what the Trainer of PyTorch Lightning had", () => {
    expect(() => parseConfig("trainer: { gpus: 1 }", "x.yaml")).toThrow(
      'x.yaml: trainer.gpus is not a setting. It is written devices, with accelerator: "gpu" now. Settings: ',
    );
    expect(() => parseConfig("scheduler: { name: StepLR, monitor: val_loss }", "x.yaml")).toThrow(
      "x.yaml: scheduler.monitor is a setting of ReduceLROnPlateau only; the scheduler is StepLR.",
    );
  });
});
