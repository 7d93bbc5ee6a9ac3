/** `convbook train config.yaml`: trains what a file describes, so that it can be interrupted and gone on with. */
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import {
  batchScript,
  type LaunchPlan,
  launchCommand,
  launchPlan,
  logToFile,
  ownProgram,
  shellLine,
} from "./launching.ts";
import { StopRequests } from "./stop-requests.ts";

interface TrainOptions {
  readonly set: readonly string[];
  readonly resume?: boolean;
  readonly devices?: number;
  readonly numNodes?: number;
  readonly printLaunch?: boolean;
}

function parseCount(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > 65_536) {
    throw new InvalidArgumentError(`Expected a whole number of at least 1, got ${text}.`);
  }
  return count;
}

const collect = (value: string, before: readonly string[]) => [...before, value];

export const trainCommand = new Command("train")
  .description("train the model that a YAML file describes")
  .argument("<config>", "the file; its settings are listed in a message when one is misspelt")
  .option("--set <setting=value>", "change a setting, as trainer.maxEpochs=10; may be repeated", collect, [])
  .option("--resume", "go on where the last run into the same folder was interrupted")
  .option("--devices <count>", "processes on each machine; starts mpirun where nobody else started several", parseCount)
  .option("--num-nodes <count>", "machines", parseCount)
  .option(
    "--print-launch",
    "print the mpirun line, and write a batch script for Slurm into the run's folder, instead of training",
  )
  .action(async (path: string, { set, resume, devices, numNodes, printLaunch }: TrainOptions) => {
    const { mpi } = await import("@convbook/mpi");
    const isLaunched = mpi.launcher !== undefined;
    const requests = new StopRequests(isLaunched);
    const { readdir } = await import("node:fs/promises");
    const { stringify } = await import("yaml");
    const { selectBackend } = await import("../backend/index.ts");
    const { writeFileAtomic } = await import("../files/index.ts");
    const {
      checkExperiment,
      checkpointFolder,
      copiedConfig,
      loadConfig,
      loadData,
      makeModule,
      makeTrainer,
      runFolder,
    } = await import("../training/experiment/index.ts");
    const { oncePerMachine, takeShareOfThreads } = await import("../training/strategies/machine.ts");
    const counts = { ...(devices && { devices }), ...(numNodes && { numNodes }) };
    const changes = Object.entries(counts).map(([name, count]) => `trainer.${name}=${count}`);
    const config = await loadConfig(path, [...set, ...changes]);
    const again = ["train", path, ...[...set, ...changes].flatMap((change) => ["--set", change])];
    const plan: LaunchPlan = {
      devices: Number(config.trainer.devices ?? 1) || 1,
      numNodes: Number(config.trainer.numNodes ?? 1) || 1,
      args: again,
    };
    if (!isLaunched && plan.devices * plan.numNodes > 1) {
      const { checkPlan } = await import("./launch-check.ts");
      checkPlan(plan, config, path);
    }
    if (printLaunch) {
      const family = mpi.family ?? "Open MPI";
      const script = join(runFolder(config), "train.sbatch");
      await writeFileAtomic(script, batchScript(plan, family, availableParallelism()));
      console.log(shellLine([...launchCommand(plan, family, availableParallelism()), ...ownProgram(), ...plan.args]));
      console.log(`for Slurm: sbatch ${script}`);
      return;
    }
    if (!isLaunched && plan.devices * plan.numNodes > 1) {
      requests.handOver();
      process.exitCode = await launchPlan({ ...plan, args: [...again, ...(resume ? ["--resume"] : [])] });
      return;
    }
    const rank = mpi.launcher?.rank ?? 0;
    const isRoot = rank === 0;
    logToFile(runFolder(config), rank);
    const earlier = await readdir(checkpointFolder(config)).catch(() => []);
    if (earlier.length > 0 && !resume) {
      throw new Error(
        `${runFolder(config)} holds the checkpoints of an earlier run: add --resume to go on with it, or --set output=ANOTHER_FOLDER.`,
      );
    }
    checkExperiment(config, path);
    if ((mpi.launcher?.size ?? 1) > 1 && mpi.available) {
      await takeShareOfThreads(mpi.init());
    }
    await selectBackend(isRoot ? {} : { announce: false });
    const data = await oncePerMachine(() => loadData(config, path));
    const module = makeModule(config, data.description);
    const trainer = makeTrainer(config);
    if (isRoot) {
      await writeFileAtomic(copiedConfig(config), stringify(config));
    }
    requests.handOver();
    const { signal } = requests;
    const result = await trainer.fit(module, data.train, data.val, { signal, ...(resume && { ckptPath: "last" }) });
    const metrics = Object.entries(result.metrics).map(([name, value]) => `${name} ${value.toPrecision(4)}`);
    console.log(
      `${result.status}: ${result.reason}; ${result.epochs} epochs, ${result.globalStep} steps; ${metrics.join(", ")}`,
    );
    if (result.bestModelPath !== undefined) {
      console.log(`best checkpoint: ${result.bestModelPath}`);
    }
    if (result.status === "interrupted") {
      if (result.lastModelPath !== undefined) {
        console.log(`convbook train ${path} --resume goes on from ${result.lastModelPath}`);
      }
      // What a shell expects of a program that Ctrl-C ended; launchers send SIGTERM whatever they get.
      process.exitCode = mpi.launcher === undefined ? 130 : 143;
    }
  });
