/**
 * What the loss looks like around a network's weights: a slice along one or two random directions.
 *
 * Weights of a rectifier network have no scale of their own (twice a layer's weights and half of the next one's is the same function), so a plain random
 * direction says more about the size of the weights than about the loss. The directions are therefore scaled filter by filter to the norm of the filter
 * that they change: H. Li et al., "Visualizing the Loss Landscape of Neural Nets", 2018.
 */
import * as tf from "@tensorflow/tfjs-core";
import { checkFunction, checkInteger, isNumber } from "../arguments/check.ts";
import { refuseUnknownOptions } from "../arguments/options.ts";
import { curves, type FigureOptions } from "../display/figures/curves.ts";
import { heatmap } from "../display/figures/heatmap.ts";
import { displaySymbol, type MimeBundle, type MimeMetadata, metadataSymbol, type Showable } from "../display/mime.ts";
import { type PlotlyFigure, plotly } from "../display/plotly.ts";
import type { VegaLiteFigure } from "../display/vega-lite.ts";
import { type AnyModule, type Parameter, UnknownNameError } from "../nn/index.ts";
import { permute } from "../nn/parameter.ts";
import { Generator, randn } from "../random/index.ts";
import { InterpretError } from "./errors.ts";
import { checkModel, inMode } from "./model.ts";

const normalizations = ["filter", "layer", "none"] as const;

/** How a random direction is scaled: to the norm of each filter (row of a matrix), of each layer, or not at all. */
export type DirectionNormalization = (typeof normalizations)[number];

export interface LossSurfaceOptions {
  /** 1 for a curve, 2 (default) for a surface. */
  readonly dimensions?: 1 | 2;
  /** Points along each direction, an odd number so that the middle one is the network itself; 21 by default. */
  readonly points?: number;
  /** How far to go in each direction; with "filter", 1 (default) is a change as large as the weights themselves. */
  readonly radius?: number;
  /** Of the directions, which PyTorch's `torch.randn` gives for the same seed; 0 by default. */
  readonly seed?: number;
  readonly normalization?: DirectionNormalization;
  /** Run in training mode, with the batch's own statistics in normalisations; false by default. Running statistics stay as they are. */
  readonly training?: boolean;
}

export interface LossSurfaceFigureOptions extends FigureOptions {
  /** Limits of the loss: colours and height of a surface (logarithmic where they differ by more than ten times), axis of a curve. Share them between figures that are compared. */
  readonly domain?: readonly [low: number, high: number];
}

/** Losses on a grid around a network's weights. */
export class LossSurface implements Showable {
  /** Places along the first direction, from -radius to radius. */
  readonly alphas: readonly number[];
  /** Places along the second direction; [0] where there is one direction only. */
  readonly betas: readonly number[];
  /** A row for each beta, a number for each alpha. */
  readonly losses: readonly Float32Array[];

  constructor(alphas: readonly number[], betas: readonly number[], losses: readonly Float32Array[]) {
    this.alphas = alphas;
    this.betas = betas;
    this.losses = losses;
  }

  /** The loss of the network itself, in the middle. */
  get center(): number {
    return this.losses[(this.betas.length - 1) / 2]?.[(this.alphas.length - 1) / 2] ?? Number.NaN;
  }

