/** Which lines a powder shows, where and how strong: W. L. Bragg's law and the kinematic theory of scattering. */

import { found } from "../../arguments/found.ts";
import { OptionError } from "../../arguments/option-error.ts";
import { checkObject, refuseUnknownOptions } from "../../arguments/options.ts";
import { type Centring, isAllowed } from "./bravais.ts";
import { checkCell, inverseSquareSpacing, reciprocalMetric, type UnitCell } from "./cell.ts";

/** Copper's Kα1 line, in ångström: the usual laboratory radiation. */
export const CU_K_ALPHA1 = 1.540598;

/** An atom in the cell. */
export interface Atom {
  /** Its place, as parts of the cell's sides. */
  readonly position: readonly [x: number, y: number, z: number];
  /** Number of its electrons, to which its scattering is proportional. */
  readonly electrons: number;
}

export interface Crystal {
  readonly cell: UnitCell;
  readonly centring: Centring;
  /** The atoms at one lattice point; those at the cell's other lattice points follow from the centring. One atom where they are left out. */
  readonly atoms?: readonly Atom[];
}

/** A line of a powder pattern: all planes of one distance. */
export interface Reflection {
  /** One of the planes' indices. */
  readonly hkl: readonly [h: number, k: number, l: number];
  /** Distance of the planes in ångström. */
  readonly d: number;
  /** Twice the angle of incidence, in degrees. */
  readonly twoTheta: number;
  /** How many planes have this distance. */
  readonly multiplicity: number;
  /** Strength relative to the strongest line, 0 to 1. */
  readonly intensity: number;
}

export interface ReflectionOptions {
  /** Wavelength in ångström. */
  readonly wavelength?: number;
  /** Range of angles 2θ in degrees. */
  readonly twoTheta?: readonly [from: number, to: number];
}

/** The names of {@link ReflectionOptions}. */
export const reflectionOptionNames = ["wavelength", "twoTheta"] as const;

/** Lines weaker than this are left out; structure factors that are 0 come out as 1e-30. */
const WEAKEST = 1e-9;

/**
 * The lines of a crystal's powder pattern, by angle.
 * @throws {OptionError} naming the argument that is none
 * @throws {RangeError} when the cell, the wavelength or the range is impossible, or there are no atoms, or one's place or electrons are not finite
 */
export function reflections(crystal: Crystal, options: ReflectionOptions = {}): Reflection[] {
  checkCrystal("reflections", crystal);
  refuseUnknownOptions("reflections", options, reflectionOptionNames);
  const { cell, centring, atoms = [{ position: [0, 0, 0], electrons: 1 }] } = crystal;
  const { wavelength = CU_K_ALPHA1, twoTheta = [5, 90] } = options;
  if (typeof wavelength !== "number") {
    throw new OptionError("reflections", "wavelength", wavelength, "a positive number of ångström");
  }
  checkRange("reflections", twoTheta);
  const [from, to] = twoTheta;
  if (!(wavelength > 0) || !(from >= 0 && from < to && to < 180)) {
    throw new RangeError(
      `Lines are looked for with a positive wavelength and a twoTheta of 0 <= from < to < 180; got ${wavelength}, ${from}, ${to}.`,
    );
  }
  checkAtoms(atoms);
  const metric = reciprocalMetric(cell);
  const sinTheta = (degrees: number): number => Math.sin((degrees * Math.PI) / 360);
  const least = ((2 * sinTheta(from)) / wavelength) ** 2;
  const most = ((2 * sinTheta(to)) / wavelength) ** 2;
  // |h| <= a / d, whatever the angles.
  const largest = (side: number): number => Math.floor(side * Math.sqrt(most));
  const [maxH, maxK, maxL] = [largest(cell.a), largest(cell.b), largest(cell.c)];
  const planes: { readonly hkl: readonly [number, number, number]; readonly q: number; readonly power: number }[] = [];
  for (let h = -maxH; h <= maxH; h++) {
    for (let k = -maxK; k <= maxK; k++) {
      for (let l = -maxL; l <= maxL; l++) {
        if (!isAllowed(centring, h, k, l)) {
          continue;
        }
        const q = inverseSquareSpacing(metric, h, k, l);
        if (q < least || q > most || q === 0) {
          continue;
        }
        planes.push({ hkl: [h, k, l], q, power: structureFactorSquared(atoms, h, k, l) });
      }
    }
  }
  planes.sort((a, b) => a.q - b.q || preference(b.hkl) - preference(a.hkl));
  const lines: Reflection[] = [];
  for (let start = 0, end = 0; start < planes.length; start = end) {
    const first = found(planes[start], "A lattice plane");
    let power = 0;
    let best = first.hkl;
    for (; end < planes.length; end++) {
      const plane = found(planes[end], "A lattice plane");
      if (plane.q > first.q * (1 + 1e-9)) {
        break;
      }
      power += plane.power;
      if (preference(plane.hkl) > preference(best)) {
        best = plane.hkl;
      }
    }
    const sin = (wavelength * Math.sqrt(first.q)) / 2;
    const twoTheta = (360 / Math.PI) * Math.asin(sin);
    const intensity = power * formFactor(first.q / 4) ** 2 * lorentzPolarisation(twoTheta);
    lines.push({ hkl: best, d: 1 / Math.sqrt(first.q), twoTheta, multiplicity: end - start, intensity });
  }
  const strongest = lines.reduce((max, { intensity }) => Math.max(max, intensity), 0);
  return lines
    .map((line) => ({ ...line, intensity: strongest === 0 ? 0 : line.intensity / strongest }))
    .filter(({ intensity }) => intensity > WEAKEST);
}

