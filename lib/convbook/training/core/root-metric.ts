import type { TrainerContext } from "./trainer-context.ts";

/**
 * A metric as rank 0 has it, for what all processes must decide alike: values of a step are each process's own, unless they are logged with
 * `syncDist`. All processes ask together.
 */
export async function metricOfRoot(trainer: TrainerContext, name: string): Promise<number | undefined> {
  return (await trainer.strategy.fromRoot(trainer.callbackMetrics[name] ?? null)) ?? undefined;
}
