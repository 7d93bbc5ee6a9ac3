/**
 * How near the engine comes to what the machine could do at most, measured in the same run.
 *
 * The roofline of a step is the sum over its layers of max(multiplications and additions / the measured peak, bytes / the measured
 * bandwidth). Layers are those of the network and not the kernels that ran, so that needless work does not count as work: convolutions
 * and linear layers, once for inference, three times for training (output, gradient by the input, gradient by the weights; the first layer
 * has no second); batch normalizations and pools in training only by their bytes, as in inference they cost nothing beside the layer
 * before them. Each layer reads its inputs once and writes its outputs once; everything between them is taken as free.
 *
 * The peak is that of float32 multiply-adds in vector registers. The matrix unit (AMX) makes a product of floats of three of bfloat16, so where
 * the engine uses it the share of the vector peak may exceed 1; the share of the roofline with that peak stands beside it. Products are counted as loops
make them, so that Winograd's algorithm, which takes fewer, may exceed 1 as well.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { engine } from "@convbook/engine";
import * as tf from "@tensorflow/tfjs";
import * as nn from "../../../lib/convbook/nn/index.ts";
import { compete, type Mode, median, modes, rounded } from "./contest.ts";
import { rooflineGoal, standing } from "./floors.ts";
import { createNetwork, ours } from "./networks.ts";
import type { Options, Section } from "./options.ts";

/** What the machine can do a second. */
interface Limits {
  readonly flops: number;
  /** 0 where there is no matrix unit, or it is not used. */
  readonly matrixFlops: number;
  readonly bytes: number;
}

/** Products of bfloat16 for one product of floats of nearly float32's accuracy. */
const productsEach = 3;

const flagsOf: Readonly<Record<string, readonly string[]>> = {
  amx: ["-mavx512f", "-mfma", "-mprefer-vector-width=512", "-mamx-tile", "-mamx-bf16"],
  avx512: ["-mavx512f", "-mfma", "-mprefer-vector-width=512"],
  avx2: ["-mavx2", "-mfma"],
};

/** A program that measures {@link Limits}, compiled for one instruction set; undefined without a compiler. */
function compileProbe(folder: string, isa: string): (() => Limits) | undefined {
  const program = join(folder, "roofline");
  const source = fileURLToPath(new URL("roofline.cc", import.meta.url));
  const flags = ["-O3", "-std=c++17", "-pthread", ...(flagsOf[isa] ?? [])];
  try {
    execFileSync(process.env.CXX ?? "c++", [...flags, source, "-o", program], { stdio: "pipe" });
  } catch (error) {
    console.error(
      `The roofline is left out, its probe does not compile: ${(error as Error).message.split("\n", 1)[0]}`,
    );
    return undefined;
  }
  return () =>
    JSON.parse(execFileSync(program, [String(engine.info().threads), "0.3"], { encoding: "utf8" })) as Limits;
}

const most = (a: Limits, b: Limits): Limits => ({
  flops: Math.max(a.flops, b.flops),
  matrixFlops: Math.max(a.matrixFlops, b.matrixFlops),
  bytes: Math.max(a.bytes, b.bytes),
});

/** What one pass of a layer has to do at least. */
export interface Pass {
  readonly flops: number;
  readonly bytes: number;
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

/** The passes of one step, by the shapes that one image's forward pass has. */
export function passesOf(name: string, batch: number, mode: Mode): Pass[] {
  const module = createNetwork(name);
  module.eval();
  const passes: Pass[] = [];
  let isFirst = true;
  for (const layer of module.modules()) {
    const isProduct = layer instanceof nn.Conv2d || layer instanceof nn.Linear;
    const isNorm = layer instanceof nn.BatchNorm;
    const isPool =
      layer instanceof nn.MaxPool2d || layer instanceof nn.AvgPool2d || layer instanceof nn.AdaptiveAvgPool2d;
    if (!isProduct && !isNorm && !isPool) {
      continue;
    }
    layer.registerForwardHook((_, inputs: tf.Tensor[], output: tf.Tensor) => {
      const [x, y] = [batch * sizeOf((inputs[0] as tf.Tensor).shape), batch * sizeOf(output.shape)];
      if (isProduct) {
        const weights = sizeOf(layer.weight.shape);
        const pass = { flops: (2 * y * weights) / (layer.weight.shape[0] ?? 1), bytes: 4 * (x + y + weights) };
        const times = mode === "infer" ? 1 : isFirst ? 2 : 3;
        for (let i = 0; i < times; i++) {
          passes.push(pass);
        }
        isFirst = false;
      } else if (mode === "train") {
        // The gradient of a normalization reads dy and x and writes dx; that of a pool needs no more than its outputs' size.
        passes.push({ flops: 0, bytes: 4 * (x + y) }, { flops: 0, bytes: 4 * (isNorm ? 2 * x + y : x + y) });
      }
      return undefined;
    });
  }
  tf.tidy(() => void module.forward(tf.zeros([1, 32, 32, 3])));
  module.dispose();
  return passes;
}

/** Seconds that the passes take at least. */
export function rooflineSeconds(passes: readonly Pass[], flops: number, bytes: number): number {
  return passes.reduce((sum, pass) => sum + Math.max(pass.flops / flops, pass.bytes / bytes), 0);
}

export async function roofline(options: Options): Promise<Section | undefined> {
  const { batch, rounds, names } = options;
  const { isa, threads } = engine.info();
  const folder = mkdtempSync(join(tmpdir(), "bench-engine-"));
  try {
    const probe = compileProbe(folder, isa);
    if (probe === undefined) {
      return undefined;
    }
    let limits = probe();
    const measured: { name: string; mode: Mode; seconds: number }[] = [];
    for (const name of names) {
      const contestant = ours(name, batch);
      const times = await compete([{ label: "ours", contestant }], rounds);
      contestant.close();
      engine.trim();
      for (const mode of modes) {
        measured.push({ name, mode, seconds: median(times.get(`ours ${mode}`) ?? []) / 1000 });
      }
      limits = most(limits, probe());
    }
    const rows = measured.map(({ name: model, mode, seconds }) => {
      const passes = passesOf(model, batch, mode);
      const flops = passes.reduce((sum, pass) => sum + pass.flops, 0);
      const least = rooflineSeconds(passes, limits.flops, limits.bytes);
      const row = {
        model,
        mode,
        ours: Math.round(batch / seconds),
        roofline: Math.round(batch / least),
        share: rounded(least / seconds),
        gflops: Math.round(flops / seconds / 1e9),
      };
      if (limits.matrixFlops === 0) {
        return { ...row, ...standing(rooflineGoal(model, mode), row.share) };
      }
      const leastMatrix = rooflineSeconds(passes, limits.matrixFlops / productsEach, limits.bytes);
      return { ...row, rooflineMatrix: Math.round(batch / leastMatrix), shareMatrix: rounded(leastMatrix / seconds) };
    });
    const giga = (value: number): string => (value / 1e9).toFixed(0);
    const matrix =
      limits.matrixFlops > 0
        ? `; matrix unit ${giga(limits.matrixFlops)} GFLOP/s of bfloat16, ${productsEach} products for one of floats`
        : "";
    const note =
      `Images a second against sum over layers of max(flops / peak, bytes / bandwidth), batch ${batch}, ${threads} threads, ${isa}; ` +
      `measured: ${giga(limits.flops)} GFLOP/s float32 in vectors, ${giga(limits.bytes)} GB/s${matrix}`;
    return { title: "Roofline", note, rows };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
