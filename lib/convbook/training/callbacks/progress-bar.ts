/** Progress in a notebook (one output, updated in place), a terminal (one line) or a log (a line now and then). */
import { isNumber } from "../../arguments/check.ts";
import { Progress } from "../../display/index.ts";
import { Callback } from "../core/callback.ts";
import type { TrainerContext } from "../core/trainer-context.ts";
import type { AnyTrainingModule } from "../core/training-module.ts";
import { refuseUnknownOptions, requireOption } from "../errors.ts";
import type { Metrics } from "../logging/results.ts";

export interface ProgressBarOptions {
  /** Milliseconds between updates; default 200. */
  refreshInterval?: number;
}

/** Shows a bar an epoch with the metrics that were logged with `progressBar: true`, and a bar for evaluations. */
export class ProgressBar extends Callback {
  readonly #interval: number;
  #bar: Progress | undefined;
  #evaluationBar: Progress | undefined;

  constructor(options: ProgressBarOptions = {}) {
    super();
    refuseUnknownOptions("ProgressBar", options, ["refreshInterval"]);
    const { refreshInterval = 200 } = options;
    requireOption(
      isNumber(refreshInterval, 0),
      "ProgressBar.refreshInterval",
      refreshInterval,
      "a number of at least 0",
    );
    this.#interval = refreshInterval;
  }

  #open(label: string, total: number): Progress {
    return new Progress(Number.isFinite(total) ? total : undefined, {
      label,
      unit: "step",
      interval: this.#interval,
    });
  }

  #openTraining(trainer: TrainerContext): Progress {
    this.#bar = this.#open(`Epoch ${trainer.currentEpoch}`, trainer.numTrainingBatches);
    return this.#bar;
  }

  override onTrainEpochStart(trainer: TrainerContext): void {
    this.#bar?.close();
    this.#openTraining(trainer);
  }

  override onTrainBatchEnd(trainer: TrainerContext): void {
    const bar = this.#bar ?? this.#openTraining(trainer);
    bar.set(trainer.progress.batch, noteOf(trainer.progressBarMetrics));
  }

  override onTrainEpochEnd(trainer: TrainerContext): void {
    this.#bar?.set(trainer.progress.batch, noteOf(trainer.progressBarMetrics));
    this.#bar?.close();
    this.#bar = undefined;
  }

  override onException(): void {
    this.#bar?.close(true);
    this.#bar = undefined;
    this.#evaluationBar?.close(true);
    this.#evaluationBar = undefined;
  }

  override onValidationBatchEnd(
    trainer: TrainerContext,
    _module: AnyTrainingModule,
    _outputs: unknown,
    _batch: unknown,
    index: number,
  ): void {
    const total = trainer.numEvaluationBatches;
    const of = Number.isFinite(total) ? `/${total}` : "";
    this.#bar?.set(trainer.progress.batch, `validating ${index + 1}${of}`);
  }

  override onValidationEnd(trainer: TrainerContext): void {
    this.#bar?.set(trainer.progress.batch, noteOf(trainer.progressBarMetrics));
  }

  override onTestStart(trainer: TrainerContext): void {
    this.#evaluationBar = this.#open("Testing", trainer.numEvaluationBatches);
  }

  override onTestBatchEnd(): void {
    this.#evaluationBar?.advance();
  }

  override onTestEnd(): void {
    this.#evaluationBar?.close();
    this.#evaluationBar = undefined;
  }

  override onPredictStart(trainer: TrainerContext): void {
    this.#evaluationBar = this.#open("Predicting", trainer.numEvaluationBatches);
  }

  override onPredictBatchEnd(): void {
    this.#evaluationBar?.advance();
  }

  override onPredictEnd(): void {
    this.#evaluationBar?.close();
    this.#evaluationBar = undefined;
  }
}

/** Metrics in a few words. */
export function noteOf(metrics: Metrics): string {
  return Object.entries(metrics)
    .map(([name, value]) => `${name} ${Number.isInteger(value) ? value : value.toPrecision(3)}`)
    .join(", ");
}
