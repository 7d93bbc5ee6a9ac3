/** What `ckptPath` means: a path, `last` or `best`. */
import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { ModelCheckpoint } from "../callbacks/model-checkpoint.ts";
import type { Stage, TrainerContext } from "../core/trainer-context.ts";
import { ResumeError } from "../errors.ts";

/**
 * The file that `ckptPath` names.
 *
 * @returns undefined when nothing is to be loaded; for `last` also when there is no checkpoint yet
 * @throws ResumeError when the file, or a best one, is not there
 */
export async function resolveCheckpointPath(
  trainer: TrainerContext,
  given: string | undefined,
  stage: Stage,
): Promise<string | undefined> {
  if (given === undefined) {
    return undefined;
  }
  if (given === "best") {
    const best = trainer.callbacks.find((callback) => callback instanceof ModelCheckpoint)?.bestModelPath;
    if (stage !== "fit" && best !== undefined) {
      return best;
    }
    throw new ResumeError(
      "best",
      stage === "fit" ? "fit goes on from a path or from last." : "this Trainer has saved no best checkpoint.",
    );
  }
  if (given === "last") {
    const last = await newestLast(trainer);
    if (last === undefined) {
      console.warn('ckptPath "last": there is no checkpoint yet, so training starts from the beginning.');
    }
    return last;
  }
  const exists = await stat(given).then(
    (entry) => entry.isFile(),
    () => false,
  );
  if (!exists) {
    throw new ResumeError(given, "there is no such file.");
  }
  return given;
}

/** The newest `last` checkpoint of the callbacks' folders, or of earlier versions of the run beside them. */
async function newestLast(trainer: TrainerContext): Promise<string | undefined> {
  const found: { path: string; time: number }[] = [];
  for (const callback of trainer.callbacks) {
    if (!(callback instanceof ModelCheckpoint)) {
      continue;
    }
    const own = callback.resolveFolder(trainer);
    for (const folder of [own, ...(callback.hasOwnFolder ? [] : await earlierVersions(own))]) {
      for (const name of await readdir(folder).catch(() => [])) {
        if (!/^last(-v\d+)?\.(safetensors|ckpt)$/.test(name)) {
          continue;
        }
        const path = join(folder, name);
        // A link to what somebody has deleted is no checkpoint.
        const entry = await stat(path).catch(() => undefined);
        if (entry !== undefined) {
          found.push({ path, time: entry.mtimeMs });
        }
      }
    }
  }
  return found.sort((a, b) => b.time - a.time)[0]?.path;
}

/** `.../version_3/checkpoints` -> the same folder of version_0 ... */
async function earlierVersions(folder: string): Promise<string[]> {
  const run = dirname(folder);
  if (!/^version_\d+$/.test(basename(run))) {
    return [];
  }
  const siblings = await readdir(dirname(run)).catch(() => []);
  return siblings
    .filter((name) => /^version_\d+$/.test(name) && name !== basename(run))
    .map((name) => join(dirname(run), name, basename(folder)));
}
