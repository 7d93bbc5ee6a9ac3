/** Shows convolutions' kernels at the start of training epochs, as they form, and has loggers that can record them, as `filters/LAYER`. */
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
  /** Several convolutions in place of one: their names, or "all", each a picture of its own. */
  layers?: "all" | readonly string[];
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
  readonly #handles = new Map<string, DisplayHandle>();

  constructor(options: FilterVisualizerOptions = {}) {
    super();
    refuseUnknownOptions("FilterVisualizer", options, [
      "layer",
      "layers",
      "everyNEpochs",
      "dirPath",
      "show",
      "filters",
    ]);
    requireSwitches("FilterVisualizer", options, ["show"]);
    const { everyNEpochs = 1 } = options;
    for (const key of ["layer", "dirPath"] as const) {
      const value = options[key];
      requireOption(value === undefined || typeof value === "string", `FilterVisualizer.${key}`, value, "a string");
    }
    const { layer, layers } = options;
    const isList = Array.isArray(layers) && layers.length > 0 && layers.every((name) => typeof name === "string");
    requireOption(
      layers === undefined || layers === "all" || isList,
      "FilterVisualizer.layers",
      layers,
      '"all" or a list of names',
    );
    requireOption(
      layer === undefined || layers === undefined,
      "FilterVisualizer.layers",
      layers,
      "left out where layer is given",
    );
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

  #find(module: AnyTrainingModule): readonly (readonly [name: string, conv: Conv2d])[] {
    const convolutions = module.namedModules().filter((entry): entry is [string, Conv2d] => entry[1] instanceof Conv2d);
    const { layer, layers = layer === undefined ? undefined : [layer] } = this.#options;
    const unknown = (option: string, value: unknown): never => {
      const known = convolutions.map(([each]) => each).join(", ");
      throw new ConfigurationError(
        `FilterVisualizer.${option}`,
        value,
        `the name of a convolution (${known || "there is none"})`,
      );
    };
    if (convolutions.length === 0) {
      unknown(layers === "all" ? "layers" : "layer", layer);
    }
    if (layers === undefined) {
      return convolutions.slice(0, 1);
    }
    const option = layer === undefined ? "layers" : "layer";
    return layers === "all"
      ? convolutions
      : layers.map((name) => convolutions.find(([each]) => each === name) ?? unknown(option, name));
  }

  override async onTrainEpochStart(trainer: TrainerContext, module: AnyTrainingModule): Promise<void> {
    const epoch = trainer.currentEpoch;
    if (epoch % (this.#options.everyNEpochs ?? 1) !== 0) {
      return;
    }
    const { dirPath, show = true } = this.#options;
    for (const [name, conv] of this.#find(module)) {
      const grid = filters(conv, { title: `${name}, epoch ${epoch}`, ...this.#options.filters });
      const handle = this.#handles.get(name);
      if (show && handle === undefined) {
        this.#handles.set(name, display(grid));
      } else if (show) {
        handle?.update(grid);
      }
      if (trainer.loggers.some((logger) => logger.logImage !== undefined)) {
        trainer.logImage(`filters/${name}`, decodeImage(grid.toPng(), name), trainer.batchesThatStepped);
      }
      if (dirPath !== undefined) {
        await writeFileAtomic(join(resolve(dirPath), `${name}-epoch-${epoch}.png`), grid.toPng());
      }
    }
  }
}
