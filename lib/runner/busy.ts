/** Whether this machine has more to do than it can: what took too long then might not have elsewhere. */
import { availableParallelism, loadavg } from "node:os";

/**
 * A message about time that was up, with a few words on the load where the machine is busy.
 *
 * @param message Without a full stop.
 * @param load Processes that computed or waited for it, in the mean of the last minute; where the system does not count them, 0.
 * @param processors How many can compute at a time.
 */
export function withLoad(
  message: string,
  load: number = loadavg()[0] ?? 0,
  processors: number = availableParallelism(),
): string {
  return load > 1.5 * processors
    ? `${message} (this machine was busy, with a load of ${load.toFixed(1)} on ${processors} processors)`
    : message;
}
