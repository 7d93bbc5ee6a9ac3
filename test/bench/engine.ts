/**
 * `npm run bench -- engine [MODEL ...] [--parts=...] [--json]`: what the native engine does with the tutorial's four networks, beside PyTorch
 * with both of its memory layouts, taking turns in one run.
 *
 * Parts: `speed` (images a second), `roofline` (against what the machine can do), `startup` (import, first step); these three by default.
 * `isa` (both sides kept to AVX2, and to AVX-512), `busy` (one busy process beside them), `memory` (peak of a process that trains),
 * `scaling` (batches of 1 to 512, numbers of threads; `--figure=FILE.png` draws it), `backends` (tfjs's WebAssembly and plain CPU backends),
 * `precision` (inference in bf16, beside PyTorch's autocast), `reproducible` (with reproducible results and without, on each instruction set), `implementations` (with oneDNN where it is faster, and wherever it can),
 * `shapes` (every convolution of the networks by the engine's own and by oneDNN), `own` (networks from a student's own blocks beside the library's,
 * with `--against=FOLDER` beside another checkout's, too), `programs` (blocks of many sizes, and small networks of ten kinds, as programs and without),
 * `winograd` (3 x 3 convolutions by loops and by Winograd's algorithm, and which the engine chooses), `depthwise` (of mobile networks, beside PyTorch), `single` (`speed` on one thread of each side),
 * `imagenet` (ResNet-18 and -50 at 224 x 224, batches of 1, 8 and 32), `mobile` (MobileNetV2, the same), `wide` (a ResNet of 64 to 512 channels
 * at CIFAR's size, the same), `operations` (einsum, Fourier transforms,
 * resizing and more, beside tfjs's WebAssembly and CPU backends), `wasm` (the engine in WebAssembly beside the native one on
 * `generic` and tfjs's WebAssembly and CPU backends, with relaxed SIMD beside without, and its start); `all` for everything. Rows print the floor and the aim of their ratio, and which of them is met.
 *
 * Options: `--batch=128`, `--rounds=5`, `--threads=N`, `--isa=avx2`, `--own` (leave PyTorch out), `--profile` (where the time goes; then
 * only `speed` by default), `--python=PROGRAM` (a Python that has PyTorch; several may be given, and ratios are against the best of them all, in the
 * better of its memory layouts; by default Debian's), `--node=PROGRAM` (another Node, whose relaxed SIMD `wasm` measures), `--compile` (PyTorch from 2.0 on under `torch.compile`, too). `engine/torch.sh` makes a folder
 * with PyTorch 2.6 on Debian 12.
 */
import { engine } from "@convbook/engine";
import * as tf from "@tensorflow/tfjs";
import { backends } from "./engine/backends.ts";
import { busy } from "./engine/busy.ts";
import { depthwise } from "./engine/depthwise.ts";
import { implementations } from "./engine/implementations.ts";
import { isa } from "./engine/isa.ts";
import { imagenet, mobile, wide } from "./engine/large.ts";
import { memory } from "./engine/memory.ts";
import { operations } from "./engine/operations.ts";
import { type Options, type PartName, parseOptions, type Section } from "./engine/options.ts";
import { ownBlocks } from "./engine/own-blocks.ts";
import { partition } from "./engine/partition.ts";
import { precision } from "./engine/precision.ts";
import { programs } from "./engine/programs.ts";
import { reproducible } from "./engine/reproducible.ts";
import { roofline } from "./engine/roofline.ts";
import { scaling } from "./engine/scaling.ts";
import { shapes } from "./engine/shapes.ts";
import { single } from "./engine/single.ts";
import { speed } from "./engine/speed.ts";
import { startup } from "./engine/startup.ts";
import { wasm } from "./engine/wasm.ts";
import { winograd } from "./engine/winograd.ts";
import type { BenchResult } from "./main.ts";

const parts: Readonly<Record<PartName, (options: Options) => Promise<Section | readonly Section[] | undefined>>> = {
  speed,
  roofline,
  startup,
  isa,
  busy,
  memory,
  scaling,
  backends,
  precision,
  reproducible,
  implementations,
  shapes,
  own: ownBlocks,
  programs,
  wasm,
  winograd,
  depthwise,
  single,
  imagenet,
  mobile,
  wide,
  operations,
  partition,
};

export async function run(args: readonly string[]): Promise<BenchResult> {
  if (!engine.available) {
    throw new Error(`The native engine is not available: ${engine.reason}`);
  }
  const options = parseOptions(args);
  engine.setThreads(options.threads);
  engine.setInstructionSet(options.isa === "" ? undefined : options.isa);
  await tf.setBackend("native");
  const sections: Section[] = [];
  for (const part of options.parts) {
    sections.push(...[(await parts[part](options)) ?? []].flat());
  }
  const [first, ...more] = sections;
  return { note: first?.note ?? "Nothing was measured", rows: first?.rows ?? [], sections: more };
}
