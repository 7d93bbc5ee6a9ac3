/**
 * Whole blocks of a network as one kernel: the native code runs a few images at a time through all operations of a
 * phase, in the cache, and normalizes while it gathers a convolution's input. See native/program/program.h.
 */
import { engine, type TensorInfo, type Variable } from "@tensorflow/tfjs-core";
import type { NativeBackend } from "../backend.ts";
import { activations } from "../native.ts";
import { roundsFactors } from "../precision.ts";
import { countOperations } from "../profiler.ts";
import type { KernelBody, KernelCall, KernelTable } from "./kernel.ts";

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

export const blockOperations = ["conv", "maxPool", "avgPool", "merge", "stats"] as const;

/** One operation; -1 stands for what it does not have. */
export interface BlockOperation {
  readonly kind: (typeof blockOperations)[number];
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
  readonly filter: readonly [height: number, width: number];
  readonly strides: readonly [height: number, width: number];
  readonly pad: readonly [top: number, left: number];
  /** Numbers of inputs. */
  readonly weight: number;
  readonly bias: number;
  readonly activation: keyof typeof activations;
  /** In inference: the normalization that is folded into a convolution's weights. */
  readonly fold: number;
}

export interface BlockProgram {
  readonly buffers: readonly ProgramBuffer[];
  readonly norms: readonly ProgramNorm[];
  readonly operations: readonly BlockOperation[];
  /** The buffer that is the result. */
  readonly output: number;
}

const modes = { infer: 0, forward: 1, backward: 2 } as const;

interface Encoded {
  readonly ints: Int32Array;
  readonly numbers: Float32Array;
}

const encoded = new WeakMap<BlockProgram, Encoded>();

/** The program as the native code reads it: parameters are numbered from the inputs behind x on, then `running`. */
function encode(program: BlockProgram, inputs: number, running: number): Encoded {
  const known = encoded.get(program);
  if (known !== undefined) {
    return known;
  }
  const { buffers, norms, operations, output } = program;
  const ints = [buffers.length, norms.length, operations.length, output, inputs, inputs + running];
  for (const { height, width, channels } of buffers) {
    ints.push(height, width, channels);
  }
  const place = (index: number): number => (index < 0 || running === 0 ? index : inputs + index);
  for (const norm of norms) {
    ints.push(norm.buffer, norm.offset, norm.channels, norm.gamma, norm.beta, norm.relu ? 1 : 0);
    ints.push(place(norm.mean), place(norm.variance));
  }
  for (const op of operations) {
    ints.push(blockOperations.indexOf(op.kind), op.source, op.sourceOffset, op.inChannels, op.norm);
    ints.push(op.target, op.targetOffset, op.outChannels, op.residual, ...op.filter, ...op.strides, ...op.pad);
    ints.push(op.weight, op.bias, activations[op.activation], op.fold);
  }
  const numbers = Float32Array.from(norms.flatMap(({ epsilon, share }) => [epsilon, share]));
  const result = { ints: Int32Array.from(ints), numbers };
  encoded.set(program, result);
  return result;
}

interface Run {
  readonly x: TensorInfo;
  readonly parameters: readonly TensorInfo[];
  readonly y?: TensorInfo;
  readonly state?: TensorInfo;
  readonly dy?: TensorInfo;
  readonly wantsInput?: boolean;
}

/** Runs a program phase by phase, so that there is a moment between two calls to interrupt them. */
function execute({ backend, attrs }: KernelCall, mode: keyof typeof modes, run: Run): TensorInfo[] {
  const program: BlockProgram = attrs.program;
  const running: Variable[] = mode === "infer" ? [] : (attrs.running ?? []);
  const { ints, numbers } = encode(program, run.parameters.length, running.length);
  const { addon } = backend;
  const { x, parameters } = run;
  const batch = x.shape[0] ?? 0;
  const plan = addon.programPlan(modes[mode], batch, ints, numbers);
  if (typeof plan === "string") {
    throw new Error(plan);
  }
  const [phases, stateFloats, workspaceFloats, operations] = plan;
  countOperations(operations);
  const out = program.buffers[program.output] as ProgramBuffer;
  const y = run.y ?? backend.output([batch, out.height, out.width, out.channels]);
  const state = run.state ?? (mode === "forward" ? backend.output([stateFloats]) : undefined);
  const workspace = backend.output([workspaceFloats]);
  const values = [...parameters, ...running].map((tensor) => backend.values(tensor));
  const dx = mode === "backward" && run.wantsInput !== false ? backend.output(x.shape) : undefined;
  const gradients = mode === "backward" ? parameters.map(({ shape }) => backend.output(shape)) : [];
  const rounds = mode === "infer" && roundsFactors();
  try {
    addon.programBegin(
      values,
      backend.values(x),
      backend.values(y),
      state === undefined ? undefined : backend.values(state),
      workspace.values,
      run.dy === undefined ? undefined : backend.values(run.dy),
      dx?.values,
      gradients.map((gradient) => gradient.values),
      rounds,
    );
    for (let phase = 0; phase < phases; phase++) {
      addon.programPhase(phase);
    }
  } finally {
    addon.programEnd();
  }
  backend.disposeData(workspace.dataId);
  if (mode === "infer") {
    return [y];
  }
  if (mode === "forward") {
    return [y, state as TensorInfo];
  }
  return dx === undefined ? gradients : [dx, ...gradients];
}

/** How a program would be run. */
export interface ProgramUse {
  /** Number of inputs behind x. */
  readonly parameters: number;
  /** Number of variables with running statistics. */
  readonly running: number;
  readonly training: boolean;
  readonly batch: number;
}

/**
 * Why a program cannot be run: some graphs are more than programs can be.
 *
 * @returns undefined where it can
 */
export function refusalOf(program: BlockProgram, use: ProgramUse): string | undefined {
  const backend = engine().findBackend("native") as NativeBackend | undefined;
  if (backend === undefined) {
    return "The native engine is not in use.";
  }
  const { ints, numbers } = encode(program, use.parameters, use.running);
  for (const mode of use.training ? (["forward", "backward"] as const) : (["infer"] as const)) {
    const plan = backend.addon.programPlan(modes[mode], use.batch, ints, numbers);
    if (typeof plan === "string") {
      return plan;
    }
  }
  return undefined;
}

/** [x, ...parameters] -> y */
const block: KernelBody = (call) => {
  const [x, ...parameters]: [TensorInfo, ...TensorInfo[]] = call.inputs;
  return execute(call, "infer", { x, parameters })[0] as TensorInfo;
};

/** [x, ...parameters] -> [y, state]; `running` are variables with running statistics, brought up to date in place. */
const blockTraining: KernelBody = (call) => {
  const [x, ...parameters]: [TensorInfo, ...TensorInfo[]] = call.inputs;
  return execute(call, "forward", { x, parameters });
};

/** [dy, y, state, x, ...parameters] -> [dx (when `wantsInput`), ...gradients of the parameters] */
const blockTrainingGrad: KernelBody = (call) => {
  const [dy, y, state, x, ...parameters]: [TensorInfo, TensorInfo, TensorInfo, TensorInfo, ...TensorInfo[]] =
    call.inputs;
  return execute(call, "backward", { x, y, state, dy, parameters, wantsInput: call.attrs.wantsInput });
};

export const blockKernels: KernelTable = {
  Block: block,
  BlockTraining: blockTraining,
  BlockTrainingGrad: blockTrainingGrad,
};
