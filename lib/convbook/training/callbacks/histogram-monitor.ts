/** Records how the weights are distributed, and the gradients, as training goes on. */
import { Callback } from "../core/callback.ts";
import type { TrainerContext } from "../core/trainer-context.ts";
import type { AnyTrainingModule } from "../core/training-module.ts";
import { refuseUnknownOptions, requireOption, requireSwitches } from "../errors.ts";
import { isTimeToLog } from "../logging/log-time.ts";

export interface HistogramMonitorOptions {
  /** The weights at the end of every so many epochs, as `weights/NAME`; default 1. */
  everyNEpochs?: number;
  /** Also the gradients of each step that is logged (see `logEveryNSteps`), as `gradients/NAME`; default false. */
  gradients?: boolean;
}

/**
 * Histograms of all parameters, for the loggers that record them: TensorBoardLogger and WandbLogger.
 *
 * @example
 * const trainer = new Trainer({ callbacks: new HistogramMonitor({ gradients: true }), logger: new TensorBoardLogger() });
 */
export class HistogramMonitor extends Callback {
  readonly #everyNEpochs: number;
  readonly #gradients: boolean;

  constructor(options: HistogramMonitorOptions = {}) {
    super();
    refuseUnknownOptions("HistogramMonitor", options, ["everyNEpochs", "gradients"]);
    requireSwitches("HistogramMonitor", options, ["gradients"]);
    const { everyNEpochs = 1, gradients = false } = options;
    const fits = Number.isInteger(everyNEpochs) && everyNEpochs >= 1;
    requireOption(fits, "HistogramMonitor.everyNEpochs", everyNEpochs, "a whole number of at least 1");
    this.#everyNEpochs = everyNEpochs;
    this.#gradients = gradients;
  }

  override onTrainEpochEnd(trainer: TrainerContext, module: AnyTrainingModule): void {
    if (trainer.loggers.length > 0 && (trainer.currentEpoch + 1) % this.#everyNEpochs === 0) {
      for (const [name, parameter] of module.namedParameters()) {
        trainer.logHistogram(`weights/${name}`, parameter.variable);
      }
    }
  }

  override onBeforeOptimizerStep(trainer: TrainerContext, module: AnyTrainingModule): void {
    const step = trainer.batchesThatStepped;
    if (!this.#gradients || !isTimeToLog(trainer, step + 1) || trainer.loggers.length === 0) {
      return;
    }
    for (const [name, parameter] of module.namedParameters()) {
      const gradient = trainer.gradients.get(parameter.variable);
      if (gradient !== undefined) {
        trainer.logHistogram(`gradients/${name}`, gradient, step);
      }
    }
  }
}
