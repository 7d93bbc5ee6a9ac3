import * as tf from "@tensorflow/tfjs-core";
import { afterEach, describe, expect, it, vi } from "vitest";
import { selectBackend } from "./index.ts";

const before = process.env.CONVBOOK_BACKEND;
afterEach(() => {
  if (before === undefined) {
    delete process.env.CONVBOOK_BACKEND;
  } else {
    process.env.CONVBOOK_BACKEND = before;
  }
});

describe("selectBackend", () => {
  it("takes the one that is named and says so in one line", async () => {
    const lines: string[] = [];
    const info = await selectBackend({ backend: "cpu", announce: (line) => lines.push(line) });
    expect(info).toMatchObject({ name: "cpu", tfjsName: "cpu", trains: true });
    expect(tf.getBackend()).toBe("cpu");
    expect(lines).toEqual([`convbook: TensorFlow.js ${tf.version_core} on plain JavaScript, slow`]);
  });

  it("answers the same without a word when called again", async () => {
    const first = await selectBackend({ backend: "cpu", announce: false });
    const second = await selectBackend({
      announce: () => {
        throw new Error("said twice");
      },
    });
    expect(second).toBe(first);
  });

  it("obeys CONVBOOK_BACKEND and names the nearest spelling", async () => {
    process.env.CONVBOOK_BACKEND = "wsam";
    vi.resetModules();
    const fresh = await import("./index.ts");
    const failure = await fresh.selectBackend({ announce: false }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(fresh.BackendError);
    expect((failure as Error).message).toBe(
      'CONVBOOK_BACKEND: got "wsam", expected one of tensorflow, native, webgpu, engine-wasm, wasm, cpu; did you mean "wasm"?',
    );
  });

  it("runs WebAssembly from the package's own files", async () => {
    const info = await selectBackend({ backend: "wasm", announce: false });
    expect(info).toMatchObject({ name: "wasm", trains: false });
    const y = tf.matMul(tf.tensor2d([1, 2, 3, 4], [2, 2]), tf.tensor2d([5, 6, 7, 8], [2, 2]));
    expect(Array.from(await y.data())).toEqual([19, 22, 43, 50]);
    await selectBackend({ backend: "cpu", announce: false });
  });

  it("gives the right one-hot vectors on WebAssembly, whatever their type", async () => {
    await selectBackend({ backend: "wasm", announce: false });
    const labels = tf.tensor2d(
      [
        [1, 2],
        [0, 5],
      ],
      [2, 2],
      "int32",
    );
    const expected = [0, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0];
    for (const dtype of ["float32", "int32"] as const) {
      const vectors = tf.oneHot(labels, 3, 1, 0, dtype);
      expect(vectors).toMatchObject({ shape: [2, 2, 3], dtype });
      expect(Array.from(await vectors.data())).toEqual(expected);
    }
    const smooth = tf.oneHot(tf.tensor1d([1], "int32"), 3, 0.75, 0.125, "float32");
    expect(Array.from(await smooth.data())).toEqual([0.125, 0.75, 0.125]);
    await selectBackend({ backend: "cpu", announce: false });
  });
});
