/**
 * Gradients that wait for more batches are each process's own until the step: only their sum goes over the network. A checkpoint keeps those of
 * all, rank 0's under the parameters' names and the others' with their rank before them.
 */
import type { StateDict } from "../../tensor-data.ts";
import type { TrainerContext } from "../core/trainer-context.ts";

const nameOf = (rank: number, name: string) => (rank === 0 ? name : `rank-${rank}/${name}`);

/** Gathers what waits on all processes; all of them call it. @param own this process's gradients, in PyTorch's layout */
export async function gatherGradients({ module, strategy }: TrainerContext, own: StateDict): Promise<StateDict> {
  const named = module.namedParameters();
  // Which there are, and then their elements, as long on all processes.
  const packed = new Float32Array(named.reduce((sum, [, { size }]) => sum + 1 + size, 0));
  let at = named.length;
  for (const [i, [name, { size }]] of named.entries()) {
    const gradient = own.get(name);
    if (gradient !== undefined) {
      packed[i] = 1;
      packed.set(gradient.data as Float32Array, at);
    }
    at += size;
  }
  const gradients: StateDict = new Map();
  for (const [rank, all] of (await strategy.gatherArrays(packed)).entries()) {
    at = named.length;
    for (const [i, [name, { shape, size }]] of named.entries()) {
      if (all[i] === 1) {
        gradients.set(nameOf(rank, name), { dtype: "float32", shape: [...shape], data: all.slice(at, at + size) });
      }
      at += size;
    }
  }
  return gradients;
}

/** A process's gradients by parameter name, of those that a checkpoint holds. */
export function gradientsOf(saved: StateDict, rank: number): StateDict {
  const prefix = nameOf(rank, "");
  return new Map(
    [...saved].flatMap(([name, value]) =>
      name.startsWith(prefix) ? [[name.slice(prefix.length), value] as const] : [],
    ),
  );
}
