/** Curves of the metrics that grow while training goes on: in a notebook one figure, updated in place. */
import { isNumber } from "../../arguments/check.ts";
import { type CurvesOptions, curves, type DisplayHandle, display } from "../../display/index.ts";
import { Callback } from "../core/callback.ts";
import type { TrainerContext } from "../core/trainer-context.ts";
import { refuseUnknownOptions, requireOption, requireSwitches } from "../errors.ts";

export interface LivePlotOptions {
  /** Metrics to draw, for example `["train_loss", "val_loss"]`; default: all that are logged for the callbacks. */
  metrics?: readonly string[];
  /** Whether to draw at all, rather than only to keep the history; default true. */
  show?: boolean;
  /**
   * Milliseconds between two drawings; default a tenth of the time since the first one, from 2 s to 15 s: a drawing takes about a tenth of a
   * second of what training has.
   */
  interval?: number;
  /** Of the figure: title, size, smoothing, logarithmic axes. */
  figure?: Omit<CurvesOptions, "series">;
}

/**
 * @example
 * new Trainer({ callbacks: [new LivePlot({ metrics: ["train_loss"], figure: { smoothing: 0.9 } }), new LivePlot({ metrics: ["val_acc"] })] })
 */
export class LivePlot extends Callback {
  /** Every value so far: the optimizer's step, and the metric. */
  readonly history: Record<string, { x: number[]; y: number[] }> = {};
  readonly #options: LivePlotOptions;
  #handle: DisplayHandle | undefined;
  #firstDrawn: number | undefined;
  #lastDrawn = Number.NEGATIVE_INFINITY;

  constructor(options: LivePlotOptions = {}) {
    super();
    refuseUnknownOptions("LivePlot", options, ["metrics", "show", "interval", "figure"]);
    requireSwitches("LivePlot", options, ["show"]);
    const { metrics, interval = 0, figure = {} } = options;
    requireOption(isNumber(interval, 0), "LivePlot.interval", interval, "a number of at least 0");
    requireOption(typeof figure === "object" && figure !== null, "LivePlot.figure", figure, "options of curves");
    const areNames = Array.isArray(metrics) && metrics.every((metric) => typeof metric === "string");
    requireOption(
      metrics === undefined || (areNames && metrics.length > 0),
      "LivePlot.metrics",
      metrics,
      "a list of at least one metric",
    );
    this.#options = options;
  }

  override get stateKey(): string {
    return `LivePlot${JSON.stringify(this.#options.metrics ?? null)}`;
  }

  override onTrainBatchEnd(trainer: TrainerContext): void {
    this.#collect(trainer, trainer.metrics.training.stepMetrics().callback);
  }

  override onTrainEpochEnd(trainer: TrainerContext): void {
    this.#collect(trainer, trainer.metrics.training.epochMetrics().callback);
  }

  override onValidationEpochEnd(trainer: TrainerContext): void {
    if (!trainer.isSanityChecking) {
      this.#collect(trainer, trainer.metrics.evaluation?.epochMetrics().callback ?? {});
    }
  }

  override onTrainEnd(): void {
    this.#draw();
  }

  override onException(): void {
    this.#draw();
  }

  #collect(trainer: TrainerContext, metrics: Readonly<Record<string, number>>): void {
    let isNew = false;
    for (const [name, value] of Object.entries(metrics)) {
      if (this.#options.metrics !== undefined && !this.#options.metrics.includes(name)) {
        continue;
      }
      isNew = true;
      this.history[name] ??= { x: [], y: [] };
      const { x, y } = this.history[name];
      // A value by epoch may come after the one by step of the same moment.
      if (x.at(-1) === trainer.globalStep) {
        y[y.length - 1] = value;
      } else {
        x.push(trainer.globalStep);
        y.push(value);
      }
    }
    if (isNew && performance.now() - this.#lastDrawn >= this.#interval()) {
      this.#draw();
    }
  }

  #interval(): number {
    const elapsed = performance.now() - (this.#firstDrawn ?? performance.now());
    return this.#options.interval ?? Math.min(15_000, Math.max(2_000, elapsed / 10));
  }

  #draw(): void {
    if (this.#options.show === false || Object.keys(this.history).length === 0) {
      return;
    }
    this.#lastDrawn = performance.now();
    this.#firstDrawn ??= this.#lastDrawn;
    const yLabel = this.#options.metrics?.length === 1 ? (this.#options.metrics[0] ?? "") : "";
    const figure = curves({ yLabel, ...this.#options.figure, series: this.history });
    if (this.#handle === undefined) {
      this.#handle = display(figure);
    } else {
      this.#handle.update(figure);
    }
  }

  override stateDict(): Readonly<Record<string, unknown>> {
    return { history: this.history };
  }

  override loadStateDict(state: Readonly<Record<string, unknown>>): void {
    Object.assign(this.history, structuredClone(state.history));
  }
}
