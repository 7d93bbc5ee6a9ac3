/** oneDNN for convolutions: the same results, and choices that are measured, kept and repeated. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { convolution, engine, valueAndGrads } from "@convbook/engine";
import * as tf from "@tensorflow/tfjs";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createModelFrom } from "../../lib/convbook/models/index.ts";
import { manualSeed } from "../../lib/convbook/random/index.ts";
import { loadNative, type NativeAddon } from "../../lib/engine/native.ts";
import { onednn } from "./onednn-support.ts";
import { expectClose, Random } from "./support.ts";

type Values = Float32Array;

interface Case {
  readonly in: readonly [batch: number, height: number, width: number, channels: number];
  readonly out: number;
  readonly kernel: readonly [height: number, width: number];
  readonly stride?: number;
  readonly dilation?: number;
  readonly pad?: number;
  readonly groups?: number;
}

const cases: readonly Case[] = [
  { in: [5, 16, 16, 16], out: 16, kernel: [3, 3], pad: 1 },
  { in: [7, 17, 15, 24], out: 40, kernel: [3, 3], pad: 1, stride: 2 },
  { in: [2, 16, 16, 8], out: 8, kernel: [5, 5], pad: 2 },
  { in: [3, 9, 11, 50], out: 64, kernel: [1, 1] },
  { in: [3, 12, 10, 33], out: 17, kernel: [3, 3], pad: 2, dilation: 2 },
  { in: [1, 20, 25, 30], out: 3, kernel: [2, 3], stride: 3 },
  { in: [4, 14, 14, 24], out: 48, kernel: [3, 3], pad: 1, groups: 4 },
  { in: [4, 14, 14, 32], out: 32, kernel: [3, 3], pad: 1, groups: 32 },
  // Windows that lie in the padding as a whole.
  { in: [2, 9, 9, 16], out: 20, kernel: [1, 2], pad: 2 },
  { in: [8, 16, 16, 16], out: 16, kernel: [3, 3], pad: 1 },
];

/** Everything fused, and all gradients. */
function run(c: Case, poison?: number): Values[] {
  const { stride = 1, dilation = 1, pad = 0, groups = 1 } = c;
  const random = new Random(7);
  return tf.tidy(() => {
    const image = random.values(c.in.reduce((a, b) => a * b));
    if (poison !== undefined) {
      image[image.length >> 1] = poison;
    }
    const x = tf.tensor4d(image, [...c.in]);
    const w = tf.tensor4d(random.values(c.kernel[0] * c.kernel[1] * (c.in[3] / groups) * c.out), [
      ...c.kernel,
      c.in[3] / groups,
      c.out,
    ]);
    const bias = tf.tensor1d(random.values(c.out));
    const options = {
      strides: [stride, stride],
      dilations: [dilation, dilation],
      pad: [pad, pad, pad, pad],
      groups,
    } as const;
    const plain = convolution(x, w, options);
    const residual = tf.tensor4d(random.values(plain.size), plain.shape as [number, number, number, number]);
    const fused = convolution(x, w, { ...options, bias, residual, activation: "relu" });
    const capped = convolution(x, w, { ...options, activation: "relu6" });
    const f = (a: tf.Tensor, b: tf.Tensor, d: tf.Tensor) =>
      convolution(a as tf.Tensor4D, b as tf.Tensor4D, { ...options, bias: d as tf.Tensor1D });
    const gradients = tf.grads(f as (...xs: tf.Tensor[]) => tf.Tensor)([x, w, bias], residual);
    return [plain, fused, capped, ...gradients].map((tensor) => tensor.dataSync<"float32">().slice());
  });
}

