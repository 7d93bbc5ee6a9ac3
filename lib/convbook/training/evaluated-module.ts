/** What validate, test and predict run on when they are given no module: that of the run before, as in PyTorch Lightning. */
import type { Stage } from "./core/trainer-context.ts";
import { type AnyTrainingModule, TrainingModule } from "./core/training-module.ts";
import { ConfigurationError } from "./errors.ts";
import type { Trainer } from "./trainer.ts";
import type { RunOptions } from "./trainer-results.ts";

/**
 * The module to run, and which weights it is to take first: for none the module of the latest run, with the best weights that the Trainer has saved.
 *
 * @throws ConfigurationError where there was no run before
 */
export function moduleToRun(
  trainer: Trainer,
  given: AnyTrainingModule | undefined,
  stage: Exclude<Stage, "fit">,
  options: RunOptions,
): { module: AnyTrainingModule; ckptPath: string | undefined } {
  const { ckptPath } = options;
  if (given !== undefined) {
    const isModule = given instanceof TrainingModule;
    if (!isModule && trainer.latestModule !== undefined) {
      throw new ConfigurationError(
        "The module",
        given,
        "a TrainingModule",
        `For the module of the run before, call ${stage}(undefined, loader).`,
      );
    }
    return { module: given, ckptPath };
  }
  const module = trainer.latestModule;
  if (module === undefined) {
    throw new ConfigurationError(
      `The module of ${stage}`,
      given,
      "a TrainingModule, since this Trainer has run none before",
    );
  }
  if (ckptPath !== undefined) {
    return { module, ckptPath };
  }
  const best = trainer.checkpointCallback?.bestModelPath;
  if (trainer.isGlobalZero) {
    console.log(
      best === undefined
        ? `${stage} without a module: that of the run before, with the weights that it has.`
        : `${stage} without a module: that of the run before, with its best weights (${best}); ckptPath says which others.`,
    );
  }
  return { module, ckptPath: best === undefined ? undefined : "best" };
}
