/** Shows a convolution's kernels at the start of training epochs, as they form, and has loggers that can record them, as `filters/LAYER`. */
import { join, resolve } from "node:path";
import { decodeImage } from "../../data/index.ts";
import { type DisplayHandle, display } from "../../display/index.ts";
import { writeFileAtomic } from "../../files/index.ts";
import { type FilterOptions, filters } from "../../interpret/index.ts";
import { Conv2d } from "../../nn/index.ts";
import { Callback } from "../core/callback.ts";
import type { TrainerContext } from "../core/trainer-context.ts";
import type { AnyTrainingModule } from "../core/training-module.ts";
import { ConfigurationError, refuseUnknownOptions, requireOption, requireSwitches } from "../errors.ts";

export interface FilterVisualizerOptions {
  /** The convolution, by its dotted name, for example `model.input_net.0`; default: the first one. */
  layer?: string;
  /** Every so many epochs; default 1. */
  everyNEpochs?: number;
  /** A folder for PNG files, one an epoch; default: none are written. */
  dirPath?: string;
  /** Show the kernels in the notebook, updated in place; default true. */
  show?: boolean;
  /** How to draw them. */
  filters?: FilterOptions;
}

export class FilterVisualizer extends Callback {
  readonly #options: FilterVisualizerOptions;
  #handle: DisplayHandle | undefined;

  constructor(options: FilterVisualizerOptions = {}) {
    super();
    refuseUnknownOptions("FilterVisualizer", options, ["layer", "everyNEpochs", "dirPath", "show", "filters"]);
    requireSwitches("FilterVisualizer", options, ["show"]);
    const { everyNEpochs = 1 } = options;
    for (const key of ["layer", "dirPath"] as const) {
      const value = options[key];
      requireOption(value === undefined || typeof value === "string", `FilterVisualizer.${key}`, value, "a string");
    }
    requireOption(
      Number.isInteger(everyNEpochs) && everyNEpochs >= 1,
      "FilterVisualizer.everyNEpochs",
      everyNEpochs,
      "a whole number of at least 1",
    );
    this.#options = options;
  }

  override setup(_trainer: TrainerContext, module: AnyTrainingModule): void {
    this.#find(module);
  }

  #find(module: AnyTrainingModule): { name: string; conv: Conv2d } {
    const convolutions = module.namedModules().filter((entry): entry is [string, Conv2d] => entry[1] instanceof Conv2d);
    const { layer } = this.#options;
    const [name, conv] = convolutions.find(([each]) => layer === undefined || each === layer) ?? [];
    if (name === undefined || conv === undefined) {
      const known = convolutions.map(([each]) => each).join(", ");
      throw new ConfigurationError(
        "FilterVisualizer.layer",
        layer,
        `the name of a convolution (${known || "there is none"})`,
      );
    }
    return { name, conv };
  }

  override async onTrainEpochStart(trainer: TrainerContext, module: AnyTrainingModule): Promise<void> {
    const epoch = trainer.currentEpoch;
    if (epoch % (this.#options.everyNEpochs ?? 1) !== 0) {
      return;
    }
    const { name, conv } = this.#find(module);
    const grid = filters(conv, { title: `${name}, epoch ${epoch}`, ...this.#options.filters });
    if (this.#options.show ?? true) {
      if (this.#handle === undefined) {
        this.#handle = display(grid);
      } else {
        this.#handle.update(grid);
      }
    }
    if (trainer.loggers.some((logger) => logger.logImage !== undefined)) {
      trainer.logImage(`filters/${name}`, decodeImage(grid.toPng(), name), trainer.batchesThatStepped);
    }
    const { dirPath } = this.#options;
    if (dirPath !== undefined) {
      await writeFileAtomic(join(resolve(dirPath), `${name}-epoch-${epoch}.png`), grid.toPng());
    }
  }
}
