/** Powder patterns as a diffractometer records them: peaks with width on a background, with counting noise. */
import { checkGenerator, checkInteger, isNumber } from "../../arguments/check.ts";
import { describeValue } from "../../arguments/describe.ts";
import { OptionError } from "../../arguments/option-error.ts";
import { refuseUnknownOptions } from "../../arguments/options.ts";
import { defaultGenerator, type Generator } from "../../random/index.ts";
import { BRAVAIS_LATTICES, type BravaisLattice } from "./bravais.ts";
import { checkLattice, randomCell } from "./cell.ts";
import {
  type Atom,
  type Crystal,
  checkCrystal,
  type ReflectionOptions,
  reflectionOptionNames,
  reflections,
} from "./reflections.ts";

export interface PatternOptions extends ReflectionOptions {
  /** Number of equally spaced angles. */
  readonly points?: number;
  /** Full width of the peaks at half their height, in degrees 2θ. */
  readonly fwhm?: number;
  /** How much of a peak is Lorentzian, 0 to 1; the rest is Gaussian. */
  readonly mixing?: number;
  /** What is added everywhere, as a part of the strongest peak. */
  readonly background?: number;
  /** Counts at the top of the strongest peak: their square root is the noise. None where it is left out. */
  readonly counts?: number;
  /** What the noise is drawn from. */
  readonly generator?: Generator;
}

/** The names of {@link PatternOptions}. */
const patternOptionNames = [
  ...reflectionOptionNames,
  ...(["points", "fwhm", "mixing", "background", "counts", "generator"] as const),
];

const RANGE = [5, 90] as const;
/** Peaks are drawn up to so many widths from their middle. */
const REACH = 20;

/**
 * A crystal's powder pattern.
 * @returns `points` numbers; the strongest is about 1, and exactly 1 without noise
 * @throws {OptionError} naming the argument that is none; {RangeError} when an option is impossible
 */
export function powderPattern(crystal: Crystal, options: PatternOptions = {}): Float32Array {
  checkCrystal("powderPattern", crystal);
  refuseUnknownOptions("powderPattern", options, patternOptionNames);
  const { points = 3400, fwhm = 0.15, mixing = 0.5, background = 0, counts, generator = defaultGenerator } = options;
  checkGenerator("powderPattern", generator);
  const { twoTheta = RANGE } = options;
  const checks: [string, unknown, boolean, string][] = [
    ["points", points, Number.isInteger(points) && points >= 2, "a whole number of at least 2"],
    ["fwhm", fwhm, isNumber(fwhm, Number.MIN_VALUE, 89.999), "a positive number of degrees"],
    ["mixing", mixing, isNumber(mixing, 0, 1), "a number from 0 to 1"],
    ["background", background, isNumber(background, 0, Number.MAX_VALUE), "a finite number >= 0"],
    ["counts", counts, counts === undefined || isNumber(counts, Number.MIN_VALUE), "a positive number"],
  ];
  for (const [name, value, holds, expected] of checks) {
    if (!holds) {
      throw new RangeError(`A powder pattern's ${name} is ${expected}; got ${value}.`);
    }
  }
  const { wavelength } = options;
  const lines = reflections(crystal, { twoTheta, ...(wavelength !== undefined && { wavelength }) });
  const [from, to] = twoTheta;
  const step = (to - from) / (points - 1);
  const exact = new Float64Array(points);
  for (const { twoTheta, intensity } of lines) {
    const first = Math.max(0, Math.ceil((twoTheta - REACH * fwhm - from) / step));
    const last = Math.min(points - 1, Math.floor((twoTheta + REACH * fwhm - from) / step));
    for (let i = first; i <= last; i++) {
      const x = ((from + i * step - twoTheta) / fwhm) * 2;
      const shape = mixing / (1 + x * x) + (1 - mixing) * Math.exp(-Math.LN2 * x * x);
      exact[i] = (exact[i] ?? 0) + intensity * shape;
    }
  }
  const strongest = exact.reduce((a, b) => Math.max(a, b), 0);
  const pattern = new Float32Array(points);
  for (let i = 0; i < points; i++) {
    const value = (strongest === 0 ? 0 : (exact[i] ?? 0) / strongest) + background;
    // Many counts are normally distributed about their mean; none are negative.
    pattern[i] = counts === undefined ? value / (1 + background) : noisy(value, counts, generator) / (1 + background);
  }
  return pattern;
}

function noisy(value: number, counts: number, generator: Generator): number {
  return Math.max(0, value + Math.sqrt(value / counts) * generator.normal());
}

/** A number, or a range from which one is drawn for every pattern. */
export type Drawn = number | readonly [low: number, high: number];

