/** The program of a rank that a notebook started. Argument: the folder with the job. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { deserialize, serialize } from "node:v8";
import { MpiError, mpi } from "@convbook/mpi";
import { selectBackend } from "../../backend/index.ts";
import { loadSafetensors, saveSafetensors } from "../../checkpoints/index.ts";
import { manualSeed } from "../../random/index.ts";
import { EarlyStopping } from "../callbacks/early-stopping.ts";
import { ModelCheckpoint } from "../callbacks/model-checkpoint.ts";
import { type AnyTrainingModule, TrainingModule } from "../core/training-module.ts";
import { exportsOf } from "../experiment/plugins.ts";
import { Trainer } from "../trainer.ts";
import { files, type RankFailure, type RankJob, type RankOutcome } from "./job.ts";
import { logToFile } from "./rank-log.ts";
import { Relay } from "./relay.ts";
import { openLoader } from "./shipping.ts";

const [folder = "."] = process.argv.slice(2);
const job: RankJob = deserialize(readFileSync(join(folder, files.job)));
const rank = mpi.launcher?.rank ?? 0;

async function makeModule({ file, className, hparams }: RankJob): Promise<AnyTrainingModule> {
  const exported: Readonly<Record<string, unknown>> =
    file === undefined ? await import("../../index.ts") : await exportsOf(file);
  const isIt = (value: unknown) => typeof value === "function" && value.name === className;
  const Found = Object.values(exported).find(isIt) as (new (hparams: unknown) => unknown) | undefined;
  if (Found === undefined) {
    throw new Error(`${file ?? "convbook"} exports no class ${className}; write "export" before it.`);
  }
  const module = new Found(hparams);
  if (!(module instanceof TrainingModule)) {
    throw new Error(`${className} of ${file ?? "convbook"} is no TrainingModule.`);
  }
  return module;
}

async function work(): Promise<void> {
  mpi.init();
  await selectBackend({ announce: false });
  manualSeed(job.seed);
  const module = await makeModule(job);
  module.loadStateDict((await loadSafetensors(join(folder, files.weights))).tensors);
  manualSeed(job.seed);
  const stop = new AbortController();
  const callbacks = job.callbacks.map(({ kind, options }) =>
    kind === "ModelCheckpoint" ? new ModelCheckpoint(options) : new EarlyStopping(options),
  );
  const relay = rank === 0 ? [new Relay()] : [];
  const trainer = new Trainer({
    ...job.trainer,
    callbacks: [...callbacks, ...relay],
    enableProgressBar: false,
    signal: stop.signal,
  });
  if (rank === 0) {
    // The notebook asks to stop by a line; when it is gone, nobody waits for the result.
    process.stdin.on("data", () => stop.abort()).on("end", () => mpi.abort(1));
  }
  const val = job.val?.map(openLoader);
  const result = await trainer.fit(module, job.train && openLoader(job.train), val, { ckptPath: job.ckptPath });
  if (rank === 0) {
    await saveSafetensors(join(folder, files.trained), module.stateDict());
    const outcome: RankOutcome = {
      result,
      metrics: { ...trainer.callbackMetrics },
      progress: { ...trainer.progress },
      callbacks: callbacks.map((callback) => callback.stateDict()),
    };
    writeFileSync(join(folder, files.outcome), serialize(outcome));
    process.stdin.removeAllListeners("end");
    process.stdin.destroy();
  }
}

logToFile(job.logFolder, rank);
try {
  await work();
} catch (error) {
  mpi.fail(error);
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  const failure: RankFailure = { rank, name, message, isSecond: error instanceof MpiError && error.code === "peer" };
  writeFileSync(join(folder, files.failure(rank)), JSON.stringify(failure));
  process.exit(1);
}
