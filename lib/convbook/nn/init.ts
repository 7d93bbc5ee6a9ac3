/**
 * Initialisation of parameters in place, with PyTorch's definitions (torch.nn.init) and its order of random draws, so that a seed gives the
 * weights that it gives there. Draws are made in PyTorch's layout, whatever the layout in memory.
 *
 * He et al., "Delving Deep into Rectifiers", 2015; Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural
 * networks", 2010.
 */

import { checkFunction, checkGenerator, checkNumber } from "../arguments/check.ts";
import { floatsOfNormals } from "../random/fill.ts";
import { defaultGenerator, fillNormal, fillUniform, type Generator } from "../random/index.ts";
import { erf, erfinv } from "./erf.ts";
import { OptionError, refuseUnknownOptions, UnknownNameError } from "./errors.ts";
import type { Parameter } from "./parameter.ts";

export { type WhiteningOptions, whitening_ } from "./whitening.ts";

/** What random initialisations draw from; the default generator when left out. */
export interface InitOptions {
  readonly generator?: Generator;
}

/** Options of the Kaiming initialisations. */
export interface KaimingOptions extends InitOptions {
  /** Negative slope of a leaky ReLU; only used with it. 0 by default. */
  readonly a?: number;
  /** Keep the variance of activations ("fanIn", the default) or of gradients ("fanOut"). */
  readonly mode?: "fanIn" | "fanOut";
  /** Name of the activation that follows; PyTorch's default is a leaky ReLU (of slope `a`). */
  readonly nonlinearity?: string;
}

/**
 * Numbers of inputs and outputs of one unit: dimensions 1 and 0 of PyTorch's shape, times the size of the receptive field.
 *
 * @throws {OptionError} for fewer than two dimensions
 */
export function calculateFanInAndFanOut(parameter: { readonly shape: readonly number[] }): {
  fanIn: number;
  fanOut: number;
} {
  const shape: unknown = parameter?.shape;
  if (!Array.isArray(shape)) {
    throw new OptionError("calculateFanInAndFanOut", "parameter", parameter, "a parameter");
  }
  if (shape.length < 2) {
    throw new OptionError("calculateFanInAndFanOut", "shape", shape, "of at least two dimensions");
  }
  const [outputs, inputs, ...places] = shape;
  const field = places.reduce((product, n) => product * n, 1);
  return { fanIn: inputs * field, fanOut: outputs * field };
}

const rectifierGain = Math.SQRT2;
const gains: Readonly<Record<string, (slope: number) => number>> = {
  linear: () => 1,
  identity: () => 1,
  sigmoid: () => 1,
  // PyTorch gives no gain for it; it is a sigmoid in all but the bends.
  hardsigmoid: () => 1,
  conv1d: () => 1,
  conv2d: () => 1,
  tanh: () => 5 / 3,
  relu: () => rectifierGain,
  leakyrelu: (slope) => Math.sqrt(2 / (1 + slope ** 2)),
  selu: () => 3 / 4,
  // PyTorch gives no gain for these; they are rectifiers in all but the neighbourhood of zero, so they take the rectifier's.
  relu6: () => rectifierGain,
  gelu: () => rectifierGain,
  silu: () => rectifierGain,
  swish: () => rectifierGain,
  mish: () => rectifierGain,
  hardswish: () => rectifierGain,
  softplus: () => rectifierGain,
  elu: () => rectifierGain,
};

/**
 * Factor by which weights must exceed 1 / √fan so that the variance stays through the activation of this name.
 *
 * @param nonlinearity name of the activation; "leaky_relu" and "leakyrelu" are one
 * @param slope negative slope of a leaky ReLU, 0.01 by default
 * @throws {UnknownNameError} with the nearest names
 */
export function calculateGain(nonlinearity: string, slope = 0.01): number {
  if (typeof nonlinearity !== "string") {
    throw new UnknownNameError("nonlinearity", nonlinearity, Object.keys(gains));
  }
  checkNumber("calculateGain", "slope", slope);
  const name = nonlinearity.toLowerCase().replaceAll(/[-_]/g, "");
  const gain = Object.hasOwn(gains, name) ? gains[name] : undefined;
  if (gain === undefined) {
    throw new UnknownNameError("nonlinearity", nonlinearity, Object.keys(gains));
  }
  return gain(slope);
}

let isSkipped = false;

/**
 * Builds modules without initialising them: parameters stay zero and nothing is drawn. For models whose weights are loaded right after.
 *
 * @param build what builds them
 * @returns what it returned
 *
 * @example
 * const model = init.skipInit(() => new ResNet());
 */
export function skipInit<T>(build: () => T): T {
  checkFunction("skipInit", "build", build);
  const before = isSkipped;
  isSkipped = true;
  try {
    return build();
  } finally {
    isSkipped = before;
  }
}

