/** The engine's runtime: memory, aliases, determinism, threads, arguments that do not fit. */
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { engine, randomNormal, randomUniform, sgdStep, valueAndGrads } from "@convbook/engine";
import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, it, vi } from "vitest";
import type { NativeBackend } from "../../lib/engine/backend.ts";
import { Random } from "./support.ts";

describe.runIf(engine.available)("the native backend", () => {
  beforeAll(async () => {
    await tf.setBackend("native");
  });

  it("tells what it runs on", () => {
    const info = engine.info();
    expect(["amx", "avx512", "avx2", "generic", "wasm", "wasm-relaxed"]).toContain(info.isa);
    expect(info.build).toBe(info.isa.startsWith("wasm") ? "wasm" : "native");
    expect(info.threads).toBeGreaterThanOrEqual(1);
    expect(info.kernels).toContain("Convolution");
    expect(info.fallbacks).toEqual([]);
    expect(info.versions.tfjs).toBe("4.22.0");
  });

  it("gives bit-equal results run after run", () => {
    const x = randomNormal([16, 20, 20, 24], 0, 1, 1) as tf.Tensor4D;
    const w = tf.variable(randomNormal([3, 3, 24, 40], 0, 0.1, 2) as tf.Tensor4D);
    const once = (): Float32Array[] => {
      const { value, grads } = valueAndGrads(() => tf.sum(tf.square(tf.conv2d(x, w, 1, "same"))) as tf.Scalar, [w]);
      const result = [value.dataSync(), (grads[0] as tf.Tensor).dataSync()] as Float32Array[];
      tf.dispose([value, grads[0] as tf.Tensor]);
      return result.map((values) => values.slice());
    };
    const first = once();
    for (let i = 0; i < 5; i++) {
      expect(once()).toEqual(first);
    }
    tf.dispose([x, w]);
  });

  it("draws the same random numbers whatever the number of threads", () => {
    const before = engine.info().threads;
    const draw = (threads: number): ArrayLike<number> => {
      engine.setThreads(threads);
      return tf.tidy(() => randomUniform([100_000], -1, 2, 7).dataSync());
    };
    const one = draw(1);
    expect(draw(3)).toEqual(one);
    engine.setThreads(before);
    expect(Math.min(...Array.from(one).slice(0, 5000))).toBeGreaterThanOrEqual(-1);
    const mean = Array.from(one).reduce((sum, value) => sum + value, 0) / one.length;
    expect(mean).toBeCloseTo(0.5, 2);
  });

  it("keeps views that CPU kernels make of their inputs apart from pooled memory", () => {
    const x = tf.add(tf.range(0, 12).reshape([3, 4]), 1);
    const row = tf.tidy(() => tf.stridedSlice(x, [1, 0], [2, 4], [1, 1]));
    const read = x.dataSync();
    x.dispose();
    const other = tf.fill([3, 4], -5);
    const more = tf.mul(other, 2);
    expect(Array.from(row.dataSync())).toEqual([5, 6, 7, 8]);
    expect(Array.from(read)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    tf.dispose([row, other, more]);
  });

  it("uses memory again, and gives it back when asked", () => {
    const step = (): void => tf.tidy(() => void tf.relu(tf.add(tf.ones([512, 1024]), 1)));
    step();
    const peak = engine.info().memory.peak;
    for (let i = 0; i < 20; i++) {
      step();
    }
    expect(engine.info().memory.peak).toBe(peak);
    engine.trim();
    expect(engine.info().memory.kept).toBe(0);
  });

  it("does not change a clone when an optimizer updates the variable", () => {
    const start = tf.tensor1d([1, 2, 3]);
    const variable = tf.variable(start);
    const snapshot = tf.clone(variable);
    const gradient = tf.tensor1d([1, 1, 1]);
    sgdStep([variable], [gradient], undefined, { learningRate: 0.5, first: true });
    expect(Array.from(variable.dataSync())).toEqual([0.5, 1.5, 2.5]);
    expect(Array.from(snapshot.dataSync())).toEqual([1, 2, 3]);
    expect(Array.from(start.dataSync())).toEqual([1, 2, 3]);
    tf.dispose([start, variable, snapshot, gradient]);
  });

  it("warns once when a large tensor runs in plain JavaScript", () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    const x = tf.ones<tf.Rank.R4>([50, 50, 20, 4], "int32");
    tf.dispose([tf.maxPool(x, 2, 2, "same"), tf.maxPool(x, 2, 1, "same")]);
    expect(warn.mock.calls).toEqual([
      ["native engine: MaxPool on int32 [50, 50, 20, 4] runs in plain JavaScript, which is slow"],
    ]);
    warn.mockRestore();
    x.dispose();
  });

  it("profiles kernels", async () => {
    const profile = await engine.profile(() => tf.tidy(() => void tf.matMul(tf.ones([64, 32]), tf.ones([32, 16]))));
    const row = profile.rows.find(({ kernel }) => kernel === "BatchMatMul");
    expect(row).toMatchObject({ native: true, calls: 1 });
    expect(row?.gflops).toBeGreaterThan(0);
    expect(String(profile)).toContain("BatchMatMul");
  });

  it("runs in several worker threads at once", async () => {
    const program = `
      import { parentPort } from "node:worker_threads";
      import "@convbook/engine";
      import * as tf from "@tensorflow/tfjs";
      await tf.setBackend("native");
      let sum = 0;
      for (let i = 0; i < 20; i++) {
        sum = tf.tidy(() => tf.sum(tf.conv2d(tf.ones([4, 16, 16, 8]), tf.ones([3, 3, 8, 16]), 1, "same")).dataSync()[0]);
      }
      parentPort.postMessage(sum);`;
    const root = new URL("../../", import.meta.url);
    const url = new URL(`data:text/javascript,${encodeURIComponent(withUrls(program, root))}`);
    const results = await Promise.all(
      [0, 1, 2].map(
        () =>
          new Promise((resolve, reject) => {
            const worker = new Worker(url);
            worker.once("message", resolve);
            worker.once("error", reject);
          }),
      ),
    );
    const expected = tf.tidy(
      () =>
        tf
          .sum(tf.conv2d(tf.ones<tf.Rank.R4>([4, 16, 16, 8]), tf.ones<tf.Rank.R4>([3, 3, 8, 16]), 1, "same"))
          .dataSync()[0],
    );
    expect(results).toEqual([expected, expected, expected]);
  });

  it("outlives a worker thread that is ended in the middle of a program, and refuses phases of none", async () => {
    const program = `
      import { parentPort } from "node:worker_threads";
      import { valueAndGrads } from "@convbook/engine";
      import * as tf from "@tensorflow/tfjs";
      import { blocks } from "convbook";
      await tf.setBackend("native");
      const block = new blocks.ResNetBlock(16);
      const x = tf.randomNormal([32, 24, 24, 16]);
      const variables = block.parameters().map(({ variable }) => variable);
      for (let i = 0; ; i++) {
        const { value, grads } = valueAndGrads(() => tf.mean(block.forward(x)), variables);
        tf.dispose([value, ...grads]);
        if (i === 1) parentPort.postMessage("running");
      }`;
    const url = new URL(
      `data:text/javascript,${encodeURIComponent(withUrls(program, new URL("../../", import.meta.url)))}`,
    );
    for (const wait of [1, 8, 20]) {
      const worker = new Worker(url, { execArgv: [] });
      await new Promise((resolve, reject) => {
        worker.once("message", resolve);
        worker.once("error", reject);
      });
      await sleep(wait);
      expect(await worker.terminate()).toBe(1);
    }
    const { addon } = tf.backend() as NativeBackend;
    addon.programEnd();
    expect(() => addon.programPhase(0)).toThrow("No program is begun");
    const nothing = new Float32Array(1);
    expect(() => addon.programBegin([], nothing, nothing, undefined, nothing, undefined, undefined, [], false)).toThrow(
      "No program is planned",
    );
  });

  it("answers 10,000 random calls with a result or an error, never with a crash", () => {
    const random = new Random(99);
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    const names = [
      ..."add sub mul div maximum relu exp sum mean max matMul conv2d depthwiseConv2d maxPool avgPool concat slice".split(
        " ",
      ),
      ..."transpose pad tile gather oneHot softmax logSoftmax argMax cast where greater split stack resizeBilinear".split(
        " ",
      ),
      ..."cumsum cumprod topk reverse gatherND scatterND tensorScatterUpdate unsortedSegmentSum stridedSlice".split(
        " ",
      ),
      ..."mirrorPad mod floorDiv squaredDifference logicalAnd logicalNot any all prod isNaN abs neg depthToSpace".split(
        " ",
      ),
    ];
    const shape = (): number[] => Array.from({ length: random.integer(0, 4) }, () => random.pick([0, 1, 2, 3, 5, 8]));
    const any = (): tf.Tensor => {
      const made = tf.cast(
        tf.fill(shape(), random.next() * 4 - 2),
        random.pick(["float32", "float32", "int32", "bool"]),
      );
      if (random.next() < 0.05) {
        tf.keep(made).dispose();
      }
      return made;
    };
    const scalar = (): unknown =>
      random.pick<unknown>([0, 1, 2, 3, -1, 7, "same", "valid", [1, 1], [0, 2], Number.NaN]);
    let results = 0;
    let errors = 0;
    for (let i = 0; i < 10_000; i++) {
      const name = random.pick(names);
      const owner = (name === "resizeBilinear" ? tf.image : tf) as unknown as Record<
        string,
        (...args: unknown[]) => unknown
      >;
      tf.engine().startScope();
      try {
        const first = name === "concat" || name === "stack" ? [any(), any()] : any();
        // A tensor in the place of oneHot's depth breaks tfjs's own bookkeeping, on every backend.
        const args = [first, name !== "oneHot" && random.next() < 0.6 ? any() : scalar(), scalar(), scalar()];
        const result = (owner[name] as (...args: unknown[]) => unknown)(...args);
        for (const t of [result].flat()) {
          (t as tf.Tensor).dataSync();
        }
        results++;
      } catch (error) {
        expect(error).toBeInstanceOf(Error);
        errors++;
      } finally {
        tf.engine().endScope();
      }
    }
    warn.mockRestore();
    expect(results + errors).toBe(10_000);
    expect(results).toBeGreaterThan(1000);
    expect(errors).toBeGreaterThan(1000);
  });
});

/** Names of packages as addresses of files, because a data: module has no folder to resolve them from. */
function withUrls(program: string, root: URL): string {
  return program
    .replace('"@convbook/engine"', JSON.stringify(new URL("lib/engine/dist/index.js", root).href))
    .replace('"convbook"', JSON.stringify(new URL("lib/convbook/dist/index.js", root).href))
    .replace('"@tensorflow/tfjs"', JSON.stringify(new URL("node_modules/@tensorflow/tfjs/dist/tf.node.js", root).href));
}