describe.runIf(onednn)("oneDNN", () => {
  let cache = "";
  const before = process.env.CONVBOOK_CACHE;

  beforeAll(async () => {
    await tf.setBackend("native");
  });
  beforeEach(() => {
    cache = mkdtempSync(join(tmpdir(), "convbook-implementations-"));
    process.env.CONVBOOK_CACHE = cache;
  });
  afterEach(() => {
    engine.setImplementations(["native"]);
    engine.setThreads(0);
    if (before === undefined) {
      delete process.env.CONVBOOK_CACHE;
    } else {
      process.env.CONVBOOK_CACHE = before;
    }
    rmSync(cache, { recursive: true, force: true });
  });

  const info = () => engine.info().implementations;

  it("is there", () => {
    engine.setImplementations(["onednn"]);
    expect(info().onednn).toMatch(/^[23]\.\d+\.\d+$/);
    expect(info().names).toEqual(["onednn"]);
  });

  it.each(cases)("agrees with the engine's own: %o", (c) => {
    engine.setInstructionSet("avx512");
    const wanted = run(c);
    engine.setImplementations(["onednn"]);
    const got = run(c);
    engine.setInstructionSet(undefined);
    const names = ["plain", "fused", "capped", "by the image", "by the filter", "by the bias"];
    for (const [i, name] of names.entries()) {
      expectClose(got[i] as Values, wanted[i] as Values, 1e-5, name);
    }
  });

  it.each(cases)("runs the convolutions of %o, forward, fused and gradients", (c) => {
    engine.setImplementations(["onednn"]);
    expect(info().runs).toBe(0);
    run(c);
    // Plain, fused, capped and the one that is differentiated; then the gradients by the image and by the filter, of which
    // some versions of oneDNN leave one to the engine where a filter is narrower than its padding.
    const narrow = (c.pad ?? 0) >= c.kernel[0];
    expect([6, ...(narrow ? [4, 5] : [])]).toContain(info().runs);
    engine.setImplementations(["native"]);
    run(c);
    expect(info().runs).toBe(0);
  });

  it.each([Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN])("passes %s on", (value) => {
    const wanted = run(cases[0] as Case, value);
    engine.setImplementations(["onednn"]);
    const got = run(cases[0] as Case, value);
    for (const i of [0, 1, 2, 3]) {
      expectClose(got[i] as Values, wanted[i] as Values, 1e-5, `result ${i}`);
    }
  });

  it("gives bit-equal results run after run, at each number of threads", () => {
    engine.setImplementations(["onednn"]);
    for (const threads of [1, 2]) {
      engine.setThreads(threads);
      const once = run(cases[1] as Case);
      for (let i = 0; i < 2; i++) {
        expect(run(cases[1] as Case)).toEqual(once);
      }
    }
    engine.setThreads(0);
  });

  it("runs the convolutions of blocks: a network's logits and gradients agree", () => {
    const pass = (): Values[] => {
      manualSeed(42);
      // Smooth: where a ReLU has a kink, a last bit decides whether a number's gradient counts, whoever computes it.
      const network = createModelFrom("ResNet", { blockName: "PreActResNetBlock", actFnName: "tanh" });
      const images = tf.tensor4d(new Random(1).values(6 * 32 * 32 * 3), [6, 32, 32, 3]);
      const variables = network.parameters().map(({ variable }) => variable);
      network.eval();
      const logits: tf.Tensor = tf.tidy(() => network.forward(images));
      network.train();
      const loss = () => tf.mean(tf.square(network.forward(images) as tf.Tensor)) as tf.Scalar;
      const { value, grads } = valueAndGrads(loss, variables);
      const tensors = [logits, value, ...(grads as tf.Tensor[])];
      const results = tensors.map((tensor) => tensor.dataSync<"float32">().slice());
      tf.dispose([images, ...tensors]);
      network.dispose();
      return results;
    };
    const wanted = pass();
    engine.setImplementations(["onednn"]);
    const got = pass();
    // Nineteen convolutions of 3x3 and two of 1x1, in evaluation and in training; all of these have a gradient by the filter,
    // and all but the first one by the image.
    // A block hands over some images at a time, as many as the processor's cache holds.
    const once = 21 + 21 + 21 + 20;
    expect(info().runs).toBeGreaterThanOrEqual(once);
    expect(info().runs % once).toBe(0);
    // Through twenty layers, differences in the last bits grow, to 2e-5 on every instruction set.
    for (const [i, values] of got.entries()) {
      expectClose(values, wanted[i] as Values, 1e-4, `result ${i}`);
    }
  });

  it("is chosen by measurement, and the choices are kept", () => {
    engine.setImplementations(["native", "onednn"]);
    expect(info()).toMatchObject({ names: ["native", "onednn"], choices: [] });
    const once = run(cases.at(-1) as Case);
    const { choices, file } = info();
    expect(choices.map(({ operation }) => operation.replace(/ threads .*/, ""))).toEqual([
      "forward 8x16x16x16 filter 3x3x16x16 to 16x16 strides 1x1 padding 1x1 dilations 1x1 groups 1",
      "forward 8x16x16x16 filter 3x3x16x16 to 16x16 strides 1x1 padding 1x1 dilations 1x1 groups 1 bias residual relu",
      "forward 8x16x16x16 filter 3x3x16x16 to 16x16 strides 1x1 padding 1x1 dilations 1x1 groups 1 relu6",
      "forward 8x16x16x16 filter 3x3x16x16 to 16x16 strides 1x1 padding 1x1 dilations 1x1 groups 1 bias",
      "filter gradient 8x16x16x16 filter 3x3x16x16 to 16x16 strides 1x1 padding 1x1 dilations 1x1 groups 1 bias",
      "input gradient 8x16x16x16 filter 3x3x16x16 to 16x16 strides 1x1 padding 1x1 dilations 1x1 groups 1",
    ]);
    for (const { native, onednn: other, chosen } of choices) {
      expect(native).toBeGreaterThan(0);
      expect(other).toBeGreaterThan(0);
      expect(chosen).toBe((other as number) < native * 0.97 ? "onednn" : "native");
    }
    expect(file?.startsWith(cache)).toBe(true);
    // Another build of the engine measures anew.
    const built = createHash("sha256")
      .update(readFileSync(fileURLToPath(new URL("../../lib/engine/build/Release/engine.node", import.meta.url))))
      .digest("hex");
    expect(file).toMatch(new RegExp(`-${built.slice(0, 8)}\\.tsv$`));
    // Another start reads what was measured, measures nothing again, and gives the same bits.
    engine.setImplementations(["native"]);
    engine.setImplementations(["native", "onednn"]);
    const names = (list: typeof choices) => list.map(({ operation, chosen }) => `${operation}: ${chosen}`);
    expect(names(info().choices)).toEqual(names(choices));
    expect(run(cases.at(-1) as Case)).toEqual(once);
    expect(info().choices.length).toBe(choices.length);
  });

  it("obeys the file, first lines first, and passes over what is no line of it", () => {
    engine.setImplementations(["native", "onednn"]);
    run(cases[0] as Case);
    const file = info().file as string;
    const lines = readFileSync(file, "utf8").trim().split("\n");
    const other = lines.map((line) =>
      line.replace(/\t(native|onednn)$/, (_, name) => `\t${name === "native" ? "onednn" : "native"}`),
    );
    const was = info().choices.map(({ chosen }) => chosen);
    writeFileSync(file, `no line\n\t\t\t\nforward\tx\t1\tonednn\n${"y".repeat(100_000)}\n${other.join("\n")}\n`);
    appendFileSync(file, `${lines.join("\n")}\n`);
    engine.setImplementations(["native", "onednn"]);
    expect(info().choices.map(({ chosen }) => chosen)).toEqual(
      was.map((chosen) => (chosen === "native" ? "onednn" : "native")),
    );
  });

  it("works where the choices cannot be kept", () => {
    process.env.CONVBOOK_CACHE = join(cache, "a-file", "inside");
    writeFileSync(join(cache, "a-file"), "");
    engine.setImplementations(["native", "onednn"]);
    expect(info()).toMatchObject({ file: null, choices: [] });
    run(cases[0] as Case);
    expect(info().choices.length).toBeGreaterThan(0);
  });

  it.runIf(process.platform === "linux")("starts no threads of its own, and keeps to the engine's", () => {
    engine.setThreads(2);
    run(cases[0] as Case);
    const threads = (): number => readdirSync("/proc/self/task").length;
    const mine = threads();
    engine.setImplementations(["onednn"]);
    run(cases[0] as Case);
    expect(threads()).toBe(mine);
    engine.setThreads(0);
  });

  it("that does not load is said, and the engine goes on", () => {
    const addon = loadNative().addon as NativeAddon;
    const module = join(dirname(engine.info().path), "onednn.node");
    const broken = join(cache, "broken.node");
    // As on a machine that lost the library after the engine was built.
    writeFileSync(broken, readFileSync(module, "latin1").replaceAll("libdnnl.so", "libgone.so"), "latin1");
    expect(addon.useOneDnn(broken)).toMatch(/^libgone\.so.*: cannot open shared object file/);
    // A module of something else.
    expect(addon.useOneDnn(engine.info().path)).toMatch(/convbookModule/);
    expect(run(cases[0] as Case).length).toBe(6);
  });

  it("leaves bf16 to the engine's own", () => {
    if (!engine.info().hasBf16) {
      return;
    }
    engine.setPrecision("bf16");
    const wanted = run(cases[0] as Case)[0];
    engine.setImplementations(["onednn"]);
    expect(run(cases[0] as Case)[0]).toEqual(wanted);
    engine.setPrecision("float32");
  });
});

