import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs-core";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { Callback, ModelCheckpoint, Trainer } from "./index.ts";
import { quiet } from "./testing/quiet.ts";
import { makeSmall, weightsOf } from "./testing/small.ts";

const folder = mkdtempSync(join(tmpdir(), "convbook-interrupting-"));
const freshFolder = () => mkdtempSync(join(folder, "run-"));
beforeAll(() => tf.setBackend("cpu"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Does something at the end of a step. */
class At extends Callback {
  readonly #step: number;
  readonly #action: () => void;
  constructor(step: number, action: () => void) {
    super();
    this.#step = step;
    this.#action = action;
  }
  override onTrainBatchEnd(trainer: Trainer): void {
    if (trainer.globalStep === this.#step) {
      this.#action();
    }
  }
}

describe("interrupting", () => {
  const interrupted = async (action: (trainer: Trainer) => void, options: { signal?: AbortSignal } = {}) => {
    const dirPath = freshFolder();
    const { module, train, val } = makeSmall();
    const trainer: Trainer = new Trainer({
      ...quiet,
      maxEpochs: 3,
      callbacks: [new At(7, () => action(trainer)), new ModelCheckpoint({ dirPath, everyNEpochs: 100 })],
    });
    const result = await trainer.fit(module, train as never, val as never, options);
    return { result, files: readdirSync(dirPath) };
  };

  it("by an AbortSignal stops at the end of the batch, saved, and can be gone on with", async () => {
    const controller = new AbortController();
    const { result } = await interrupted(() => controller.abort(), { signal: controller.signal });
    expect(result).toMatchObject({ status: "interrupted", globalStep: 7, epochs: 1 });
    const whole = makeSmall();
    await new Trainer({ ...quiet, maxEpochs: 3 }).fit(whole.module, whole.train as never, whole.val as never);
    const rest = makeSmall();
    const trainer = new Trainer({ ...quiet, maxEpochs: 3 });
    await trainer.fit(rest.module, rest.train as never, rest.val as never, { ckptPath: result.lastModelPath });
    expect(weightsOf(rest.module)).toEqual(weightsOf(whole.module));
  });

  it("by Ctrl-C does the same and leaves the process alone", async () => {
    const before = process.listenerCount("SIGINT");
    const { result, files } = await interrupted(() => process.emit("SIGINT"));
    expect(result.status).toBe("interrupted");
    expect(files).toEqual(["last.safetensors"]);
    expect(process.listenerCount("SIGINT")).toBe(before);
  });

  it("twice stops at once, without saving", async () => {
    const { result, files } = await interrupted(() => {
      process.emit("SIGINT");
      process.emit("SIGINT");
    });
    expect(result.status).toBe("interrupted");
    expect(files).toEqual([]);
  });

  it("is waited for by the next run; what does not end in time gives its place up and goes no further", async () => {
    const { module, train, val } = makeSmall();
    const trainer = new Trainer({ ...quiet, maxEpochs: 1 });
    const steps: string[] = [];
    class Watch extends Callback {
      override onTrainBatchEnd(running: Trainer): void {
        steps.push(`${running.globalStep}`);
      }
      override onException(): void {
        steps.push("taken down");
      }
      override teardown(): void {
        steps.push("end");
      }
    }
    const watched = new Trainer({ ...quiet, maxEpochs: 1, callbacks: new Watch() });
    const first = trainer.fit(module, train as never, val as never);
    await expect(trainer.fit(module, train as never)).rejects.toThrow("This Trainer is running already");
    process.emit("SIGINT");
    const second = trainer.fit(module, train as never, val as never);
    expect((await first).status).toBe("interrupted");
    expect(await second).toMatchObject({ status: "completed", globalStep: 5 });

    let release: () => void = () => {};
    let isReturned = false;
    const stuck = {
      length: 5,
      [Symbol.asyncIterator]: () => ({
        next: () =>
          new Promise<IteratorResult<never>>((resolve) => {
            release = () => resolve({ done: true, value: undefined as never });
          }),
        return: async () => {
          isReturned = true;
          return { done: true as const, value: undefined as never };
        },
      }),
    };
    const before = process.listenerCount("SIGINT");
    void watched.fit(module, stuck, undefined).then(() => steps.push("must not end"));
    await vi.waitFor(() => expect(process.listenerCount("SIGINT")).toBe(before + 1));
    process.emit("SIGINT");
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      const next = watched.fit(module, train as never);
      await vi.waitFor(() => expect(vi.getTimerCount()).toBe(1));
      await vi.advanceTimersByTimeAsync(5000);
      expect(await next).toMatchObject({ status: "completed", globalStep: 5 });
    } finally {
      vi.useRealTimers();
    }
    expect(steps).toEqual(["taken down", "end", "1", "2", "3", "4", "5", "end"]);
    release();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(steps).toHaveLength(8);
    expect(isReturned).toBe(true);
    expect(process.listenerCount("SIGINT")).toBe(before);
  });
});
