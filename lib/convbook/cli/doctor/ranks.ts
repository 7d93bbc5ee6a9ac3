/** MPI: which library, and under a launcher what each rank has. */
import { hostname } from "node:os";
import { mpi } from "@convbook/mpi";
import { ownCpus, ownThreads } from "../../training/strategies/machine.ts";
import { type Finding, firstLine } from "./finding.ts";

interface Rank {
  readonly host: string;
  readonly cpus: readonly number[];
  readonly threads: number;
  readonly node: string;
}

/** Ranges of numbers: `0-3,8`. */
export function ranges(numbers: readonly number[]): string {
  const found: [number, number][] = [];
  for (const number of numbers) {
    const last = found.at(-1);
    if (last !== undefined && last[1] === number - 1) {
      last[1] = number;
    } else {
      found.push([number, number]);
    }
  }
  return found.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(",");
}

/** The library; under a launcher each rank, after a sum over all of them has come out right. All ranks ask together. */
export async function checkMpi(): Promise<Finding[]> {
  const topic = "MPI";
  if (!mpi.available) {
    return [{ topic, state: "optional", found: `none: ${mpi.reason}` }];
  }
  const { launcher } = mpi;
  const library: Finding = { topic, state: "ok", found: `${mpi.library}` };
  if (launcher === undefined) {
    return [library];
  }
  try {
    const world = mpi.init({ timeout: 60 });
    const own: Rank = {
      host: hostname(),
      cpus: ownCpus(),
      threads: await ownThreads(world),
      node: process.versions.node,
    };
    const ranks = await world.allgatherJson(own);
    const [sum] = await world.allreduce(Float64Array.of(world.rank + 1));
    const expected = (world.size * (world.size + 1)) / 2;
    if (sum !== expected) {
      return [library, { topic, state: "missing", found: `the ranks' sum is ${sum}, expected ${expected}` }];
    }
    const table = ranks.map(
      ({ host, cpus, threads, node }, rank): Finding => ({
        topic: `rank ${rank}`,
        state: "ok",
        found: `${host}, processors ${ranges(cpus)}, ${threads} thread${threads === 1 ? "" : "s"} of the engine, Node.js ${node}`,
      }),
    );
    return [library, ...table];
  } catch (error) {
    return [library, { topic, state: "missing", found: firstLine(error) }];
  }
}
