/** When training ends, and when validation comes. */
import type { TrainerContext } from "../core/trainer-context.ts";
import { ConfigurationError, requireOption } from "../errors.ts";
import { countBatches } from "../loaders.ts";

/** Why training is over, where it is. */
export function stopReason(trainer: TrainerContext): string | undefined {
  const { maxSteps, maxEpochs } = trainer.options;
  const { globalStep, epoch } = trainer.progress;
  if (maxSteps !== -1 && globalStep >= maxSteps) {
    return `maxSteps = ${maxSteps} reached`;
  }
  if (maxEpochs !== -1 && epoch >= maxEpochs) {
    return `maxEpochs = ${maxEpochs} reached`;
  }
  if (mayStop(trainer)) {
    return trainer.stopReason;
  }
  return undefined;
}

/** Whether somebody wants to stop and the least number of epochs and steps is done. */
export function mayStop(trainer: TrainerContext): boolean {
  const { minEpochs, minSteps } = trainer.options;
  return trainer.shouldStop && trainer.progress.epoch >= minEpochs && trainer.progress.globalStep >= minSteps;
}

/** After how many batches validation comes. */
export function valCheckBatch(trainer: TrainerContext): number {
  const { valCheckInterval, checkValEveryNEpoch } = trainer.options;
  const batches = trainer.numTrainingBatches;
  if (valCheckInterval === undefined) {
    return batches;
  }
  if (typeof valCheckInterval === "number" && valCheckInterval >= 1) {
    const isReached = checkValEveryNEpoch === null || valCheckInterval <= batches || countOfValidation(trainer) === 0;
    requireOption(
      isReached,
      "Trainer.valCheckInterval",
      valCheckInterval,
      `at most the ${batches} batches of a training epoch, or checkValEveryNEpoch null`,
    );
    return valCheckInterval;
  }
  if (!Number.isFinite(batches)) {
    throw new ConfigurationError(
      "Trainer.valCheckInterval",
      valCheckInterval,
      "a whole number for a loader of unknown length",
    );
  }
  return countBatches("Trainer.valCheckInterval", valCheckInterval, batches, 1);
}

/** Whether as many steps as there may be are done. */
export function reachedSteps(trainer: TrainerContext): boolean {
  const { maxSteps } = trainer.options;
  return maxSteps !== -1 && trainer.progress.globalStep >= maxSteps;
}

/** Validation batches over all loaders, of the process that has most. */
function countOfValidation({ data, options }: TrainerContext): number {
  return data.validationLengths
    .map((length) => countBatches("Trainer.limitValBatches", options.limitValBatches, length))
    .reduce((sum, count) => sum + count, 0);
}

/** Whether validation comes after the batch that has just ended. */
export function isValidationDue(trainer: TrainerContext, interval: number, isLast: boolean): boolean {
  const { checkValEveryNEpoch } = trainer.options;
  const { batch, totalBatch, epoch } = trainer.progress;
  if (trainer.valLoaders.length === 0 || countOfValidation(trainer) === 0) {
    return false;
  }
  if (checkValEveryNEpoch !== null && (epoch + 1) % checkValEveryNEpoch !== 0) {
    return false;
  }
  if (mayStop(trainer)) {
    return true;
  }
  if (!Number.isFinite(interval)) {
    return isLast;
  }
  // An epoch that turns out shorter than its loader said still ends with a validation.
  if (checkValEveryNEpoch !== null && isLast && interval >= trainer.numTrainingBatches) {
    return true;
  }
  return (checkValEveryNEpoch === null ? totalBatch : batch) % interval === 0;
}
