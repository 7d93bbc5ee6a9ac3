/** The kernels of a convolution as pictures. */
import { checkInteger, checkText } from "../arguments/check.ts";
import { UnknownNameError } from "../arguments/names.ts";
import { OptionError } from "../arguments/option-error.ts";
import { refuseUnknownOptions } from "../arguments/options.ts";
import { type ImageGrid, imageGrid } from "../display/image-grid.ts";
import type { Pixels } from "../display/png.ts";
import { type Conv2d, Parameter } from "../nn/index.ts";
import { kernelColors, mapPixels, rangeOf, reachOf, signedColors, signedPixels } from "./color.ts";
import { InterpretError } from "./errors.ts";

export interface FilterOptions {
  /**
   * "rgb": each kernel a colour picture, for convolutions of three channels (the default for those); "grey": one picture for each pair of output and input channel,
   * black to white; "green": the same, dark to light green; "signed": the same in orange (negative) and blue (positive), with one scale for all (the default for the others).
   */
  readonly mode?: "rgb" | "grey" | "green" | "signed";
  /** How many output channels, and with all but "rgb" how many input channels, are shown. */
  readonly outputs?: number;
  readonly inputs?: number;
  /** Enlargement. */
  readonly scale?: number;
  readonly title?: string;
}

const modes: readonly string[] = ["rgb", "grey", "green", "signed"];

/**
 * The kernels of a convolution. In all modes but "signed" each is stretched to its own lowest and highest weight; those of 1x1, which would all be black, to
 * the lowest and highest of all that are shown.
 *
 * @throws InterpretError where "rgb" is asked for and the kernels do not have three channels
 */
export function filters(conv: Conv2d, options: FilterOptions = {}): ImageGrid {
  refuseUnknownOptions("filters", options, ["mode", "outputs", "inputs", "scale", "title"]);
  if (!(conv?.weight instanceof Parameter) || conv.weight.shape.length !== 4) {
    throw new OptionError("filters", "conv", conv, "a Conv2d");
  }
  for (const name of ["outputs", "inputs", "scale"] as const) {
    if (options[name] !== undefined) {
      checkInteger("filters", name, options[name], 1);
    }
  }
  if (options.mode !== undefined && !modes.includes(options.mode)) {
    const error = new UnknownNameError("mode of filters", String(options.mode), modes);
    throw typeof options.mode === "string"
      ? error
      : new OptionError("filters", "mode", options.mode, `one of ${modes.join(", ")}`);
  }
  if (options.title !== undefined) {
    checkText("filters", "title", options.title);
  }
  const { shape, data } = conv.weight.toTensorData() as { shape: readonly number[]; data: Float32Array };
  const [outs = 0, ins = 0, height = 0, width = 0] = shape;
  const mode = options.mode ?? (ins === 3 ? "rgb" : "signed");
  if (mode === "rgb" && ins !== 3) {
    throw new InterpretError(
      `filters: mode "rgb" needs kernels of 3 channels; these have ${ins} (use "grey", "green" or "signed")`,
    );
  }
  const outputs = Math.min(outs, options.outputs ?? (mode === "rgb" ? 64 : 8));
  const inputs = Math.min(ins, options.inputs ?? 16);
  const plane = height * width;
  const scale = options.scale ?? Math.max(1, Math.round((mode === "rgb" ? 44 : 30) / width));
  const shown = `${outputs} of ${outs} kernels${mode === "rgb" ? "" : `, ${inputs} of ${ins} input channels`}`;
  const alt = `Kernels of ${conv.toString()}: ${shown}${mode === "rgb" ? " in colour" : mode !== "signed" ? ` in ${mode}, a row for each output channel` : ", negative weights orange, positive blue, a row for each output channel"}`;
  const common = { scale, alt, ...(options.title === undefined ? {} : { title: options.title }) };
  if (mode === "rgb") {
    const pictures = Array.from({ length: outputs }, (_, o) => ({
      shape: [height, width, 3],
      data: interleave(data, o, plane),
    }));
    return imageGrid(pictures, { ...common, normalize: true, columns: Math.min(outputs, 16) });
  }
  const planes: Float32Array[] = [];
  for (let o = 0; o < outputs; o++) {
    for (let i = 0; i < inputs; i++) {
      planes.push(data.slice((o * ins + i) * plane, (o * ins + i + 1) * plane));
    }
  }
  if (mode !== "signed") {
    const shared = plane === 1 ? rangeOf(planes.map(([weight = 0]) => weight)) : null;
    const pictures = planes.map((values) => mapPixels(values, [height, width], mode, shared ?? rangeOf(values)));
    const colorScale = {
      colors: kernelColors(mode),
      low: "lowest",
      high: "highest",
      label: shared === null ? "weight, in each picture" : "weight",
    };
    return imageGrid(pictures, { ...common, columns: inputs, colorScale });
  }
  const reach = Math.max(...planes.map(reachOf));
  const pictures: Pixels[] = planes.map((values) => signedPixels(values, height, width, reach));
  const colorScale = { colors: signedColors, low: -reach, high: reach, label: "weight" };
  return imageGrid(pictures, { ...common, columns: inputs, colorScale });
}

/** Kernel `o` of [O, 3, H, W] as [H, W, 3]. */
function interleave(data: Float32Array, o: number, plane: number): Float32Array {
  return Float32Array.from({ length: plane * 3 }, (_, i) => data[(o * 3 + (i % 3)) * plane + Math.floor(i / 3)] ?? 0);
}
