/** Whether all ranks have the same parameters. */
import type { Communicator } from "@convbook/mpi";
import type { AnyTrainingModule } from "../core/training-module.ts";

/** A number of 32 bits that differs where an array does, but for one in four thousand millions. */
export function hashOf(values: Float32Array): number {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  let hash = 0x811c9dc5;
  for (const word of bits) {
    hash = Math.imul(hash ^ word, 0x01000193);
    hash ^= hash >>> 15;
  }
  return hash | 0;
}

/**
 * @returns the first parameter that a rank has differently from rank 0, in words; undefined when there is none. The same on all ranks
 */
export async function differenceOf(world: Communicator, module: AnyTrainingModule): Promise<string | undefined> {
  const named = module.namedParameters();
  const hashes = Int32Array.from(named, ([, parameter]) => hashOf(parameter.toTensorData().data as Float32Array));
  const all = await world.allgather(hashes);
  for (const [i, [name]] of named.entries()) {
    for (let rank = 1; rank < world.size; rank++) {
      if (all[rank * hashes.length + i] !== all[i]) {
        return `${name} on rank ${rank}`;
      }
    }
  }
  return undefined;
}
