/** What fit looks at before it trains a module. */
import { requireOption } from "../errors.ts";
import { rankZeroWarn } from "./rank-zero.ts";
import type { TrainerContext } from "./trainer-context.ts";
import type { AnyTrainingModule } from "./training-module.ts";

/** What the Trainer does for others, a module that optimizes by itself does itself. */
export function requireAutomatic(module: AnyTrainingModule, trainer: TrainerContext): void {
  if (module.automaticOptimization) {
    return;
  }
  const { gradientClipValue } = trainer.options;
  const why = `for ${module.typeName}, whose automaticOptimization is false`;
  requireOption(
    gradientClipValue === undefined,
    "Trainer.gradientClipValue",
    gradientClipValue,
    `left out ${why}; it calls this.clipGradients(optimizer, value, algorithm)`,
  );
  const count = trainer.accumulateGradBatches;
  requireOption(count === 1, "Trainer.accumulateGradBatches", count, `1 ${why}; it steps when it wants to`);
}

/** Modules keep their modes, so that frozen parts can stay in evaluation mode; what nobody meant is worth a word. */
export function warnOfEvaluationMode(module: AnyTrainingModule): void {
  const names = module
    .namedModules()
    .filter(([, { training }]) => !training)
    .map(([name]) => name || module.typeName);
  if (names.length === 0) {
    return;
  }
  const some = names.length > 3 ? `${names.slice(0, 3).join(", ")}, ...` : names.join(", ");
  rankZeroWarn(
    `${names.length} ${names.length === 1 ? "module is" : "modules are"} in evaluation mode at the start of training (${some}) ` +
      "and will stay so: no dropout, and batch norm by its running statistics. Call module.train() before fit if that is not meant.",
  );
}
