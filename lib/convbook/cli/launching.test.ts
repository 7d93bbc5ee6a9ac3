/** The launcher's command and Slurm's batch script. */
import { mpi } from "@convbook/mpi";
import { expect, it } from "vitest";
import { batchScript, launchCommand, launchPlan, ownProgram, shellLine } from "./launching.ts";

const plan = { devices: 4, numNodes: 1, args: ["train", "my nets/it's.yaml", "--set", "trainer.devices=4"] };

it.each([
  ["Open MPI", plan, 8, "mpirun -n 4 --bind-to none --mca odls_base_sigkill_timeout 5"],
  ["Open MPI", plan, 2, "mpirun -n 4 --bind-to none --oversubscribe --mca odls_base_sigkill_timeout 5"],
  [
    "Open MPI",
    { ...plan, numNodes: 2 },
    2,
    "mpirun -n 8 --map-by ppr:4:node --bind-to none --mca odls_base_sigkill_timeout 5 --mca oob_tcp_keepalive_time 60 --mca oob_tcp_keepalive_intvl 10 --mca oob_tcp_keepalive_probes 6",
  ],
  [
    "Open MPI",
    { ...plan, numNodes: 2, timeout: 24 },
    8,
    "mpirun -n 8 --map-by ppr:4:node --bind-to none --mca odls_base_sigkill_timeout 5 --mca oob_tcp_keepalive_time 6 --mca oob_tcp_keepalive_intvl 1 --mca oob_tcp_keepalive_probes 6",
  ],
  ["MPICH", plan, 2, "mpiexec -n 4"],
  ["MPICH", { ...plan, numNodes: 2 }, 8, "mpiexec -n 8 -ppn 4"],
])("%s", (family, given, processors, line) => {
  expect(shellLine(launchCommand(given, family, processors))).toBe(line);
});

it("the batch script asks for what the plan says, and goes on when it was requeued", () => {
  const script = batchScript({ ...plan, numNodes: 2 }, "Open MPI", 8);
  for (const line of [
    "#SBATCH --nodes=2",
    "#SBATCH --ntasks-per-node=4",
    "#SBATCH --cpus-per-task=2",
    "#SBATCH --signal=TERM@120",
  ]) {
    expect(script.split("\n")).toContain(line);
  }
  const again = "$" + "{SLURM_RESTART_COUNT:+--resume}";
  expect(script).toContain(
    `srun --mpi=pmix ${shellLine(ownProgram())} train 'my nets/it'\\''s.yaml' --set trainer.devices=4 ${again}\n`,
  );
  expect(batchScript(plan, "MPICH", 8)).toContain(`srun --mpi=pmi2 ${shellLine(ownProgram())} train`);
  // npx ends at the first signal, and the program with it.
  expect(script).not.toContain("npx");
});

it("settings that no process could use are refused before any is started", async () => {
  const { checkPlan } = await import("./launch-check.ts");
  const { parseConfig } = await import("../training/experiment/index.ts");
  const two = { devices: 2, numNodes: 1, args: [] };
  const check = (text: string) => checkPlan(two, parseConfig(`output: out\n${text}`, "x.yaml"), "x.yaml");
  expect(() => check("trainer: { devices: 2, strategy: dpp }")).toThrow('Trainer.strategy must be "auto"');
  expect(() => check("trainer: { devices: 2, accelerator: tpu }")).toThrow("Trainer.accelerator");
  if (mpi.available) {
    expect(() => check("trainer: { devices: 2, maxEpochs: -3 }")).toThrow("x.yaml: trainer");
    expect(() => check("trainer: { devices: 2, strategy: single }")).toThrow('1 with the strategy "single"');
    check("trainer: { devices: 2, strategy: ddp }");
  } else {
    expect(() => check("trainer: { devices: 2 }")).toThrow('"single" on a machine without MPI');
  }
});

it.runIf(mpi.available)("machines that the launcher does not know of are asked for in one sentence", async () => {
  await expect(launchPlan({ devices: 2, numNodes: 1000, args: [] })).rejects.toThrow(
    /^--num-nodes 1000: mpi(run|exec) cannot start a process on each of 1000 machines from here\. Outside of a scheduler it has to be told which: .* HOSTS behind mpi(run|exec)\. Under Slurm, give the script that --print-launch writes to sbatch\.$/,
  );
});
