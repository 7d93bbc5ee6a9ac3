/** A run in Weights & Biases: what its package is told, and what that sends to a server on this machine. */
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { HistogramMonitor, Trainer, WandbLogger } from "../index.ts";
import { quiet } from "../testing/quiet.ts";
import { makeSmall } from "../testing/small.ts";
import type { WandbRun, WandbSdk } from "./wandb-logger.ts";

beforeAll(() => tf.setBackend("cpu"));

const packageName: string = "@wandb/sdk";
const isInstalled = await import(/* @vite-ignore */ packageName).then(
  () => true,
  () => false,
);
if (!isInstalled) {
  console.log(
    "Left out: W&B's own package against a server on this machine (npm install --no-save @wandb/sdk@0.5.1 graphql@16).",
  );
}

/** A distribution as W&B has it. */
interface Histogram {
  readonly _type: string;
  readonly values: readonly number[];
  readonly bins: readonly number[];
}

/** Stands in for the package. */
class Sdk implements WandbSdk {
  readonly runs: { options: Record<string, unknown>; logged: Record<string, unknown>[]; code: number | undefined }[] =
    [];
  async init(options: Record<string, unknown>): Promise<WandbRun> {
    const run: Sdk["runs"][number] = { options, logged: [], code: undefined };
    this.runs.push(run);
    process.once("SIGTERM", () => process.exit());
    return {
      log: (data) => void run.logged.push(data),
      finish: async (code) => {
        run.code = code;
      },
    };
  }
}

async function fit(logger: WandbLogger): Promise<Trainer> {
  const { module, train, val } = makeSmall();
  module.saveHyperParameters({ width: 8 });
  const trainer = new Trainer({ ...quiet, maxEpochs: 2, logEveryNSteps: 5, logger, callbacks: new HistogramMonitor() });
  await trainer.fit(module, train as never, val as never);
  await trainer.validate(module, val as never, { verbose: false });
  return trainer;
}

describe("WandbLogger", () => {
  it("has a run of a fit, with its hyper-parameters, metrics and histograms, and another of what comes later", async () => {
    const sdk = new Sdk();
    const before = process.listenerCount("SIGTERM");
    await fit(
      new WandbLogger({
        project: "p",
        entity: "me",
        runName: "first",
        id: "abc",
        apiKey: "key",
        baseUrl: "http://127.0.0.1:9",
        sdk,
      }),
    );
    // What the package would end the process by is taken away: the Trainer saves first.
    expect(process.listenerCount("SIGTERM")).toBe(before);
    const [first, second, ...more] = sdk.runs;
    expect(more).toEqual([]);
    expect(first?.options).toEqual({
      project: "p",
      entity: "me",
      name: "first",
      id: "abc",
      config: { width: 8 },
      settings: { apiKey: "key", baseUrl: "http://127.0.0.1:9", silent: true },
    });
    expect([first?.code, second?.code]).toEqual([0, 0]);
    expect(second?.options.id).toBe("abc-2");
    expect(Object.keys(second?.logged[0] ?? {})).toEqual(["epoch", "val_loss", "trainer/global_step"]);
    const metrics = first?.logged.filter((row) => "train_loss_step" in row) ?? [];
    expect(metrics.map((row) => row["trainer/global_step"])).toEqual([4, 9]);
    const histogram = first?.logged.find((row) => "weights/model.0.weight" in row)?.["weights/model.0.weight"] as
      | Histogram
      | undefined;
    expect(histogram?._type).toBe("histogram");
    expect(histogram?.bins).toHaveLength(65);
    expect(histogram?.values.reduce((sum, count) => sum + count, 0)).toBe(48);
  });

  it("keeps the run where it is told to", async () => {
    const sdk = new Sdk();
    const logger = new WandbLogger({ apiKey: "key", keepOpen: true, sdk });
    await fit(logger);
    expect(sdk.runs.map(({ code }) => code)).toEqual([undefined]);
    await logger.finish();
    expect(sdk.runs.map(({ code }) => code)).toEqual([0]);
    expect(logger.version).toMatch(/^[a-z0-9]{8}$/);
  });

  it("bins as NumPy does, and tells what is not finite by its name", async () => {
    const sdk = new Sdk();
    const logger = new WandbLogger({ apiKey: "key", sdk });
    await logger.logHistogram("h", Float32Array.of(0, 1, 2, 64, Number.NaN, Number.POSITIVE_INFINITY), 3);
    await logger.logHistogram("same", Float32Array.of(2, 2), 3);
    await logger.logMetrics({ loss: Number.NaN, acc: 1 }, 4);
    const [h, same, metrics] = sdk.runs[0]?.logged ?? [];
    const { values = [], bins = [] } = (h?.h as Histogram | undefined) ?? {};
    expect(values.flatMap((count, i) => (count === 0 ? [] : [[i, count]]))).toEqual([
      [0, 1],
      [1, 1],
      [2, 1],
      [63, 1],
    ]);
    expect([bins[0], bins[1], bins.at(-1)]).toEqual([0, 1, 64]);
    const around = same?.same as Histogram | undefined;
    expect(around?.bins.filter((_, i) => i % 64 === 0)).toEqual([1.5, 2.5]);
    expect(metrics).toEqual({ loss: "NaN", acc: 1, "trainer/global_step": 4 });
    await logger.logHistogram("large", Float32Array.of(1e30, 1e30), 5);
    const large = sdk.runs[0]?.logged.at(-1)?.large as Histogram | undefined;
    expect(large?.values.reduce((sum, count) => sum + count, 0)).toBe(2);
  });

  it("asks for a key and for the package, and does not wait for ever", async () => {
    vi.stubEnv("WANDB_API_KEY", "");
    const sdk: WandbSdk = { init: () => new Promise(() => {}) };
    await expect(new WandbLogger({ sdk }).logMetrics({ a: 1 }, 0)).rejects.toThrow(
      "WandbLogger.apiKey must be given, or in the environment as WANDB_API_KEY, got undefined.",
    );
    vi.unstubAllEnvs();
    const late = new WandbLogger({ sdk, apiKey: "key", baseUrl: "http://127.0.0.1:9", timeout: 0.01 });
    await expect(late.logMetrics({ a: 1 }, 0)).rejects.toThrow(
      'WandbLogger.baseUrl must be a server that answers within 0.01 s, got "http://127.0.0.1:9".',
    );
    await late.finish();
    // Longer than timers go.
    const slow: WandbSdk = {
      init: (options) => new Promise((resolve) => setTimeout(resolve, 50)).then(() => new Sdk().init(options)),
    };
    await new WandbLogger({ sdk: slow, apiKey: "key", timeout: 1e9 }).logMetrics({ a: 1 }, 0);
    if (!isInstalled) {
      await expect(new WandbLogger({ apiKey: "key" }).logMetrics({ a: 1 }, 0)).rejects.toThrow(
        "WandbLogger needs W&B's package: npm install @wandb/sdk@0.5.1 graphql@16",
      );
    }
    expect(() => new WandbLogger({ apiKey: 5 as never })).toThrow("WandbLogger.apiKey must be a text, got 5.");
  });
});

