/** Checkpoints as PyTorch Lightning's dict: written so that Lightning goes on from them, and read. */
import { stateDictOf, toPlain } from "../../checkpoints/index.ts";
import { Generator } from "../../random/index.ts";
import type { StateDict } from "../../tensor-data.ts";
import type { Checkpoint, TrainingState } from "../core/checkpoint.ts";
import type { HyperParameters } from "../core/json.ts";
import { optimizerStateOf, stateToTorch } from "../optimizers/torch-state.ts";
import type { SchedulerState } from "../schedulers/scheduler.ts";
import { fromLoops, toLoops } from "./loops.ts";
import { keysToSnake, schedulerFromPython, schedulerToPython } from "./names.ts";

/** The version of PyTorch Lightning whose layout the files follow. */
const lightningVersion = "2.0.0";

/** PyTorch Lightning's dict. What only we need is under one key of its own. */
export function toLightning({ training, stateDict, hyperParameters, ...rest }: Checkpoint): Record<string, unknown> {
  const common = {
    epoch: rest.epoch,
    global_step: rest.globalStep,
    "pytorch-lightning_version": lightningVersion,
    state_dict: stateDict,
    hparams_name: "kwargs",
    hyper_parameters: keysToSnake(hyperParameters),
    callbacks: {},
  };
  if (training === undefined) {
    return { ...common, convbook: { ...rest } };
  }
  const { optimizers, schedulers, ...own } = training;
  return {
    ...common,
    loops: toLoops(training.progress, Number(schedulers[0]?.lastEpoch ?? 0)),
    optimizer_states: optimizers.map(stateToTorch),
    lr_schedulers: schedulers.map(schedulerToPython),
    convbook: { ...rest, training: { ...own, schedulers } },
  };
}

/** A checkpoint without any state of training. */
export function bareCheckpoint(stateDict: StateDict): Checkpoint {
  return { epoch: 0, globalStep: 0, stateDict, moduleName: "", hyperParameters: {}, callbacks: {}, extra: {} };
}

/** Reads Lightning's dict, of a file that we wrote or that Lightning did. */
export function fromLightning(path: string, data: Readonly<Record<string, unknown>>): Checkpoint {
  const stateDict = stateDictOf(data.state_dict, path);
  const hyperParameters = toPlain(data.hyper_parameters ?? new Map()) as HyperParameters;
  const epoch = Number(data.epoch ?? 0);
  const globalStep = Number(data.global_step ?? 0);
  const common = { ...bareCheckpoint(stateDict), epoch, globalStep, hyperParameters };
  const optimizers = data.optimizer_states;
  if (!Array.isArray(optimizers)) {
    return common;
  }
  const optimizerStates = optimizers.map((state) => optimizerStateOf("an optimizer", state));
  if (data.convbook instanceof Map) {
    const own = toPlain(data.convbook) as unknown as Checkpoint;
    const training = own.training as unknown as Omit<TrainingState, "optimizers"> & { gradients: unknown };
    const gradients = (data.convbook.get("training") as Map<string, unknown>).get("gradients") as StateDict;
    return {
      ...common,
      ...own,
      hyperParameters,
      stateDict,
      training: { ...training, gradients, optimizers: optimizerStates },
    };
  }
  const schedulers = (Array.isArray(data.lr_schedulers) ? data.lr_schedulers : []).map(
    (state) => schedulerFromPython(toPlain(state) as Record<string, unknown>) as SchedulerState,
  );
  const now = stateOf(new Generator(epoch + 1));
  const training: TrainingState = {
    progress: fromLoops(data.loops === undefined ? undefined : toPlain(data.loops), epoch, globalStep),
    optimizers: optimizerStates,
    schedulers,
    gradients: new Map(),
    random: { now, epochStart: now },
    loader: null,
    results: [],
    metrics: {},
  };
  return { ...common, training };
}

const stateOf = (generator: Generator) => Buffer.from(generator.getState()).toString("base64");