function checkParameter(owner: string, parameter: Parameter): void {
  if (typeof parameter?.load !== "function") {
    throw new OptionError(owner, "parameter", parameter, "a parameter");
  }
}

function fill(owner: string, parameter: Parameter, write: (values: Float32Array) => void): Parameter {
  checkParameter(owner, parameter);
  if (isSkipped) {
    return parameter;
  }
  const data = new Float32Array(parameter.size);
  write(data);
  parameter.load({ dtype: "float32", shape: parameter.shape, data });
  return parameter;
}

/** From this many numbers on it pays to remember what they are to be drawn from. */
const drawnLater = 4096;

/**
 * Fills with numbers that are drawn when the parameter is first read: those that others replace, as a layer's defaults, are never drawn. The generator goes on
 * as if they had been.
 *
 * @param floats how many of the generator's floats so many numbers take, from {@link drawnLater} on
 */
function drawInto(
  owner: string,
  parameter: Parameter,
  generator: Generator,
  floats: (count: number) => number,
  draw: (values: Float32Array, generator: Generator) => void,
): Parameter {
  checkParameter(owner, parameter);
  if (isSkipped || parameter.size < drawnLater) {
    return fill(owner, parameter, (values) => draw(values, generator));
  }
  // Of nothing: what is wrong with the arguments is said here.
  draw(new Float32Array(0), generator);
  const own = generator.clone();
  generator.skipUniformFloats(floats(parameter.size));
  parameter.loadLater((values) => draw(values, own));
  return parameter;
}

const oneEach = (count: number): number => count;

function generatorOf(owner: string, options: InitOptions): Generator {
  refuseUnknownOptions(owner, options, ["generator"]);
  const { generator = defaultGenerator } = options;
  checkGenerator(owner, generator);
  return generator;
}

/** Numbers from [from, to), [0, 1) by default. */
export function uniform_(parameter: Parameter, from = 0, to = 1, options: InitOptions = {}): Parameter {
  checkNumber("uniform_", "from", from);
  checkNumber("uniform_", "to", to, from);
  const generator = generatorOf("uniform_", options);
  return drawInto("uniform_", parameter, generator, oneEach, (values, own) => fillUniform(values, from, to, own));
}

/** Normally distributed numbers. */
export function normal_(parameter: Parameter, mean = 0, std = 1, options: InitOptions = {}): Parameter {
  checkNumber("normal_", "mean", mean);
  checkNumber("normal_", "std", std, 0);
  const generator = generatorOf("normal_", options);
  return drawInto("normal_", parameter, generator, floatsOfNormals, (values, own) => {
    fillNormal(values, mean, std, own);
  });
}

/** Options of {@link truncNormal_}; the defaults are PyTorch's. */
export interface TruncNormalOptions extends InitOptions {
  readonly mean?: number;
  /** Standard deviation before the ends are cut off, 1 by default. */
  readonly std?: number;
  /** The least value, -2 by default: a value, not a number of standard deviations. */
  readonly a?: number;
  /** The largest value, 2 by default. */
  readonly b?: number;
}

/** Normally distributed numbers, of which none lies outside of [a, b]. */
export function truncNormal_(parameter: Parameter, options: TruncNormalOptions = {}): Parameter {
  refuseUnknownOptions("truncNormal_", options, ["mean", "std", "a", "b", "generator"]);
  const { mean = 0, std = 1, a = -2, b = 2 } = options;
  checkNumber("truncNormal_", "mean", mean);
  if (checkNumber("truncNormal_", "std", std, 0) === 0) {
    throw new OptionError("truncNormal_", "std", std, "a number above 0");
  }
  checkNumber("truncNormal_", "a", a);
  checkNumber("truncNormal_", "b", b, a);
  const generator = generatorOf("truncNormal_", drawing(options));
  // What lies below a bound, from -1 to 1.
  const share = (bound: number) => erf((bound - mean) / std / Math.SQRT2);
  return drawInto("truncNormal_", parameter, generator, oneEach, (values, own) => {
    fillUniform(values, share(a), share(b), own);
    for (let i = 0; i < values.length; i++) {
      // In float32 at each step, as there.
      const scaled = Math.fround(Math.fround(erfinv(values[i] as number)) * std * Math.SQRT2);
      values[i] = Math.min(b, Math.max(a, Math.fround(scaled + mean)));
    }
  });
}

/** One value everywhere. */
export function constant_(parameter: Parameter, value: number): Parameter {
  if (typeof value !== "number" || Number.isNaN(value)) {
    throw new OptionError("constant_", "value", value, "a number");
  }
  return fill("constant_", parameter, (values) => values.fill(value));
}

