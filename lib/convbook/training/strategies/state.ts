/** Giving all ranks what rank 0 has. */
import type { Communicator } from "@convbook/mpi";
import { CounterBuffer, type Parameter, type Buffer as StateBuffer } from "../../nn/parameter.ts";
import type { AnyTrainingModule } from "../core/training-module.ts";

type Entry = Parameter | StateBuffer | CounterBuffer;

/** Copies rank 0's values into those of the others, as one array. */
export async function broadcastEntries(world: Communicator, entries: readonly Entry[]): Promise<void> {
  const arrays = entries.filter((entry): entry is Parameter | StateBuffer => !(entry instanceof CounterBuffer));
  const counters = entries.filter((entry) => entry instanceof CounterBuffer);
  const all = new Float32Array(arrays.reduce((sum, { size }) => sum + size, 0));
  const numbers = Float64Array.from(counters, ({ value }) => value);
  let at = 0;
  if (world.rank === 0) {
    for (const entry of arrays) {
      all.set(entry.toTensorData().data as Float32Array, at);
      at += entry.size;
    }
  }
  await Promise.all([world.broadcast(all), world.broadcast(numbers)]);
  if (world.rank === 0) {
    return;
  }
  at = 0;
  for (const entry of arrays) {
    const data = all.slice(at, at + entry.size);
    entry.load({ dtype: "float32", shape: [...entry.shape], data });
    at += entry.size;
  }
  for (const [i, counter] of counters.entries()) {
    counter.value = numbers[i] ?? 0;
  }
}

/** Gives all ranks rank 0's parameters and buffers. */
export async function broadcastModule(world: Communicator, module: AnyTrainingModule): Promise<void> {
  await broadcastEntries(world, [...module.parameters(), ...module.buffers()]);
}

/** Gives all ranks rank 0's buffers. */
export async function broadcastBuffers(world: Communicator, module: AnyTrainingModule): Promise<void> {
  const buffers = module.buffers();
  if (buffers.length > 0) {
    await broadcastEntries(world, buffers);
  }
}
