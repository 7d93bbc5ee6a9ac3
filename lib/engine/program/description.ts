/**
 * A part of a network as one kernel: operations over buffers of channels. The native code runs a few images at a time through all operations of a
 * phase, in the cache, and normalizes while it gathers a convolution's input. See native/program/program.h.
 */
import type { activations } from "../native-numbers.ts";

/** Channels of images that operations read and write in slices. Buffer 0 is the input. */
export interface ProgramBuffer {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/** Batch normalization of a range of channels, with ReLU where a convolution reads it. */
export interface ProgramNorm {
  readonly buffer: number;
  readonly offset: number;
  readonly channels: number;
  /** Scale and shift: numbers of inputs. */
  readonly gamma: number;
  readonly beta: number;
  readonly relu: boolean;
  /** Running mean and variance: in inference numbers of inputs; in training places in `running`, or -1. */
  readonly mean: number;
  readonly variance: number;
  readonly epsilon: number;
  /** Share of this batch in the running statistics. */
  readonly share: number;
}

/** A window's size, step and padding at the top and left. */
export interface ProgramWindow {
  readonly filter: readonly [height: number, width: number];
  readonly strides: readonly [height: number, width: number];
  readonly pad: readonly [top: number, left: number];
}

/** What operations do: `merge` copies, with a normalization, a residual and an activation; `stats` takes the input's statistics. */
export const programKinds = ["conv", "maxPool", "avgPool", "merge", "stats"] as const;

/** One operation; -1 stands for what it does not have. */
export interface ProgramOperation extends ProgramWindow {
  readonly kind: (typeof programKinds)[number];
  readonly source: number;
  readonly sourceOffset: number;
  readonly inChannels: number;
  /** The normalization that the source is read through. */
  readonly norm: number;
  readonly target: number;
  readonly targetOffset: number;
  readonly outChannels: number;
  /** A whole buffer that is added. */
  readonly residual: number;
  /** Numbers of inputs. */
  readonly weight: number;
  readonly bias: number;
  readonly activation: keyof typeof activations;
  /** In inference: the normalization that is folded into a convolution's weights. */
  readonly fold: number;
}

export interface Program {
  readonly buffers: readonly ProgramBuffer[];
  readonly norms: readonly ProgramNorm[];
  readonly operations: readonly ProgramOperation[];
  /** The buffer that is the result. */
  readonly output: number;
}
