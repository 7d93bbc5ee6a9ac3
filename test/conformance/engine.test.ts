/** The engine in WebAssembly under the kernel: one while the user's process lasts, and a new one with the next process. */
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { KernelUnderTest, pythonHas, root } from "./harness.ts";

/** Whether a process is there. */
function lives(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe.runIf(pythonHas("jupyter_client"))("the engine in WebAssembly under the kernel", () => {
  let kernel: KernelUnderTest;
  beforeAll(async () => {
    kernel = await KernelUnderTest.start({ folder: root, env: { CONVBOOK_ISA: "wasm", CONVBOOK_THREADS: "2" } });
  });
  afterAll(() => kernel.close());

  /** Its build, its threads, and a sum that all of them work out. */
  const computed = () =>
    kernel.value(`
      import { engine } from "@convbook/engine";
      import * as tf from "@tensorflow/tfjs";
      await tf.setBackend("native");
      const sum = tf.tidy(() => tf.sum(tf.conv2d(tf.ones([8, 16, 16, 8]) as tf.Tensor4D, tf.ones([3, 3, 8, 16]) as tf.Tensor4D, 1, "same")).dataSync()[0]);
      [engine.info().build, engine.info().threads, sum].join()`);

  it("is the same one where it is imported anew, and starts anew with the process, of which nothing is left", async () => {
    // 46 x 46 of 48 x 48 pixels an image and channel are seen by each of three times three taps.
    const sum = 8 * 16 * 8 * (3 * 16 - 2) ** 2;
    expect(await computed()).toBe(`'wasm,2,${sum}'`);
    await kernel.value("engine.setThreads(1)");
    const again = 'const again = await import(import.meta.resolve("@convbook/engine") + "?again");';
    expect(await kernel.value(`${again} again.engine.info().threads`)).toBe("1");
    expect(await kernel.value("again.engine.setReproducible(true); engine.info().reproducible")).toBe("'bounded'");
    const pid = Number(await kernel.value("process.pid"));
    await kernel.execute('process.kill(process.pid, "SIGKILL"); await new Promise(() => {});');
    expect(await computed()).toBe(`'wasm,2,${sum}'`);
    expect(await kernel.value("engine.info().reproducible")).toBe("'off'");
    expect(Number(await kernel.value("process.pid"))).not.toBe(pid);
    while (lives(pid)) {
      await setTimeout(50);
    }
  });
});
