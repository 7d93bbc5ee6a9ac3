/** What started this process: a launcher of an MPI library, Slurm, or nobody who starts several. */

/** How a launcher numbered this process. */
export interface Launcher {
  /** `mpirun` (Open MPI), `mpiexec` (MPICH and its relatives) or `srun` (Slurm). */
  readonly name: "mpirun" | "mpiexec" | "srun";
  /** The library that it speaks with, where it tells. */
  readonly family: "Open MPI" | "MPICH" | undefined;
  readonly rank: number;
  readonly size: number;
  /** Among the processes of this machine, where it tells. */
  readonly localRank: number | undefined;
  readonly localSize: number | undefined;
}

function whole(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

/** The launcher of a process with such an environment; undefined where it was started by itself. MPI is not started to find out. */
export function launcherOf(env: Readonly<Record<string, string | undefined>> = process.env): Launcher | undefined {
  const read = (
    name: Launcher["name"],
    family: Launcher["family"],
    [rank, size, localRank, localSize]: readonly (string | undefined)[],
  ): Launcher | undefined => {
    const [own, all] = [whole(rank), whole(size)];
    if (own === undefined || all === undefined || all < 1 || own >= all) {
      return undefined;
    }
    return { name, family, rank: own, size: all, localRank: whole(localRank), localSize: whole(localSize) };
  };
  return (
    read("mpirun", "Open MPI", [
      env.OMPI_COMM_WORLD_RANK,
      env.OMPI_COMM_WORLD_SIZE,
      env.OMPI_COMM_WORLD_LOCAL_RANK,
      env.OMPI_COMM_WORLD_LOCAL_SIZE,
    ]) ??
    // A batch script has SLURM_NTASKS, too; only what srun starts has the step's number of tasks.
    (env.SLURM_STEP_NUM_TASKS === undefined
      ? undefined
      : read("srun", env.PMIX_RANK !== undefined ? "Open MPI" : env.PMI_RANK !== undefined ? "MPICH" : undefined, [
          env.SLURM_PROCID,
          env.SLURM_STEP_NUM_TASKS,
          env.SLURM_LOCALID,
          undefined,
        ])) ??
    read("mpiexec", "MPICH", [env.PMI_RANK, env.PMI_SIZE, env.MPI_LOCALRANKID, env.MPI_LOCALNRANKS])
  );
}
