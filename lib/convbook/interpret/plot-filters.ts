/** The kernels of all convolutions of a network, from its first layer to its last. */
import { UnknownNameError } from "../arguments/names.ts";
import { OptionError } from "../arguments/option-error.ts";
import { refuseUnknownOptions } from "../arguments/options.ts";
import type { ImageGrid } from "../display/image-grid.ts";
import { displaySymbol, type MimeBundle, type Showable } from "../display/mime.ts";
import { escapeXml } from "../display/text.ts";
import { type AnyModule, Conv2d, Module } from "../nn/index.ts";
import { kernelMaps } from "./color.ts";
import { InterpretError } from "./errors.ts";
import { type FilterOptions, filters } from "./filters.ts";

/** Options of {@link plotFilters}. */
export interface PlotFiltersOptions extends Pick<FilterOptions, "outputs" | "inputs" | "scale"> {
  /** Colours, from the lowest weight to the highest: "grey" (black to white, the default) or "green" (dark to light green). */
  readonly cmap?: keyof typeof kernelMaps;
}

/** One picture a convolution. */
export class FilterPlots implements Showable {
  readonly layers: readonly { readonly name: string; readonly grid: ImageGrid }[];

  constructor(layers: readonly { readonly name: string; readonly grid: ImageGrid }[]) {
    this.layers = layers;
  }

  [displaySymbol](): MimeBundle {
    const pictures = this.layers.map(({ name, grid }) => {
      const png = Buffer.from(grid.toPng()).toString("base64");
      const title = `<figcaption>${escapeXml(name)}</figcaption>`;
      return `<figure>${title}<img alt="${escapeXml(grid.alt)}" src="data:image/png;base64,${png}"></figure>`;
    });
    return {
      "text/html": pictures.join("\n"),
      "text/plain": this.layers.map(({ name, grid }) => `${name}: ${grid.alt}`).join("\n"),
    };
  }
}

/**
 * The kernels of every Conv2d of a module, each convolution a picture: a row for each output channel, a column for each input channel.
 *
 * @param module a network, a layer, or a training module
 * @param options cmap, and how much of each convolution is shown (8 outputs and 16 inputs by default)
 * @throws {UnknownNameError} for a colour map that does not exist
 * @throws {InterpretError} where there is no convolution
 *
 * @example
 * plotFilters(model, { cmap: "green" });
 */
export function plotFilters(module: AnyModule, options: PlotFiltersOptions = {}): FilterPlots {
  refuseUnknownOptions("plotFilters", options, ["cmap", "outputs", "inputs", "scale"]);
  if (!(module instanceof Module)) {
    throw new OptionError("plotFilters", "module", module, "a module");
  }
  const { cmap = "grey", ...rest } = options;
  if (typeof cmap !== "string" || !Object.hasOwn(kernelMaps, cmap)) {
    throw new UnknownNameError("cmap", cmap, Object.keys(kernelMaps));
  }
  const convolutions = module.namedModules().filter((entry): entry is [string, Conv2d] => entry[1] instanceof Conv2d);
  if (convolutions.length === 0) {
    throw new InterpretError(`plotFilters: ${module.typeName} has no Conv2d`);
  }
  return new FilterPlots(
    convolutions.map(([path, conv]) => {
      const name = path === "" ? conv.typeName : path;
      return { name, grid: filters(conv, { mode: cmap, ...rest }) };
    }),
  );
}
