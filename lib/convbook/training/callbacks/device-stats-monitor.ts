/** Logs what the machine and the backend have in use while a module runs. As PyTorch Lightning's DeviceStatsMonitor. */
import { nearestNames } from "../../arguments/names.ts";
import { Callback } from "../core/callback.ts";
import type { Stage, TrainerContext } from "../core/trainer-context.ts";
import type { AnyTrainingModule } from "../core/training-module.ts";
import { ConfigurationError, refuseUnknownOptions, requireOption, requireSwitches } from "../errors.ts";
import { isTimeToLog } from "../logging/log-time.ts";
import type { Metrics } from "../logging/results.ts";
import { backendStats, isOnCpu, ProcessorStats } from "./device-stats.ts";

export interface DeviceStatsMonitorOptions {
  /** Whether the processor and the process are looked at; default: where the backend computes on the processor. */
  cpuStats?: boolean;
  /** Log only these, by their names without what stands before the slash; default: all that there are. */
  filterKeys?: Iterable<string>;
}

/**
 * Logs, before and after each batch that logs (see `logEveryNSteps`), `DeviceStatsMonitor.HOOK/NAME`: of the processor `cpu_percent`, `cpu_vm_percent`,
 * `cpu_swap_percent`, `process_cpu_percent` and `process_rss_bytes`; of the backend `tensors` and `tensor_bytes`, on the native engine also `threads`,
 * `allocated_bytes.all.current`, `reserved_bytes.all.current`, `reserved_bytes.all.peak` and `scratch_bytes`, and `gpu_bytes` where a backend tells.
 *
 * @example
 * const trainer = new Trainer({ callbacks: new DeviceStatsMonitor({ filterKeys: ["cpu_percent", "tensor_bytes"] }) });
 */
export class DeviceStatsMonitor extends Callback {
  readonly #cpuStats: boolean | undefined;
  readonly #filterKeys: ReadonlySet<string> | undefined;
  #processor: ProcessorStats | undefined;

  constructor(options: DeviceStatsMonitorOptions = {}) {
    super();
    const owner = "DeviceStatsMonitor";
    refuseUnknownOptions(owner, options, ["cpuStats", "filterKeys"]);
    requireSwitches(owner, options, ["cpuStats"]);
    const { cpuStats, filterKeys } = options;
    const isList = typeof filterKeys === "object" && filterKeys !== null && Symbol.iterator in filterKeys;
    const keys = isList ? [...filterKeys] : [];
    const fits = filterKeys === undefined || (isList && keys.every((key) => typeof key === "string"));
    requireOption(fits, `${owner}.filterKeys`, filterKeys, "a list of names");
    this.#cpuStats = cpuStats;
    this.#filterKeys = filterKeys === undefined ? undefined : new Set(keys);
  }

  override setup(trainer: TrainerContext, _module: AnyTrainingModule, stage: Stage): void {
    const isTaken = this.#cpuStats ?? isOnCpu();
    this.#processor = isTaken ? new ProcessorStats() : undefined;
    // A fast run has no loggers, and is no mistake.
    if (stage !== "fit" || trainer.options.fastDevRun > 0 || !trainer.isGlobalZero) {
      return;
    }
    if (trainer.loggers.length === 0) {
      throw new ConfigurationError(
        "Trainer.logger",
        false,
        "a logger with a DeviceStatsMonitor among the callbacks, which has nowhere to write to otherwise",
      );
    }
    const known = Object.keys(this.#read());
    for (const key of this.#filterKeys ?? []) {
      if (!known.includes(key)) {
        const [nearest] = nearestNames(key, known, 1);
        const hint = nearest === undefined ? "" : ` Did you mean "${nearest}"?`;
        console.warn(`DeviceStatsMonitor.filterKeys: there is no "${key}" here.${hint} Known: ${known.join(", ")}.`);
      }
    }
  }

  #read(): Metrics {
    return { ...this.#processor?.read(), ...backendStats() };
  }

  async #log(trainer: TrainerContext, hook: string, step: number): Promise<void> {
    if (trainer.loggers.length === 0 || !isTimeToLog(trainer, step + 1)) {
      return;
    }
    const metrics = Object.entries(this.#read())
      .filter(([name]) => this.#filterKeys?.has(name) ?? true)
      .map(([name, value]) => [`DeviceStatsMonitor.${hook}/${name}`, value]);
    await trainer.sendToLoggers(Object.fromEntries(metrics), step);
  }

  override async onTrainBatchStart(trainer: TrainerContext): Promise<void> {
    await this.#log(trainer, "onTrainBatchStart", trainer.batchesThatStepped);
  }
  override async onTrainBatchEnd(trainer: TrainerContext): Promise<void> {
    await this.#log(trainer, "onTrainBatchEnd", trainer.evaluationStep);
  }
  override async onValidationBatchStart(trainer: TrainerContext): Promise<void> {
    await this.#log(trainer, "onValidationBatchStart", trainer.batchesThatStepped);
  }
  override async onValidationBatchEnd(trainer: TrainerContext): Promise<void> {
    await this.#log(trainer, "onValidationBatchEnd", trainer.batchesThatStepped);
  }
  override async onTestBatchStart(trainer: TrainerContext): Promise<void> {
    await this.#log(trainer, "onTestBatchStart", trainer.batchesThatStepped);
  }
  override async onTestBatchEnd(trainer: TrainerContext): Promise<void> {
    await this.#log(trainer, "onTestBatchEnd", trainer.batchesThatStepped);
  }
}