  /** How a loss is drawn as colour or height: by its logarithm where the limits differ by more than ten times, and as it is otherwise. */
  #scale(domain: readonly [low: number, high: number] | undefined) {
    const all = this.losses.flatMap((row) => [...row]).filter(Number.isFinite);
    const [low, high] = domain ?? [Math.min(...all), Math.max(...all)];
    if (high <= 10 * low) {
      return { label: "loss", of: (loss: number) => loss };
    }
    // Exact zeros have no logarithm; they are drawn as the smallest loss that has one.
    const least = Math.min(...all.filter((value) => value > 0), Number.MAX_VALUE);
    return { label: "log₁₀ loss", of: (loss: number) => Math.log10(Math.max(loss, least)) };
  }

  /** A curve, or a heat map whose colours follow the loss, or its logarithm where the limits differ by more than ten times. */
  toFigure({ domain, title, ...options }: LossSurfaceFigureOptions = {}): VegaLiteFigure {
    const shared = { ...options, ...(title === undefined ? {} : { title }) };
    if (this.betas.length === 1) {
      return curves({
        series: { loss: { x: [...this.alphas], y: this.losses[0] ?? [] } },
        xLabel: "step along the direction",
        yLabel: "loss",
        ...(domain === undefined ? {} : { yDomain: domain }),
        ...shared,
      });
    }
    const all = this.losses.flatMap((row) => [...row]).filter(Number.isFinite);
    const alt = `Heat map${title === undefined ? "" : ` "${title}"`} of the loss around the weights: ${this.center.toPrecision(3)} in the middle, from ${Math.min(...all).toPrecision(3)} to ${Math.max(...all).toPrecision(3)} over the slice`;
    const scale = this.#scale(domain);
    const names = (places: readonly number[]) => places.map((place) => String(Number(place.toFixed(2))));
    return heatmap({
      values: this.losses,
      shade: this.losses.map((row) => Array.from(row, scale.of)),
      colorLabel: scale.label,
      xLabels: names(this.alphas),
      yLabels: names(this.betas),
      xLabel: "first direction",
      yLabel: "second direction",
      annotate: false,
      yUp: true,
      ...(domain === undefined ? {} : { domain: [scale.of(domain[0]), scale.of(domain[1])] as const }),
      alt,
      ...shared,
    });
  }

  /**
   * The surface in three dimensions, to be turned and looked up by pointing, where Plotly is shown; elsewhere the same heat map as `toFigure`'s.
   *
   * @throws InterpretError where there is one direction only
   */
  toSurface({ domain, title, alt, width = 640, height = 480 }: LossSurfaceFigureOptions = {}): PlotlyFigure {
    if (this.betas.length === 1) {
      throw new InterpretError("LossSurface.toSurface: there is one direction; expected two (toFigure draws a curve)");
    }
    const scale = this.#scale(domain);
    const range = domain?.map(scale.of);
    const limits = range === undefined ? {} : { cmin: range[0], cmax: range[1] };
    const trace = {
      type: "surface",
      name: "loss",
      x: this.alphas,
      y: this.betas,
      z: this.losses.map((row) => Array.from(row, scale.of)),
      customdata: this.losses,
      hovertemplate: "%{x:.2f}, %{y:.2f}<br>loss %{customdata:.4~g}<extra></extra>",
      colorscale: "Viridis",
      colorbar: { title: { text: scale.label } },
      contours: { z: { show: true, usecolormap: true, project: { z: true } } },
      ...limits,
    };
    const axis = (text: string) => ({ title: { text } });
    const layout = {
      width,
      height,
      ...(title === undefined ? {} : { title: { text: title } }),
      scene: {
        xaxis: axis("first direction"),
        yaxis: axis("second direction"),
        zaxis: { ...axis(scale.label), ...(range && { range }) },
      },
      margin: { l: 0, r: 0, b: 0, t: title === undefined ? 0 : 40 },
    };
    const flat = this.toFigure({
      ...(domain && { domain }),
      ...(title !== undefined && { title }),
      ...(alt !== undefined && { alt }),
    });
    return plotly([trace], layout, { alt: flat.alt, picture: flat.toSvg() });
  }

  [displaySymbol](): MimeBundle | Promise<MimeBundle> {
    return this.toFigure()[displaySymbol]();
  }

  [metadataSymbol](): MimeMetadata {
    return this.toFigure()[metadataSymbol]();
  }
}

/**
 * The loss at weights + α·d₁ + β·d₂ on a grid of α and β. Biases and normalisation parameters (everything of fewer than two dimensions) stay fixed unless
 * `normalization` is "none".
 *
 * @param model any network; its weights are changed on the way and put back, also after an error
 * @param loss computes the scalar loss with the model, synchronously
 * @throws InterpretError for options out of range, or a loss that is no scalar
 * @throws UnknownNameError for an unknown normalisation
 * @example
 * const surface = await lossSurface(model, () => criterion.forward(model.forward(images), labels), { points: 21 });
 * display(surface.toFigure({ title: "Around the trained weights" }));
 */
