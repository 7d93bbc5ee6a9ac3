/** What the processes of one machine share: its processors and its disk. */
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { engine } from "@convbook/engine";
import { mpi, type World } from "@convbook/mpi";

/** The numbers in a list as Linux writes it: `0-3,8`. */
export function parseCpus(list: string): number[] {
  return list.split(",").flatMap((range) => {
    const [first = Number.NaN, last = first] = range.trim().split("-").map(Number);
    return Number.isInteger(first) && Number.isInteger(last)
      ? Array.from({ length: last - first + 1 }, (_, i) => first + i)
      : [];
  });
}

/** The processors that this process may use, as far as the system tells. */
export function ownCpus(): number[] {
  try {
    const [, list = ""] = /^Cpus_allowed_list:\s*(.*)$/m.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
    const cpus = parseCpus(list);
    if (cpus.length > 0) {
      return cpus;
    }
  } catch {
    // Another system: all of them.
  }
  return Array.from({ length: availableParallelism() }, (_, i) => i);
}

/**
 * Threads for one of several processes on a machine, so that all together have no more than there are processors: each processor is parted among
 * those that may use it.
 *
 * @param all the processors that each process of the machine may use
 * @param which the process
 */
export function shareOfThreads(all: readonly (readonly number[])[], which: number): number {
  const users = new Map<number, number>();
  for (const cpu of all.flat()) {
    users.set(cpu, (users.get(cpu) ?? 0) + 1);
  }
  const share = (all[which] ?? []).reduce((sum, cpu) => sum + 1 / (users.get(cpu) ?? 1), 0);
  // Thirds of processors add up to a little less than one.
  return Math.max(1, Math.floor(share + 1e-9));
}

/**
 * A loader's workers for one of several processes on a machine, so that all together are about as many as were asked for; one at least where there
 * were any, as in PyTorch's example for ImageNet.
 */
export function shareOfWorkers(workers: number, processes: number): number {
  return Math.ceil(workers / processes);
}

/** What a process has of its machine. */
export interface ShareOfMachine {
  readonly node: number;
  readonly cpus: readonly number[];
}

/** The threads that this process is to compute with. All ranks ask together. */
export async function ownThreads(world: World): Promise<number> {
  const all = await world.allgatherJson<ShareOfMachine>({ node: world.node, cpus: ownCpus() });
  const before = all.slice(0, world.rank).filter(({ node }) => node === world.node).length;
  const here = all.filter(({ node }) => node === world.node).map(({ cpus }) => cpus);
  return shareOfThreads(here, before);
}

/** Gives the native engine this process's share of the processors, unless CONVBOOK_THREADS says how many. */
export async function takeShareOfThreads(world: World): Promise<void> {
  const threads = await ownThreads(world);
  if (engine.available && !process.env.CONVBOOK_THREADS) {
    engine.setThreads(threads);
  }
}

/** Runs what fetches or writes files of the machine first on one of its processes, and then, when it has all, on the others. */
export async function oncePerMachine<T>(work: () => Promise<T>): Promise<T> {
  if ((mpi.launcher?.size ?? 1) === 1 || !mpi.available) {
    return work();
  }
  const world = mpi.init();
  const isFirst = world.localRank === 0;
  const early = isFirst ? [await work()] : [];
  await world.barrier();
  const [result] = early;
  return isFirst ? (result as T) : work();
}
