/**
 * MPI for Node: collective calls on typed arrays, as promises or waiting, under `mpirun` and `srun`.
 *
 * @example
 * import { mpi } from "@convbook/mpi";
 *
 * const world = mpi.init();
 * const sum = await world.allreduce(Float32Array.of(world.rank + 1));
 * if (world.rank === 0) console.log(`${world.size} ranks: ${sum[0]}`);
 */
export { Communicator, type NumberArray, type ReduceOperation, type SentArray } from "./communicator.ts";
export { MpiError, type MpiErrorCode } from "./errors.ts";
export { type Launcher, launcherOf } from "./launcher.ts";
export { type InitOptions, type Mpi, mpi, type World } from "./mpi.ts";
