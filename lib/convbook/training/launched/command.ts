/** The command that starts several processes, and the surroundings that it needs. */

/** What is to be started. */
export interface LaunchPlan {
  /** Processes on each machine. */
  readonly devices: number;
  readonly numNodes: number;
  /** How long the launcher waits, s, when it is itself asked to stop: before it tells the processes, and once more before it kills them; default 5. */
  readonly grace?: number;
  /** The arguments of `convbook`. */
  readonly args: readonly string[];
}

/** For the batch that is under way, and for saving. Open MPI waits as long before it tells the processes. */
const graceSeconds = 5;

/** The launcher's command for a plan. */
export function launchCommand(
  { devices, numNodes, grace = graceSeconds }: LaunchPlan,
  family: string,
  processors: number,
): string[] {
  const count = `${devices * numNodes}`;
  if (family === "MPICH") {
    return ["mpiexec", "-n", count, ...(numNodes > 1 ? ["-ppn", `${devices}`] : [])];
  }
  const perNode = numNodes > 1 ? ["--map-by", `ppr:${devices}:node`] : [];
  const more = numNodes === 1 && devices > processors ? ["--oversubscribe"] : [];
  // Processes are not bound, and share the processors among themselves.
  return [
    "mpirun",
    "-n",
    count,
    ...perNode,
    "--bind-to",
    "none",
    ...more,
    "--mca",
    "odls_base_sigkill_timeout",
    `${grace}`,
  ];
}

/** In containers everybody is root, which Open MPI refuses unless it is told twice. */
export function launchEnvironment(): NodeJS.ProcessEnv {
  const isRoot = process.getuid?.() === 0;
  return { ...process.env, ...(isRoot && { OMPI_ALLOW_RUN_AS_ROOT: "1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: "1" }) };
}
