/** What the environment tells of a launcher. */
import { expect, it } from "vitest";
import { launcherOf } from "./launcher.ts";

it.each([
  ["nothing", {}, undefined],
  [
    "Open MPI's mpirun",
    {
      OMPI_COMM_WORLD_RANK: "3",
      OMPI_COMM_WORLD_SIZE: "8",
      OMPI_COMM_WORLD_LOCAL_RANK: "1",
      OMPI_COMM_WORLD_LOCAL_SIZE: "2",
      PMIX_RANK: "3",
    },
    { name: "mpirun", family: "Open MPI", rank: 3, size: 8, localRank: 1, localSize: 2 },
  ],
  [
    "MPICH's mpiexec",
    { PMI_RANK: "0", PMI_SIZE: "2", MPI_LOCALRANKID: "0", MPI_LOCALNRANKS: "2" },
    { name: "mpiexec", family: "MPICH", rank: 0, size: 2, localRank: 0, localSize: 2 },
  ],
  [
    "srun with PMIx",
    { SLURM_STEP_NUM_TASKS: "4", SLURM_PROCID: "2", SLURM_LOCALID: "0", PMIX_RANK: "2" },
    { name: "srun", family: "Open MPI", rank: 2, size: 4, localRank: 0, localSize: undefined },
  ],
  [
    "srun with PMI-2",
    { SLURM_STEP_NUM_TASKS: "4", SLURM_PROCID: "2", SLURM_LOCALID: "0", PMI_RANK: "2", PMI_SIZE: "4" },
    { name: "srun", family: "MPICH", rank: 2, size: 4, localRank: 0, localSize: undefined },
  ],
  ["a batch script, which srun did not start", { SLURM_NTASKS: "4", SLURM_PROCID: "0" }, undefined],
  ["numbers that are none", { OMPI_COMM_WORLD_RANK: "a", OMPI_COMM_WORLD_SIZE: "2" }, undefined],
  ["a rank that there is not", { PMI_RANK: "2", PMI_SIZE: "2" }, undefined],
])("%s", (_, env, expected) => {
  expect(launcherOf(env)).toEqual(expected);
});
