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
  timeoutOf,
} from "./launching.ts";
import { StopRequests } from "./stop-requests.ts";

interface TrainOptions {
  readonly set: readonly string[];
  readonly config?: string;
  /** Whether to go on, or the checkpoint to go on from. */
  readonly resume?: boolean | string;
  readonly devices?: number;
  readonly numNodes?: number;
  readonly printLaunch?: boolean;
}

/** A number and what it counts: 1 step, 2 steps. */
const counted = (count: number, what: string) => `${count} ${what}${count === 1 ? "" : "s"}`;

function parseCount(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > 65_536) {
    throw new InvalidArgumentError(`Expected a whole number of at least 1, got ${text}.`);
  }
  return count;
}

/**
 * The configuration's file and the checkpoint to go on from, each where it was named. `--resume config.yaml` is a configuration behind a switch.
 *
 * @throws Error where there is neither, or two configurations
 */
function whatToTrain(path: string | undefined, { config, resume }: TrainOptions) {
  const isConfig = typeof resume === "string" && /\.(ya?ml|json)$/i.test(resume);
  const [given, ...more] = [path, config, isConfig ? resume : undefined].filter((each) => each !== undefined);
  const checkpoint = typeof resume === "string" && !isConfig ? resume : undefined;
  if (more.length > 0) {
    throw new Error(`Two configurations are named, ${given} and ${more[0]}; name one.`);
  }
  if (given === undefined && checkpoint === undefined) {
    throw new Error(
      "Name a configuration: convbook train config.yaml; or a checkpoint to go on from, which has its own: convbook train --resume CHECKPOINT.",
    );
  }
  return { given, checkpoint, isResumed: resume !== undefined && resume !== false };
}

const collect = (value: string, before: readonly string[]) => [...before, value];

export const trainCommand = new Command("train")
  .description("train the model that a YAML file describes")
  .argument("[config]", "the file; its settings are listed in a message when one is misspelt")
  .option("-c, --config <file>", "the file, as an option")
  .option("--set <setting=value>", "change a setting, as trainer.maxEpochs=10; may be repeated", collect, [])
  .option(
    "--resume [checkpoint]",
    "go on where the last run into the same folder was interrupted, or from a checkpoint, which brings its configuration where none is named",
  )
  .option("--devices <count>", "processes on each machine; starts mpirun where nobody else started several", parseCount)
  .option("--num-nodes <count>", "machines", parseCount)
  .option(
    "--print-launch",
    "print the mpirun line, and write a batch script for Slurm into the run's folder, instead of training",
  )
  .action(async (argument: string | undefined, options: TrainOptions) => {
    const { set, devices, numNodes, printLaunch } = options;
    const { given, checkpoint, isResumed } = whatToTrain(argument, options);
    const path = given ?? checkpoint ?? "";
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
      configOfCheckpoint,
      copiedConfig,
      isFast,
      loadConfig,
      loadData,
      makeModule,
      makeTrainer,
      runFolder,
    } = await import("../training/experiment/index.ts");
    const { oncePerMachine, takeShareOfThreads } = await import("../training/strategies/machine.ts");
    const counts = { ...(devices && { devices }), ...(numNodes && { numNodes }) };
    const changes = Object.entries(counts).map(([name, count]) => `trainer.${name}=${count}`);
    const settings = [...set, ...changes];
    const config = await (given === undefined ? configOfCheckpoint(path, settings) : loadConfig(given, settings));
    const named = given === undefined ? [] : [given];
    const again = ["train", ...named, ...settings.flatMap((change) => ["--set", change])];
    if (checkpoint !== undefined) {
      again.push("--resume", checkpoint);
    }
    const plan: LaunchPlan = {
      devices: Number(config.trainer.devices ?? 1) || 1,
      numNodes: Number(config.trainer.numNodes ?? 1) || 1,
      ...timeoutOf(config.trainer),
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
      process.exitCode = await launchPlan({
        ...plan,
        args: [...again, ...(isResumed && !checkpoint ? ["--resume"] : [])],
      });
      return;
    }
    const rank = mpi.launcher?.rank ?? 0;
    const isRoot = rank === 0;
    logToFile(runFolder(config), rank);
    const earlier = await readdir(checkpointFolder(config)).catch(() => []);
    if (earlier.length > 0 && !isResumed && !isFast(config)) {
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
    if (isRoot && !isFast(config)) {
      await writeFileAtomic(copiedConfig(config), stringify(config));
    }
    requests.handOver();
    const { signal } = requests;
    const result = await trainer.fit(module, data.train, data.val, {
      signal,
      ...(isResumed && { ckptPath: checkpoint ?? "last" }),
    });
    const metrics = Object.entries(result.metrics).map(([name, value]) => `${name} ${value.toPrecision(4)}`);
    console.log(
      `${result.status}: ${result.reason}; ${counted(result.epochs, "epoch")}, ${counted(result.globalStep, "step")}; ${metrics.join(", ")}`,
    );
    if (result.bestModelPath !== undefined) {
      console.log(`best checkpoint: ${result.bestModelPath}`);
    }
    if (result.status === "interrupted") {
      if (result.lastModelPath !== undefined) {
        const how = given === undefined ? `--resume ${result.lastModelPath}` : `${given} --resume`;
        console.log(`convbook train ${how} goes on from ${result.lastModelPath}`);
      }
      // What a shell expects of a program that Ctrl-C ended; launchers send SIGTERM whatever they get.
      process.exitCode = mpi.launcher === undefined ? 130 : 143;
    }
  });
