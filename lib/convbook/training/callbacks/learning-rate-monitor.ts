/** Logs the learning rates: `lr-SGD`, with several groups `lr-SGD/pg1`, ... As PyTorch Lightning's LearningRateMonitor. */

import { classNameOf } from "../../arguments/class-name.ts";
import { Callback } from "../core/callback.ts";
import type { SchedulerEntry } from "../core/scheduling.ts";
import type { TrainerContext } from "../core/trainer-context.ts";
import { refuseUnknownOptions, requireOption, requireSwitches } from "../errors.ts";
import { isTimeToLog } from "../logging/log-time.ts";
import type { Metrics } from "../logging/results.ts";
import type { Optimizer } from "../optimizers/optimizer.ts";

export interface LearningRateMonitorOptions {
  /** Log at each `step` or `epoch`; default: as often as each scheduler steps. */
  loggingInterval?: "step" | "epoch";
  /** Also log momentum (or Adam's first beta); default false. */
  logMomentum?: boolean;
}

export class LearningRateMonitor extends Callback {
  readonly #options: LearningRateMonitorOptions;
  /** Everything that was logged, by name. */
  readonly rates: Record<string, number[]> = {};

  constructor(options: LearningRateMonitorOptions = {}) {
    super();
    refuseUnknownOptions("LearningRateMonitor", options, ["loggingInterval", "logMomentum"]);
    requireSwitches("LearningRateMonitor", options, ["logMomentum"]);
    const { loggingInterval } = options;
    const fits = loggingInterval === undefined || ["step", "epoch"].includes(loggingInterval);
    requireOption(fits, "LearningRateMonitor.loggingInterval", loggingInterval, '"step" or "epoch"');
    this.#options = options;
  }

  override async onTrainBatchStart(trainer: TrainerContext): Promise<void> {
    const { batchesThatStepped } = trainer;
    if (isTimeToLog(trainer, batchesThatStepped + 1) && this.#options.loggingInterval !== "epoch") {
      await this.#log(trainer, "step", batchesThatStepped);
    }
  }

  override async onTrainEpochStart(trainer: TrainerContext): Promise<void> {
    if (this.#options.loggingInterval !== "step") {
      await this.#log(trainer, "epoch", trainer.batchesThatStepped);
    }
  }

  async #log(trainer: TrainerContext, interval: "step" | "epoch", step: number): Promise<void> {
    const metrics: Metrics = {};
    const taken = new Set<string>();
    for (const [i, optimizer] of trainer.optimizers.entries()) {
      const entry = scheduling(trainer, optimizer);
      const isOwnInterval = this.#options.loggingInterval !== undefined || (entry?.interval ?? "epoch") === interval;
      if (!isOwnInterval) {
        continue;
      }
      const base = entry?.name ?? `lr-${classNameOf(optimizer)}`;
      const name = taken.has(base) ? `${base}-${i}` : base;
      taken.add(name);
      this.#collect(optimizer, name, metrics);
    }
    for (const [key, value] of Object.entries(metrics)) {
      this.rates[key] ??= [];
      this.rates[key].push(value);
    }
    Object.assign(trainer.callbackMetrics, metrics);
    await trainer.sendToLoggers(metrics, step);
  }

  #collect(optimizer: Optimizer, name: string, metrics: Metrics): void {
    for (const [i, group] of optimizer.paramGroups.entries()) {
      const suffix = optimizer.paramGroups.length > 1 ? `/pg${i + 1}` : "";
      metrics[name + suffix] = group.lr;
      const { momentum, betas } = group as { momentum?: number; betas?: readonly [number, number] };
      const value = betas?.[0] ?? momentum;
      if (this.#options.logMomentum && value !== undefined) {
        metrics[`${name}-momentum${suffix}`] = value;
      }
    }
  }
}

/** The scheduler of an optimizer; a wrapper's may be of the optimizer inside. */
function scheduling(trainer: TrainerContext, optimizer: Optimizer): SchedulerEntry | undefined {
  const own = trainer.schedulers.find(({ scheduler }) => "optimizer" in scheduler && scheduler.optimizer === optimizer);
  return own ?? (trainer.optimizers.length === 1 ? trainer.schedulers[0] : undefined);
}
