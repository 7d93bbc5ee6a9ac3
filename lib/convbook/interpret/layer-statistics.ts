/** How large the numbers in a network are, layer by layer: on the way forward (activations) and on the way back (gradients). */
import * as tf from "@tensorflow/tfjs-core";
import { checkFunction } from "../arguments/check.ts";
import { OptionError } from "../arguments/option-error.ts";
import { refuseUnknownOptions } from "../arguments/options.ts";
import { curves, type FigureOptions } from "../display/figures/curves.ts";
import { type HistogramOptions, histogram } from "../display/figures/histogram.ts";
import { displaySymbol, type MimeBundle, type MimeMetadata, metadataSymbol, type Showable } from "../display/mime.ts";
import type { VegaLiteFigure } from "../display/vega-lite.ts";
import type { AnyModule, Module } from "../nn/index.ts";
import { valueAndGrads } from "../training/gradients/gradients.ts";
import { InterpretError } from "./errors.ts";
import { checkModel, inMode, type LayerRef, resolveLayer } from "./model.ts";

/** The numbers of one layer's output, or of one parameter's gradient. */
export interface LayerNumbers {
  /** Dotted name of the layer or parameter. */
  readonly name: string;
  /** Shape as TensorFlow.js has it: activations [N, …, C], gradients in the parameter's layout in memory. */
  readonly shape: readonly number[];
  readonly mean: number;
  /** Standard deviation over all numbers (divided by their count). */
  readonly std: number;
  /** Euclidean norm. */
  readonly norm: number;
  /** Share of numbers that are exactly zero, from 0 to 1. */
  readonly zeros: number;
  readonly values: Float32Array;
}

/** Statistics by layer, in the order in which the layers ran. Displays as the standard deviation through depth. */
export class LayerStatistics implements Showable {
  readonly layers: readonly LayerNumbers[];
  /** What the numbers are: "activation" or "gradient". */
  readonly quantity: string;

  constructor(layers: readonly LayerNumbers[], quantity: string) {
    this.layers = layers;
    this.quantity = quantity;
  }

  /** The standard deviations through depth on a logarithmic axis. A zero is a gap. */
  toFigure(options: FigureOptions = {}): VegaLiteFigure {
    return curves({
      series: {
        [this.quantity]: { x: this.layers.map((_, i) => i + 1), y: this.layers.map(({ std }) => std) },
      },
      logY: true,
      xLabel: "layer",
      yLabel: `standard deviation of the ${this.quantity}`,
      ...options,
    });
  }

  /**
   * Histograms of some layers over one another, as shares.
   *
   * @param names which, all by default
   * @throws InterpretError for a name that is not there
   */
  toHistogram(
    names: readonly string[] = this.layers.map(({ name }) => name),
    options: Omit<HistogramOptions, "values"> = {},
  ): VegaLiteFigure {
    const chosen = names.map((name) => [name, this.get(name).values] as const);
    return histogram({
      values: new Map(chosen),
      density: true,
      xLabel: this.quantity,
      ...options,
    });
  }

  /** One layer's numbers. @throws InterpretError naming the layers that there are */
  get(name: string): LayerNumbers {
    const found = this.layers.find((layer) => layer.name === name);
    if (found !== undefined) {
      return found;
    }
    const known = this.layers.map((layer) => layer.name);
    throw new InterpretError(
      `there is no ${this.quantity} of "${name}"; there are ${known.slice(0, 12).join(", ")}${known.length > 12 ? ", …" : ""}`,
    );
  }

  [displaySymbol](): MimeBundle | Promise<MimeBundle> {
    return this.toFigure()[displaySymbol]();
  }

  [metadataSymbol](): MimeMetadata {
    return this.toFigure()[metadataSymbol]();
  }
}

/** How {@link activationStatistics} and {@link gradientStatistics} run the model. */
export interface StatisticsOptions {
  /**
   * Run in training mode, where normalisation uses the batch's own statistics: what the first step of training sees. Running statistics are put back
   * afterwards. False by default.
   */
  readonly training?: boolean;
}

export interface ActivationStatisticsOptions extends StatisticsOptions {
  /** Which layers; by default all that contain no others. */
  readonly layers?: readonly LayerRef[];
}

/**
 * What comes out of each layer.
 *
 * @param model any network; left as it was
 * @param inputs what its forward pass takes; not disposed
 * @returns one entry for each time that a layer ran, in that order; a layer that runs again (a shared one) is named "name (2)"
 * @throws InterpretError where a layer is not there or none ran
 * @example
 * const statistics = await activationStatistics(model, images);
 * display(statistics.toFigure({ title: "Through depth" }));
 */
