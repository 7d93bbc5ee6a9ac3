/** Finds gradients that are NaN or infinite. */
import { NonFiniteError } from "../errors.ts";
import { gradientNorm } from "../gradients/gradient-clipping.ts";
import { namesByVariable } from "./parameter-names.ts";
import type { TrainerContext } from "./trainer-context.ts";

/** @throws NonFiniteError naming the first gradient that is not finite */
export function requireFiniteGradients(trainer: TrainerContext, batchIndex: number): void {
  if (Number.isFinite(gradientNorm(trainer.gradients.values()))) {
    return;
  }
  const names = namesByVariable(trainer.module);
  const { epoch, globalStep } = trainer.progress;
  const at = { epoch, batchIndex, globalStep };
  for (const [variable, gradient] of trainer.gradients) {
    const bad = gradient.dataSync().find((value) => !Number.isFinite(value));
    if (bad !== undefined) {
      throw new NonFiniteError(`the gradient of "${names.get(variable) ?? variable.name}"`, bad, at);
    }
  }
  throw new NonFiniteError("the norm of the gradients", Number.POSITIVE_INFINITY, at);
}