/** The Lorentz factor of a powder and the polarisation of unpolarised rays: (1 + cos² 2θ) / (sin² θ cos θ). */
export function lorentzPolarisation(twoTheta: number): number {
  if (typeof twoTheta !== "number" || !(twoTheta > 0 && twoTheta < 180)) {
    throw new OptionError("lorentzPolarisation", "twoTheta", twoTheta, "an angle between 0 and 180 degrees");
  }
  const theta = (twoTheta * Math.PI) / 360;
  return (1 + Math.cos(2 * theta) ** 2) / (Math.sin(theta) ** 2 * Math.cos(theta));
}

/** @throws {OptionError} where this is no range of angles */
export function checkRange(owner: string, twoTheta: readonly [number, number]): void {
  if (!Array.isArray(twoTheta) || twoTheta.length !== 2 || !twoTheta.every((angle) => typeof angle === "number")) {
    throw new OptionError(owner, "twoTheta", twoTheta, "two angles in degrees, [from, to]");
  }
}

/** @throws {OptionError} where this is no crystal */
export function checkCrystal(owner: string, crystal: Crystal): void {
  checkObject(owner, "crystal", crystal, "an object with cell and centring");
  checkCell(owner, "crystal.cell", crystal.cell);
  isAllowed(crystal.centring, 0, 0, 0);
}

function checkAtoms(atoms: readonly Atom[]): void {
  if (!Array.isArray(atoms) || !atoms.every((atom) => Array.isArray(atom?.position) && atom.position.length === 3)) {
    throw new OptionError("reflections", "crystal.atoms", atoms, "a list of { position: [x, y, z], electrons }");
  }
  if (atoms.length === 0) {
    throw new RangeError(
      "A crystal has at least one atom at each lattice point; got none. Without `atoms` there is one.",
    );
  }
  for (const [i, { position, electrons }] of (atoms as readonly Atom[]).entries()) {
    if (![...position, electrons].every(Number.isFinite)) {
      throw new RangeError(
        `Atom ${i} needs a finite place and number of electrons; got [${position.join(", ")}] and ${electrons}.`,
      );
    }
  }
}

/** |F|² of one lattice point's atoms: the square of the sum of their waves. */
function structureFactorSquared(atoms: readonly Atom[], h: number, k: number, l: number): number {
  let real = 0;
  let imaginary = 0;
  for (const { position, electrons } of atoms) {
    const phase = 2 * Math.PI * (h * position[0] + k * position[1] + l * position[2]);
    real += electrons * Math.cos(phase);
    imaginary += electrons * Math.sin(phase);
  }
  return real * real + imaginary * imaginary;
}

/**
 * How an atom's scattering falls with s² = (sin θ / λ)², as a part of its value forward. A rough mean of the elements' tabulated form
 * factors with thermal motion: outer electrons fade soon, inner ones late.
 */
function formFactor(s2: number): number {
  return 0.5 * Math.exp(-12 * s2) + 0.5 * Math.exp(-2.5 * s2);
}

/** Of a line's many indices the positive ones, largest first, are written. */
function preference([h, k, l]: readonly [number, number, number]): number {
  const positive = [h, k, l].filter((index) => index >= 0).length;
  return positive * 1e9 + h * 1e6 + k * 1e3 + l;
}
