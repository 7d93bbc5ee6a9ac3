/** What every call gives, on every rank. */
import { writeFileSync } from "node:fs";
import { mpi } from "@convbook/mpi";

const world = mpi.init({ timeout: 120 });
const { rank, size } = world;
const own = { Float32Array, Float64Array, Int32Array };
const found: Record<string, unknown> = {
  place: [rank, size, world.localRank, world.localSize, world.node, world.nodes],
  family: mpi.family,
  launcher: mpi.launcher?.name,
  threads: world.threadLevel,
  again: mpi.init({ timeout: 120 }) === world,
};
for (const [name, Type] of Object.entries(own)) {
  const numbers = () => Type.of(rank + 1, 0 - rank, 10 * rank);
  for (const operation of ["sum", "max", "min"] as const) {
    found[`${name} ${operation}`] = [...(await world.allreduce(numbers(), operation))];
    found[`${name} ${operation} waiting`] = [...world.allreduceSync(numbers(), operation)];
  }
  found[`${name} reduce`] = [...(await world.reduce(numbers(), "sum", size - 1))];
  found[`${name} reduce waiting`] = [...world.reduceSync(numbers(), "max", 0)];
}
for (const Type of [Float32Array, Float64Array, Int32Array, Uint8Array]) {
  found[`${Type.name} broadcast`] = [...(await world.broadcast(Type.of(rank, 7), size - 1))];
  found[`${Type.name} broadcast waiting`] = [...world.broadcastSync(Type.of(rank, 7), 0)];
  found[`${Type.name} allgather`] = [...(await world.allgather(Type.of(rank, 7)))];
  found[`${Type.name} allgather waiting`] = [...world.allgatherSync(Type.of(rank, 7))];
}
found.json = await world.allgatherJson({ rank, text: "ü".repeat(rank) });
found.told = await world.broadcastJson(rank === 1 ? { by: rank } : null, 1);
found.nothing = [...(await world.allreduce(new Float32Array(0)))];

// A part of a larger buffer, in its place.
const whole = new Float32Array(6).fill(1);
await world.allreduce(whole.subarray(2, 4));
found.part = [...whole];

const bucket = [Float32Array.of(1, 2), new Float32Array(0), Float32Array.of(rank)];
await world.allreduceBucket(bucket, 1 / size);
world.allreduceBucketSync(bucket, 2);
found.bucket = bucket.map((part) => [...part]);
// More than goes in one call of the library, in parts that end elsewhere.
const long = () => Float32Array.from({ length: 2_500_000 }, (_, i) => (i % 7) + rank);
const wrong = (array: Float32Array, factor: number) =>
  array.reduce((count, value, i) => count + Number(value !== factor * (3 * (i % 7) + 3)), 0);
const [sum, halves, kept] = [long(), long(), long()];
await world.allreduce(sum);
await world.allreduceBucket([halves.subarray(0, 900_001), halves.subarray(900_001)], 0.5);
await world.reduce(kept, "sum", 1);
found.long = [wrong(sum, 1), wrong(halves, 0.5), rank === 1 ? wrong(kept, 1) : 0];

// In the order in which they are called, whoever waits for what.
const calls = Array.from({ length: 20 }, (_, i) => world.allreduce(Float64Array.of(i * (rank + 1))));
world.barrierSync();
found.order = (await Promise.all(calls)).map((each) => each[0]);

// The event loop runs while a rank waits for another one.
let turns = 0;
const timer = setInterval(() => turns++, 5);
if (rank === 0) {
  await world.barrier();
  found.turns = turns;
} else {
  await new Promise((resolve) => setTimeout(resolve, 300));
  await world.barrier();
}
clearInterval(timer);

// Ranks in groups, in an order of their own.
const group = await world.split(rank % 2, -rank);
found.group = [group?.rank, group?.size, [...((await group?.allgather(Int32Array.of(rank))) ?? [])]];
found.alone = (await world.split(rank === 0 ? 3 : undefined))?.size;
await group?.free();

const errors: string[] = [];
const refused = async (call: () => unknown) => {
  try {
    await call();
    errors.push("nothing was thrown");
  } catch (error) {
    errors.push(`${Reflect.get(Object(error), "code")}: ${Reflect.get(Object(error), "message")}`);
  }
};
await refused(() => group?.barrier());
await refused(() => world.allreduce(new Float32Array(rank === 1 ? 3 : 2)));
await refused(() => world.allreduceSync(rank === 1 ? new Int32Array(2) : new Float32Array(2)));
await refused(() => (rank === 1 ? world.barrier() : world.broadcast(new Uint8Array(4), 1)));
await refused(() => world.broadcastSync(new Float32Array(1), rank === 1 ? 1 : 0));
const parts = (lengths: readonly number[]) => lengths.map((length) => new Float32Array(length));
await refused(() => world.allreduceBucket(parts(rank === 1 ? [3, 2] : [2, 3])));
await refused(() => world.allreduceBucketSync(parts(rank === 1 ? [5] : [2, 3])));
await refused(() => world.allreduce(new Uint8Array(2) as never));
await refused(() => world.allreduce([1, 2] as never));
await refused(() => world.broadcast(undefined as never));
await refused(() => world.broadcast(new Float32Array(1), size));
await refused(() => world.allreduce(new Float32Array(1), "product" as never));
await refused(() => world.allreduceBucket([new Float32Array(1), new Int32Array(1)] as never));
await refused(() => world.split(-1));
await refused(() => world.free());
await refused(() => mpi.init({ timeout: 0 }));
found.errors = errors;
await world.barrier();
mpi.finalize();
await refused(() => world.barrier());
await refused(() => world.barrierSync());
await refused(() => mpi.init());
// Into a file each: launchers mix the lines of ranks where they are long.
writeFileSync(`${process.argv[2]}.${rank}`, JSON.stringify(found));
