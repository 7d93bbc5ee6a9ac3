/** From the Trainer's options to a strategy: Lightning's `strategy`, `devices`, `num_nodes` and `accelerator`. */
import { type Launcher, mpi } from "@convbook/mpi";
import * as tf from "@tensorflow/tfjs-core";
import { isNumber } from "../../arguments/check.ts";
import { currentTransport } from "../../display/transport.ts";
import type { Strategy } from "../core/strategy.ts";
import type { DataParallelOptions, StrategyOptions } from "../core/strategy-options.ts";
import { ConfigurationError, refuseUnknownOptions, requireOption } from "../errors.ts";
import { DataParallel } from "./data-parallel.ts";
import { SingleProcess } from "./single.ts";

const installAdvice =
  "Install an MPI library (Debian: apt install libopenmpi-dev openmpi-bin gcc), then `npm rebuild @convbook/mpi`.";

/**
 * Makes the strategy that options ask for.
 *
 * @param launcher what started this process
 * @throws ConfigurationError where the options do not fit what was started
 */
export function makeStrategy(options: StrategyOptions, launcher: Launcher | undefined = mpi.launcher): Strategy {
  const { strategy = "auto", devices = "auto", numNodes, accelerator = "auto", useDistributedSampler = true } = options;
  const name = typeof strategy === "object" && strategy !== null ? strategy.name : strategy;
  requireOption(
    ["auto", "single", "ddp"].includes(name),
    "Trainer.strategy",
    strategy,
    '"auto", "single", "ddp" or { name: "ddp", ... }',
    otherStrategies.includes(String(name)) ? "Processes that train together are ddp here, whatever starts them." : "",
  );
  checkAccelerator(accelerator);
  const count = devices === "auto" || devices === -1 || devices === "-1" ? undefined : Number(devices);
  const isCount = count === undefined || (Number.isInteger(count) && count >= 1);
  requireOption(isCount, "Trainer.devices", devices, 'a whole number of at least 1, or "auto"');
  const areNodes = numNodes === undefined || (Number.isInteger(numNodes) && numNodes >= 1);
  requireOption(areNodes, "Trainer.numNodes", numNodes, "a whole number of at least 1");
  const ddp = typeof strategy === "object" ? checkDdp(strategy) : {};
  const wanted = (count ?? 1) * (numNodes ?? 1);
  if (name === "single") {
    requireOption(wanted === 1, "Trainer.devices", wanted, '1 with the strategy "single"');
    return new SingleProcess();
  }
  if ((name === "ddp" || wanted > 1 || (launcher?.size ?? 1) > 1) && !mpi.available) {
    throw new ConfigurationError("Trainer.strategy", name, '"single" on a machine without MPI', installAdvice);
  }
  if (launcher === undefined || launcher.size === 1) {
    if (wanted > 1) {
      throw new ConfigurationError(
        numNodes !== undefined && numNodes > 1 ? "Trainer.numNodes" : "Trainer.devices",
        numNodes !== undefined && numNodes > 1 ? numNodes : count,
        "1 in a process that was started alone",
        `Start the program on ${wanted} processes: mpirun -n ${wanted} node PROGRAM, or npx convbook train CONFIG --devices ${wanted}.`,
      );
    }
    return new SingleProcess();
  }
  checkLaunched(count, numNodes, launcher);
  return new DataParallel(ddp, useDistributedSampler, options.syncBatchnorm ?? false);
}

/**
 * How many processes a notebook's Trainer is to start for a fit.
 *
 * @returns undefined outside of notebooks, under a launcher, and for one process
 * @throws ConfigurationError where the options do not fit so many processes
 */
export function ranksToStart(options: StrategyOptions): number | undefined {
  const { devices, numNodes = 1, strategy = "auto" } = options;
  const count = Number(devices);
  const isMeant = Number.isInteger(count) && count > 1 && numNodes === 1 && strategy !== "single";
  if (!isMeant || mpi.launcher !== undefined || currentTransport().kind !== "notebook") {
    return undefined;
  }
  makeStrategy(options, { name: "mpirun", family: undefined, rank: 0, localRank: 0, size: count, localSize: count });
  return count;
}

function checkLaunched(count: number | undefined, numNodes: number | undefined, launcher: Launcher): void {
  const { name, size, localSize } = launcher;
  if (count !== undefined && numNodes !== undefined) {
    const hint = `Start ${count * numNodes} with ${name}'s -n, or set devices and numNodes to what was started.`;
    requireOption(
      size === count * numNodes,
      "Trainer.devices × Trainer.numNodes",
      count * numNodes,
      `${size}, the processes that ${name} started. ${hint}`,
    );
  } else if (count !== undefined) {
    const here = localSize ?? size;
    requireOption(
      here === count,
      "Trainer.devices",
      count,
      `${here}, the processes that ${name} started on this machine`,
    );
  } else if (numNodes !== undefined) {
    requireOption(
      size % numNodes === 0,
      "Trainer.numNodes",
      numNodes,
      `a divisor of ${size}, the processes that ${name} started`,
    );
  }
}

function checkDdp({ name: _, ...options }: { readonly name: "ddp" } & DataParallelOptions): DataParallelOptions {
  refuseUnknownOptions("Trainer.strategy", options, ["timeout", "bucketSizeMb", "checkEveryNSteps"]);
  const { timeout, bucketSizeMb, checkEveryNSteps } = options;
  requireOption(
    timeout === undefined || (isNumber(timeout) && timeout > 0),
    "Trainer.strategy.timeout",
    timeout,
    "a number of seconds above 0",
  );
  requireOption(
    bucketSizeMb === undefined || (isNumber(bucketSizeMb) && bucketSizeMb > 0),
    "Trainer.strategy.bucketSizeMb",
    bucketSizeMb,
    "a number of megabytes above 0",
  );
  requireOption(
    checkEveryNSteps === undefined || (Number.isInteger(checkEveryNSteps) && checkEveryNSteps >= 0),
    "Trainer.strategy.checkEveryNSteps",
    checkEveryNSteps,
    "a whole number of at least 0",
  );
  return options;
}

/** Strategies of PyTorch Lightning's, some of which were accelerators in its older versions. */
const otherStrategies: readonly string[] = ["ddp", "dp", "ddp2", "ddp_cpu", "ddp_spawn", "ddp_notebook", "ddp_fork"];

/** Backends that compute on a graphics card. */
const onGpu = ["webgpu", "tensorflow"];

function checkAccelerator(accelerator: unknown): void {
  requireOption(
    ["auto", "cpu", "gpu"].includes(String(accelerator)),
    "Trainer.accelerator",
    accelerator,
    '"auto", "cpu" or "gpu"',
    otherStrategies.includes(String(accelerator)) ? 'How processes train together is written strategy: "ddp" now.' : "",
  );
  const backend = tf.getBackend();
  if (accelerator === "gpu" && !onGpu.includes(backend)) {
    throw new ConfigurationError(
      "Trainer.accelerator",
      "gpu",
      `"auto" or "cpu" on the backend ${backend || "cpu"}`,
      "The accelerator gpu cannot run on your system, since it is not available; the backends webgpu and tensorflow have one.",
    );
  }
}
