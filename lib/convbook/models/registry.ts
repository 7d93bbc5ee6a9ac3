/**
 * Models by name, for programs and files that choose one at run time. Somebody who wants to learn an architecture reads its own file.
 */
import {
  type ActivationName,
  type AnyModule,
  activationNames,
  OptionError,
  parseActivationName,
  UnknownNameError,
  withParameterBudget,
} from "../nn/index.ts";
import { Cifar100ResNet, type Cifar100ResNetHparams } from "./cifar100-resnet.ts";
import { DenseNet, type DenseNetHparams } from "./densenet.ts";
import { GoogleNet, type GoogleNetHparams } from "./googlenet.ts";
import {
  type ImageNetBlockName,
  type ImageNetPresetHparams,
  type ImageNetPresetName,
  ImageNetResNet,
  type ImageNetResNetHparams,
  imageNetBlocksByName,
  imageNetResNet,
  normLayersByName,
} from "./imagenet-resnet.ts";
import { ResNet, type ResNetBlockName, type ResNetHparams, resNetBlocksByName } from "./resnet.ts";

/** A parser of one hyper-parameter's value: returns it, or throws an error that names the model and the hyper-parameter. */
type ParseValue<T> = (owner: string, option: string, value: unknown) => T;

/** Parsers for all hyper-parameters of an interface. */
type Parsers<H> = { readonly [K in keyof H]-?: ParseValue<NonNullable<H[K]>> };

interface Entry<H, M extends AnyModule> {
  readonly parsers: Parsers<H>;
  readonly create: (hparams: H) => M;
  /** Size of the images that it is made for, [H, W, C]. */
  readonly inputShape: readonly number[];
}

/** Bounds that keep a hostile file from asking for a model that fills the memory. */
const maxWidth = 65_536;
const maxGroups = 64;

function integer(minimum: number, maximum: number): ParseValue<number> {
  return (owner, option, value) => {
    const number = typeof value === "bigint" ? Number(value) : value;
    if (typeof number !== "number" || !Number.isInteger(number) || number < minimum || number > maximum) {
      throw new OptionError(owner, option, value, `a whole number from ${minimum} to ${maximum}`);
    }
    return number;
  };
}

function integers(minimum: number, maximum: number): ParseValue<readonly number[]> {
  const one = integer(minimum, maximum);
  return (owner, option, value) => {
    if (!Array.isArray(value) || value.length < 1 || value.length > maxGroups) {
      throw new OptionError(owner, option, value, `a list of 1 to ${maxGroups} whole numbers`);
    }
    return value.map((item, i) => one(owner, `${option}[${i}]`, item));
  };
}

const activationName: ParseValue<ActivationName> = (owner, option, value) => {
  if (typeof value !== "string") throw new OptionError(owner, option, value, `one of ${activationNames.join(", ")}`);
  return parseActivationName(value);
};

function choice<T extends string>(kind: string, names: readonly T[]): ParseValue<T> {
  return (owner, option, value) => {
    if (typeof value !== "string") throw new OptionError(owner, option, value, `one of ${names.join(", ")}`);
    const found = names.find((name) => name === value);
    if (found === undefined) throw new UnknownNameError(kind, value, names);
    return found;
  };
}

const classes = integer(1, maxWidth);
const width = integer(1, maxWidth);
const count = integer(1, 1024);
const cifar = [32, 32, 3] as const;
const imageNet = [224, 224, 3] as const;

const googleNetParsers: Parsers<GoogleNetHparams> = { numClasses: classes, actFnName: activationName };

const resNetParsers: Parsers<ResNetHparams> = {
  numClasses: classes,
  numBlocks: integers(1, 1024),
  cHidden: integers(1, maxWidth),
  actFnName: activationName,
  blockName: choice("residual block", Object.keys(resNetBlocksByName) as ResNetBlockName[]),
};

const denseNetParsers: Parsers<DenseNetHparams> = {
  numClasses: classes,
  numLayers: integers(1, 1024),
  bnSize: count,
  growthRate: width,
  actFnName: activationName,
};

const boolean: ParseValue<boolean> = (owner, option, value) => {
  if (typeof value !== "boolean") throw new OptionError(owner, option, value, "true or false");
  return value;
};

const booleans: ParseValue<readonly boolean[]> = (owner, option, value) => {
  if (!Array.isArray(value) || value.length > maxGroups)
    throw new OptionError(owner, option, value, "a list of truth values");
  return value.map((item, i) => boolean(owner, `${option}[${i}]`, item));
};