export interface GeneratorOptions extends Omit<PatternOptions, "background" | "counts" | "fwhm" | "generator"> {
  /** Patterns of each lattice. */
  readonly patternsPerLattice?: number;
  /** Which lattices, by their places in {@link BRAVAIS_LATTICES}; all where they are left out. */
  readonly lattices?: readonly number[];
  /** Most atoms at a lattice point; places and electrons are drawn. */
  readonly maxAtoms?: number;
  readonly fwhm?: Drawn;
  readonly background?: Drawn;
  readonly counts?: Drawn;
  readonly generator?: Generator;
}

/** Patterns and what they are of. */
export interface LabelledPatterns {
  /** One pattern after the other. */
  readonly data: Float32Array;
  /** Numbers in a pattern. */
  readonly points: number;
  /** Each pattern's lattice, by its place in {@link BRAVAIS_LATTICES}. */
  readonly labels: Int32Array;
}

/**
 * Patterns of random crystals, lattice after lattice.
 * @throws {OptionError} naming the option that is none; {RangeError} when one is impossible
 */
export function generatePatterns(options: GeneratorOptions = {}): LabelledPatterns {
  const owner = "generatePatterns";
  const own = ["patternsPerLattice", "lattices", "maxAtoms"] as const;
  refuseUnknownOptions(owner, options, [...own, ...patternOptionNames]);
  const {
    patternsPerLattice = 100,
    lattices = BRAVAIS_LATTICES.map((_, i) => i),
    maxAtoms = 4,
    fwhm = [0.08, 0.25],
    background = 0,
    counts = [2_000, 20_000],
    points = 3400,
    generator = defaultGenerator,
  } = options;
  const { wavelength, twoTheta, mixing } = options;
  checkInteger(owner, "patternsPerLattice", patternsPerLattice, 0);
  checkInteger(owner, "maxAtoms", maxAtoms, 1);
  checkInteger(owner, "points", points, 2);
  for (const [name, value] of Object.entries({ fwhm, background, counts })) {
    const range = Array.isArray(value) && value.length === 2 && value[0] <= value[1] ? value : [value];
    if (!range.every((limit) => isNumber(limit, 0, Number.MAX_VALUE))) {
      throw new OptionError(owner, name, value, "a number of at least 0, or a range [low, high] of such");
    }
  }
  checkGenerator(owner, generator);
  if (!Array.isArray(lattices)) {
    throw new OptionError(owner, "lattices", lattices, "a list of places in BRAVAIS_LATTICES");
  }
  const chosen = lattices.map((place) => {
    const lattice = typeof place === "number" ? BRAVAIS_LATTICES[place] : undefined;
    if (lattice === undefined) {
      const most = BRAVAIS_LATTICES.length - 1;
      throw new RangeError(`A lattice has a number from 0 to ${most}; got ${describeValue(place)}.`);
    }
    return [place, lattice] as const;
  });
  const data = new Float32Array(chosen.length * patternsPerLattice * points);
  const labels = new Int32Array(chosen.length * patternsPerLattice);
  const draw = (value: Drawn): number => (typeof value === "number" ? value : generator.uniform(value[0], value[1]));
  const shared = {
    ...(wavelength !== undefined && { wavelength }),
    ...(twoTheta !== undefined && { twoTheta }),
    ...(mixing !== undefined && { mixing }),
  };
  let n = 0;
  for (const [place, lattice] of chosen) {
    for (let i = 0; i < patternsPerLattice; i++, n++) {
      const crystal = randomCrystal(lattice, { maxAtoms, generator });
      const drawn = { fwhm: draw(fwhm), background: draw(background), counts: draw(counts) };
      data.set(powderPattern(crystal, { ...shared, ...drawn, points, generator }), n * points);
      labels[n] = place;
    }
  }
  return { data, points, labels };
}

/**
 * A crystal with a random cell and one to `maxAtoms` random atoms at each lattice point, which give its lines random strengths.
 *
 * @throws {OptionError} naming the argument that is wrong
 */
export function randomCrystal(
  lattice: BravaisLattice,
  options: { readonly maxAtoms?: number; readonly generator?: Generator } = {},
): Crystal {
  checkLattice("randomCrystal", lattice);
  refuseUnknownOptions("randomCrystal", options, ["maxAtoms", "generator"]);
  const { maxAtoms = 4, generator = defaultGenerator } = options;
  checkInteger("randomCrystal", "maxAtoms", maxAtoms, 1);
  checkGenerator("randomCrystal", generator);
  const cell = randomCell(lattice, generator);
  const count = generator.integer(1, maxAtoms + 1);
  const atoms = Array.from({ length: count }, (_, i): Atom => {
    const place = (): number => (i === 0 ? 0 : generator.uniformFloat());
    return { position: [place(), place(), place()], electrons: generator.integer(5, 60) };
  });
  return { cell, centring: lattice.centring, atoms };
}