describe.skipIf(!isInstalled)("W&B's own package", () => {
  const requests: { url: string; authorization: string | undefined; body: Record<string, never> }[] = [];
  const server = createServer((request: IncomingMessage, response) => {
    let text = "";
    request.on("data", (part) => {
      text += part;
    });
    request.on("end", () => {
      const body = JSON.parse(text);
      requests.push({ url: request.url ?? "", authorization: request.headers.authorization, body });
      response.setHeader("content-type", "application/json");
      const bucket = { id: "x", name: body.variables?.name, displayName: "fine-owl-1" };
      const isViewer = /query Viewer/.test(body.query ?? "");
      const data = isViewer ? { viewer: { id: "u", entity: "me" } } : { upsertBucket: { bucket, inserted: true } };
      response.end(JSON.stringify(request.url === "/graphql" ? { data } : {}));
    });
  });
  beforeAll(() => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve)));
  afterAll(() => new Promise((resolve) => server.close(resolve)));

  it("sends a fit's values, and its end", async () => {
    const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const logger = new WandbLogger({ project: "p", id: "abc", apiKey: "k".repeat(40), baseUrl });
    const { module, train, val } = makeSmall();
    module.saveHyperParameters({ width: 8 });
    const callbacks = new HistogramMonitor();
    const trainer = new Trainer({ ...quiet, maxEpochs: 1, logEveryNSteps: 5, logger, callbacks });
    await trainer.fit(module, train as never, val as never);
    const authorization = `Basic ${Buffer.from(`api:${"k".repeat(40)}`).toString("base64")}`;
    expect(new Set(requests.map((request) => request.authorization))).toEqual(new Set([authorization]));
    const upsert = requests.find(({ body }) => /UpsertBucket/.test(body.query ?? ""))?.body.variables as
      | Record<string, string>
      | undefined;
    expect([upsert?.project, upsert?.name, upsert?.entity]).toEqual(["p", "abc", "me"]);
    expect(JSON.parse(upsert?.config ?? "")).toEqual({ width: 8 });
    const stream = requests.filter(({ url }) => url === "/files/me/p/abc/file_stream");
    const lines = stream.flatMap(
      ({ body }) =>
        ((body.files as never)?.["wandb-history.jsonl"] as { content: string[] } | undefined)?.content ?? [],
    );
    const rows = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(rows.find((row) => "train_loss_step" in row)).toMatchObject({ epoch: 0, "trainer/global_step": 4 });
    expect(rows.find((row) => "weights/model.0.bias" in row)?.["weights/model.0.bias"]).toMatchObject({
      _type: "histogram",
    });
    expect(stream.at(-1)?.body).toEqual({ complete: true, exitcode: 0 });
  });
});
