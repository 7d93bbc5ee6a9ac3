/** When steps are logged. */
import type { TrainerContext } from "../core/trainer-context.ts";

/**
 * Whether a training step is one that is logged: every `logEveryNSteps`, of 0 none; and where somebody wants to stop, since it may be the last.
 *
 * @param count the step's number, from 1
 */
export function isTimeToLog({ options, shouldStop }: TrainerContext, count: number): boolean {
  const { logEveryNSteps } = options;
  return logEveryNSteps > 0 && (shouldStop || count % logEveryNSteps === 0);
}
