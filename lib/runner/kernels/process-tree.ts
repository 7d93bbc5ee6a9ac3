/** The processes of a kernel that left its group. */
import { readdirSync, readFileSync } from "node:fs";

/** Environment variable that marks a kernel and whatever it starts, also what daemonises itself. */
export const markerVariable = "NBCONVERT_TS_RUNNER_KERNEL";

/**
 * Kills what a kernel left behind outside of its process group: every process whose environment carries its marker.
 *
 * @returns How many were killed. Linux only; elsewhere 0.
 */
export function killMarked(marker: string, system: NodeJS.Platform = process.platform): number {
  if (system !== "linux") {
    return 0;
  }
  let killed = 0;
  const needle = `${markerVariable}=${marker}`;
  for (const entry of readdirSync("/proc")) {
    const pid = Number(entry);
    if (!Number.isInteger(pid) || pid === process.pid) {
      continue;
    }
    try {
      if (readFileSync(`/proc/${pid}/environ`, "latin1").split("\0").includes(needle)) {
        process.kill(pid, "SIGKILL");
        killed++;
      }
    } catch {
      // Another user's process, or one that ended.
    }
  }
  return killed;
}
