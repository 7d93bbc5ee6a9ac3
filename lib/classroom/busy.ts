/** Whether this machine has more to do than it can: what took too long then might not have elsewhere. */
import { availableParallelism, loadavg } from "node:os";

/**
 * A few words on the load, for messages about time that was up.
 *
 * @param load Processes that computed or waited for it, in the mean of the last minute; where the system does not count them, 0.
 * @param processors How many can compute at a time.
 * @returns Empty where the machine is not busy.
 */
export function busyWords(load: number = loadavg()[0] ?? 0, processors: number = availableParallelism()): string {
  return load > 1.5 * processors
    ? `this machine was busy, with a load of ${load.toFixed(1)} on ${processors} processors`
    : "";
}
