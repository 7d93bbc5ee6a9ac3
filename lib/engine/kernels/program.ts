/** Programs as kernels: parts of networks that are described in program/description.ts. */
import { engine, type TensorInfo, type Variable } from "@tensorflow/tfjs-core";
import type { NativeBackend } from "../backend.ts";
import { roundsFactors } from "../precision.ts";
import { countOperations } from "../profiler.ts";
import type { Program, ProgramBuffer } from "../program/description.ts";
import { encode, programModes } from "../program/table.ts";
import type { KernelBody, KernelCall, KernelTable } from "./kernel.ts";

interface Run {
  readonly x: TensorInfo;
  readonly parameters: readonly TensorInfo[];
  readonly y?: TensorInfo;
  readonly state?: TensorInfo;
  readonly dy?: TensorInfo;
  readonly wantsInput?: boolean;
}

/** Runs a program phase by phase, so that there is a moment between two calls to interrupt them. */
function execute({ backend, attrs }: KernelCall, mode: keyof typeof programModes, run: Run): TensorInfo[] {
  const program: Program = attrs.program;
  const running: Variable[] = mode === "infer" ? [] : (attrs.running ?? []);
  const { ints, numbers } = encode(program, run.parameters.length, running.length);
  const { addon } = backend;
  const { x, parameters } = run;
  const batch = x.shape[0] ?? 0;
  const plan = addon.programPlan(programModes[mode], batch, ints, numbers);
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
export function refusalOf(program: Program, use: ProgramUse): string | undefined {
  const backend = engine().findBackend("native") as NativeBackend | undefined;
  if (backend === undefined) {
    return "The native engine is not in use.";
  }
  const { ints, numbers } = encode(program, use.parameters, use.running);
  for (const mode of use.training ? (["forward", "backward"] as const) : (["infer"] as const)) {
    const plan = backend.addon.programPlan(programModes[mode], use.batch, ints, numbers);
    if (typeof plan === "string") {
      return plan;
    }
  }
  return undefined;
}

/** [x, ...parameters] -> y */
const infer: KernelBody = (call) => {
  const [x, ...parameters]: [TensorInfo, ...TensorInfo[]] = call.inputs;
  return execute(call, "infer", { x, parameters })[0] as TensorInfo;
};

/** [x, ...parameters] -> [y, state]; `running` are variables with running statistics, brought up to date in place. */
const forward: KernelBody = (call) => {
  const [x, ...parameters]: [TensorInfo, ...TensorInfo[]] = call.inputs;
  return execute(call, "forward", { x, parameters });
};

/** [dy, y, state, x, ...parameters] -> [dx (when `wantsInput`), ...gradients of the parameters] */
const backward: KernelBody = (call) => {
  const [dy, y, state, x, ...parameters]: [TensorInfo, TensorInfo, TensorInfo, TensorInfo, ...TensorInfo[]] =
    call.inputs;
  return execute(call, "backward", { x, y, state, dy, parameters, wantsInput: call.attrs.wantsInput });
};

export const programKernels: KernelTable = {
  Program: infer,
  ProgramTraining: forward,
  ProgramTrainingGrad: backward,
};