const presetParsers: Parsers<ImageNetPresetHparams> = {
  planes: integer(1, 1024),
  numClasses: classes,
  zeroInitResidual: boolean,
  widthPerGroup: integer(1, 1024),
  replaceStrideWithDilation: booleans,
  normLayer: choice("normalisation", Object.keys(normLayersByName) as (keyof typeof normLayersByName)[]),
};

const imageNetParsers: Parsers<ImageNetResNetHparams> = {
  ...presetParsers,
  blockName: choice("residual block", Object.keys(imageNetBlocksByName) as ImageNetBlockName[]),
  layers: integers(1, 1024),
  groups: integer(1, 1024),
};

const cifar100Parsers: Parsers<Cifar100ResNetHparams> = {
  inChannels: integer(1, 1024),
  numClasses: classes,
  width: integer(1, 1024),
  shared: boolean,
};

const entry = <H, M extends AnyModule>(value: Entry<H, M>) => value;

const preset = (name: ImageNetPresetName) =>
  entry({ parsers: presetParsers, create: (hparams) => imageNetResNet(name, hparams), inputShape: imageNet });

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
  ImageNetResNet: entry({
    parsers: imageNetParsers,
    create: (hparams) => new ImageNetResNet(hparams),
    inputShape: imageNet,
  }),
  resnet18: preset("resnet18"),
  resnet34: preset("resnet34"),
  resnet50: preset("resnet50"),
  resnet101: preset("resnet101"),
  resnet152: preset("resnet152"),
  resnext50_32x4d: preset("resnext50_32x4d"),
  resnext101_32x8d: preset("resnext101_32x8d"),
  wide_resnet50_2: preset("wide_resnet50_2"),
  wide_resnet101_2: preset("wide_resnet101_2"),
} as const;

type Registry = typeof registry;

/** Name of a model. */
export type ModelName = keyof Registry;

/** Hyper-parameters of each model. */
export type ModelHparams = { [N in ModelName]: NonNullable<Parameters<Registry[N]["create"]>[0]> };

/** The class of each model. */
export type ModelByName = { [N in ModelName]: ReturnType<Registry[N]["create"]> };

/** Names of all models. */
export const modelNames = Object.keys(registry) as readonly ModelName[];

/**
 * The name of a model, checked.
 *
 * @throws {UnknownNameError} with the nearest right names
 */
export function parseModelName(name: unknown): ModelName {
  if (typeof name !== "string") throw new OptionError("A model", "name", name, `one of ${modelNames.join(", ")}`);
  if (!Object.hasOwn(registry, name)) throw new UnknownNameError("model", name, modelNames);
  return name as ModelName;
}

/** Python's num_classes as numClasses; other names stay. */
function camelCase(name: string): string {
  return name.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

function entriesOf(owner: string, hparams: unknown): [string, unknown][] {
  if (hparams === undefined || hparams === null) return [];
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
    if (typeof key !== "string") throw new OptionError(owner, "the name of a hyper-parameter", key, "a string");
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
  const parsers = registry[name].parsers as Readonly<Record<string, ParseValue<unknown>>>;
  const parsed: [string, unknown][] = [];
  for (const [given, value] of entriesOf(name, hparams)) {
    const option = camelCase(given);
    const parse = Object.hasOwn(parsers, option) ? parsers[option] : undefined;
    if (parse === undefined) throw new UnknownNameError(`hyper-parameter of ${name}`, given, Object.keys(parsers));
    parsed.push([option, parse(name, option, value)]);
  }
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
  const create = registry[known].create as (hparams: unknown) => ModelByName[N];
  return create(parseModelHparams(known, hparams));
}

/** The most values that a model described by a file may have: a gibibyte, twice the largest network here. */
const mostElements = 2 ** 28;

/**
 * Builds a model from untrusted data: a name and hyper-parameters as a checkpoint holds them. A network of more than 2²⁸ values is refused.
 *
 * @throws {UnknownNameError | OptionError} where they do not describe a model
 */
export function createModelFrom(name: unknown, hparams: unknown): ModelByName[ModelName] {
  const known = parseModelName(name);
  const parsed = parseModelHparams(known, hparams);
  return withParameterBudget(mostElements, () => createModel(known, parsed));
}

/** Shape of the images that a model is made for, [H, W, C]. */
export function modelInputShape(name: ModelName): readonly number[] {
  return registry[parseModelName(name)].inputShape;
}