describe.runIf(engine.available)("implementations", () => {
  it("are known by their names", () => {
    expect(() => engine.setImplementations(["native", "mkldnn" as never])).toThrow(
      'An implementation is one of native, onednn; got "mkldnn"; did you mean "onednn"?',
    );
    expect(() => engine.setImplementations([])).toThrow("Of implementations there must be one at least; got []");
  });

  it("are the engine's own where nobody asks for another", () => {
    expect(engine.info().implementations).toEqual({
      names: ["native"],
      onednn: null,
      runs: 0,
      choices: [],
      file: null,
    });
  });

  it("come from CONVBOOK_ONEDNN", () => {
    const program =
      'import { engine } from "@convbook/engine"; console.log(engine.info().implementations.names.join());';
    const names = (asked: string): string =>
      execFileSync(process.execPath, ["--input-type=module", "--eval", program], {
        cwd: fileURLToPath(new URL("../..", import.meta.url)),
        env: { ...process.env, CONVBOOK_ONEDNN: asked, CONVBOOK_CACHE: tmpdir() },
        encoding: "utf8",
        stdio: ["ignore", "pipe", "ignore"],
      }).trim();
    expect(names("1")).toBe(onednn ? "native,onednn" : "native");
    expect(names("0")).toBe("native");
  });
});
