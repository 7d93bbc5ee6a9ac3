/**
 * Models by name, for programs and files that choose one at run time. Somebody who wants to learn an architecture reads its own file.
 */
import { checkObject } from "../arguments/options.ts";
import { type AnyModule, OptionError, UnknownNameError, withParameterBudget } from "../nn/index.ts";
import { Cifar100ResNet, type Cifar100ResNetHparams } from "./cifar100-resnet.ts";
import { DenseNet, type DenseNetHparams } from "./densenet.ts";
import { classes, count, entry, maxWidth, width } from "./entry.ts";
import { GoogleNet, type GoogleNetHparams } from "./googlenet.ts";
import { activationName, boolean, choice, integer, integers, type Parsers, type ParseValue } from "./hparam.ts";
import { imageNetEntries } from "./imagenet-entries.ts";
import { residualBlockNames } from "./registered-blocks.ts";
import {
  type ModelFactory,
  type RegisteredModels,
  registeredModel,
  registeredModelNames,
  reserveModelNames,
} from "./registered-models.ts";
import { ResNet, type ResNetHparams } from "./resnet.ts";

const cifar = [32, 32, 3] as const;

const googleNetParsers: Parsers<GoogleNetHparams> = { numClasses: classes, actFnName: activationName };

const resNetParsers: Parsers<ResNetHparams> = {
  numClasses: classes,
  numBlocks: integers(1, 1024),
  cHidden: integers(1, maxWidth),
  actFnName: activationName,
  blockName: (owner, option, value) => choice("residual block", residualBlockNames())(owner, option, value),
};

const denseNetParsers: Parsers<DenseNetHparams> = {
  numClasses: classes,
  numLayers: integers(1, 1024),
  bnSize: count,
  growthRate: width,
  actFnName: activationName,
};

const cifar100Parsers: Parsers<Cifar100ResNetHparams> = {
  inChannels: integer(1, 1024),
  numClasses: classes,
  width: integer(1, 1024),
  shared: boolean,
};

const registry = {
  GoogleNet: entry({ parsers: googleNetParsers, create: (hparams) => new GoogleNet(hparams), inputShape: cifar }),
  ResNet: entry({ parsers: resNetParsers, create: (hparams) => new ResNet(hparams), inputShape: cifar }),
  ResNetPreAct: entry({
    parsers: resNetParsers,
    create: (hparams) => new ResNet({ blockName: "PreActResNetBlock", ...hparams }),
    inputShape: cifar,
  }),
  DenseNet: entry({ parsers: denseNetParsers, create: (hparams) => new DenseNet(hparams), inputShape: cifar }),
  Cifar100ResNet: entry({
    parsers: cifar100Parsers,
    create: (hparams) => new Cifar100ResNet(hparams),
    inputShape: cifar,
  }),
  ...imageNetEntries,
} as const;

type Registry = typeof registry;

reserveModelNames(Object.keys(registry));

/** Hyper-parameters and model of what users declared for the types. */
type HparamsOf<F> = F extends ModelFactory<infer H, infer _> ? NonNullable<H> : never;
type ModelOf<F> = F extends ModelFactory<infer _, infer M> ? M : never;

/** Name of a model: of the library's, or of those that users declared in {@link RegisteredModels}. */
export type ModelName = keyof Registry | keyof RegisteredModels;

/** Hyper-parameters of each model. */
export type ModelHparams = { [N in keyof Registry]: NonNullable<Parameters<Registry[N]["create"]>[0]> } & {
  [N in keyof RegisteredModels]: HparamsOf<RegisteredModels[N]>;
};

/** The class of each model. */
export type ModelByName = { [N in keyof Registry]: ReturnType<Registry[N]["create"]> } & {
  [N in keyof RegisteredModels]: ModelOf<RegisteredModels[N]>;
};

/** What the models that take these inputs give for them; unknown where the types know none that does. */
type OutputOfSome<In extends unknown[], M = ModelByName[ModelName]> = [OutputOfEach<In, M>] extends [never]
  ? unknown
  : OutputOfEach<In, M>;
type OutputOfEach<In extends unknown[], M> = M extends { forward(...inputs: infer _): unknown }
  ? M["forward"] extends (...inputs: In) => infer Out
    ? Out
    : never
  : never;

/**
 * A model whose name only the running program knows. What its forward pass gives is what those models give, of all that have a name, that take what it
 * is given: logits for images with the library's own, and for other inputs what the models of {@link RegisteredModels} give.
 */
export interface SomeModel extends AnyModule {
  forward<In extends unknown[]>(...inputs: In): OutputOfSome<In>;
}

/** The model of this name, where it is one that the types know. */
export type ModelNamed<N> = N extends ModelName ? ModelByName[N] : SomeModel;

