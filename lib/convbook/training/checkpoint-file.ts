/** Checkpoints as files: our own format, and PyTorch Lightning's dict for `.ckpt`. */
import { checkpointFormatOf, loadCheckpoint, saveCheckpoint, stateDictOf, toPlain } from "../checkpoints/index.ts";
import { type Generator, Generator as RandomGenerator } from "../random/index.ts";
import type { StateDict, TensorData } from "../tensor-data.ts";
import type { Checkpoint, FitProgress, TrainingState } from "./checkpoint.ts";
import { ResumeError } from "./errors.ts";
import type { OptimizerState } from "./optimizers/optimizer.ts";
import type { SchedulerState } from "./schedulers/scheduler.ts";
import type { HyperParameters } from "./training-module.ts";

/** The version of PyTorch Lightning whose layout `.ckpt` files follow. */
const lightningVersion = "2.0.0";

const toSnake = (name: string) => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const toCamel = (name: string) => name.replaceAll(/(?<=.)_([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** Options whose names differ between PyTorch and here by more than their spelling. */
const schedulerKeys: Readonly<Record<string, string>> = {
  last_epoch: "lastEpoch",
  _last_lr: "lastLr",
  base_lrs: "baseLrs",
};

/**
 * Writes a checkpoint, atomically.
 *
 * @param path ends in `.safetensors` for our own format, or in `.ckpt` for a file that PyTorch and Lightning load
 */
export async function saveCheckpointFile(path: string, checkpoint: Checkpoint): Promise<void> {
  if (checkpointFormatOf(path) === "safetensors") await saveCheckpoint(path, { ...checkpoint });
  else await saveCheckpoint(path, toLightning(checkpoint));
}

/** PyTorch Lightning's dict. What only we need is under one key of its own. */
function toLightning({ training, stateDict, hyperParameters, ...rest }: Checkpoint): Record<string, unknown> {
  const common = {
    epoch: rest.epoch,
    global_step: rest.globalStep,
    "pytorch-lightning_version": lightningVersion,
    state_dict: stateDict,
    hparams_name: "kwargs",
    hyper_parameters: keysToSnake(hyperParameters),
    callbacks: {},
  };
  if (training === undefined) return { ...common, convbook: { ...rest } };
  const { optimizers, schedulers, ...own } = training;
  return {
    ...common,
    optimizer_states: optimizers.map(({ state, paramGroups }) => ({
      state: new Map(
        [...state].map(([index, entry]) => [
          index,
          new Map(Object.entries(entry).map(([key, value]) => [key, torchStep(key, value)])),
        ]),
      ),
      param_groups: paramGroups.map((group) => keysToSnake(group)),
    })),
    lr_schedulers: schedulers.map((state) => keysToSnake(state)),
    convbook: { ...rest, training: { ...own, schedulers } },
  };
}

/** Adam's step is a tensor in PyTorch's state. */
function torchStep(key: string, value: TensorData | number): TensorData | number {
  if (key !== "step" || typeof value !== "number") return value;
  return { dtype: "float32", shape: [], data: Float32Array.of(value) };
}

function keysToSnake(object: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [toSnake(key), value]));
}

/**
 * Reads a checkpoint: our own, a `.ckpt` of ours, or one of PyTorch Lightning, from which training goes on at the next epoch.
 *
 * @throws CheckpointError when the file is damaged, ResumeError when it holds no weights
 */
export async function loadCheckpointFile(path: string): Promise<Checkpoint> {
  const { data, format } = await loadCheckpoint(path);
  if (format === "convbook") return ownCheckpoint(path, data as Record<string, unknown>);
  if (format === "torch" && data.state_dict !== undefined) return fromLightning(path, data as Record<string, unknown>);
  const weights = format === "safetensors" ? data.stateDict : new Map(Object.entries(data));
  return bare(stateDictOf(weights, path));
}

function bare(stateDict: StateDict): Checkpoint {
  return { epoch: 0, globalStep: 0, stateDict, moduleName: "", hyperParameters: {}, callbacks: {}, extra: {} };
}

function ownCheckpoint(path: string, data: Readonly<Record<string, unknown>>): Checkpoint {
  if (!(data.stateDict instanceof Map)) throw new ResumeError(path, "it holds no weights.");
  const training = data.training as TrainingState | undefined;
  return {
    ...(data as unknown as Checkpoint),
    ...(training === undefined
      ? {}
      : { training: { ...training, optimizers: training.optimizers.map(asOptimizerState) } }),
  };
}

/** An empty Map of tensors is not told from an empty Map of anything. */
function asOptimizerState(state: OptimizerState): OptimizerState {
  return { state: new Map(state.state), paramGroups: state.paramGroups };
}

function fromLightning(path: string, data: Readonly<Record<string, unknown>>): Checkpoint {
  const stateDict = stateDictOf(data.state_dict, path);
  const hyperParameters = toPlain(data.hyper_parameters ?? new Map()) as HyperParameters;
  const epoch = Number(data.epoch ?? 0);
  const globalStep = Number(data.global_step ?? 0);
  const common = { ...bare(stateDict), epoch, globalStep, hyperParameters };
  const optimizers = data.optimizer_states;
  if (!Array.isArray(optimizers)) return common;
  const optimizerStates = optimizers.map((state) => optimizerStateOf(state as ReadonlyMap<string, unknown>));
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
  const schedulers = (Array.isArray(data.lr_schedulers) ? data.lr_schedulers : []).map((state) => {
    const entries = Object.entries(toPlain(state) as Record<string, unknown>);
    return Object.fromEntries(
      entries.map(([key, value]) => [schedulerKeys[key] ?? toCamel(key), value]),
    ) as SchedulerState;
  });
  // Lightning saves at the end of epochs; how far its loader had come within one cannot be told.
  const progress: FitProgress = { epoch: epoch + 1, batch: 0, totalBatch: globalStep, globalStep, phase: "batch" };
  const now = stateOf(new RandomGenerator(epoch + 1));
  const training: TrainingState = {
    progress,
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

function optimizerStateOf(saved: ReadonlyMap<string, unknown>): OptimizerState {
  const state = new Map<number, Record<string, TensorData | number>>();
  for (const [index, entry] of (saved.get("state") as ReadonlyMap<number, ReadonlyMap<string, unknown>>) ?? []) {
    // PyTorch writes null where SGD has no momentum buffer.
    const values = [...entry].filter(([, value]) => value !== null && value !== undefined);
    state.set(Number(index), Object.fromEntries(values) as Record<string, TensorData | number>);
  }
  const groups = saved.get("param_groups") as readonly ReadonlyMap<string, unknown>[];
  const paramGroups = groups.map((group) =>
    Object.fromEntries([...group].map(([key, value]) => [toCamel(key), value])),
  ) as unknown as OptimizerState["paramGroups"];
  return { state, paramGroups };
}
