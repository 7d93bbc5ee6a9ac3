/** Starting `convbook train` on several processes, and what its processes print where. */
import { execFile, spawn } from "node:child_process";
import { availableParallelism, constants } from "node:os";
import { promisify } from "node:util";
import { mpi } from "@convbook/mpi";
import type { HyperParameters } from "../training/core/json.ts";
import { type LaunchPlan, launchCommand, launchEnvironment } from "../training/launched/command.ts";
import { MemoryDeaths } from "../training/launched/memory-deaths.ts";
import { stopSignal } from "./stop-requests.ts";

export { logToFile } from "../training/launched/rank-log.ts";
export { type LaunchPlan, launchCommand };

/** How long the processes are to wait for one another, where a configuration says it. */
export function timeoutOf({ strategy }: HyperParameters): Pick<LaunchPlan, "timeout"> {
  const { timeout } = (strategy ?? {}) as { readonly timeout?: unknown };
  return typeof timeout === "number" && timeout > 0 ? { timeout } : {};
}

/** Words as a shell reads them. */
export function shellLine(words: readonly string[]): string {
  return words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(" ");
}

/** The command as launchers are to start it. Not by npx: asked to stop, it ends before its program, which is then killed before it has saved. */
export function ownProgram(): string[] {
  return [process.execPath, process.argv[1] ?? ""];
}

/** A batch script of Slurm: asked to stop two minutes before the time is over, it is started again and goes on. */
export function batchScript({ devices, numNodes, args }: LaunchPlan, family: string, processors: number): string {
  const type = family === "MPICH" ? "pmi2" : "pmix";
  return `#!/bin/bash
#SBATCH --job-name=convbook
#SBATCH --nodes=${numNodes}
#SBATCH --ntasks-per-node=${devices}
#SBATCH --cpus-per-task=${Math.max(1, Math.floor(processors / devices))}
#SBATCH --time=01:00:00
#SBATCH --signal=TERM@120
#SBATCH --requeue
#SBATCH --open-mode=append

srun --mpi=${type} ${shellLine([...ownProgram(), ...args])} \${SLURM_RESTART_COUNT:+--resume}
code=$?
# 143: asked to stop, and saved.
if [ "$code" -eq 143 ]; then
  scontrol requeue "$SLURM_JOB_ID"
fi
exit "$code"
`;
}

/**
 * Has the launcher start a process on each machine of a plan that says where it runs.
 *
 * @throws {Error} saying how machines are named, where there are not as many
 */
async function requireMachines({ numNodes }: LaunchPlan, family: string): Promise<void> {
  const [command = "", ...options] = launchCommand({ devices: 1, numNodes, args: [] }, family, numNodes);
  const program = [process.execPath, "-p", "require('node:os').hostname()"];
  const found = await promisify(execFile)(command, [...options, ...program], { env: launchEnvironment() }).then(
    ({ stdout }) => new Set(stdout.split("\n").filter((line) => line !== "")).size,
    // Open MPI fails where it knows of fewer.
    () => 0,
  );
  if (found < numNodes) {
    const hosts = family === "MPICH" ? "-f HOSTS" : "--hostfile HOSTS";
    throw new Error(
      `--num-nodes ${numNodes}: ${command} cannot start a process on each of ${numNodes} machines from here. Outside of a scheduler it has to be told ` +
        `which: write their names into a file HOSTS, one a line, and run the line that --print-launch prints with ${hosts} behind ${command}. Under Slurm, ` +
        "give the script that --print-launch writes to sbatch.",
    );
  }
}

/**
 * Starts a plan's processes and waits for them.
 *
 * @returns the exit code
 * @throws {Error} where there is no MPI, or it cannot reach as many machines
 */
export async function launchPlan(plan: LaunchPlan): Promise<number> {
  const { family } = mpi;
  if (family === undefined) {
    throw new Error(`--devices ${plan.devices} needs MPI: ${mpi.reason}`);
  }
  if (plan.numNodes > 1) {
    await requireMachines(plan, family);
  }
  const [command = "", ...options] = launchCommand(plan, family, availableParallelism());
  const program = [process.execPath, ...process.execArgv, process.argv[1] ?? "", ...plan.args];
  // In a session of its own, so that a terminal's Ctrl-C comes here alone: mpirun would begin to kill.
  const stdio = ["ignore", "inherit", "inherit"] as const;
  const deaths = new MemoryDeaths();
  const child = spawn(command, [...options, ...program], {
    stdio: [...stdio],
    detached: true,
    env: launchEnvironment(),
  });
  let requests = 0;
  // The processes stop together and say so by their exit code; who asks twice does not want to wait for that.
  const pass = () => child.kill(requests++ === 0 ? stopSignal : "SIGTERM");
  process.on("SIGTERM", pass);
  process.on("SIGINT", pass);
  try {
    return await new Promise<number>((resolve, reject) => {
      child.on("error", (error) =>
        reject(
          new Error(`${command} cannot be started: ${error.message}. Install it (Debian: apt install openmpi-bin).`),
        ),
      );
      child.on("close", (own, signal) => {
        const code = own ?? 128 + (signal === null ? 0 : constants.signals[signal]);
        const wasEarly = requests > 0 && code === 128 + constants.signals[stopSignal];
        if (wasEarly) {
          console.log("interrupted: before training began");
        }
        const words = code === 0 ? undefined : deaths.words();
        if (words !== undefined) {
          console.error(words);
        }
        resolve(wasEarly ? 143 : code);
      });
    });
  } finally {
    process.off("SIGTERM", pass);
    process.off("SIGINT", pass);
  }
}
