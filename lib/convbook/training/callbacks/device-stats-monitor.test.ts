import "@tensorflow/tfjs-backend-cpu";
import { engine } from "@convbook/engine";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { DeviceStatsMonitor, type DeviceStatsMonitorOptions, type Logger, type Metrics, Trainer } from "../index.ts";
import { batches, Noting } from "../testing/noting.ts";
import { quiet } from "../testing/quiet.ts";

beforeAll(() => tf.setBackend("cpu"));

class Memory implements Logger {
  readonly name = "memory";
  readonly version = "0";
  readonly rows: (Metrics & { step: number })[] = [];
  logMetrics(metrics: Metrics, step: number): void {
    this.rows.push({ ...metrics, step });
  }
}

async function run(options: DeviceStatsMonitorOptions, logEveryNSteps = 2): Promise<Memory> {
  const logger = new Memory();
  const trainer = new Trainer({
    ...quiet,
    logger,
    logEveryNSteps,
    maxEpochs: 1,
    numSanityValSteps: 0,
    callbacks: new DeviceStatsMonitor(options),
  });
  await trainer.fit(new Noting(), batches(4), batches(1));
  return logger;
}

describe("DeviceStatsMonitor", () => {
  it("logs before and after each batch that logs, at the batch's step, as Lightning does", async () => {
    const { rows } = await run({ filterKeys: new Map([["tensors", 1]]).keys() });
    const found = rows.flatMap(({ step, ...metrics }) =>
      Object.keys(metrics).flatMap((name) => (name.startsWith("Device") ? [`${step} ${name}`] : [])),
    );
    expect(found).toEqual([
      "1 DeviceStatsMonitor.onTrainBatchStart/tensors",
      "1 DeviceStatsMonitor.onTrainBatchEnd/tensors",
      "3 DeviceStatsMonitor.onTrainBatchStart/tensors",
      "3 DeviceStatsMonitor.onTrainBatchEnd/tensors",
    ]);
  });

  it("tells of the processor and of the backend's tensors", async () => {
    const { rows } = await run({});
    const all = Object.assign({}, ...rows) as Metrics;
    const of = (name: string) => all[`DeviceStatsMonitor.onTrainBatchEnd/${name}`] ?? Number.NaN;
    for (const name of ["cpu_percent", "cpu_vm_percent"]) {
      expect(of(name), name).toBeGreaterThanOrEqual(0);
      expect(of(name), name).toBeLessThanOrEqual(100);
    }
    expect(of("process_cpu_percent")).toBeGreaterThanOrEqual(0);
    expect(of("process_rss_bytes")).toBeGreaterThan(1e6);
    // Weight and bias of the layer, at least, of 4 bytes a value.
    expect(of("tensors")).toBeGreaterThanOrEqual(2);
    expect(of("tensor_bytes")).toBeGreaterThanOrEqual(4 * 5);
    const without = Object.keys(Object.assign({}, ...(await run({ cpuStats: false })).rows)).join();
    expect(without).toContain("/tensors");
    expect(without).not.toContain("cpu_percent");
  });

  it.skipIf(!engine.available)("tells of the native engine's threads and memory", async () => {
    await tf.setBackend("native");
    try {
      const { rows } = await run({ cpuStats: false });
      const all = Object.assign({}, ...rows) as Metrics;
      const of = (name: string) => all[`DeviceStatsMonitor.onTrainBatchEnd/${name}`] ?? Number.NaN;
      expect(of("threads")).toBe(engine.info().threads);
      expect(of("allocated_bytes.all.current")).toBeGreaterThan(0);
      expect(of("reserved_bytes.all.current")).toBeGreaterThanOrEqual(of("allocated_bytes.all.current"));
      expect(of("reserved_bytes.all.peak")).toBeGreaterThanOrEqual(of("reserved_bytes.all.current"));
    } finally {
      await tf.setBackend("cpu");
    }
  });

  it("warns of names that there are not, and needs a logger", async () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    await run({ filterKeys: new Set(["cpu_percnt"]) });
    expect(String(warn.mock.calls[0])).toMatch(
      /^DeviceStatsMonitor.filterKeys: there is no "cpu_percnt" here. Did you mean "cpu_percent"\? Known: /,
    );
    warn.mockRestore();
    const fit = (fastDevRun: boolean) => {
      const log = vi.spyOn(console, "log").mockImplementation(() => {});
      const trainer = new Trainer({ ...quiet, maxEpochs: 1, fastDevRun, callbacks: new DeviceStatsMonitor() });
      return trainer.fit(new Noting(), batches(1)).finally(() => log.mockRestore());
    };
    await expect(fit(false)).rejects.toThrow(
      "Trainer.logger must be a logger with a DeviceStatsMonitor among the callbacks, which has nowhere to write to otherwise, got false.",
    );
    expect((await fit(true)).status).toBe("completed");
  });
});
