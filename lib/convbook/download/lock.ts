/**
 * A lock between processes: a file that names its holder. One whose holder has died is taken over.
 *
 * On this machine a holder is known dead by its process id, and by its start time where /proc tells (ids are reused); on
 * another one, with which a network file system is shared, by a heartbeat: the lock's modification time.
 */
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { mkdir, open, readFile, rm, stat, utimes } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { codeOf } from "../files/index.ts";

/** Who holds a lock. */
export interface LockHolder {
  readonly token: string;
  readonly pid: number;
  readonly host: string;
  /** The process's start in clock ticks since boot, where the system tells. */
  readonly started?: string;
}

/** A lock that is held; give it back with {@link Lock.release}. */
export interface Lock {
  /**
   * True when the lock was taken from a holder on another machine that only seemed dead: what it left must not be
   * continued, because it may still be writing.
   */
  readonly uncertain: boolean;
  /** Whether it is still ours: another machine may have taken it when this process was suspended for minutes. */
  stillHeld(): Promise<boolean>;
  release(): Promise<void>;
}

export interface LockOptions {
  /** Called once for each holder that we wait for. */
  readonly onWait?: (holder: LockHolder | null) => void;
  readonly signal?: AbortSignal | undefined;
  /** How long to wait in all, in milliseconds. */
  readonly timeoutMs?: number;
}

/** The lock was held by another process until our time was over. */
export class LockTimeoutError extends Error {
  override readonly name = "LockTimeoutError";
  readonly holder: LockHolder | null;

  constructor(path: string, holder: LockHolder | null, timeoutMs: number) {
    super(`The lock ${path} was held by ${describeHolder(holder)} for ${Math.round(timeoutMs / 1000)} s.`);
    this.holder = holder;
  }
}

const pollMs = 100;
const heartbeatMs = 10_000;
/** A dozen missed heartbeats: longer than any stall of a busy file server. */
const staleMs = 12 * heartbeatMs;
/** How long a lock may stay without content: its maker has died between creating and writing it. */
const emptyMs = 5_000;

/** "process 1234" or "process 1234 on lab-7" */
export function describeHolder(holder: LockHolder | null): string {
  if (holder === null) {
    return "another process";
  }
  return `process ${holder.pid}${holder.host === hostname() ? "" : ` on ${holder.host}`}`;
}

/** Field 22 of /proc/PID/stat, which follows the command's name in parentheses. */
function startOf(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    return text.slice(text.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return undefined;
  }
}

function isAlive(holder: LockHolder): boolean {
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    // EPERM: it is there and belongs to somebody else.
    if (codeOf(error) !== "EPERM") {
      return false;
    }
  }
  const started = startOf(holder.pid);
  return started === undefined || holder.started === undefined || started === holder.started;
}

/** What lies at `path`: the holder (null when unreadable), the file's age, or nothing. */
async function look(path: string): Promise<{ holder: LockHolder | null; ageMs: number } | undefined> {
  try {
    const [text, { mtimeMs }] = await Promise.all([readFile(path, "utf8"), stat(path)]);
    const ageMs = Date.now() - mtimeMs;
    try {
      const { token, pid, host, started }: Partial<LockHolder> = JSON.parse(text);
      if (typeof token !== "string" || typeof pid !== "number" || typeof host !== "string") {
        throw new Error();
      }
      if (!Number.isSafeInteger(pid)) {
        throw new Error();
      }
      return {
        holder: { token, pid, host, ...(typeof started === "string" ? { started } : {}) },
        ageMs,
      };
    } catch {
      return { holder: null, ageMs };
    }
  } catch (error) {
    if (codeOf(error) === "ENOENT") {
      return undefined;
    }
    throw error;
  }
}

/** "dead" is certain, "silent" is likely. */
function judge(state: { holder: LockHolder | null; ageMs: number }): "alive" | "dead" | "silent" {
  const { holder, ageMs } = state;
  if (holder === null) {
    return ageMs > emptyMs ? "dead" : "alive";
  }
  if (holder.host === hostname()) {
    return isAlive(holder) ? "alive" : "dead";
  }
  return ageMs > staleMs ? "silent" : "alive";
}

async function createExclusively(path: string, content: string): Promise<boolean> {
  let file: Awaited<ReturnType<typeof open>>;
  try {
    file = await open(path, "wx");
  } catch (error) {
    if (codeOf(error) === "EEXIST") {
      return false;
    }
    throw error;
  }
  try {
    await file.writeFile(content);
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  } finally {
    await file.close();
  }
  return true;
}

/**
 * Removes a lock that was judged dead. Of several processes that see it only one may do so, and only after looking again:
 * otherwise the second would remove the lock that the first has made in the meantime.
 */
async function breakLock(path: string, token: string | undefined): Promise<void> {
  const breaker = `${path}.break`;
  if (!(await createExclusively(breaker, ""))) {
    const state = await look(breaker);
    if (state !== undefined && state.ageMs > emptyMs) {
      await rm(breaker, { force: true });
    }
    return;
  }
  try {
    const state = await look(path);
    if (state !== undefined && state.holder?.token === token && judge(state) !== "alive") {
      await rm(path, { force: true });
    }
  } finally {
    await rm(breaker, { force: true });
  }
}

/**
 * Takes the lock at `path`, waiting for whoever holds it.
 *
 * @throws LockTimeoutError, or the signal's reason
 */
export async function acquireLock(path: string, options: LockOptions = {}): Promise<Lock> {
  const { onWait, signal, timeoutMs = 30 * 60_000 } = options;
  const started = startOf(process.pid);
  const holder: LockHolder = {
    token: randomUUID(),
    pid: process.pid,
    host: hostname(),
    ...(started === undefined ? {} : { started }),
  };
  await mkdir(dirname(path), { recursive: true });
  const deadline = performance.now() + timeoutMs;
  let uncertain = false;
  let waitedFor: string | undefined;
  while (!(await createExclusively(path, JSON.stringify(holder)))) {
    signal?.throwIfAborted();
    const state = await look(path);
    if (state === undefined) {
      continue;
    }
    const verdict = judge(state);
    if (verdict !== "alive") {
      uncertain ||= verdict === "silent";
      await breakLock(path, state.holder?.token);
      await sleep(10);
      continue;
    }
    if (performance.now() > deadline) {
      throw new LockTimeoutError(path, state.holder, timeoutMs);
    }
    // A lock without content is about to be written: its holder is told at the next look.
    if (state.holder !== null && state.holder.token !== waitedFor) {
      waitedFor = state.holder.token;
      onWait?.(state.holder);
    }
    await sleep(pollMs, undefined, signal === undefined ? {} : { signal }).catch(() => signal?.throwIfAborted());
  }
  const beat = setInterval(() => {
    const now = new Date();
    utimes(path, now, now).catch(() => {});
  }, heartbeatMs);
  beat.unref();
  const stillHeld = async () => (await look(path))?.holder?.token === holder.token;
  return {
    uncertain,
    stillHeld,
    release: async () => {
      clearInterval(beat);
      if (await stillHeld()) {
        await rm(path, { force: true });
      }
    },
  };
}
