/** The processes of a kernel: how much memory they take, and ending all of them, also those that left its group. */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/** Environment variable that marks a kernel and whatever it starts, also what daemonises itself. */
export const markerVariable = "NBCONVERT_TS_RUNNER_KERNEL";

const pageSize = 4096;

/** Resident memory of a process and its descendants, bytes; 0 where it cannot be read. */
export function residentMemory(pid: number): number {
  if (process.platform === "linux") {
    return descendants(pid).reduce((sum, member) => sum + residentOf(member), 0);
  }
  if (process.platform === "win32") {
    return 0;
  }
  try {
    const rows = execFileSync("ps", ["-axo", "pid=,ppid=,rss="], { encoding: "utf8" })
      .split("\n")
      .map((line) => line.trim().split(/\s+/).map(Number));
    const family = new Set([pid]);
    let bytes = 0;
    for (let grown = true; grown; ) {
      grown = false;
      for (const [child = 0, parent = 0] of rows) {
        if (family.has(parent) && !family.has(child)) {
          family.add(child);
          grown = true;
        }
      }
    }
    for (const [member = 0, , kibibytes = 0] of rows) {
      bytes += family.has(member) ? kibibytes * 1024 : 0;
    }
    return bytes;
  } catch {
    return 0;
  }
}

function residentOf(pid: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, "latin1").split(" ")[1]) * pageSize || 0;
  } catch {
    return 0;
  }
}

function descendants(pid: number): number[] {
  const found = [pid];
  for (let index = 0; index < found.length; index++) {
    try {
      for (const task of readdirSync(`/proc/${found[index]}/task`)) {
        const children = readFileSync(`/proc/${found[index]}/task/${task}/children`, "latin1").trim();
        found.push(...(children === "" ? [] : children.split(" ").map(Number)));
      }
    } catch {
      // It ended meanwhile.
    }
  }
  return found;
}

/** Sends a signal to a process group; nothing happens where it is gone. */
export function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    if (process.platform === "win32") {
      process.kill(pid, signal);
    } else {
      process.kill(-pid, signal);
    }
  } catch {
    // No such group any more.
  }
}

/**
 * Kills what a kernel left behind outside of its process group: every process whose environment carries its marker.
 *
 * @returns How many were killed. Linux only; elsewhere 0.
 */
export function killMarked(marker: string): number {
  if (process.platform !== "linux") {
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