/** Ones. */
export function ones_(parameter: Parameter): Parameter {
  return constant_(parameter, 1);
}

/** Zeros. */
export function zeros_(parameter: Parameter): Parameter {
  return constant_(parameter, 0);
}

/** Of further options, what is drawn from. */
const drawing = ({ generator }: InitOptions): InitOptions => (generator === undefined ? {} : { generator });

function kaimingStd(owner: string, parameter: Parameter, options: KaimingOptions): number {
  refuseUnknownOptions(owner, options, ["a", "mode", "nonlinearity", "generator"]);
  const { a = 0, mode = "fanIn", nonlinearity = "leakyrelu" } = options;
  checkNumber(owner, "a", a);
  const fans = calculateFanInAndFanOut(parameter);
  const known = { fanIn: fans.fanIn, fanOut: fans.fanOut };
  if (!Object.hasOwn(known, mode)) {
    throw new UnknownNameError("fan mode", mode, Object.keys(known));
  }
  return calculateGain(nonlinearity, a) / Math.sqrt(known[mode]);
}

/** He's uniform initialisation: numbers from (−b, b) with b = gain √(3 / fan). */
export function kaimingUniform_(parameter: Parameter, options: KaimingOptions = {}): Parameter {
  const bound = Math.sqrt(3) * kaimingStd("kaimingUniform_", parameter, options);
  return uniform_(parameter, -bound, bound, drawing(options));
}

/** He's normal initialisation: standard deviation gain / √fan. */
export function kaimingNormal_(parameter: Parameter, options: KaimingOptions = {}): Parameter {
  return normal_(parameter, 0, kaimingStd("kaimingNormal_", parameter, options), drawing(options));
}

/** Glorot's uniform initialisation: numbers from (−b, b) with b = gain √(6 / (fan in + fan out)). */
export function xavierUniform_(parameter: Parameter, gain = 1, options: InitOptions = {}): Parameter {
  checkNumber("xavierUniform_", "gain", gain, 0);
  const { fanIn, fanOut } = calculateFanInAndFanOut(parameter);
  const bound = Math.sqrt(3) * gain * Math.sqrt(2 / (fanIn + fanOut));
  return uniform_(parameter, -bound, bound, options);
}

/** Glorot's normal initialisation: standard deviation gain √(2 / (fan in + fan out)). */
export function xavierNormal_(parameter: Parameter, gain = 1, options: InitOptions = {}): Parameter {
  checkNumber("xavierNormal_", "gain", gain, 0);
  const { fanIn, fanOut } = calculateFanInAndFanOut(parameter);
  return normal_(parameter, 0, gain * Math.sqrt(2 / (fanIn + fanOut)), options);
}

/**
 * The identity as far as it goes: output channel i is input channel i, for the first min(O, I) channels of each group; all others are left as they are
 * with `rest: "keep"`, and are zeros otherwise, as in PyTorch.
 *
 * @param parameter a convolution's weight, [O, I / groups, ...]
 */
export function dirac_(
  parameter: Parameter,
  options: { readonly groups?: number; readonly rest?: "zeros" | "keep" } = {},
): Parameter {
  refuseUnknownOptions("dirac_", options, ["groups", "rest"]);
  const { groups = 1, rest = "zeros" } = options;
  const shape: unknown = parameter?.shape;
  if (!Array.isArray(shape)) {
    throw new OptionError("dirac_", "parameter", parameter, "a parameter");
  }
  const [outputs = 0, inputs = 0, ...places] = shape;
  if (places.length < 1 || places.length > 3) {
    throw new OptionError("dirac_", "shape", shape, "of three to five dimensions, as a convolution's weight has");
  }
  if (!Number.isInteger(groups) || groups < 1 || outputs % groups !== 0) {
    throw new OptionError("dirac_", "groups", groups, `a divisor of the ${outputs} output channels`);
  }
  if (rest !== "zeros" && rest !== "keep") {
    throw new OptionError("dirac_", "rest", rest, '"zeros" or "keep"');
  }
  const before = rest === "keep" ? parameter.toTensorData().data : null;
  return fill("dirac_", parameter, (values) => {
    if (before !== null) {
      values.set(before as Float32Array);
    }
    const field = places.reduce((product, n) => product * n, 1);
    const middle = places.reduce((place, n) => place * n + (n >> 1), 0);
    const each = outputs / groups;
    for (let group = 0; group < groups; group++) {
      for (let channel = 0; channel < Math.min(each, inputs); channel++) {
        const from = (group * each + channel) * inputs * field;
        values.fill(0, from, from + inputs * field);
        values[from + channel * field + middle] = 1;
      }
    }
  });
}
