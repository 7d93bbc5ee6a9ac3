/** Whether all ranks have the same parameters. */
import type { Communicator } from "@convbook/mpi";
import type { Strategy } from "../core/strategy.ts";
import type { AnyTrainingModule } from "../core/training-module.ts";
import { ConfigurationError } from "../errors.ts";

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

/**
 * Refuses modules that are not built alike: gradients and values go from rank to rank in the order of the parameters, whatever their names.
 *
 * @throws ConfigurationError naming the first parameter or buffer that a rank has differently from rank 0
 */
export async function requireSameParameters(strategy: Strategy, module: AnyTrainingModule): Promise<void> {
  const named = [...module.namedParameters(), ...module.namedBuffers()];
  const own = named.map(([name, entry]) => `${name} [${entry.shape.join(", ")}]`);
  // A number tells, as long as all is well.
  const hashes = await strategy.gather(hashOf(new Float32Array(new TextEncoder().encode(own.join("\n")))));
  if (hashes.every((hash) => hash === hashes[0])) {
    return;
  }
  const all = await strategy.gather(own);
  const [first = []] = all;
  for (const [rank, theirs] of all.entries()) {
    const i = Array.from({ length: Math.max(first.length, theirs.length) }, (_, at) => at).find(
      (at) => theirs[at] !== first[at],
    );
    if (i !== undefined) {
      throw new ConfigurationError(
        `Parameter or buffer ${i} of ${module.typeName}`,
        `${theirs[i] ?? "none"} on rank ${rank}`,
        `${first[i] ?? "none"}, as on rank 0`,
        "All ranks build the same module, with its layers in the same order.",
      );
    }
  }
}
