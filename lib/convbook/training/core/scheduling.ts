/** What `configureOptimizers` returned, in one form, and when the schedulers step. */
import { ConfigurationError, MonitorError, refuseUnknownOptions, requireOption, requireSwitches } from "../errors.ts";
import { Optimizer } from "../optimizers/optimizer.ts";
import { ReduceLROnPlateau } from "../schedulers/plateau.ts";
import type { Scheduler } from "../schedulers/scheduler.ts";
import type { OptimizerConfig, SchedulerConfig } from "./module-results.ts";
import { rankZeroWarn } from "./rank-zero.ts";
import { metricOfRoot } from "./root-metric.ts";
import type { TrainerContext } from "./trainer-context.ts";

/** A scheduler with everything said about it. */
export interface SchedulerEntry {
  readonly scheduler: Scheduler;
  readonly interval: "epoch" | "step";
  readonly frequency: number;
  readonly monitor: string | undefined;
  readonly strict: boolean;
  readonly name: string | undefined;
  readonly isPlateau: boolean;
}

/** @throws ConfigurationError when it is none of the forms, or names more than one optimizer */
export function normalizeOptimizers(
  config: OptimizerConfig,
  allowsSeveral = false,
): {
  optimizers: readonly Optimizer[];
  schedulers: readonly SchedulerEntry[];
} {
  if (config instanceof Optimizer) {
    return { optimizers: [config], schedulers: [] };
  }
  const forms = "an optimizer, a list of them, [optimizers, schedulers] or { optimizer, lrScheduler }";
  requireOption(typeof config === "object" && config !== null, "What configureOptimizers returns", config, forms);
  const [optimizers, schedulers] = isPair(config)
    ? config
    : Array.isArray(config)
      ? [config as readonly Optimizer[], []]
      : fromObject(config as Extract<OptimizerConfig, { readonly optimizer: Optimizer }>);
  for (const optimizer of optimizers) {
    if (!(optimizer instanceof Optimizer)) {
      throw new ConfigurationError("What configureOptimizers returns", optimizer, forms);
    }
  }
  requireOption(
    optimizers.length === 1 || (allowsSeveral && optimizers.length > 0),
    "What configureOptimizers returns",
    `${optimizers.length} optimizers`,
    allowsSeveral ? "at least one optimizer" : "one optimizer, unless the module sets automaticOptimization to false",
  );
  const entries = schedulers.map(normalizeScheduler);
  for (const { scheduler } of entries) {
    const owner = (scheduler as { readonly optimizer?: unknown }).optimizer;
    requireOption(
      owner === undefined || optimizers.some((optimizer) => optimizer === owner),
      "The scheduler",
      `a ${scheduler.constructor.name} of another optimizer`,
      "one of an optimizer that configureOptimizers returns",
      "The rates of another one change nothing.",
    );
  }
  return { optimizers, schedulers: entries };
}

type Pair = readonly [optimizers: readonly Optimizer[], schedulers: readonly (Scheduler | SchedulerConfig)[]];

function isPair(config: OptimizerConfig): config is Pair {
  return Array.isArray(config) && Array.isArray(config[0]);
}

function fromObject(
  config: Extract<OptimizerConfig, { readonly optimizer: Optimizer }>,
): [Optimizer[], (Scheduler | SchedulerConfig)[]] {
  refuseUnknownOptions("What configureOptimizers returns", config, ["optimizer", "lrScheduler"]);
  const { optimizer, lrScheduler } = config;
  return [[optimizer], lrScheduler === undefined ? [] : [lrScheduler]];
}

const configNames: readonly (keyof SchedulerConfig)[] = [
  "scheduler",
  "interval",
  "frequency",
  "monitor",
  "strict",
  "name",
];
const schedulerForms = "a scheduler or { scheduler, interval, frequency, monitor, strict, name }";

function normalizeScheduler(given: Scheduler | SchedulerConfig): SchedulerEntry {
  requireOption(typeof given === "object" && given !== null, "The scheduler", given, schedulerForms);
  const isConfig = "scheduler" in given;
  if (isConfig) {
    refuseUnknownOptions("The scheduler's configuration", given, configNames);
    requireSwitches("The scheduler", given, ["strict"]);
  }
  const config: SchedulerConfig = isConfig ? given : { scheduler: given };
  const { scheduler, interval = "epoch", frequency = 1, monitor, strict = true, name } = config;
  requireOption(typeof scheduler?.step === "function", "The scheduler", scheduler, schedulerForms);
  requireOption(["epoch", "step"].includes(interval), "The scheduler's interval", interval, '"epoch" or "step"');
  requireOption(
    Number.isInteger(frequency) && frequency >= 1,
    "The scheduler's frequency",
    frequency,
    "a whole number of at least 1",
  );
  const isPlateau = scheduler instanceof ReduceLROnPlateau;
  requireOption(
    !isPlateau || monitor !== undefined,
    "The scheduler's monitor",
    monitor,
    'the name of a metric, for example "val_loss"',
  );
  return { scheduler, interval, frequency, monitor, strict, name, isPlateau };
}

/**
 * Steps the schedulers whose time has come. Those that watch a metric watch rank 0's, so that rates stay the same on all processes.
 *
 * @param count the number of batches or epochs that are over
 * @param plateau whether those that watch a metric are meant, or the others
 */
export async function stepSchedulers(
  trainer: TrainerContext,
  interval: "epoch" | "step",
  count: number,
  plateau: boolean,
): Promise<void> {
  // A module that optimizes by itself steps its schedulers, too.
  if (!trainer.module.automaticOptimization) {
    return;
  }
  for (const entry of trainer.schedulers) {
    if (entry.interval !== interval || entry.isPlateau !== plateau || count % entry.frequency !== 0) {
      continue;
    }
    let metric: number | undefined;
    if (entry.monitor !== undefined && plateau) {
      metric = await metricOfRoot(trainer, entry.monitor);
      if (metric === undefined && !entry.strict) {
        rankZeroWarn(
          `ReduceLROnPlateau monitors "${entry.monitor}", which is not logged yet: the rates stay as they are.`,
        );
        continue;
      }
      if (metric === undefined) {
        throw new MonitorError("ReduceLROnPlateau", entry.monitor, Object.keys(trainer.callbackMetrics));
      }
    }
    trainer.hooks.callModule("lrSchedulerStep", entry.scheduler, metric);
  }
}
