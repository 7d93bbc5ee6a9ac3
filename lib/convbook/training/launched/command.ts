/** The command that starts several processes, and the surroundings that it needs. */

/** What is to be started. */
export interface LaunchPlan {
  /** Processes on each machine. */
  readonly devices: number;
  readonly numNodes: number;
  /** How long the launcher waits, s, when it is itself asked to stop: before it tells the processes, and once more before it kills them; default 5. */
  readonly grace?: number;
  /** How long the processes wait for one another, s; default 1800. A machine that is cut off is to be noticed before they give up. */
  readonly timeout?: number;
  /** The arguments of `convbook`. */
  readonly args: readonly string[];
}

/** For the batch that is under way, and for saving. Open MPI waits as long before it tells the processes. */
const graceSeconds = 5;

/**
 * Settings by which Open MPI's launcher notices that a machine is cut off: while nothing is said, by questions that stay unanswered. Its own take eight
 * minutes; and once it has something to say to that machine, as when processes have given up waiting, it hears of nothing before TCP gives up, after a quarter
 * of an hour.
 */
function keepalive(timeout: number): string[] {
  const most = Math.min(120, timeout / 2);
  const settings = {
    oob_tcp_keepalive_time: Math.max(1, Math.floor(most / 2)),
    oob_tcp_keepalive_intvl: Math.max(1, Math.floor(most / 12)),
    oob_tcp_keepalive_probes: 6,
  };
  return Object.entries(settings).flatMap(([name, value]) => ["--mca", name, `${value}`]);
}

/** The launcher's command for a plan. */
export function launchCommand(
  { devices, numNodes, grace = graceSeconds, timeout = 1800 }: LaunchPlan,
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
    ...(numNodes > 1 ? keepalive(timeout) : []),
  ];
}

/** In containers everybody is root, which Open MPI refuses unless it is told twice. */
export function launchEnvironment(): NodeJS.ProcessEnv {
  const isRoot = process.getuid?.() === 0;
  return { ...process.env, ...(isRoot && { OMPI_ALLOW_RUN_AS_ROOT: "1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: "1" }) };
}
