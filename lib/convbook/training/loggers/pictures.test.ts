/** Pictures and histograms on their way to loggers, and a logger of one's own as the README has it. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { transform } from "esbuild";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { readEvents } from "../../tensorboard/index.ts";
import {
  ClassificationModule,
  CSVLogger,
  FilterVisualizer,
  HistogramMonitor,
  type Logger,
  type Metrics,
  TensorBoardLogger,
  Trainer,
} from "../index.ts";
import { quiet } from "../testing/quiet.ts";
import { makeSmall, SmallModule } from "../testing/small.ts";

const rootDir = mkdtempSync(join(tmpdir(), "convbook-pictures-"));
beforeAll(() => tf.setBackend("cpu"));
afterAll(() => rmSync(rootDir, { recursive: true }));

function eventsOf(logger: TensorBoardLogger) {
  const name = readdirSync(logger.logDir).find((each) => each.startsWith("events.out.tfevents")) as string;
  return [...readEvents(join(logger.logDir, name))].flatMap(({ step, values = [] }) =>
    values.map((value) => ({ step, ...value })),
  );
}

/** A logger that takes its time. */
class Slow implements Logger {
  readonly name = "slow";
  readonly version = "0";
  readonly seen: string[] = [];
  readonly #fails: boolean;
  constructor(fails = false) {
    this.#fails = fails;
  }
  logMetrics(metrics: Metrics, step: number): void {
    this.seen.push(`${step} ${Object.keys(metrics).join(" ")}`);
  }
  async logHistogram(name: string, values: Float32Array, step: number): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 20));
    if (this.#fails) {
      throw new Error("the disk is full");
    }
    this.seen.push(`${step} ${name} ${values.join(" ")}`);
  }
}

class Recording extends SmallModule {
  override validationStep(batch: never): void {
    super.validationStep(batch);
    if (!this.trainer.isSanityChecking) {
      const picture = tf.fill([2, 3, 1], 0.5);
      this.logImage("grey", picture);
      this.logHistogram("values", tf.tensor1d([1, 2]));
      this.logHistogram("list", [3, 4]);
    }
  }
}

describe("pictures and histograms", () => {
  const fit = async (logger: Logger | Logger[], module: SmallModule = new Recording()) => {
    const { train, val } = makeSmall();
    await new Trainer({ ...quiet, maxEpochs: 1, limitValBatches: 1, logger }).fit(module, train as never, val as never);
  };

  it("of a module's steps go into TensorBoard's files, as the file's reader has them", async () => {
    const logger = new TensorBoardLogger({ rootDir });
    await fit(logger);
    const events = eventsOf(logger);
    const image = events.find(({ tag }) => tag === "grey");
    expect(image).toMatchObject({ step: 4, kind: "image", image: { width: 3, height: 2 } });
    const histogram = events.find(({ tag }) => tag === "values");
    expect(histogram).toMatchObject({ step: 4, kind: "histogram", histogram: { min: 1, max: 2, sum: 3 } });
    expect(events.find(({ tag }) => tag === "list")).toMatchObject({ histogram: { min: 3, max: 4 } });
  });

  it("are waited for where a logger takes its time, and what goes wrong is heard of", async () => {
    const slow = new Slow();
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    await fit(slow);
    expect(slow.seen.slice(0, 2)).toEqual(["4 values 1 2", "4 list 3 4"]);
    expect(warn.mock.calls.flat()).toEqual(["None of the loggers records pictures; TensorBoardLogger does."]);
    await expect(fit(new Slow(true))).rejects.toThrow("the disk is full");
    warn.mockRestore();
  });

  it("refuse what is neither", async () => {
    class Wrong extends SmallModule {
      override validationStep(): void {
        this.logImage("text", "no picture" as never);
      }
    }
    await expect(fit(new CSVLogger({ rootDir }), new Wrong())).rejects.toThrow(
      'logImage("text") must be a picture: a tensor, or an object with shape and data, got "no picture".',
    );
  });

  it("of weights and gradients come from HistogramMonitor, and kernels from FilterVisualizer", async () => {
    const logger = new TensorBoardLogger({ rootDir });
    const module = new ClassificationModule({
      modelName: "ResNet",
      modelHparams: { numClasses: 3, numBlocks: [1], cHidden: [4] },
    });
    const batches = [[tf.randomNormal([2, 8, 8, 3]), tf.tensor1d([0, 2], "int32")] as const];
    const callbacks = [new HistogramMonitor({ gradients: true }), new FilterVisualizer({ show: false })];
    await new Trainer({ ...quiet, maxEpochs: 1, logEveryNSteps: 1, logger, callbacks }).fit(module, batches);
    const events = eventsOf(logger);
    const kinds = (prefix: string) => events.filter(({ tag }) => tag.startsWith(prefix)).map(({ kind }) => kind);
    const names = module.namedParameters().map(([name]) => name);
    expect(kinds("weights/")).toEqual(names.map(() => "histogram"));
    expect(kinds("gradients/")).toEqual(names.map(() => "histogram"));
    expect(kinds("filters/")).toEqual(["image"]);
    module.dispose();
  });
});

describe("a logger of one's own", () => {
  it("as the README writes it, in ten lines, has the metrics of a fit", async () => {
    const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
    const [, text = ""] = /```ts\n(class JsonLines[\s\S]*?)```/.exec(readme) ?? [];
    expect(text.trim().split("\n").length).toBeLessThanOrEqual(10);
    const { code } = await transform(text, { loader: "ts", target: "node20" });
    const make = new Function("appendFile", `${code.replaceAll(/await import\(/g, "(")}; return JsonLines;`);
    const { appendFile } = await import("node:fs/promises");
    const JsonLines = make(appendFile) as new (path: string) => Logger;
    const path = join(rootDir, "metrics.jsonl");
    const { module, train } = makeSmall();
    const trainer = new Trainer({ ...quiet, maxEpochs: 1, logEveryNSteps: 5, logger: new JsonLines(path) });
    await trainer.fit(module, train as never);
    const rows = readFileSync(path, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(rows).toEqual([
      { step: 4, epoch: 0, train_loss_step: expect.any(Number) },
      { step: 4, epoch: 0, train_loss_epoch: trainer.callbackMetrics.train_loss_epoch },
    ]);
  });
});
