import "@tensorflow/tfjs-backend-cpu";
import { engine } from "@convbook/engine";
import * as tf from "@tensorflow/tfjs-core";
import { describe, expect, it, vi } from "vitest";
import { KernelProfiler, type Profiler, Trainer, type TrainerOptions } from "../index.ts";
import { quiet } from "../testing/quiet.ts";
import { makeSmall } from "../testing/small.ts";

/** Five training batches and two of validation an epoch, for two epochs, and what was printed. */
async function fit(profiler: NonNullable<TrainerOptions["profiler"]>): Promise<{ profiler: Profiler; text: string }> {
  const printed: string[] = [];
  const write = vi.spyOn(process.stdout, "write").mockImplementation((text) => printed.push(String(text)) > 0);
  const log = vi.spyOn(console, "log").mockImplementation((text) => printed.push(`${text}\n`));
  const { module, train, val } = makeSmall();
  const trainer = new Trainer({ ...quiet, maxEpochs: 2, numSanityValSteps: 0, profiler });
  try {
    await trainer.fit(module, train as never, val as never);
  } finally {
    write.mockRestore();
    log.mockRestore();
    module.dispose();
  }
  return { profiler: trainer.options.profiler as Profiler, text: printed.join("") };
}

describe("profilers", () => {
  it.each([true, "simple"] as const)(
    "count hooks, batches and waiting, and show a table at the end (%s)",
    async (kind) => {
      await tf.setBackend("cpu");
      const { profiler, text } = await fit(kind);
      expect(profiler).not.toBeInstanceOf(KernelProfiler);
      const calls = new Map(profiler.rows().map((row) => [row.span, row.calls]));
      expect(Object.fromEntries(calls)).toMatchObject({
        ...{ trainingStep: 10, backward: 10, optimizerStep: 10, onTrainEpochEnd: 2, configureOptimizers: 1 },
        ...{ "training batch": 10, "waiting for training data": 10, validationStep: 4, "validation batch": 4 },
      });
      const [batch, step] = ["training batch", "trainingStep"].map((name) =>
        profiler.rows().find((r) => r.span === name),
      );
      expect(batch?.total).toBeGreaterThan(step?.total as number);
      expect(text).toMatch(/^Time by hook and step.*\n *span +calls +mean ms +longest ms +total ms +share/);
      expect(text).toMatch(/\ntrainingStep +10 +[\d.,]+ +[\d.,]+ +[\d,]+ +[\d.]+ %\n/);
    },
  );

  it.runIf(engine.available).each(["native", "cpu"] as const)(
    "advanced, count the kernels of each stage on %s",
    async (backend) => {
      await tf.setBackend(backend);
      const { profiler, text } = await fit("advanced");
      const rows = (profiler as KernelProfiler).kernelRows();
      for (const stage of ["training", "validation"]) {
        const shares = rows.filter((row) => row.stage === stage).map(({ share }) => share);
        expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 6);
        expect(text).toContain(
          `Kernels of ${stage}, first ${stage === "training" ? 10 : 4} batches, on the backend ${backend}`,
        );
      }
      const products = rows.filter(({ kernel }) => /MatMul/.test(kernel));
      // Two layers: two products forward, and back one for each layer's weights and one for the second layer's input. TensorFlow.js
      // also goes back to what nobody needs the gradient of, so the number of its products is not told here.
      const count = (stage: string) =>
        products.filter((row) => row.stage === stage).reduce((sum, row) => sum + row.calls, 0);
      expect(count("validation")).toBe(4 * 2);
      if (backend === "native") {
        expect(count("training")).toBe(10 * 5);
      }
      expect(rows.some(({ kernel }) => kernel === "unnamed scope")).toBe(false);
      expect(products[0]?.gflops === null).toBe(backend === "cpu");
      expect(text.match(/Kernels of training/g)).toHaveLength(1);
      expect(text).toMatch(/\n\d+ shorter spans +\d+ /);
    },
  );

  it("advanced, measure no more batches than asked for, and give what the batch gives", async () => {
    await tf.setBackend("cpu");
    const profiler = new KernelProfiler({ batches: 2 });
    const results: number[] = [];
    for (let i = 0; i < 4; i++) {
      results.push(
        await profiler.measureBatch("training", async () =>
          tf.tidy(() => tf.scalar(i).square().dataSync()[0] as number),
        ),
      );
    }
    expect(results).toEqual([0, 1, 4, 9]);
    expect(profiler.kernelRows().find(({ kernel }) => kernel === "Square")?.calls).toBe(2);
    expect(profiler.rows()).toMatchObject([{ span: "training batch", calls: 4 }]);
    await expect(
      profiler.measureBatch("other", async () => {
        throw new Error("in the batch");
      }),
    ).rejects.toThrow("in the batch");
  });

  it("are asked for by names that exist", () => {
    expect(() => new Trainer({ ...quiet, profiler: "pytorch" as never })).toThrow(
      'Trainer.profiler must be true, "simple", "advanced" or a Profiler, got "pytorch".',
    );
  });
});
