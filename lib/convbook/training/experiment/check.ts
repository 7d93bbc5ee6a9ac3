/** Mistakes in a configuration that show only when something is made of it, found before any data is fetched. */
import { checkText } from "../../arguments/check.ts";
import { messageOf } from "../../files/index.ts";
import { createModelFrom } from "../../models/index.ts";
import { nearestNames } from "../../nn/errors.ts";
import { Parameter } from "../../nn/parameter.ts";
import type { TrainerOptions } from "../core/trainer-options.ts";
import { createOptimizer } from "../optimizers/registry.ts";
import { patternModel, patternModelName } from "../pattern-module.ts";
import { createScheduler } from "../schedulers/registry.ts";
import { Trainer } from "../trainer.ts";
import { requireConfig } from "./config.ts";
import { hasValidation, makeAveraging, makeCheckpoint, makeDeviceStats, makeEarlyStopping } from "./experiment.ts";
import type { ExperimentConfig } from "./experiment-config.ts";
import { mixing, pipelines } from "./pipelines.ts";
import { ConfigError } from "./settings.ts";

/**
 * Makes everything that a configuration describes but the data, and throws it away.
 *
 * @param file the configuration's file, for messages
 * @throws ConfigError naming the setting that cannot be used
 */
export function checkExperiment(config: ExperimentConfig, file: string): void {
  requireConfig("checkExperiment", config);
  checkText("checkExperiment", "file", file);
  const { model, data, optimizer, scheduler } = config;
  const section = <T>(path: string, make: () => T): T => {
    try {
      return make();
    } catch (error) {
      throw error instanceof ConfigError ? error : new ConfigError(file, path, `cannot be used: ${messageOf(error)}`);
    }
  };
  section("model", () => {
    const { name, hparams } = model;
    (name === patternModelName ? patternModel(hparams) : createModelFrom(name, hparams)).dispose();
  });
  pipelines(data, [], file);
  // How many classes there are is known when the data is there.
  mixing(data, 2, file);
  const { name, ...options } = optimizer;
  const made = section("optimizer", () => createOptimizer(name, [new Parameter([1])], options));
  if (scheduler !== null) {
    const { name: schedulerName, interval: _, monitor: __, ...given } = scheduler;
    // How long a one-cycle schedule lasts is known when the data is there.
    const length = schedulerName === "OneCycleLR" && given.epochs === undefined ? { totalSteps: 2 } : {};
    section("scheduler", () => createScheduler(schedulerName, made, { ...length, ...given }));
  }
  const ofValidation = ["val_loss", "val_acc", ...(data.name === "diffraction" ? ["val_top3_acc"] : [])];
  const metrics = ["train_loss", "train_acc", ...(hasValidation(config) ? ofValidation : [])];
  const monitored = (path: string, monitor: unknown) => {
    if (monitor === undefined || metrics.includes(String(monitor)) || /^lr-/.test(String(monitor))) {
      return;
    }
    const [nearest] = nearestNames(String(monitor), metrics, 1);
    const hint = nearest === undefined ? "" : ` Did you mean "${nearest}"?`;
    throw new ConfigError(file, path, `must be one of ${metrics.join(", ")}, got ${JSON.stringify(monitor)}.${hint}`);
  };
  if (scheduler?.name === "ReduceLROnPlateau") {
    monitored("scheduler.monitor", scheduler.monitor ?? "val_loss");
  }
  monitored("checkpoint.monitor", section("checkpoint", () => makeCheckpoint(config)).monitor);
  for (const early of section("earlyStopping", () => makeEarlyStopping(config))) {
    monitored("earlyStopping.monitor", early.options.monitor);
  }
  section("ema", () => makeAveraging(config));
  section("deviceStats", () => makeDeviceStats(config));
  // Without loggers, which would make folders.
  section("trainer", () => new Trainer({ ...(config.trainer as TrainerOptions), logger: false }));
}