export async function activationStatistics<In extends unknown[], Out>(
  model: Module<In, Out>,
  inputs: In | In[0],
  options: ActivationStatisticsOptions = {},
): Promise<LayerStatistics> {
  const owner = "activationStatistics";
  checkModel(owner, model);
  refuseUnknownOptions(owner, options, ["layers", "training"]);
  const { layers, training = false } = options;
  if (layers !== undefined && !Array.isArray(layers)) {
    throw new OptionError(owner, "layers", layers, "a list of names or modules");
  }
  if (!(Array.isArray(inputs) ? inputs : [inputs]).every((input) => input instanceof tf.Tensor)) {
    throw new OptionError(owner, "inputs", inputs, "a tensor, or a list of the model's inputs");
  }
  const chosen =
    (layers as readonly LayerRef[] | undefined)?.map((layer) => resolveLayer(model, layer)) ??
    model
      .namedModules()
      .filter(([, module]) => module.children().length === 0)
      .map(([name, module]) => ({ name, module }));
  const outputs: { name: string; output: tf.Tensor }[] = [];
  const removals: (() => void)[] = [];
  return inMode(model, training, async () => {
    try {
      for (const { name, module } of chosen) {
        let calls = 0;
        const remove = (module as AnyModule).registerForwardHook((_module, _inputs, output) => {
          calls++;
          if (output instanceof tf.Tensor) {
            outputs.push({ name: calls === 1 ? name : `${name} (${calls})`, output: tf.keep(tf.clone(output)) });
          }
          return undefined;
        });
        removals.push(remove);
      }
      tf.tidy(() => {
        model.forward(...((Array.isArray(inputs) ? inputs : [inputs]) as In));
      });
      if (outputs.length === 0) {
        throw new InterpretError("activationStatistics: none of the layers ran");
      }
      const found: LayerNumbers[] = [];
      for (const { name, output } of outputs) {
        found.push(await numbersOf(name, output));
      }
      return new LayerStatistics(found, "activation");
    } finally {
      for (const remove of removals) {
        remove();
      }
      tf.dispose(outputs.map(({ output }) => output));
    }
  });
}

/**
 * The gradient of a loss by each parameter.
 *
 * @param model any network; neither its weights nor its running statistics change
 * @param loss computes the scalar loss with the model, synchronously
 * @returns one entry for each trainable parameter that the loss depends on, in the order of `namedParameters()`
 * @example
 * const gradients = await gradientStatistics(model, () => criterion.forward(model.forward(images), labels));
 * display(gradients.toHistogram(["0.weight"]));
 */
export async function gradientStatistics(
  model: AnyModule,
  loss: () => tf.Tensor,
  options: StatisticsOptions = {},
): Promise<LayerStatistics> {
  checkModel("gradientStatistics", model);
  checkFunction("gradientStatistics", "loss", loss);
  refuseUnknownOptions("gradientStatistics", options, ["training"]);
  const { training = false } = options;
  const parameters = model.namedParameters().filter(([, parameter]) => parameter.requiresGrad);
  if (parameters.length === 0) {
    throw new InterpretError("gradientStatistics: the model has no trainable parameters");
  }
  return inMode(model, training, async () => {
    const variables = parameters.map(([, parameter]) => parameter.variable);
    const { value, gradients } = valueAndGrads(loss, variables);
    try {
      const found: LayerNumbers[] = [];
      for (const [name, parameter] of parameters) {
        const gradient = gradients.get(parameter.variable);
        if (gradient !== undefined) {
          found.push(await numbersOf(name, gradient));
        }
      }
      return new LayerStatistics(found, "gradient");
    } finally {
      tf.dispose([value, ...gradients.values()]);
    }
  });
}

/** Sums are of doubles, so that a million numbers lose nothing. */
async function numbersOf(name: string, tensor: tf.Tensor): Promise<LayerNumbers> {
  const values = Float32Array.from(await tensor.data());
  let sum = 0;
  let squares = 0;
  let zeros = 0;
  for (const value of values) {
    sum += value;
    squares += value * value;
    if (value === 0) {
      zeros++;
    }
  }
  const mean = sum / values.length;
  let deviations = 0;
  for (const value of values) {
    deviations += (value - mean) ** 2;
  }
  return {
    name,
    shape: tensor.shape,
    mean,
    std: Math.sqrt(deviations / values.length),
    norm: Math.sqrt(squares),
    zeros: zeros / values.length,
    values,
  };
}
