/** Settings of a run on several processes, looked at before these are started. */
import { checkExperiment, type ExperimentConfig } from "../training/experiment/index.ts";
import type { TrainerOptions } from "../training/index.ts";
import { makeStrategy } from "../training/strategies/options.ts";
import type { LaunchPlan } from "./launching.ts";

/**
 * Refuses settings before processes are started that would all refuse them, which launchers take long to clear away.
 *
 * @throws ConfigurationError for a strategy that these processes cannot have, ConfigError for any other setting
 */
export function checkPlan({ devices, numNodes }: LaunchPlan, config: ExperimentConfig, file: string): void {
  const started = { name: "mpirun", family: undefined, rank: 0, localRank: 0 } as const;
  makeStrategy(config.trainer, { ...started, size: devices * numNodes, localSize: devices });
  const { strategy, devices: _, numNodes: __, ...alone } = config.trainer as TrainerOptions;
  checkExperiment({ ...config, trainer: alone as ExperimentConfig["trainer"] }, file);
}
