/** Models that users of the library add to those that it has a name for. */
import { checkInteger } from "../arguments/check.ts";
import { type AnyModule, OptionError } from "../nn/index.ts";
import type { Parsers, ParseValue } from "./hparam.ts";
import { checkedRegistration, type Made, made } from "./registration.ts";

/**
 * Models that users register, for the types: name and class of the model, to be declared beside {@link registerModel}. `createModel` then
 * knows name, hyper-parameters and result.
 *
 * @example
 * declare module "convbook" {
 *   interface RegisteredModels {
 *     SEResNet: typeof SEResNet;
 *   }
 * }
 */
// biome-ignore lint/suspicious/noEmptyInterface: users add to it, by declaration merging.
export interface RegisteredModels {}

/** A model's class, or a function that makes one of its hyper-parameters. */
export type ModelFactory<H, M> = Made<[hparams: H], M>;

/** Hyper-parameters as a file has them, under our names (numClasses, not num_classes). */
export type Given = Readonly<Record<string, unknown>>;

/** A check for each hyper-parameter, or a function that checks them all and returns them. */
export type ParseHparams<H> = Parsers<H> | ((given: Given) => H);

/** Options of {@link registerModel}. */
export interface RegisterModelOptions {
  /** Size of the images that it is made for, [H, W, C]; [32, 32, 3] by default. */
  readonly inputShape?: readonly number[];
}

/** A model as it was registered. */
export interface RegisteredModel {
  readonly parsers: Readonly<Record<string, ParseValue<unknown>>> | ((given: Given) => unknown);
  readonly create: (hparams: never) => AnyModule;
  readonly inputShape: readonly number[];
}

const registered = new Map<string, RegisteredModel>();

/**
 * Adds a model under a name that `createModel`, `loadFromCheckpoint`, `ClassificationModule` and configurations then know.
 *
 * In a notebook a later model of the same name replaces the earlier, so that a cell can be run again; elsewhere a name is registered once.
 *
 * @param name for example "SEResNet"; none of the library's own
 * @param factory the model's class, or a function that makes one of its hyper-parameters
 * @param parse a check for each hyper-parameter, as `{ numClasses: hparam.integer(1, 1000) }`, or a function that checks all of them and returns
 *   them: they may come from anybody's file
 * @param options inputShape
 * @throws {OptionError} for a name that is taken, naming it
 *
 * @example
 * registerModel("SEResNet", SEResNet, { numClasses: hparam.integer(1, 1000) });
 */
export function registerModel<H extends object, M extends AnyModule>(
  name: string,
  factory: ModelFactory<H, M>,
  parse: ParseHparams<H>,
  options: RegisterModelOptions = {},
): void {
  if (typeof parse !== "function" && (typeof parse !== "object" || parse === null)) {
    throw new OptionError("registerModel", "parse", parse, "a check for each hyper-parameter, or a function");
  }
  const { inputShape = [32, 32, 3] } = checkedRegistration("registerModel", name, factory, options, ["inputShape"], {
    own: ownModelNames.has(name),
    registered: registered.has(name),
  });
  if (!Array.isArray(inputShape) || inputShape.length === 0 || inputShape.length > 3) {
    throw new OptionError("registerModel", "inputShape", inputShape, "[H, W, C], or fewer sizes");
  }
  for (const [i, size] of inputShape.entries()) {
    checkInteger("registerModel", `inputShape[${i}]`, size, 1);
  }
  const parsers = typeof parse === "function" ? parse : { ...parse };
  const create = (hparams: H) => made(factory, `The model ${name}`, [hparams]);
  registered.set(name, { parsers, create, inputShape: [...inputShape] });
}

/** Names that the library itself has; the registry says which. */
const ownModelNames = new Set<string>();

/** Keeps names from being registered by users. */
export function reserveModelNames(names: readonly string[]): void {
  for (const name of names) {
    ownModelNames.add(name);
  }
}

/** The model that was registered under a name. */
export function registeredModel(name: string): RegisteredModel | undefined {
  return registered.get(name);
}

/** Names of the models that were registered, in that order. */
export function registeredModelNames(): readonly string[] {
  return [...registered.keys()];
}