export async function lossSurface(
  model: AnyModule,
  loss: () => tf.Tensor,
  options: LossSurfaceOptions = {},
): Promise<LossSurface> {
  const owner = "lossSurface";
  checkModel(owner, model);
  checkFunction(owner, "loss", loss);
  refuseUnknownOptions(owner, options, ["dimensions", "points", "radius", "seed", "normalization", "training"]);
  const { dimensions = 2, points = 21, radius = 1, seed = 0, normalization = "filter", training = false } = options;
  if (dimensions !== 1 && dimensions !== 2) {
    throw new InterpretError(`lossSurface: dimensions is ${dimensions}; expected 1 or 2`);
  }
  if (!Number.isInteger(points) || points < 3 || points % 2 === 0) {
    throw new InterpretError(`lossSurface: points is ${points}; expected an odd number of at least 3`);
  }
  if (!isNumber(radius, Number.MIN_VALUE, Number.MAX_VALUE)) {
    throw new InterpretError(`lossSurface: radius is ${radius}; expected a positive number`);
  }
  if (!normalizations.includes(normalization)) {
    throw new UnknownNameError("normalization", normalization, normalizations);
  }
  checkInteger(owner, "seed", seed, 0);
  const parameters = model.parameters();
  const generator = new Generator(seed);
  const half = (points - 1) / 2;
  const alphas = Array.from({ length: points }, (_, i) => ((i - half) / half) * radius);
  const betas = dimensions === 1 ? [0] : alphas;

  return inMode(model, training, async () => {
    const owned: tf.Tensor[] = [];
    const own = (tensor: tf.Tensor): tf.Tensor => {
      owned.push(tensor);
      return tensor;
    };
    const starts = parameters.map(({ variable }) => ({ variable, weight: own(tf.clone(variable)) }));
    try {
      const directions = Array.from({ length: dimensions }, () =>
        parameters.map((parameter) => directionOf(parameter, generator, normalization)),
      ).map((direction) => direction.map((tensor) => tensor && own(tensor)));
      const losses: Float32Array[] = [];
      for (const beta of betas) {
        const row = new Float32Array(points);
        for (const [i, alpha] of alphas.entries()) {
          const value = tf.tidy(() => {
            for (const [p, { variable, weight }] of starts.entries()) {
              let moved = weight;
              for (const [d, step] of [alpha, beta].slice(0, dimensions).entries()) {
                const direction = directions[d]?.[p];
                if (direction) {
                  moved = tf.add(moved, tf.mul(direction, step));
                }
              }
              variable.assign(moved);
            }
            return loss();
          });
          try {
            if (value.size !== 1) {
              throw new InterpretError(
                `lossSurface: the loss has shape [${value.shape.join(", ")}]; expected a scalar`,
              );
            }
            row[i] = (await value.data())[0] ?? Number.NaN;
          } finally {
            value.dispose();
          }
        }
        losses.push(row);
      }
      return new LossSurface(alphas, betas, losses);
    } finally {
      for (const { variable, weight } of starts) {
        variable.assign(weight);
      }
      tf.dispose(owned);
    }
  });
}

/** A random direction for one parameter, in its layout in memory; null where it stays fixed. Draws come in PyTorch's layout and order. */
function directionOf(
  parameter: Parameter,
  generator: Generator,
  normalization: DirectionNormalization,
): tf.Tensor | null {
  const { shape, layout } = parameter;
  const drawn = randn(shape, { generator }).data;
  if (normalization !== "none") {
    if (shape.length < 2) {
      return null;
    }
    const weights = parameter.toTensorData().data as Float32Array;
    const length = normalization === "filter" ? weights.length / (shape[0] ?? 1) : weights.length;
    for (let from = 0; from < weights.length; from += length) {
      let ofWeights = 0;
      let ofDrawn = 0;
      for (let i = from; i < from + length; i++) {
        ofWeights += (weights[i] ?? 0) ** 2;
        ofDrawn += (drawn[i] ?? 0) ** 2;
      }
      const scale = Math.sqrt(ofWeights) / (Math.sqrt(ofDrawn) + 1e-10);
      for (let i = from; i < from + length; i++) {
        drawn[i] = (drawn[i] ?? 0) * scale;
      }
    }
  }
  return tf.tensor(permute(drawn, shape, layout), parameter.variable.shape, "float32");
}
