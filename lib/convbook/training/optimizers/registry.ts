/** Optimizers by name, for hyper-parameters and configuration files. */
import type { NameLike } from "../../arguments/names.ts";
import { checkObject } from "../../arguments/options.ts";
import { UnknownNameError } from "../../nn/errors.ts";
import { refuseUnknownOptions } from "../errors.ts";
import { Adam, AdamW } from "./adam.ts";
import { Lookahead } from "./lookahead.ts";
import { Muon } from "./muon.ts";
import type { Optimizer, OptimizerParameter, ParametersOrGroups } from "./optimizer.ts";
import { RMSprop } from "./rmsprop.ts";
import { SGD } from "./sgd.ts";

type Parameters = ParametersOrGroups<never> | readonly OptimizerParameter[];
// biome-ignore lint/suspicious/noExplicitAny: options are checked by name here and by value in each constructor
type Factory = (parameters: Parameters, options: any) => Optimizer;

const adamOptions = ["lr", "betas", "eps", "weightDecay", "amsgrad"];
const registry: Readonly<Record<string, { create: Factory; options: readonly string[] }>> = {
  SGD: {
    create: (parameters, options) => new SGD(parameters, { lr: 0.01, ...options }),
    options: ["lr", "momentum", "dampening", "weightDecay", "nesterov"],
  },
  Adam: { create: (parameters, options) => new Adam(parameters, options), options: adamOptions },
  AdamW: { create: (parameters, options) => new AdamW(parameters, options), options: adamOptions },
  RMSprop: {
    create: (parameters, options) => new RMSprop(parameters, options),
    options: ["lr", "alpha", "eps", "weightDecay", "momentum", "centered"],
  },
  Muon: {
    create: (parameters, options) => new Muon(parameters, options),
    options: [
      ...["lr", "momentum", "nesterov", "weightDecay", "nsSteps", "nsCoefficients"],
      ...["eps", "adjustLrFn", "normalize"],
    ],
  },
};

export type OptimizerName = "SGD" | "Adam" | "AdamW" | "RMSprop" | "Muon";
/** The names that {@link createOptimizer} knows. */
export const optimizerNames = Object.keys(registry) as readonly OptimizerName[];

/**
 * Makes an optimizer by name. The extra option `lookahead` (true or `{ k, alpha }`) wraps it. PyTorch's spelling of options
 * (`weight_decay`) is understood too, since checkpoints from there carry it.
 *
 * @throws UnknownNameError and UnknownOptionError with the nearest names
 */
export function createOptimizer(
  name: NameLike<OptimizerName>,
  parameters: Parameters,
  options: Readonly<Record<string, unknown>> = {},
): Optimizer {
  const entry = Object.hasOwn(registry, name) ? registry[name] : undefined;
  if (entry === undefined) {
    throw new UnknownNameError("optimizer", name, optimizerNames);
  }
  checkObject(name, "options", options);
  const { lookahead, ...given } = Object.fromEntries(
    Object.entries(options).map(([key, value]) => [
      key.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
      value,
    ]),
  );
  refuseUnknownOptions(name, given, [...entry.options, "lookahead"]);
  const optimizer = entry.create(parameters, given);
  if (lookahead === undefined || lookahead === false) {
    return optimizer;
  }
  return new Lookahead(optimizer, typeof lookahead === "object" && lookahead !== null ? lookahead : {});
}