/** Names of all models: the library's, then those that were registered. */
export function modelNames(): readonly ModelName[] {
  return [...Object.keys(registry), ...registeredModelNames()] as ModelName[];
}

/** A model of the library, or one that was registered. */
function entryOfModel(name: string) {
  return Object.hasOwn(registry, name) ? registry[name as keyof Registry] : registeredModel(name);
}

/**
 * The name of a model, checked.
 *
 * @throws {UnknownNameError} with the nearest right names
 */
export function parseModelName(name: unknown): ModelName {
  if (typeof name !== "string") {
    throw new OptionError("A model", "name", name, `one of ${modelNames().join(", ")}`);
  }
  if (entryOfModel(name) !== undefined) {
    return name as ModelName;
  }
  const error = new UnknownNameError("model", name, modelNames());
  error.message += " A model of your own has its name from registerModel: run that first.";
  throw error;
}

/** Python's num_classes as numClasses; other names stay. */
function camelCase(name: string): string {
  return name.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

function entriesOf(owner: string, hparams: unknown): [string, unknown][] {
  if (hparams === undefined || hparams === null) {
    return [];
  }
  const pairs: [unknown, unknown][] =
    hparams instanceof Map
      ? [...hparams]
      : typeof hparams === "object" && !Array.isArray(hparams)
        ? Object.entries(hparams)
        : [];
  if (pairs.length === 0 && (typeof hparams !== "object" || Array.isArray(hparams))) {
    throw new OptionError(owner, "hyper-parameters", hparams, "an object or a Map");
  }
  return pairs.map(([key, value]) => {
    if (typeof key !== "string") {
      throw new OptionError(owner, "the name of a hyper-parameter", key, "a string");
    }
    return [key, value];
  });
}

/**
 * Hyper-parameters of a model from untrusted data, as a checkpoint holds them: an object or Map with Python's names (num_classes) or ours
 * (numClasses).
 *
 * @param name name of the model
 * @param hparams the data
 * @returns the hyper-parameters with our names, each checked
 * @throws {UnknownNameError} for a hyper-parameter or value name that does not exist, with the nearest right ones
 * @throws {OptionError} for a value out of range
 */
export function parseModelHparams<N extends ModelName>(name: N, hparams: unknown): ModelHparams[N] {
  const parsers = entryOfModel(parseModelName(name))?.parsers ?? {};
  const given = entriesOf(name, hparams).map(([asGiven, value]) => ({ asGiven, option: camelCase(asGiven), value }));
  if (typeof parsers === "function") {
    const parsed = parsers(Object.fromEntries(given.map(({ option, value }) => [option, value])));
    checkObject(name, "what parse returns", parsed);
    return parsed as ModelHparams[N];
  }
  const known: Readonly<Record<string, ParseValue<unknown>>> = parsers;
  const parsed = given.map(({ asGiven, option, value }): [string, unknown] => {
    const parse = Object.hasOwn(known, option) ? known[option] : undefined;
    if (parse === undefined) {
      throw new UnknownNameError(`hyper-parameter of ${name}`, asGiven, Object.keys(known));
    }
    return [option, parse(name, option, value)];
  });
  return Object.fromEntries(parsed) as ModelHparams[N];
}

/**
 * Builds a model by name.
 *
 * @param name name of the model; see {@link modelNames}
 * @param hparams its hyper-parameters; the defaults are those of UvA Deep Learning Tutorial 5
 * @returns the model, with initial weights drawn from the default random generator
 * @throws {UnknownNameError} for a name that does not exist, with the nearest right ones
 *
 * @example
 * const model = createModel("ResNet", { numBlocks: [3, 3, 3], cHidden: [16, 32, 64] });
 */
export function createModel<N extends ModelName>(
  name: N,
  hparams: ModelHparams[N] = {} as ModelHparams[N],
): ModelByName[N] {
  const known = parseModelName(name);
  const create = entryOfModel(known)?.create as (hparams: unknown) => ModelByName[N];
  return create(parseModelHparams(known, hparams));
}

/** The most values that a model described by a file may have: a gibibyte, twice the largest network here. */
const mostElements = 2 ** 28;

/**
 * Builds a model from untrusted data: a name and hyper-parameters as a checkpoint holds them. A network of more than 2²⁸ values is refused.
 *
 * @throws {UnknownNameError | OptionError} where they do not describe a model
 */
export function createModelFrom(name: unknown, hparams: unknown): SomeModel {
  const known = parseModelName(name);
  const parsed = parseModelHparams(known, hparams);
  return withParameterBudget(mostElements, (): AnyModule => createModel(known, parsed));
}

/** Shape of the images that a model is made for, [H, W, C]. */
export function modelInputShape(name: ModelName): readonly number[] {
  return entryOfModel(parseModelName(name))?.inputShape ?? cifar;
}
