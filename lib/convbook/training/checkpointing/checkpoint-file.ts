/** Checkpoints as files: our own format, and PyTorch Lightning's dict for `.ckpt`. */
import {
  checkpointFormatOf,
  findWeights,
  loadCheckpoint,
  saveCheckpoint,
  stateDictOf,
} from "../../checkpoints/index.ts";
import { linkAtomic } from "../../files/index.ts";
import type { Checkpoint, TrainingState } from "../core/checkpoint.ts";
import { ResumeError, SaveError } from "../errors.ts";
import { bareCheckpoint, fromLightning, toLightning } from "../lightning/checkpoint.ts";
import type { OptimizerState } from "../optimizers/optimizer.ts";

/**
 * Writes a checkpoint, atomically.
 *
 * @param path ends in `.safetensors` for our own format, or in `.ckpt` for a file that PyTorch and Lightning load
 * @throws SaveError when the file system refuses; nothing is left behind then
 */
export async function saveCheckpointFile(path: string, checkpoint: Checkpoint): Promise<void> {
  const data = checkpointFormatOf(path) === "safetensors" ? { ...checkpoint } : toLightning(checkpoint);
  await saving(path, () => saveCheckpoint(path, data));
}

/**
 * Makes `path` a link to a checkpoint that is there, atomically; a copy where the system has no links.
 *
 * @throws SaveError when the file system refuses; `path` is as it was then
 */
export async function linkCheckpointFile(checkpoint: string, path: string): Promise<void> {
  await saving(path, () => linkAtomic(checkpoint, path));
}

async function saving(path: string, save: () => Promise<void>): Promise<void> {
  try {
    await save();
  } catch (error) {
    throw error instanceof Error && "code" in error ? new SaveError(path, error) : error;
  }
}

/**
 * Reads a checkpoint: our own, a `.ckpt` of ours, or one of PyTorch Lightning, from which training goes on where it stood.
 *
 * @throws CheckpointError when the file is damaged, ResumeError when it holds no weights
 */
export async function loadCheckpointFile(path: string): Promise<Checkpoint> {
  const { data, format } = await loadCheckpoint(path);
  if (format === "convbook") {
    return ownCheckpoint(path, data as Record<string, unknown>);
  }
  if (format === "torch" && data.state_dict !== undefined) {
    return fromLightning(path, data as Record<string, unknown>);
  }
  return bareCheckpoint(stateDictOf(findWeights(data, path), path));
}

function ownCheckpoint(path: string, data: Readonly<Record<string, unknown>>): Checkpoint {
  if (!(data.stateDict instanceof Map)) {
    throw new ResumeError(path, "it holds no weights.");
  }
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
