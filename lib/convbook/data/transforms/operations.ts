/**
 * The changes that learned and random policies choose from (RandAugment, TrivialAugmentWide, AutoAugment), each by torchvision's name,
 * with the strengths that it has in each policy. The pictures are those that torchvision makes of Pillow's images.
 */
import { describeValue } from "../../arguments/describe.ts";
import type { Generator } from "../../random/index.ts";
import type { ImageData8 } from "../sample.ts";
import { type AffineParameters, affineMatrix, transformAffine } from "./affine.ts";
import {
  adjustBrightness,
  adjustContrast,
  adjustSaturation,
  adjustSharpness,
  autocontrast,
  equalize,
  invert,
  posterize,
  solarize,
} from "./color.ts";
import { rotate } from "./random-affine.ts";
import { roundHalfEven } from "./transform.ts";

/** How what comes in from outside looks. */
export interface OperationOptions {
  readonly interpolation?: "nearest" | "bilinear";
  /** What comes in from outside, 0 to 255 in every channel. */
  readonly fill?: number;
}

type Change = (image: ImageData8, strength: number, options: Required<OperationOptions>) => ImageData8;

/** Every operation, in the order in which RandAugment and TrivialAugmentWide number them; `Invert` is AutoAugment's alone. */
const changes = {
  Identity: (image) => image,
  ShearX: (image, s, options) => moved(image, { shear: [degrees(Math.atan(s)), 0] }, options, [0, 0]),
  ShearY: (image, s, options) => moved(image, { shear: [0, degrees(Math.atan(s))] }, options, [0, 0]),
  TranslateX: (image, s, options) => moved(image, { translate: [Math.trunc(s), 0] }, options),
  TranslateY: (image, s, options) => moved(image, { translate: [0, Math.trunc(s)] }, options),
  Rotate: rotate,
  Brightness: (image, s) => adjustBrightness(image, 1 + s),
  Color: (image, s) => adjustSaturation(image, 1 + s),
  Contrast: (image, s) => adjustContrast(image, 1 + s),
  Sharpness: (image, s) => adjustSharpness(image, 1 + s),
  Posterize: posterize,
  Solarize: solarize,
  AutoContrast: autocontrast,
  Equalize: equalize,
  Invert: invert,
} as const satisfies Readonly<Record<string, Change>>;

/** An operation's name in torchvision. */
export type OperationName = keyof typeof changes;

/** Makes one change of an image. @param strength in the operation's own unit: degrees, pixels, bits, or a part */
export function applyOperation(
  image: ImageData8,
  name: OperationName,
  strength: number,
  options: Required<OperationOptions>,
): ImageData8 {
  const change: Change = changes[name];
  return change(image, strength, options);
}

/** How strong an operation is, in a policy that numbers its strengths. */
export interface Scale {
  /** Whether the strength's sign is drawn. */
  readonly signed: boolean;
  /** The strength number `bin` of `bins`; undefined where the operation has none. */
  readonly strength?: (bin: number, bins: number, height: number, width: number) => number;
}

/** The largest strengths of a policy. */
export interface Limits {
  readonly shear: number;
  /** Pixels, of a side of so many. */
  readonly translate: (side: number) => number;
  readonly degrees: number;
  /** By how much factors of brightness, colour, contrast and sharpness differ from 1. */
  readonly factor: number;
  /** How many of the eight bits are lost. */
  readonly lostBits: number;
}

/** The scales of a policy, by the operations' names and in their order. */
export function scales(limits: Limits): Readonly<Record<OperationName, Scale>> {
  const upTo = (end: number): Scale => ({ signed: true, strength: (bin, bins) => linspace(0, end, bin, bins) });
  const plain: Scale = { signed: false };
  return {
    Identity: plain,
    ShearX: upTo(limits.shear),
    ShearY: upTo(limits.shear),
    TranslateX: {
      signed: true,
      strength: (bin, bins, _, width) => linspace(0, limits.translate(width), bin, bins),
    },
    TranslateY: { signed: true, strength: (bin, bins, height) => linspace(0, limits.translate(height), bin, bins) },
    Rotate: upTo(limits.degrees),
    Brightness: upTo(limits.factor),
    Color: upTo(limits.factor),
    Contrast: upTo(limits.factor),
    Sharpness: upTo(limits.factor),
    Posterize: {
      signed: false,
      strength: (bin, bins) => 8 - roundHalfEven(Math.fround(bin / ((bins - 1) / limits.lostBits))),
    },
    Solarize: { signed: false, strength: (bin, bins) => linspace(255, 0, bin, bins) },
    AutoContrast: plain,
    Equalize: plain,
    Invert: plain,
  };
}

/** What RandAugment and TrivialAugmentWide draw from, by its number. */
export const drawnOperations: readonly OperationName[] = (Object.keys(changes) as OperationName[]).filter(
  (name) => name !== "Invert",
);

/** The names of {@link OperationOptions}. */
export const operationOptionNames = ["interpolation", "fill"] as const;

/** @throws {RangeError} naming the policy and the option that is not as described */
export function parseOperationOptions(
  owner: string,
  { interpolation = "nearest", fill = 0 }: OperationOptions,
): Required<OperationOptions> {
  if (interpolation !== "nearest" && interpolation !== "bilinear") {
    throw new RangeError(`${owner}'s interpolation is "nearest" or "bilinear"; got ${describeValue(interpolation)}.`);
  }
  return { interpolation, fill: parseWhole(owner, "fill", fill, 0, 255) };
}

/** @throws {RangeError} unless the value is a whole number from low to high */
export function parseWhole(
  owner: string,
  name: string,
  value: number,
  low: number,
  high = Number.POSITIVE_INFINITY,
): number {
  if (Number.isInteger(value) && value >= low && value <= high) {
    return value;
  }
  const range = high === Number.POSITIVE_INFINITY ? `of at least ${low}` : `from ${low} to ${high}`;
  throw new RangeError(`${owner}'s ${name} is a whole number ${range}; got ${describeValue(value)}.`);
}

/** The strength with a drawn sign where the scale has one, as RandAugment draws it. */
export function signedStrength(scale: Scale, strength: number, generator: Generator): number {
  return scale.signed && generator.integer(0, 2) === 1 ? -strength : strength;
}

/** How many numbers PyTorch's processors (AVX2) make at once; two such groups at least, or one by one. */
const LANES = 8;

/**
 * Number `bin` of `bins` equally spaced ones from `start` to `end`, in float32 as `torch.linspace` has it: counted from the nearer end, and
 * the numbers of a group from its first. (On processors with AVX-512 PyTorch's groups are twice as large, and last bits others.)
 */
function linspace(start: number, end: number, bin: number, bins: number): number {
  const f = Math.fround;
  const step = f(f(f(end) - f(start)) / (bins - 1));
  const grouped = bin < bins - (bins % (2 * LANES));
  const first = grouped ? bin - (bin % LANES) : bin;
  const base = first < Math.floor(bins / 2) ? f(f(start) + step * first) : f(f(end) - step * (bins - first - 1));
  return grouped ? f(base + f(step * (bin - first))) : base;
}

function moved(
  image: ImageData8,
  parameters: AffineParameters,
  { interpolation, fill }: Required<OperationOptions>,
  center?: readonly [number, number],
): ImageData8 {
  const [height = 0, width = 0] = image.shape;
  return transformAffine(image, affineMatrix(center ?? [width * 0.5, height * 0.5], parameters), interpolation, fill);
}

const degrees = (radians: number): number => (radians * 180) / Math.PI;
