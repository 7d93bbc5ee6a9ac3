/** What the tests of AMX tiles share: whether the processor has them, and convolutions to try on them. */
import { engine } from "@convbook/engine";
import { loadNative, type NativeAddon } from "../../lib/engine/native.ts";

function tryAmx(): boolean {
  if (!engine.available) {
    return false;
  }
  engine.setInstructionSet("amx");
  const there = engine.info().isa === "amx";
  engine.setInstructionSet(undefined);
  return there;
}

/** Whether the processor has AMX. */
export const amx = tryAmx();
if (!amx) {
  console.log("This processor has no AMX: the tests of AMX tiles are left out");
}

/** What AMX tiles compute while a function runs: passes in bf16, passes in float32 (forward and input gradients), gradients of filters. */
export function tilePasses<T>(body: () => T): { result: T; rounded: number; split: number; filterGradients: number } {
  const addon = loadNative().addon as NativeAddon;
  const before = addon.tilePasses();
  const result = body();
  const [rounded = 0, split = 0, filterGradients = 0] = addon.tilePasses().map((count, i) => count - (before[i] ?? 0));
  return { result, rounded, split, filterGradients };
}

/** A convolution by its sizes; stride and dilation are 1 and the padding 0 where they are not given. */
export interface Case {
  readonly in: readonly [batch: number, height: number, width: number, channels: number];
  readonly out: number;
  readonly kernel: readonly [height: number, width: number];
  readonly stride?: readonly [number, number];
  readonly dilation?: readonly [number, number];
  readonly pad?: number;
}

/** The case's strides, dilations and padding, as the engine's `convolution` takes them. */
export function optionsOf({ stride = [1, 1], dilation = [1, 1], pad = 0 }: Case) {
  return { strides: stride, dilations: dilation, pad: [pad, pad, pad, pad] as const };
}
