/** Configurations that checkpoints carry, so that a training goes on without the file that it began with. */
import { basename, dirname, resolve } from "node:path";
import { stringify } from "yaml";
import { checkNames, checkText } from "../../arguments/check.ts";
import { loadCheckpointFile } from "../checkpointing/checkpoint-file.ts";
import { Callback } from "../core/callback.ts";
import type { Checkpoint } from "../core/checkpoint.ts";
import type { TrainerContext } from "../core/trainer-context.ts";
import type { AnyTrainingModule } from "../core/training-module.ts";
import { ResumeError } from "../errors.ts";
import { parseConfig } from "./config.ts";
import type { ExperimentConfig } from "./experiment-config.ts";
import { isPlain, type Plain } from "./settings.ts";

/** Puts the configuration into each checkpoint. */
export class ConfigKeeper extends Callback {
  readonly #config: unknown;

  constructor(config: ExperimentConfig) {
    super();
    this.#config = JSON.parse(JSON.stringify(config));
  }

  override onSaveCheckpoint(_trainer: TrainerContext, _module: AnyTrainingModule, checkpoint: Checkpoint): void {
    checkpoint.extra.configuration = structuredClone(this.#config);
  }
}

/**
 * The configuration that a checkpoint of `convbook train` carries. It is checked as one in a file is, and runs nothing: where the training had plugins, its
 * file is needed. The run's folder is the one in which the checkpoint lies, whatever the configuration says.
 *
 * @param path the checkpoint
 * @param changes settings to change, as `trainer.maxEpochs=10`; `output` where the checkpoint does not lie in a run's folder
 * @throws ResumeError where it carries none, or one that cannot be used by itself; ConfigError as of loadConfig
 */
export async function configOfCheckpoint(path: string, changes: readonly string[] = []): Promise<ExperimentConfig> {
  checkText("configOfCheckpoint", "path", path, "the path of a checkpoint");
  checkNames("configOfCheckpoint", "changes", changes);
  const { extra } = await loadCheckpointFile(path);
  const kept: unknown = isPlain(extra) ? extra.configuration : undefined;
  const withFile = "name the configuration as well: convbook train CONFIG --resume CHECKPOINT.";
  if (!isPlain(kept)) {
    throw new ResumeError(path, `it carries no configuration; ${withFile}`);
  }
  const { model } = kept;
  if (isPlain(model) && Array.isArray(model.plugins) && model.plugins.length > 0) {
    throw new ResumeError(path, `it was trained with plugins, and a checkpoint has none run; ${withFile}`);
  }
  const { output: _, ...rest } = kept;
  const output = outputOf(path, rest);
  if (output === undefined && !changes.some((change) => change.startsWith("output="))) {
    throw new ResumeError(path, "it does not lie in the folder of a run; say where to go on: --set output=FOLDER.");
  }
  return parseConfig(stringify({ ...rest, ...(output !== undefined && { output }) }), path, changes);
}

/** The folder of which `OUTPUT/TAG/EXPERIMENT/checkpoints/FILE` is a file; undefined for one that lies elsewhere. */
function outputOf(path: string, { tag, experiment }: Plain): string | undefined {
  const folder = dirname(resolve(path));
  if (basename(folder) !== "checkpoints") {
    return undefined;
  }
  let output = dirname(folder);
  for (const name of [experiment, tag]) {
    if (name === undefined || name === null) {
      continue;
    }
    if (basename(output) !== name) {
      return undefined;
    }
    output = dirname(output);
  }
  return output;
}
